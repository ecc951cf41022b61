"""Sums over groups of rows, of which a block holds some.

The sums of a block are a table of the groups between its first and its last, so that they are added
to others as they lie; or of the groups that occur, where those are few among many. Such parts are
kept side by side until they hold as many sums as a few tables of all groups (as one, if that is
large); only then are they added up, so that the work is a constant a row and a group, however many
groups there are and in whatever order the rows come.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import in_full
from sklearn_mle.rows.implicit_design import Design

FEW_ROWS = 2
"""Groups a row from the first to the last of a part, up to which its sums are a table of them."""
TABLES = 4
"""Tables of all groups that parts may fill before they are added up."""
LARGE = 2**16
"""Groups of which one table is as much as may wait."""
WRITTEN_OUT = 1024
"""Sparse rows that are written out at a time."""


@dataclass(frozen=True)
class GroupSums:
    """Sums of groups, in parts; added by ``+``, which is all that `Rows.total` asks.

    Parameters
    ----------
    parts : tuple of (places, sums)
        Groups, a slice or an array of shape (g,), and their sums, shape (g, k); a group may be in
        several parts.
    count : int
        How many groups there are.
    """

    parts: tuple[tuple[slice | NDArray[np.intp], FloatArray], ...]
    count: int

    @classmethod
    def of(
        cls,
        codes: NDArray[np.intp],
        D: Design,
        factors: FloatArray,
        beside: FloatArray,
        count: int,
    ) -> GroupSums:
        """Those of a block: of the columns of D times each factor, then of those beside.

        Parameters
        ----------
        codes : ndarray of shape (m,)
        D : Design of shape (m, k)
        factors : ndarray of shape (m, s)
        beside : ndarray of shape (m, b)
        count : int
        """
        sums: GroupSums | None = None
        m = codes.shape[0]
        step = max(m, 1) if isinstance(D, np.ndarray) else WRITTEN_OUT
        for first in range(0, m, step):
            some = slice(first, first + step)
            part = _part(codes[some], in_full(D[some]), factors[some], beside[some])
            made = cls((part,), count)
            sums = made if sums is None else sums + made
        assert sums is not None
        return sums

    def __add__(self, other: GroupSums) -> GroupSums:
        both = GroupSums(self.parts + other.parts, self.count)
        waiting = sum(sums.shape[0] for _, sums in both.parts[1:])
        if waiting < self.count * (TABLES if self.count < LARGE else 1):
            return both
        return GroupSums(((slice(0, self.count), both.whole()),), self.count)

    def whole(self) -> FloatArray:
        """The sums of all groups, shape (count, k)."""
        (places, first), *others = self.parts
        if first.shape[0] == self.count:
            sums = first.copy()
        else:
            sums = np.zeros((self.count, first.shape[1]))
            sums[places] = first
        for places, part in others:
            sums[places] += part
        return sums


def _part(
    codes: NDArray[np.intp], rows: FloatArray, factors: FloatArray, beside: FloatArray
) -> tuple[slice | NDArray[np.intp], FloatArray]:
    """Which groups rows are of, and the sums of these."""
    low, m = int(codes.min()), codes.shape[0]
    size = int(codes.max()) + 1 - low
    places: slice | NDArray[np.intp] = slice(low, low + size)
    if size <= FEW_ROWS * m:
        inside = codes - low
    else:
        places, inside = np.unique(codes, return_inverse=True)
        size, inside = places.shape[0], inside.ravel()
    indices, ends = inside.astype(np.int32), np.arange(m + 1, dtype=np.int32)

    def added(values: FloatArray, summed: FloatArray) -> FloatArray:
        pick = sparse.csc_array((values, indices, ends), shape=(size, m))
        return np.asarray(pick @ summed)

    parts = [added(np.ascontiguousarray(factor), rows) for factor in factors.T]
    return places, np.hstack([*parts, added(np.ones(m), beside)])
