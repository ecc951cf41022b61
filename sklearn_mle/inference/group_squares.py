"""Sums of squares of the sums over groups, where rows of a group follow one another.

A group whose last row is seen is closed: its sum is squared and forgotten, so that no table of
groups is made, however many there are. Of a stretch of rows only the first and the last group may
go on outside of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_mle.inference.group_sums import GroupSums
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.implicit_design import Design


@dataclass(frozen=True)
class GroupSquares:
    """Squares of closed groups, and sums of those at the ends; ``+`` joins neighbours.

    Parameters
    ----------
    ends : ndarray of shape (e,)
        The first group and the last, or the only one.
    sums : ndarray of shape (e, k)
        Their sums so far.
    closed : ndarray of shape (k, k)
        Of all others.
    """

    ends: NDArray[np.intp]
    sums: FloatArray
    closed: FloatArray

    @classmethod
    def of(
        cls, codes: NDArray[np.intp], D: Design, factors: FloatArray, beside: FloatArray
    ) -> GroupSquares:
        """Those of a block, in the order that `GroupSums.of` has, from codes in order."""
        low = int(codes[0])
        here = GroupSums.of(codes - low, D, factors, beside, int(codes[-1]) + 1 - low)
        sums = here.whole()
        return cls._closing(low + np.arange(sums.shape[0]), sums, 0.0)

    def __add__(self, other: GroupSquares) -> GroupSquares:
        closed = self.closed + other.closed
        if self.ends[-1] != other.ends[0]:
            ends, sums = np.append(self.ends, other.ends), np.vstack([self.sums, other.sums])
            return self._closing(ends, sums, closed)
        both = self.sums[-1] + other.sums[0]
        ends = np.append(self.ends, other.ends[1:])
        return self._closing(ends, np.vstack([self.sums[:-1], both, other.sums[1:]]), closed)

    @classmethod
    def _closing(
        cls, ends: NDArray[np.intp], sums: FloatArray, closed: FloatArray | float
    ) -> GroupSquares:
        """All but the first and the last are closed."""
        inner, edges = sums[1:-1], [0, -1] if ends.shape[0] > 1 else [0]
        return cls(ends[edges], sums[edges], closed + np.dot(inner.T, inner))

    def whole(self) -> FloatArray:
        """Squares of all groups, shape (k, k)."""
        return np.asarray(self.closed + np.dot(self.sums.T, self.sums))


def in_order(codes: NDArray[np.intp]) -> bool:
    """Whether rows of a group follow one another, groups in the order of their codes."""
    return bool((codes[1:] >= codes[:-1]).all())


def by_group(codes: NDArray[np.intp], count: int) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Places of the rows group by group, and the groups there, shapes (n,); counted, not compared.

    Parameters
    ----------
    codes : ndarray of shape (n,)
    count : int
        Of the groups, each of which occurs.
    """
    n = codes.shape[0]
    kind = np.int32 if n <= np.iinfo(np.int32).max else np.int64
    columns = np.arange(n + 1, dtype=kind)
    nothing = np.zeros(n, np.int8)
    table = sparse.csc_array((nothing, codes.astype(kind), columns), shape=(count, n)).tocsr()
    return table.indices, np.repeat(np.arange(count), np.diff(table.indptr))
