"""The one form that every least absolute deviations problem takes here, whatever its size.

With quantile tau and weights w the dual of ``min_b sum_i w_i * pinball(y_i - z_i'b)`` asks for d
with ``w_i * (tau - 1) <= d_i <= w_i * tau`` and ``Z'd = 0`` (Koenker 2005, section 6.2). The
substitution ``a = 2 * d - (2 * tau - 1) * w`` makes the box symmetric::

    min_b  sum_i w_i * |y_i - z_i'b| - c'b          |a_i| <= w_i,   Z'a + c = 0

with ``c = (2 * tau - 1) * Z'w``; the cost is twice the pinball loss, up to a constant. A row whose
residual has a known sign s leaves the problem by ``c += s * w * z``, and the form stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotrs

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.implicit_design import Design

IntArray = NDArray[np.intp]
GRAM_BLOCK = 2**20
"""Entries of a block of rows."""


@dataclass(frozen=True)
class Reduced:
    """``min_b sum_i w_i * |y_i - z_i'b| - c'b``, in arrays of moderate size.

    Parameters
    ----------
    Z : ndarray of shape (m, q), or a design of sparse rows
    y, w : ndarray of shape (m,)
        The weights are positive.
    c : ndarray of shape (q,)
    """

    Z: Design
    y: FloatArray
    w: FloatArray
    c: FloatArray

    @cached_property
    def even(self) -> bool:
        """Whether all weights are one."""
        return bool((self.w == 1.0).all())

    @cached_property
    def gram(self) -> FloatArray:
        """``Z'WZ``."""
        return weighted_gram(self.Z, None if self.even else self.w)

    @cached_property
    def background(self) -> FloatArray:
        """The Gram matrix of all rows, estimated from a stride of them."""
        stride = max(1, self.y.shape[0] // (20 * self.c.shape[0]))
        return weighted_gram(self.Z[::stride], self.w[::stride]) * stride

    def growth(self, v: FloatArray) -> float:
        """The slope of the cost far out along v: negative if the problem is unbounded there."""
        return float(self.w @ np.abs(self.Z @ v) - self.c @ v)

    def every(self, stride: int) -> Reduced:
        """Every stride-th row, with c in proportion."""
        if stride == 1:
            return self
        share = self.y[::stride].shape[0] / self.y.shape[0]
        return Reduced(self.Z[::stride], self.y[::stride], self.w[::stride], self.c * share)


@dataclass(frozen=True)
class Answer:
    """A solution of a `Reduced` problem, or the proof that it has none.

    Parameters
    ----------
    b : ndarray of shape (q,)
    dual : ndarray of shape (m,)
        The a of the module's docstring; within its box.
    slack : float
        By how much, relative to the box, a has to be changed to satisfy ``Z'a + c = 0`` exactly.
    ray : ndarray of shape (q,) or None
        A direction in which the cost falls for ever; then b and the dual mean nothing.
    basis : ndarray of shape (q,) or None
        Rows that b is fitted to, where pivots found it.
    """

    b: FloatArray
    dual: FloatArray
    slack: float
    ray: FloatArray | None = None
    basis: IntArray | None = None


def weighted_gram(Z: Design, w: FloatArray | None) -> FloatArray:
    """``Z' diag(w) Z``, block by block so that no temporary is as large as a large Z.

    A product of a matrix with its own transpose takes half the time of one of two matrices.
    """
    if not isinstance(Z, np.ndarray):
        return Z.weighted_gram(np.ones(Z.shape[0]) if w is None else w)
    m, q = Z.shape
    if w is not None and m and w[0] == 1.0 and bool((w == 1.0).all()):
        w = None
    step = max(256, GRAM_BLOCK // q)
    if w is None and m <= step:
        return np.dot(Z.T, Z)
    gram: FloatArray | None = None
    for first in range(0, max(m, 1), step):
        part = Z[first : first + step] if m > step else Z
        if w is not None:
            part = part * np.sqrt(w[first : first + step])[:, None]
        product = np.dot(part.T, part)
        gram = product if gram is None else np.add(gram, product, out=gram)
    assert gram is not None
    return gram


def solve_positive(H: FloatArray, g: FloatArray) -> FloatArray:
    """``H^-1 g`` for a positive semidefinite H, by Cholesky; a ridge only if that fails."""
    return dpotrs(factor_positive(H), g, lower=True)[0]


def factor_positive(H: FloatArray) -> FloatArray:
    """The lower Cholesky factor of a positive semidefinite H, with a ridge only if it needs one."""
    factor, failed = dpotrf(H, lower=True)
    ridge = 0.0
    while True:
        pivots = factor.diagonal().tolist()
        if not failed and min(pivots) > 1e-7 * max(pivots):
            return factor
        ridge = max(1e-12 * (float(H.diagonal().mean()) or 1.0), 100.0 * ridge)
        factor, failed = dpotrf(H + ridge * np.eye(H.shape[0]), lower=True)


def least_squares(Z: Design, y: FloatArray, w: FloatArray) -> FloatArray:
    """The weighted least squares coefficients, by Cholesky and one step of refinement."""
    H = weighted_gram(Z, w)
    b = solve_positive(H, (w * y) @ Z)
    return b + solve_positive(H, (w * (y - Z @ b)) @ Z)


def spread_excess(problem: Reduced, dual: FloatArray) -> float:
    """By how much of its box the dual has to move to satisfy ``Z'a + c = 0``.

    With ``e = Z'a + c`` the correction of least weighted norm is ``-w_i * z_i'G^-1 e``,
    ``G = Z'WZ``; its largest entry relative to w_i is returned. Dividing the corrected dual by one
    plus this number puts it back into the box, which costs that fraction of the dual value. Of
    many rows a stride takes the whole correction, which is a bound as well.
    """
    e = dual @ problem.Z + problem.c
    stride = max(1, problem.Z.shape[0] // max(2000, 50 * problem.Z.shape[1]))
    Z, w = problem.Z[::stride], problem.w[::stride]
    move = Z @ solve_positive(weighted_gram(Z, w), e)
    return float(np.abs(move).max(initial=0.0))
