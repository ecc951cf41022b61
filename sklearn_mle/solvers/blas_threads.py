"""How many threads BLAS may use in a pass over blocks."""

from __future__ import annotations

import functools
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from sklearn_mle.rows.in_memory import PARALLEL_COLUMNS


def suited_to(n_columns: int) -> Any:
    """A context in which BLAS uses one thread for blocks of few columns."""
    return _controller().limit(limits=1 if n_columns <= PARALLEL_COLUMNS else None, user_api="blas")


@functools.cache
def _controller() -> ThreadpoolController:
    """The thread pools of this process; finding them takes a few milliseconds."""
    return ThreadpoolController()
