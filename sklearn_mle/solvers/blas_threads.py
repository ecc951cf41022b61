"""How many threads BLAS may use in a pass over blocks."""

from __future__ import annotations

import functools
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

PARALLEL_COLUMNS = 200
"""Up to here a product of one block is too short to share: threads gain nothing on a quiet machine,
and wait for each other whenever another process holds a core (1e6 x 10 on two busy cores: 0.06 s
with one thread, 1.8 s with two)."""


def suited_to(n_columns: int) -> Any:
    """A context in which BLAS uses one thread for blocks of few columns."""
    return _controller().limit(limits=1 if n_columns <= PARALLEL_COLUMNS else None, user_api="blas")


@functools.cache
def _controller() -> ThreadpoolController:
    """The thread pools of this process; finding them takes a few milliseconds."""
    return ThreadpoolController()
