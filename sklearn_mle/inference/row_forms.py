"""``d'Vd`` for the columns d of each row: variances of scores, leverages.

In single precision, at less than half the time, where its rounding does no harm. With ``V = H'H``
the form is the squared length of ``u = H d``. Products of k terms in single precision leave

    |error of u| <= g |H S|_F |inv(S) d|,  inv(S) d = inv(H S) u,  g = (k + 2) 2**-24

for any units S of the columns, so that the form has a relative error of at most ``2 g cond``, with
``cond = |H S|_F |inv(H S)|_2``. A leverage h enters as ``1 - h``, whose relative error is then
``2 g cond h / (1 - h)``: nothing where a row is one of a million, too much where it is one of a
hundred. Rows for which the bound is larger than `HARMLESS` are computed in double precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from sklearn_mle.inference.terms import Terms
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.implicit_design import Design

HARMLESS = 2e-9
"""Bound on the relative error of ``1 - leverage``, and so on that of a standard error."""
SINGLE_UNIT = 2.0**-24
SAFE_SIZE = 1e12
"""Columns of this size, or its inverse, are far from where single precision overflows."""
PIECE_BYTES = 2**20
"""Size of the rows that are turned at a time."""
UNEVEN, ASIDE = 128, 16
"""Rows a piece of which lines of the cache meet in few places, and how many fewer are taken (a
product of 16,384 rows by 20 takes a half longer than one of 16,368)."""
ONE_BY_ONE = 0.1
"""Share of rows of a block above which all are computed again, rather than those alone."""


@dataclass(frozen=True)
class RowForms:
    """Quadratic forms of rows, to a relative error that is known.

    Parameters
    ----------
    terms : Terms
    V : ndarray of shape (k, k) or (k + 1, k + 1)
        Positive semidefinite.
    half : ndarray of shape (r, k) or (r, k + 1), float32, or None
        ``H``; None where single precision is not good enough for most rows.
    error : float
        Bound on the relative error of forms by ``half``.
    """

    terms: Terms
    V: FloatArray
    half: np.ndarray | None
    error: float

    @classmethod
    def of(cls, terms: Terms, spread: FloatArray, typical: float) -> RowForms:
        """Forms of a matrix in terms, for rows whose leverages are about ``typical``.

        Parameters
        ----------
        spread : ndarray of shape (terms.size, terms.size)
        typical : float
        """
        M = terms.mixing
        V = M @ spread @ M.T
        try:
            half = np.linalg.cholesky(spread).T @ M.T
        except np.linalg.LinAlgError:
            return cls(terms, V, None, 0.0)
        there = half.any(axis=0)
        size = np.linalg.norm(half[:, there], axis=0)
        if half.shape[0] != there.sum() or not _ordinary(size):
            return cls(terms, V, None, 0.0)
        equal = half[:, there] / size
        condition = np.linalg.norm(equal) / linalg.svdvals(equal)[-1]
        error = 2.0 * (half.shape[1] + 2) * SINGLE_UNIT * float(condition)
        if not typical * error <= 0.5 * HARMLESS:
            return cls(terms, V, None, 0.0)
        return cls(terms, V, half.astype(np.float32), error)

    def leverages(self, D: Design, curvature: FloatArray) -> FloatArray:
        """Curvatures of the rows' costs times the forms, shape (m,)."""
        if self.half is None or not isinstance(D, np.ndarray):
            return curvature * self.terms.forms(D, self.V)
        made = curvature * self._roughly(D)
        limit = HARMLESS / (HARMLESS + self.error)
        if made.max(initial=0.0) <= limit and made.min(initial=0.0) >= -limit:
            return made
        doubtful = np.flatnonzero(~(np.abs(made) <= limit))
        if doubtful.size > ONE_BY_ONE * D.shape[0]:
            return curvature * self.terms.forms(D, self.V)
        made[doubtful] = curvature[doubtful] * self.terms.forms(D[doubtful], self.V)
        return made

    def _roughly(self, D: FloatArray) -> FloatArray:
        """Forms in single precision, of as many rows at a time as stay near."""
        assert self.half is not None
        m, k = D.shape
        step = min(m, max(1, PIECE_BYTES // (4 * max(1, k))))
        step -= ASIDE * (step % UNEVEN == 0 and step > ASIDE)
        order: Any = "C" if D.flags.c_contiguous else "F"
        rows = np.empty((step, k), np.float32, order)
        of_all = ~self.half[:, :k].any(axis=1)  # what is the same for all rows
        of_columns, of_one = self.half[~of_all, :k], self.half[~of_all, k:]
        same = np.square(self.half[of_all], dtype=np.float64).sum()
        made = np.empty(m)
        U = np.empty((of_columns.shape[0], step), np.float32)
        with np.errstate(all="ignore"):  # a row too large for single precision is computed again
            for first in range(0, m, step):
                some = slice(first, min(first + step, m))
                n = some.stop - first
                U = U if n == step else np.empty((U.shape[0], n), np.float32)
                np.copyto(rows[:n], D[some], casting="same_kind")
                np.dot(of_columns, rows[:n].T, out=U)
                if self.terms.intercept:
                    U += of_one
                made[some] = np.einsum("rm,rm->m", U, U)
        made += same
        return made


def _ordinary(size: FloatArray) -> bool:
    return bool(((size > 1.0 / SAFE_SIZE) & (size < SAFE_SIZE)).all())
