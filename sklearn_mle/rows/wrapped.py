"""Rows that are others, seen in another way."""

from __future__ import annotations

from typing import Any

from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Rows


class WrappedRows(Rows):
    """What is the same for all rows that pass on to others.

    Parameters
    ----------
    rows : Rows
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.n_rows = rows.n_rows
        self.n_columns = rows.n_columns
        self.total_weight = rows.total_weight
        self.at_hand = rows.at_hand
        self.density = rows.density

    def __getstate__(self) -> dict[str, Any]:
        # what functions of blocks may ask for where the blocks are
        kept = ("n_rows", "n_columns", "total_weight")
        return {name: getattr(self, name) for name in kept}

    @property
    def handful(self) -> int:
        return self._rows.handful

    def entries(self, column: Any) -> Any:
        return self._rows.entries(column)

    def reread(self) -> int:
        return self._rows.reread()

    def sample(self, m: int) -> InMemoryRows:
        return self._rows.sample(m)
