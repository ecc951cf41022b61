"""Rows in memory in another order, fetched block by block.

A table of what rows add to, one entry a group say, is met all over if rows come in any order, and
with many groups no cache holds it. Rows are fetched from all over instead: what a processor reads
it can ask for ahead, and what it adds to it cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows.in_memory import InMemoryRows, Sums, spread
from sklearn_mle.rows.rows import Block
from sklearn_mle.rows.threads import in_order
from sklearn_mle.rows.wrapped import WrappedRows


class Gathered(WrappedRows):
    """The rows of others in memory, in the order of their places.

    Parameters
    ----------
    rows : InMemoryRows
    places : ndarray of shape (n_rows,)
        Where in a column of ``rows`` each row is; every place once.
    """

    _rows: InMemoryRows

    def __init__(self, rows: InMemoryRows, places: NDArray[np.intp]) -> None:
        super().__init__(rows)
        self._places = places

    def total(self, per_block: Callable[..., tuple[Any, ...]], *columns: Any) -> tuple[Any, ...]:
        return self.column_and_total(lambda *block: (np.empty(0), per_block(*block)), *columns)[1]

    def column(self, per_block: Callable[..., Any], *columns: Any) -> NDArray[Any]:
        return self.column_and_total(lambda *block: (per_block(*block), ()), *columns)[0]

    def column_and_total(
        self, per_block: Callable[..., tuple[Any, tuple[Any, ...]]], *columns: Any
    ) -> tuple[NDArray[Any], tuple[Any, ...]]:
        step, sums = self._rows.block_rows, Sums()
        entries: list[NDArray[Any]] = []

        def work(i: int) -> tuple[Any, tuple[Any, ...]]:
            some = slice(i * step, (i + 1) * step)
            taken = self._rows.at(self._places[some])
            block = Block(taken.X, taken.y, taken.weight)
            return per_block(block, *(column[some] for column in columns))

        def collect(made: tuple[Any, tuple[Any, ...]]) -> None:
            entries.append(np.asarray(made[0]))
            sums.add(made[1])

        in_order(work, -(-self.n_rows // step), collect)
        return np.concatenate(entries) if entries else np.empty(0), tuple(sums.parts)

    def keep(self, wanted: Callable[..., NDArray[np.bool_]], *columns: Any) -> InMemoryRows:
        return self._rows.at(self._places[self.column(wanted, *columns)])

    def sample(self, m: int) -> InMemoryRows:
        return self._rows.at(self._places[spread(self.n_rows, m)])
