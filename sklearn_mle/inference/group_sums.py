"""Sums over groups of rows, of which a block holds some.

Parts are kept side by side until they hold as many sums as a few tables of all groups (as one, if
that is large); only then are they added up, so that the work is a constant a row and a group,
however many groups there are and in whatever order the rows come.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import in_full
from sklearn_mle.rows.implicit_design import Design

FEW_ROWS = 8
"""Groups a row of a block, beyond which its rows are sorted rather than all groups looked up."""
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
    parts : tuple of (codes, sums)
        Groups, shape (g,), and their sums, shape (g, k); a group may be in several parts.
    count : int
        How many groups there are.
    """

    parts: tuple[tuple[NDArray[np.intp], FloatArray], ...]
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
        present, places = _present(codes, count)
        sums: FloatArray | None = None
        step = codes.shape[0] if isinstance(D, np.ndarray) else WRITTEN_OUT
        for first in range(0, codes.shape[0], step):
            some = slice(first, first + step)
            added = _Adding(places[some], present.shape[0])
            rows = in_full(D[some])
            parts = [added(factor, rows) for factor in factors[some].T]
            made = np.hstack([*parts, added(None, beside[some])])
            sums = made if sums is None else np.add(sums, made, out=sums)
        assert sums is not None
        return cls(((present, sums),), count)

    def __add__(self, other: GroupSums) -> GroupSums:
        both = GroupSums(self.parts + other.parts, self.count)
        waiting = sum(codes.shape[0] for codes, _ in both.parts[1:])
        if waiting < self.count * (TABLES if self.count < LARGE else 1):
            return both
        return GroupSums(((np.arange(self.count), both.whole()),), self.count)

    def whole(self) -> FloatArray:
        """The sums of all groups, shape (count, k)."""
        (codes, first), *others = self.parts
        if codes.shape[0] == self.count:
            sums = first.copy()
        else:
            sums = np.zeros((self.count, first.shape[1]))
            sums[codes] = first
        for codes, part in others:
            if codes.shape[0] == self.count:
                sums += part
            else:
                sums[codes] += part
        return sums


class _Adding:
    """Adds up rows that have the same place, each times its factor."""

    def __init__(self, places: NDArray[np.intp], count: int) -> None:
        self.places = places.astype(np.int32)
        self.ends = np.arange(places.shape[0] + 1, dtype=np.int32)
        self.shape = count, places.shape[0]

    def __call__(self, factor: FloatArray | None, rows: FloatArray) -> FloatArray:
        times = np.ones(self.shape[1]) if factor is None else np.ascontiguousarray(factor)
        pick = sparse.csc_array((times, self.places, self.ends), shape=self.shape)
        return np.asarray(pick @ rows)


def _present(codes: NDArray[np.intp], count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The groups of a block, in order, and the place of each row's group among them."""
    if count > FEW_ROWS * codes.shape[0]:
        present, places = np.unique(codes, return_inverse=True)
        return present, places.ravel()
    present = np.flatnonzero(np.bincount(codes, minlength=count))
    place = np.empty(count, dtype=np.intp)
    place[present] = np.arange(present.shape[0])
    return present, place[codes]
