"""Rows in memory: a dense array, cut into blocks that the processor's cache holds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows.rows import Block, FloatArray, Rows

BLOCK_BYTES = 2**20
"""Size of a block of X in float64: half of a common second-level cache, so that the block and what
is computed from it stay there."""
WIDE_BYTES = 2**24
"""Size of a block of more columns than `PARALLEL_COLUMNS`, for the threads of BLAS to share."""
PARALLEL_COLUMNS = 200
"""Up to here a product of one block is too short to share: threads gain nothing on a quiet machine,
and wait for each other whenever another process holds a core (1e6 x 10 on two busy cores: 0.06 s
with one thread, 1.8 s with two)."""
SAMPLE_SEED = 20170


class InMemoryRows(Rows):
    """Rows of a dense array.

    Nothing as large as X is ever allocated: float32 becomes float64 block by block, and rows of
    weight zero are left out block by block.

    Parameters
    ----------
    X : ndarray of shape (n, n_columns), float64 or float32, in C or Fortran order
    y : ndarray of shape (n,)
    weight : ndarray of shape (n,), optional
        How many times each row counts; not negative.
    block_rows : int, optional
        Rows a block; by default as many as `BLOCK_BYTES` hold.
    """

    def __init__(
        self,
        X: NDArray[np.floating],
        y: FloatArray,
        weight: FloatArray | None = None,
        *,
        block_rows: int | None = None,
    ) -> None:
        self.X = X
        self.y = np.asarray(y, dtype=np.float64)
        self.weight = weight
        self.n_columns = X.shape[1]
        per_row = 8 * max(1, self.n_columns)
        size = BLOCK_BYTES if self.n_columns <= PARALLEL_COLUMNS else WIDE_BYTES
        self.block_rows = block_rows or max(64, size // per_row, self.n_columns // 4)
        self._present = None if weight is None or weight.min(initial=1.0) > 0.0 else weight > 0.0
        n = X.shape[0]
        self.n_rows = n if self._present is None else int(np.count_nonzero(self._present))
        self.total_weight = float(n) if weight is None else float(weight.sum())

    def blocks(self) -> Iterator[tuple[Block, slice]]:
        """Each block with the places of its rows in a column."""
        n, step = self.X.shape[0], self.block_rows
        done = 0
        for first in range(0, n, step):
            block = self._block(slice(first, min(first + step, n)))
            if block.n_rows:
                yield block, slice(done, done + block.n_rows)
                done += block.n_rows

    def _block(self, rows: slice) -> Block:
        X, y = self.X[rows], self.y[rows]
        weight = None if self.weight is None else self.weight[rows]
        if self._present is not None and not self._present[rows].all():
            there = self._present[rows]
            X, y, weight = X[there], y[there], weight[there]  # type: ignore[index]
        return Block(np.asarray(X, dtype=np.float64), y, weight)

    def total(self, per_block: Callable[..., tuple[Any, ...]], *columns: Any) -> tuple[Any, ...]:
        sums: list[Any] | None = None
        for block, place in self.blocks():
            parts = per_block(block, *(column[place] for column in columns))
            sums = list(parts) if sums is None else [s + part for s, part in zip(sums, parts)]
        return () if sums is None else tuple(sums)

    def column(self, per_block: Callable[..., Any], *columns: Any) -> NDArray[Any]:
        made: NDArray[Any] | None = None
        for block, place in self.blocks():
            part = np.asarray(per_block(block, *(column[place] for column in columns)))
            if made is None:
                made = np.empty((self.n_rows, *part.shape[1:]), dtype=part.dtype)
            made[place] = part
        return np.empty(0) if made is None else made

    def column_and_total(
        self, per_block: Callable[..., tuple[Any, tuple[Any, ...]]], *columns: Any
    ) -> tuple[NDArray[Any], tuple[Any, ...]]:
        sums: list[tuple[Any, ...]] = []

        def entries(block: Block, *parts: Any) -> Any:
            made, part = per_block(block, *parts)
            sums[:] = [tuple(map(operator.add, sums[0], part)) if sums else part]
            return made

        return self.column(entries, *columns), sums[0] if sums else ()

    def keep(self, wanted: Callable[..., NDArray[np.bool_]], *columns: Any) -> InMemoryRows:
        return self._copy(np.flatnonzero(self.column(wanted, *columns)))

    def sample(self, m: int) -> InMemoryRows:
        if m >= self.n_rows and self._present is None:
            X = np.ascontiguousarray(self.X, dtype=np.float64)
            return InMemoryRows(X, self.y, self.weight)
        return self._copy(spread(self.n_rows, m))

    def _copy(self, places: NDArray[np.intp]) -> InMemoryRows:
        """The rows at these places of a column, copied in float64 and C order."""
        if self._present is not None:
            places = np.flatnonzero(self._present)[places]
        X = np.ascontiguousarray(self.X.take(places, axis=0), dtype=np.float64)
        weight = None if self.weight is None else self.weight[places]
        return InMemoryRows(X, self.y[places], weight)


def spread(n: int, m: int) -> NDArray[np.intp]:
    """``min(m, n)`` of the places 0 .. n-1: one drawn from each of m strata of equal length.

    Sorted and unique; a periodic order of the rows does no harm, because the place inside each
    stratum is random. The same on every call.
    """
    if m >= n:
        return np.arange(n)
    edges = np.arange(m + 1) * n // m
    inside = np.random.default_rng(SAMPLE_SEED).random(m)
    return edges[:-1] + np.floor(inside * np.diff(edges)).astype(np.intp)
