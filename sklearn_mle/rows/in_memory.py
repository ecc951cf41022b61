"""Rows in memory: an array or sparse rows, cut into blocks that the processor's cache holds."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows.magnitudes import Magnitudes, PowersOfTwo, magnitudes
from sklearn_mle.rows.matrix import canonical, is_sparse, row_range, take_rows
from sklearn_mle.rows.rows import Block, FloatArray, GivenRows
from sklearn_mle.rows.threads import PARALLEL_COLUMNS, blocks_share_cores, in_order

BLOCK_BYTES = 2**21
"""Size of a block of X in float64: small enough for the cache, large enough that two threads seldom
wait for the interpreter (400,000 x 50, two classes: 0.32 s with half of it, 0.21 s with this)."""
BLOCK_ROWS = 16_384
"""Rows below which operations on a column are so short that threads wait for the interpreter."""
LARGEST_BYTES = 2**23
"""Size that a block of so many rows may reach."""
WIDE_ROWS = 1024
"""Most rows of a block of more columns than `PARALLEL_COLUMNS`, of `LARGEST_BYTES` at most: with
fewer, threads wait for the interpreter; with more, a block is read twice (two classes, 50,000 x
500: 27 ms a pass at 256 rows, 11 at 1024; 20,000 x 2000: 22 at 256, 16 at 512, 19 at 1024)."""
SHARED_WORK = 10**7
"""Multiplications in X'X from which on even a small block is worth a second thread."""
FEW_BLOCKS = 16
"""Blocks below which an odd one out would be waited for."""
SHARED_BLOCKS = 2
"""Blocks from which on a second thread helps; it is only woken, not started."""
STORED_BYTES = 12
"""What a stored entry of sparse rows takes: a number and the place of its column."""
STORED_A_COLUMN = 8
"""Stored entries a column in a block of sparse rows, so that sums over columns cost little."""
MOST_STORED = 2**21
SAMPLE_SEED = 20170
LONG_ROWS = 2**16
"""Rows of a long block (1e6 x 20, robust errors: 107 ms a pass at 16,384 rows, 88 with these)."""
LONG_BLOCKS = 16
"""Long blocks at least, so that what is as long as a block stays little beside X."""


class InMemoryRows(GivenRows):
    """Rows of an array, or sparse rows.

    Nothing as large as X is ever allocated: float32 becomes float64 block by block, and rows of
    weight zero are left out block by block. Only sparse data that are not stored by rows, each
    entry once, are brought into that form.

    Parameters
    ----------
    X : ndarray or scipy.sparse matrix or array of shape (n, n_columns), float64 or float32
    y : ndarray of shape (n,)
    weight : ndarray of shape (n,), optional
        How many times each row counts; not negative.
    block_rows : int, optional
        Rows a block; by default as many as the cache holds.
    """

    at_hand = True

    def __init__(
        self,
        X: Any,
        y: FloatArray,
        weight: FloatArray | None = None,
        *,
        block_rows: int | None = None,
    ) -> None:
        self.X = canonical(X) if is_sparse(X) else X
        self._views: dict[tuple[int, int], Any] = {}
        self.y = np.asarray(y, dtype=np.float64)
        self.weight = weight
        self.n_columns = X.shape[1]
        if is_sparse(X):
            self.density = self.X.nnz / max(1, X.shape[0] * X.shape[1])
        self.block_rows = block_rows or _suitable_rows(self.X)
        self._present = None if weight is None or weight.min(initial=1.0) > 0.0 else weight > 0.0
        n = X.shape[0]
        self.n_rows = n if self._present is None else int(np.count_nonzero(self._present))
        self.total_weight = float(n) if weight is None else float(weight.sum())

    def in_long_blocks(self) -> InMemoryRows:
        if is_sparse(self.X) or self.n_columns > PARALLEL_COLUMNS:
            return self
        n = self.X.shape[0]
        longer = -(-n // max(LONG_BLOCKS, -(-n // LONG_ROWS)))
        if longer <= self.block_rows:
            return self
        other = copy(self)
        other.block_rows = longer
        vars(other).pop("_places", None)
        return other

    def _for_each_block(
        self, per_block: Callable[..., Any], columns: tuple[Any, ...], collect: Callable[..., None]
    ) -> None:
        """``collect(result, places)`` of each block that has rows, in order."""
        n, step = self.X.shape[0], self.block_rows
        places = self._places
        count = len(places)

        def work(i: int) -> tuple[Any, slice] | None:
            place = places[i]
            if place.start == place.stop:
                return None
            block = self._block(slice(i * step, min((i + 1) * step, n)))
            return per_block(block, *(column[place] for column in columns)), place

        def pass_on(done: tuple[Any, slice] | None) -> None:
            if done is not None:
                collect(*done)

        if count < SHARED_BLOCKS:
            for i in range(count):
                pass_on(work(i))
            return
        # sparse rows leave BLAS nothing to share; large blocks are shared better as a whole
        wide = is_sparse(self.X) or self.n_columns > PARALLEL_COLUMNS
        with blocks_share_cores(0) if wide else contextlib.nullcontext():
            in_order(work, count, pass_on)

    @functools.cached_property
    def _places(self) -> list[slice]:
        """Where the rows of each block stand in a column."""
        n, step = self.X.shape[0], self.block_rows
        edges = [*range(0, n, step), n]
        if self._present is not None:
            counts = [np.count_nonzero(self._present[i:j]) for i, j in itertools.pairwise(edges)]
            edges = [0, *itertools.accumulate(counts)]
        return [slice(i, j) for i, j in itertools.pairwise(edges)]

    def _block(self, rows: slice) -> Block:
        X, y = self._part(rows.start, rows.stop), self.y[rows]
        weight = None if self.weight is None else self.weight[rows]
        if self._present is not None and not self._present[rows].all():
            there = self._present[rows]
            X, y, weight = take_rows(X, there), y[there], weight[there]  # type: ignore[index]
        return Block(X, y, weight)

    def _part(self, first: int, last: int) -> Any:
        """These rows in float64. Views of sparse rows are kept: making one takes a millisecond."""
        if not is_sparse(self.X) or self.X.dtype != np.float64:
            return row_range(self.X, first, last)
        if (first, last) not in self._views:
            self._views[first, last] = row_range(self.X, first, last)
        return self._views[first, last]

    def __getstate__(self) -> dict[str, Any]:
        """Without the views, which would be copied."""
        return {**vars(self), "_views": {}}

    def total(self, per_block: Callable[..., tuple[Any, ...]], *columns: Any) -> tuple[Any, ...]:
        sums = Sums()
        self._for_each_block(per_block, columns, lambda parts, _: sums.add(parts))
        return tuple(sums.parts)

    def column(self, per_block: Callable[..., Any], *columns: Any) -> NDArray[Any]:
        return self.column_and_total(lambda *block: (per_block(*block), ()), *columns)[0]

    def column_and_total(
        self, per_block: Callable[..., tuple[Any, tuple[Any, ...]]], *columns: Any
    ) -> tuple[NDArray[Any], tuple[Any, ...]]:
        sums = Sums()
        made: list[NDArray[Any]] = []

        def collect(result: tuple[Any, tuple[Any, ...]], place: slice) -> None:
            entries = np.asarray(result[0])
            if not made:
                made.append(np.empty((self.n_rows, *entries.shape[1:]), dtype=entries.dtype))
            made[0][place] = entries
            sums.add(result[1])

        self._for_each_block(per_block, columns, collect)
        return made[0] if made else np.empty(0), tuple(sums.parts)

    def magnitudes(self) -> Magnitudes:
        return magnitudes(self.X, self.y, self.block_rows)

    def divided_by(self, powers: PowersOfTwo) -> InMemoryRows:
        return InMemoryRows(*powers.out_of(self.X, self.y, self.weight))

    def entries(self, column: Any) -> NDArray[Any]:
        return np.asarray(column)

    def keep(self, wanted: Callable[..., NDArray[np.bool_]], *columns: Any) -> InMemoryRows:
        return self.at(np.flatnonzero(self.column(wanted, *columns)))

    def sample(self, m: int) -> InMemoryRows:
        if m >= self.n_rows and self._present is None:
            X = self.X if is_sparse(self.X) else np.ascontiguousarray(self.X, dtype=np.float64)
            return InMemoryRows(X, self.y, self.weight)
        return self.at(spread(self.n_rows, m))

    def at(self, places: NDArray[np.intp]) -> InMemoryRows:
        """The rows at these places of a column, copied in float64 and C order."""
        if self._present is not None:
            places = np.flatnonzero(self._present)[places]
        X = take_rows(self.X, places)
        weight = None if self.weight is None else self.weight.take(places)
        return InMemoryRows(X, self.y.take(places), weight)


class Sums:
    """Sums of tuples, entry by entry, in place where an array is this sum's own."""

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self._own = False

    def add(self, parts: tuple[Any, ...]) -> None:
        """Add one more tuple of arrays, numbers, or whatever else can be added."""
        if not self.parts:
            self.parts = list(parts)
            return
        for i, part in enumerate(parts):
            before = self.parts[i]
            if self._own and isinstance(before, np.ndarray) and before.dtype == np.float64:
                np.add(before, part, out=before)
            else:
                self.parts[i] = before + part
        self._own = True


def _suitable_rows(X: Any) -> int:
    """Rows a block: few enough for the cache, many enough for what is done once a block."""
    n, p = X.shape
    if is_sparse(X):
        # a block adds to sums of up to p**2 numbers
        stored = max(BLOCK_BYTES // STORED_BYTES, STORED_A_COLUMN * p, min(p * p // 4, X.nnz // 8))
        stored = min(stored, MOST_STORED)
        return max(64, n if X.nnz <= stored else n * stored // X.nnz)
    row = 8 * max(1, p)
    if p > PARALLEL_COLUMNS:
        few = min(WIDE_ROWS, LARGEST_BYTES // row)
        return max(few, p // 4)  # sums of products as large as p**2 are to be few
    rows = max(64, BLOCK_BYTES // row, min(BLOCK_ROWS, LARGEST_BYTES // row))
    blocks = -(-n // rows)
    if blocks >= FEW_BLOCKS or n * p * p < SHARED_WORK:
        return rows
    odd = blocks % 2
    return max(64, -(-n // (blocks + odd if blocks < 4 else blocks - odd)))


def spread(n: int, m: int) -> NDArray[np.intp]:
    """``min(m, n)`` of the places 0 .. n-1: one drawn from each of m strata of equal length.

    Sorted and unique; a periodic order of the rows does no harm, because the place inside each
    stratum is random. The same on every call.
    """
    if m >= n:
        return np.arange(n)
    edges = np.arange(m + 1) * n // m
    return edges[:-1] + np.floor(_inside(m) * np.diff(edges)).astype(np.intp)


def merged(places: list[NDArray[np.intp]]) -> NDArray[np.intp]:
    """All of some sets of places, each sorted; `numpy.unique` takes as long as a pass over rows."""
    if len(places) == 1:
        return places[0]
    every = np.sort(np.concatenate(places))
    return every[np.diff(every, prepend=-1) > 0]


@functools.lru_cache(maxsize=8)
def _inside(m: int) -> FloatArray:
    """Where in each of m strata; a generator alone takes as long as a small pass."""
    return np.random.default_rng(SAMPLE_SEED).random(m)
