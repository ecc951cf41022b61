"""Sparse rows written out, a few at a time, for sums that fill a matrix of the columns anyway.

Where every row adds to a product of all columns with all columns, as in a sandwich of scores, there
is nothing left to gain from zeros. Never more than a block that the cache holds is written out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows.in_memory import BLOCK_BYTES, InMemoryRows, Sums
from sklearn_mle.rows.matrix import in_full, is_sparse, row_range
from sklearn_mle.rows.rows import Block, Rows
from sklearn_mle.rows.wrapped import WrappedRows

FEWEST = 64
"""Rows that are written out at least."""


class WrittenOut(WrappedRows):
    """Other rows, whose blocks hold arrays.

    Parameters
    ----------
    rows : Rows
    """

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.density = 1.0

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._rows, name)

    def total(self, per_block: Callable[..., tuple[Any, ...]], *columns: Any) -> tuple[Any, ...]:
        def of_pieces(block: Block, *parts: Any) -> tuple[Any, ...]:
            sums = Sums()
            for piece in self._pieces(block, parts):
                sums.add(per_block(*piece))
            return tuple(sums.parts)

        return self._rows.total(of_pieces, *columns)

    def column(self, per_block: Callable[..., Any], *columns: Any) -> Any:
        def of_pieces(block: Block, *parts: Any) -> Any:
            return np.concatenate([per_block(*piece) for piece in self._pieces(block, parts)])

        return self._rows.column(of_pieces, *columns)

    def column_and_total(
        self, per_block: Callable[..., tuple[Any, tuple[Any, ...]]], *columns: Any
    ) -> tuple[Any, tuple[Any, ...]]:
        def of_pieces(block: Block, *parts: Any) -> tuple[Any, tuple[Any, ...]]:
            sums, entries = Sums(), []
            for piece in self._pieces(block, parts):
                made, part = per_block(*piece)
                entries.append(made)
                sums.add(part)
            return np.concatenate(entries), tuple(sums.parts)

        return self._rows.column_and_total(of_pieces, *columns)

    def keep(self, wanted: Callable[..., NDArray[np.bool_]], *columns: Any) -> InMemoryRows:
        return self._rows.keep(wanted, *columns)

    def _pieces(self, block: Block, parts: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        """A few rows at a time, with their parts of the columns."""
        step = max(FEWEST, BLOCK_BYTES // (8 * max(1, self.n_columns)))
        for first in range(0, block.n_rows, step):
            some = slice(first, min(first + step, block.n_rows))
            weight = None if block.weight is None else block.weight[some]
            X = in_full(row_range(block.X, some.start, some.stop))
            yield Block(X, block.y[some], weight), *(part[some] for part in parts)


def written_out(rows: Rows) -> Rows:
    """The rows with blocks of arrays; those of an array in memory as they are."""
    dense = isinstance(rows, InMemoryRows) and not is_sparse(rows.X)
    return rows if dense else WrittenOut(rows)
