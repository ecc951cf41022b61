"""Columns shifted, scaled and freed of those that depend on the others.

``z = ((x - centre) / spread) @ mix`` for the kept columns, with a leading one for the intercept.
Units and offsets of the columns then play no part in any decision, and the mix, the inverse of the
triangular factor, makes nearly dependent columns orthogonal. X itself is never changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag, qr, solve_triangular
from scipy.linalg.blas import dgemm
from scipy.linalg.lapack import dpstrf

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import design, far_columns, own_gram, times_rows
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.matrix import Matrix, column_sizes, in_full, is_sparse, squares
from sklearn_mle.rows.mixed_design import MixedDesign
from sklearn_mle.solvers.dependence import seen_in_gram
from sklearn_mle.solvers.extended_precision import dot, exactly, slices, sum_of
from sklearn_mle.solvers.orthogonal import triangle_of
from sklearn_mle.solvers.reduced_problem import IntArray

EPS = float(np.finfo(float).eps)
DEPENDENT = 1e-11
"""What is left of a column of length one when the others are taken out, and counts as nothing."""
WELL_CONDITIONED = 100.0
DELICATE = 1e3
"""Condition from which on combining columns in double precision loses digits that matter."""
NARROW = 64
"""Columns up to which scaling is fastest as a product with a matrix."""
FEW_ROWS, FEW_ROWS_A_COLUMN = 500, 20
"""Rows that are enough for a frame where columns are clearly independent."""
LEAST_SQUARE = 1e-200
"""Mean squares below this, or above its inverse, are computed in units of the columns."""
FAR = 1e3 * EPS
"""Rounding error, in spreads, of an entry of a column that is far from zero."""


@dataclass(frozen=True)
class Frame:
    """Centre and scale of p columns, and which r of them are kept.

    Parameters
    ----------
    centre, spread : ndarray of shape (p,)
    y_centre : float
        Taken off the responses; zero without an intercept.
    kept, dropped : ndarray of shape (r,) and (p - r,)
    relation : ndarray of shape (r, p - r)
        Scaled dropped columns are ``Z[:, kept] @ relation``.
    blur : float
        Rounding error of an entry, over the spread of its column.
    condition : float
        Of the scaled columns: the ratio of the extreme pivots.
    mix : ndarray of shape (r, r) or None
        None for the identity, where the condition is good.
    intercept : bool
    far : tuple of int
        Columns of sparse rows that are shifted by themselves.
    delicate : bool
        Whether columns of Z are small differences of large multiples of those of X, and combined
        in extended precision; never those of sparse rows, which are not filled in.
    """

    centre: FloatArray
    spread: FloatArray
    y_centre: float
    kept: IntArray
    dropped: IntArray
    relation: FloatArray
    blur: float
    condition: float
    mix: FloatArray | None
    intercept: bool
    far: tuple[int, ...] = ()
    delicate: bool = False

    @property
    def size(self) -> int:
        return self.kept.shape[0] + self.intercept

    @property
    def rounding(self) -> float:
        """Rounding error of an entry of Z, relative to the size of its column."""
        return EPS * (1.0 if self.delicate else self.condition)

    def scaled(self, X: Matrix) -> Design:
        """The rows z, with the leading one, shape (m, size)."""
        if is_sparse(X):
            return self._implicit(X)
        Z = np.empty((X.shape[0], self.size))
        if self.delicate and X.size:
            return self._combined(X, Z)
        if self.blur <= FAR and Z.size and X.size and (self.size <= NARROW or self.mix is not None):
            matrix, row = self.directions(np.eye(self.size))
            Z[:] = row
            return dgemm(1.0, matrix.T, X.T, 1.0, Z.T, overwrite_c=True).T
        Z[:, : int(self.intercept)] = 1.0
        every = self.kept.shape[0] == X.shape[1]
        part = X if every else X[:, self.kept]
        view = Z[:, int(self.intercept) :]
        np.subtract(part, self.centre[self.kept], out=view)
        view /= self.spread[self.kept]
        if self.mix is not None:
            view[:] = view @ self.mix
        return Z

    def _combined(self, X: FloatArray, Z: FloatArray) -> FloatArray:
        """``X @ matrix + row`` in Z, to twice the working precision before it is rounded."""
        matrix, one = self.directions(np.eye(self.size))
        cut = slices(X)
        for k in range(self.size):
            row = sum_of([one[k] * (k < self.intercept)]) + -dot(self.centre, exactly(matrix[:, k]))
            terms = cut.times(exactly(matrix[:, k]))
            Z[:, k] = sum_of([np.full(X.shape[0], row.hi), *terms[:3]], terms[3] + row.lo).hi
        return Z

    def _implicit(self, X: Matrix) -> Design:
        """The same of sparse rows, nothing of them filled in."""
        columns = X if self.kept.shape[0] == X.shape[1] else X[:, self.kept]
        far = tuple(np.flatnonzero(np.isin(self.kept, self.far)).tolist())
        ones = [1.0] if self.intercept else []
        centre, spread = self.centre[self.kept], self.spread[self.kept]
        Z = design(columns, centre, spread, ones, far, leading=True)
        if self.mix is None:
            return Z
        return MixedDesign(Z, block_diag(*([1.0] if self.intercept else []), self.mix))

    def raw(self, b: FloatArray) -> tuple[FloatArray, float]:
        """Coefficients and intercept in the units of X, dropped columns at zero."""
        coef = np.zeros(self.centre.shape[0])
        inner = b[int(self.intercept) :]
        inner = inner if self.mix is None else self.mix @ inner
        coef[self.kept] = inner / self.spread[self.kept]
        if not self.intercept:
            return coef, 0.0
        return coef, float(b[0] + self.y_centre - self.centre @ coef)

    def from_raw(self, coef: FloatArray, intercept: float) -> FloatArray:
        """The b with the predictions of these coefficients on the kept columns."""
        inner = coef * self.spread
        inner = inner[self.kept] + self.relation @ inner[self.dropped]
        if self.mix is not None:
            inner = np.asarray(np.linalg.solve(self.mix, inner), dtype=np.float64)
        if not self.intercept:
            return inner
        return np.concatenate(([intercept - self.y_centre + self.centre @ coef], inner))

    def gather(self, X: Matrix, v: FloatArray) -> FloatArray:
        """``v'Z``. Where columns are far from zero, they are shifted before they are added up."""
        if self.delicate or is_sparse(X):
            return v @ self.scaled(X)
        far = self.blur > FAR
        inner: FloatArray = np.dot(v, X - self.centre if far else X)
        if not far:
            inner -= v.sum() * self.centre
        inner = (inner / self.spread)[self.kept]
        if self.mix is not None:
            inner = inner @ self.mix
        return np.concatenate(([v.sum()], inner)) if self.intercept else inner

    def directions(self, V: FloatArray) -> tuple[FloatArray, FloatArray]:
        """A matrix and a row with ``Z @ V = X @ matrix + row``, for V of shape (size, k)."""
        matrix = np.zeros((self.centre.shape[0], V.shape[1]))
        inner = V[int(self.intercept) :]
        inner = inner if self.mix is None else self.mix @ inner
        matrix[self.kept] = inner / self.spread[self.kept][:, None]
        row = -(self.centre @ matrix)
        return matrix, row + V[0] if self.intercept else row

    def broken(self, X: Matrix) -> NDArray[np.bool_]:
        """Rows on which the dropped columns are not what the kept ones say, shape (m,)."""
        Z = design(X, self.centre, self.spread, far=self.far)
        beside = np.zeros((X.shape[1], self.dropped.shape[0]))
        beside[self.dropped, np.arange(self.dropped.shape[0])] = 1.0
        beside[self.kept] = -self.relation
        error = np.abs(Z @ beside)
        size = abs(Z) @ np.abs(beside) + 1.0
        return np.any(error > 100.0 * (DEPENDENT + self.blur) * size, axis=1)

    def least_norm(self, coef: FloatArray, intercept: float) -> tuple[FloatArray, float]:
        """Of all coefficients with these predictions, those of least norm; their intercept.

        With T the relation in raw units the predictions fix ``[I T] @ coef``; the least norm among
        the solutions lies in the row space, reached through a QR of the transpose. What that
        loses where units differ much is put back on the kept columns.
        """
        r = self.kept.shape[0]
        if not self.dropped.shape[0] or not r:
            return coef, intercept
        rows = np.zeros((r, coef.shape[0]))
        rows[np.arange(r), self.kept] = 1.0
        rows[:, self.dropped] = self.relation * self.spread[self.dropped]
        rows[:, self.dropped] /= self.spread[self.kept][:, None]
        length = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        Q, R = np.linalg.qr((rows / length[:, None]).T)
        least = Q @ solve_triangular(R, coef[self.kept] / length, trans="T")
        least[self.kept] += coef[self.kept] - rows @ least
        shift = float(self.centre @ (coef - least)) if self.intercept else 0.0
        return least, intercept + shift


def frame_of_few(X: Matrix, y: FloatArray, share: FloatArray, intercept: bool) -> Frame:
    """The frame of a stride of sampled rows if that leaves no doubt, otherwise of all of them.

    Columns that are clearly independent in some rows are so in all; centre and spread need not be
    accurate.
    """
    m, p = X.shape
    stride = m // max(FEW_ROWS, FEW_ROWS_A_COLUMN * p)
    if stride > 1:
        frame = fit_frame(X[::stride], y[::stride], share[::stride], intercept)
        if frame.mix is None and not frame.dropped.shape[0]:
            return frame
    return fit_frame(X, y, share, intercept)


def fit_frame(X: Matrix, y: FloatArray, share: FloatArray, intercept: bool) -> Frame:
    """The frame of sampled rows, each standing for ``share`` of a row.

    The rank is that of the scaled columns: where Cholesky with pivoting finds
    them not clearly independent, QR with pivoting, which sees twice as many digits, decides.
    """
    p = X.shape[1]
    share = share / float(share.sum())
    centre, far = _means(X, share) if intercept else (np.zeros(p), ())
    unit, Z = np.ones(p), times_rows(design(X, centre, far=far), np.sqrt(share))
    with np.errstate(over="ignore", invalid="ignore"):
        gram = own_gram(Z)
    square = gram.diagonal()
    if not ((square > LEAST_SQUARE) & (square < 1.0 / LEAST_SQUARE)).all():
        unit = np.ldexp(1.0, np.frexp(column_sizes(X))[1])
        Z = times_rows(design(X, centre, unit, far=far), np.sqrt(share))
        gram = own_gram(Z)
    spread = np.sqrt(gram.diagonal())
    offset = np.abs(centre) / unit
    nothing = spread <= 4.0 * EPS * offset
    spread[nothing] = 1.0
    blur = 4.0 * EPS * (1.0 + float((offset / spread)[~nothing].max(initial=0.0)))
    kept, dropped = np.arange(p), np.empty(0, dtype=np.intp)
    relation = np.empty((p, 0))
    mix: FloatArray | None = None
    condition, found = None, None
    least = max(DEPENDENT, 8.0 * blur)
    if X.shape[0] >= p:
        correlation = np.where(np.logical_or.outer(nothing, nothing), 0.0, gram)
        correlation /= np.outer(spread, spread)
        condition = None if nothing.any() else _condition_if_good(correlation)
        if condition is None:
            found = seen_in_gram(Z, correlation, spread, least, WELL_CONDITIONED)
    if found is not None:
        kept, dropped, relation = found.kept, found.dropped, found.relation
        condition = found.condition
    elif condition is None:
        weighted = triangle_of(Z) / spread
        weighted[:, nothing] = 0.0
        R, order = qr(weighted, mode="r", pivoting=True, check_finite=False)
        diagonal = np.abs(np.diagonal(R))
        rank = int(np.count_nonzero(diagonal > least))
        inner = solve_triangular(R[:rank, :rank], R[:rank, rank:]) if rank else R[:0, :]
        where = np.argsort(order[:rank])
        kept, dropped, relation = order[:rank][where], order[rank:], inner[where]
        condition = float(diagonal[0] / diagonal[rank - 1]) if rank else 1.0
        if condition > WELL_CONDITIONED:
            mix = solve_triangular(R[:rank, :rank], np.eye(rank))[where]
    y_centre = float(np.partition(y, y.shape[0] // 2)[y.shape[0] // 2]) if intercept else 0.0
    delicate = mix is not None and condition > DELICATE and not is_sparse(X)
    parts = (kept, dropped, relation, blur, condition, mix, intercept, far, delicate)
    return Frame(centre, spread * unit, y_centre, *parts)


def _means(X: Matrix, share: FloatArray) -> tuple[FloatArray, tuple[int, ...]]:
    """Weighted means of the columns, exact where they are far from zero; which sparse ones are."""
    if not is_sparse(X):
        return X[0] + share @ (X - X[0]), ()
    mean = share @ X
    variance = share @ squares(X) - np.square(mean)
    far = far_columns(mean, np.sqrt(np.maximum(variance, 0.0)))
    places = np.array(far, dtype=np.intp)
    mean[places] = _means(in_full(X[:, places]), share)[0]
    return mean, far


def _condition_if_good(correlation: FloatArray) -> float | None:
    """The ratio of extreme pivots, if Cholesky with pivoting can tell."""
    p = correlation.shape[0]
    if p == 0:
        return 1.0
    factor, _, rank, _ = dpstrf(correlation, tol=1e-10, lower=True)
    least = float(factor.diagonal().min())
    good = rank == p and least > 0.5 / WELL_CONDITIONED
    return float(factor[0, 0]) / least if good else None
