"""Which kind of rows a user's data are, told without importing what may not be installed."""

from __future__ import annotations

from typing import Any


def is_dask(data: Any) -> bool:
    """Whether this is a collection of Dask, which is then imported already."""
    return type(data).__module__.partition(".")[0] in ("dask", "dask_expr")
