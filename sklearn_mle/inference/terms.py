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
from scipy.linalg import block_diag, solve_triangular

from sklearn_mle.rows.design import design, dot, far_columns, in_full, signed_gram, weighted_gram
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.matrix import Matrix, entries
from sklearn_mle.rows.rows import Block, FloatArray, Rows
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers.gram import ORDINARY, estimate_frame, gram
from sklearn_mle.solvers.least_squares import by_cholesky, by_orthogonal, centred_frame
from sklearn_mle.solvers.normal_inverse import SpectralInverse, TriangularInverse
from sklearn_mle.solvers.refinement import Factored

SAFE_RCOND = 1e-4
"""Reciprocal condition of a Gram matrix above which its factor is good to eleven digits."""
NEAR = 100.0
"""Squared distance of the centre from zero, in spreads of the columns, up to which sums over plain
columns lose two digits at most against sums over centred ones."""
WRITTEN_OUT = 1024
"""Sparse rows that are written out at a time."""
CLEAR = 1e-8
"""Share of a linear function outside the row space, above which it is not identified."""


NOT_FINITE = (
    "X must be finite; got NaN or infinity. Replace such entries, or drop their rows, as for fit."
)


class NotFiniteError(ValueError):
    """X has entries that are not finite."""


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
        Whether sums over plain columns, mixed afterwards, are as good as sums over terms.
    near : bool
        Whether columns need not be shifted for that either.
    far : tuple of int
        Columns of sparse rows that are shifted by themselves.
    """

    centre: FloatArray
    mix: FloatArray
    unmix: FloatArray
    unit: FloatArray
    shadow: FloatArray
    intercept: bool
    gentle: bool
    near: bool = False
    far: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        return self.mix.shape[1] + int(self.intercept)

    def of(self, X: Matrix) -> FloatArray:
        """The terms of rows, shape (m, size); for few rows."""
        T = np.ones((X.shape[0], self.size))
        T[:, : self.mix.shape[1]] = design(X, self.centre, far=self.far) @ self.mix
        return T

    def columns(self, X: Matrix) -> Design:
        """Columns, shape (m, k), that stand for the terms in sums over rows.

        With a one beside them, where there is an intercept, their products with `mixing` are the
        terms. Where this loses no digits they are the features, shifted only where they must be,
        which saves a product a row.
        """
        if self.gentle:
            return design(X, None if self.near else self.centre, far=self.far)
        return design(X, self.centre, far=self.far) @ self.mix

    @cached_property
    def mixing(self) -> FloatArray:
        """Shape (k, size), or (k + 1, size) with an intercept."""
        if not self.gentle:
            return np.eye(self.size)
        M = block_diag(self.mix, *([1.0] if self.intercept else []))
        if self.intercept and self.near:
            M[-1, :-1] = -self.centre @ self.mix
        return np.asarray(M)

    def linear(self, D: Design, weights: FloatArray) -> FloatArray:
        """Columns, and the one, times weights of shape (k or k + 1, s): shape (m, s)."""
        k = D.shape[1]
        made = D @ weights[:k, 0] if weights.shape[1] == 1 else (weights[:k].T @ D.T).T
        made = made.reshape(D.shape[0], weights.shape[1])
        if self.intercept:
            made += weights[k]
        return made

    def moments(self, D: Design, values: FloatArray) -> FloatArray:
        """Sums of columns, and of the one, times values of shape (m, s): (k or k + 1, s)."""
        sums = dot(values.T, D).T
        return np.vstack([sums, values.sum(axis=0)]) if self.intercept else sums

    def products(self, D: Design, weight: FloatArray, signed: bool = False) -> FloatArray:
        """Sums of products of columns, and of the one, with weights of shape (m,)."""
        gram = signed_gram if signed else weighted_gram
        if not self.intercept:
            return gram(D, weight)
        k = D.shape[1]
        made = np.empty((k + 1, k + 1))
        made[:k, :k] = gram(D, weight)
        made[k, :k] = made[:k, k] = dot(weight, D)
        made[k, k] = weight.sum()
        return made

    def forms(self, D: Design, V: FloatArray) -> FloatArray:
        """``d'Vd`` for the columns d of each row, and the one; V of shape (k or k + 1,) twice."""
        k = D.shape[1]
        made = np.empty(D.shape[0])
        step = D.shape[0] if isinstance(D, np.ndarray) else WRITTEN_OUT
        inner = np.ascontiguousarray(V[:k, :k])
        for first in range(0, D.shape[0], max(step, 1)):
            some = slice(first, first + step)
            rows = in_full(D[some])
            made[some] = np.einsum("mk,mk->m", np.dot(rows, inner), rows)
        if not self.intercept:
            return made
        return made + (D @ (V[:k, k] + V[k, :k]) + V[k, k])

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
        return _terms(rows.total_weight, _factored(rows, intercept), intercept)


def _terms(weight: float, factored: Factored, intercept: bool) -> Terms:
    root = math.sqrt(weight)
    varies, inverse = factored.varies, factored.inverse
    p = varies.shape[0]
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
    away = np.abs(factored.centre[varies]) * root / unit[varies]
    near = not constant.size and float(away @ away) <= NEAR
    far = far_columns(factored.centre * root, unit)
    return Terms(factored.centre, mix, unmix, unit, shadow, intercept, gentle, near, far)


def _not_finite(block: Block) -> tuple[int]:
    """How many entries of X are not."""
    return (int(np.count_nonzero(~np.isfinite(entries(block.X)))),)


def _factored(rows: Rows, intercept: bool) -> Factored:
    frame = estimate_frame(rows, intercept)
    sums = None
    if rows.n_rows - intercept >= rows.n_columns:
        sums = gram(rows, frame, intercept, target=False)
        if not np.isfinite(sums.cross.diagonal()).all() and rows.total(_not_finite)[0]:
            raise NotFiniteError(NOT_FINITE)
        factored = by_cholesky(sums, rows.total_weight)
        if factored is not None and factored.inverse.rcond**2 > SAFE_RCOND:
            return factored
    return by_orthogonal(rows, centred_frame(rows, frame, sums, intercept))
