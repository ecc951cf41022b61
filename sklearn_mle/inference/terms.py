"""Columns centred and made orthonormal, so that sums over rows lose no digits.

With ``t = (x - centre) @ mix``, and a last term of one for the intercept, the weighted rows have
``sum w t t' = W * identity``. Whatever the units of the features and however collinear they are,
an information matrix in these terms is as well conditioned as the law of the residuals allows, and
what is said of raw coefficients is a linear map away.

Where features depend on each other, or are constant, the terms are fewer than the features. A
linear function of the coefficients is then *identified* if it is the same for all coefficients
with the same predictions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag, solve_triangular

from sklearn_mle.rows.rows import FloatArray, Rows
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers.gram import ORDINARY, estimate_frame, gram
from sklearn_mle.solvers.least_squares import by_cholesky, by_orthogonal, centred_frame
from sklearn_mle.solvers.normal_inverse import SpectralInverse, TriangularInverse
from sklearn_mle.solvers.refinement import Factored

SAFE_RCOND = 1e-4
"""Reciprocal condition of a Gram matrix above which its factor is good to eleven digits."""
CLEAR = 1e-8
"""Share of a linear function outside the row space, above which it is not identified."""


@dataclass(frozen=True)
class Terms:
    """The map between features and orthonormal terms.

    Parameters
    ----------
    centre : ndarray of shape (p,)
        Zero without an intercept.
    mix : ndarray of shape (p, r)
    unmix : ndarray of shape (r, p)
        A left inverse of ``mix``.
    unit : ndarray of shape (p,)
        Spread of each feature times the root of the weight; 1 where it is constant.
    shadow : ndarray of shape (p, p - r)
        Orthonormal basis, in units of ``unit``, of what changes no prediction.
    intercept : bool
    gentle : bool
        Whether sums over centred columns, mixed afterwards, are as good as sums over terms.
    """

    centre: FloatArray
    mix: FloatArray
    unmix: FloatArray
    unit: FloatArray
    shadow: FloatArray
    intercept: bool
    gentle: bool

    @property
    def size(self) -> int:
        return self.mix.shape[1] + int(self.intercept)

    def of(self, X: NDArray[np.floating]) -> FloatArray:
        """The terms of rows, shape (m, size)."""
        T = np.empty((X.shape[0], self.size))
        np.matmul(X - self.centre, self.mix, out=T[:, : self.mix.shape[1]])
        T[:, self.mix.shape[1] :] = 1.0
        return T

    def columns(self, X: NDArray[np.floating]) -> FloatArray:
        """Columns, shape (m, k), whose products with `mixing` are the terms.

        Where this loses no digits they are the centred features, which saves a product a row.
        """
        if not self.gentle:
            return self.of(X)
        p = self.centre.shape[0]
        D = np.empty((X.shape[0], p + int(self.intercept)))
        np.subtract(X, self.centre, out=D[:, :p])
        D[:, p:] = 1.0
        return D

    @cached_property
    def mixing(self) -> FloatArray:
        """Shape (k, size)."""
        if not self.gentle:
            return np.eye(self.size)
        return block_diag(self.mix, *([1.0] if self.intercept else []))

    def inside(self, coef: FloatArray, intercept: FloatArray) -> FloatArray:
        """Coefficients of terms from those of features, shapes (k, p) and (k,) to (k, size)."""
        inner = coef @ self.unmix.T
        if not self.intercept:
            return inner
        return np.column_stack([inner, intercept + coef @ self.centre])

    def outside(self, gamma: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Coefficients and intercepts of features from those of terms, shape (k, size)."""
        r = self.mix.shape[1]
        coef = gamma[:, :r] @ self.mix.T
        if not self.intercept:
            return coef, np.zeros(gamma.shape[0])
        return coef, gamma[:, r] - coef @ self.centre

    def functions(self, of_coef: FloatArray, of_intercept: FloatArray) -> FloatArray:
        """Linear functions of raw coefficients as functions of the coefficients of terms.

        Parameters
        ----------
        of_coef : ndarray of shape (q, p)
        of_intercept : ndarray of shape (q,)

        Returns
        -------
        ndarray of shape (q, size)
            NaN for functions that the data do not identify.
        """
        level = of_intercept if self.intercept else np.zeros_like(of_intercept)
        about = of_coef - np.multiply.outer(level, self.centre)
        made = about @ self.mix
        if self.intercept:
            made = np.column_stack([made, of_intercept])
        scaled = about / self.unit
        # rounding of the difference above is not a part of its own
        terms = np.abs(of_coef) + np.abs(np.multiply.outer(level, self.centre))
        length = np.linalg.norm(terms / self.unit, axis=1)
        outside = np.linalg.norm(scaled @ self.shadow, axis=1)
        return np.where((outside > CLEAR * length)[:, None], np.nan, made)


def terms_of(rows: Rows, intercept: bool) -> Terms:
    """The terms of rows, in one pass, or in two where features are nearly collinear."""
    with blocks_share_cores(rows.n_columns):
        factored = _factored(rows, intercept)
    root = math.sqrt(rows.total_weight)
    p, varies, inverse = rows.n_columns, factored.varies, factored.inverse
    if isinstance(inverse, TriangularInverse):
        r = inverse.size.shape[0]
        half = solve_triangular(inverse.R, np.eye(r)) if r else np.zeros((0, 0))
        back, beyond = np.triu(inverse.R), np.zeros((r, 0))
    else:
        assert isinstance(inverse, SpectralInverse)
        half, back = inverse.V / inverse.S, inverse.S[:, None] * inverse.V.T
        beyond = np.linalg.qr(inverse.V, mode="complete")[0][:, inverse.rank :]
    rank, constant = half.shape[1], np.flatnonzero(~varies)
    mix, unmix, unit = np.zeros((p, rank)), np.zeros((rank, p)), np.ones(p)
    mix[varies] = root * half / inverse.size[:, None]
    unmix[:, varies] = back * inverse.size / root
    unit[varies] = inverse.size
    unit[constant] = np.maximum(np.abs(factored.centre[constant]) * root, 1e-300)
    shadow = np.zeros((p, beyond.shape[1] + constant.size))
    shadow[varies, : beyond.shape[1]] = beyond
    shadow[constant, beyond.shape[1] + np.arange(constant.size)] = 1.0
    plain = unit[(unit < 1.0 / ORDINARY) | (unit > ORDINARY)].size == 0
    gentle = plain and isinstance(inverse, TriangularInverse) and inverse.rcond**2 > SAFE_RCOND
    return Terms(factored.centre, mix, unmix, unit, shadow, intercept, gentle)


def _factored(rows: Rows, intercept: bool) -> Factored:
    frame = estimate_frame(rows, intercept)
    sums = None
    if rows.n_rows - intercept >= rows.n_columns:
        sums = gram(rows, frame, intercept)
        factored = by_cholesky(sums, rows.total_weight)
        if factored is not None and factored.inverse.rcond**2 > SAFE_RCOND:
            return factored
    return by_orthogonal(rows, centred_frame(rows, frame, sums, intercept))
