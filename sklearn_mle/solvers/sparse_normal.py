"""Normal equations of sparse columns, factored: first columns that share no row, then the rest.

Among columns of which no row holds two (the levels of one factor), ``Z'DZ`` is diagonal, and taking
them out costs a sparse product. What is left, the Schur complement of the others, fills in whatever
the order, and is factored as an array of as many rows as there are other columns: its size is known
before any work is done, which no ordering for sparse factors promises.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from sklearn_mle.rows.matrix import Matrix
from sklearn_mle.rows.rows import FloatArray

LARGEST = 8000
"""Columns of an array that is factored: half a gigabyte."""
SLAB = 512
"""Rows of it that are made at a time."""
RIDGES = (0.0, 1e-14, 1e-12, 1e-10, 1e-8)
"""Shares of the diagonal of all columns that are added until the rest can be factored."""
REFINED = 2
"""Corrections of a solution by what it leaves."""


def apart(Z: sparse.csr_array) -> NDArray[np.bool_]:
    """Which columns are taken out first: of no two of them a row holds both; shape (q,)."""
    columns = Z.tocsc()
    taken = np.zeros(Z.shape[0], dtype=np.bool_)
    chosen = np.zeros(Z.shape[1], dtype=np.bool_)
    counts = np.diff(columns.indptr)
    for j in np.argsort(counts, kind="stable"):
        rows = columns.indices[columns.indptr[j] : columns.indptr[j + 1]]
        if rows.size and not taken[rows].any():
            taken[rows] = True
            chosen[j] = True
    return chosen


class SparseNormal:
    """``Z' diag(d) Z`` for one Z and many d.

    Parameters
    ----------
    Z : csr_array of shape (n, q)
        No column is zero.
    """

    def __init__(self, Z: sparse.csr_array) -> None:
        first = apart(Z)
        self.first, self.others = np.flatnonzero(first), np.flatnonzero(~first)
        self.affordable = self.others.shape[0] <= LARGEST
        self._first, self._others = Z[:, self.first], Z[:, self.others]
        self._squares = self._first.power(2).T.tocsr()
        self._own = self._others.power(2).T.tocsr()
        self._Z = Z

    def factored(self, d: FloatArray) -> Callable[[FloatArray], FloatArray] | None:
        """What solves the equations for positive d; None if they are singular."""
        diagonal = self._squares @ d
        weighted = self._others.multiply(d[:, None]).tocsr()
        across = (self._first.T @ weighted).tocsr()
        scaled = across.multiply(1.0 / diagonal[:, None]).tocsr()
        own = self._own @ d
        for ridge in RIDGES:
            schur = self._schur(weighted, across, scaled)
            schur[np.diag_indices_from(schur)] += ridge * own
            try:
                factor = cho_factor(schur.T, lower=True, overwrite_a=True, check_finite=False)
            except LinAlgError:
                continue
            return self._refined(d, self._solver(factor, diagonal, across, scaled))
        return None

    def _schur(self, weighted: Matrix, across: Matrix, scaled: Matrix) -> FloatArray:
        """The Schur complement of the columns taken out first, a few rows at a time."""
        q = self.others.shape[0]
        made = np.empty((q, q))
        left, back, taken = weighted.T.tocsr(), across.T.tocsr(), scaled.tocsc()
        for begin in range(0, q, SLAB):
            part = slice(begin, begin + SLAB)
            made[part] = (left[part] @ self._others).toarray()
            made[part] -= (back @ taken[:, part].toarray()).T
        return made

    def _refined(
        self, d: FloatArray, solve: Callable[[FloatArray], FloatArray]
    ) -> Callable[[FloatArray], FloatArray]:
        """The same, corrected by what is left, as long as that gets less."""

        def refined(b: FloatArray) -> FloatArray:
            x, left, size = np.zeros_like(b), b, np.inf
            for _ in range(1 + REFINED):
                trial = x + solve(left)
                rest = b - self._Z.T @ (d * (self._Z @ trial))
                fresh = float(np.linalg.norm(rest))
                if not fresh < size:
                    break
                x, left, size = trial, rest, fresh
            return x

        return refined

    def _solver(
        self,
        factor: tuple[FloatArray, bool],
        diagonal: FloatArray,
        across: Matrix,
        scaled: Matrix,
    ) -> Callable[[FloatArray], FloatArray]:
        def solve(b: FloatArray) -> FloatArray:
            x = np.empty_like(b)
            of_first = b[self.first]
            x[self.others] = cho_solve(
                factor, b[self.others] - scaled.T @ of_first, check_finite=False
            )
            x[self.first] = (of_first - across @ x[self.others]) / diagonal
            return x

        return solve
