"""The inverse of the normal matrix, from a triangular factor or a truncated spectrum.

With columns ``z_j = (x_j - m_j) * sqrt(w)``, scaled to unit norm by ``D = diag(|z_j|)``, let
``Z D^-1`` have the factor R, or the singular values S and right vectors V. Both answer the same
four questions about ``Z'Z = D R'R D = D V S^2 V' D``.

**Rank** is decided on unit columns, so that units of measurement do not matter: a right singular
vector v counts as null if its singular value is no larger than rounding could have made it,

    s <= eps * max(64, p) * s_max    or    s <= 8 * eps * sum_j |v_j| rms_j / std_j

where the second says that ``X v`` varies by less than the rounding of the entries of X. Neither
depends on the number of rows or on the weights: repeating a row and weighting it are the same.

**Least norm.** Where the rank is short, the answer is the shortest among all minimisers *in the
units of X*, although the rank was decided in others. Minimisers satisfy ``V_r' D b = c``; the
shortest lies in the span of ``D V_r = Q T``, so ``b = Q T'^-1 c``. The rows of ``D V_r`` may differ
by many orders of magnitude; sorted by size, QR with column pivoting is accurate row by row (Cox and
Higham 1998). A null vector is null up to rounding only, though: where units differ so much that the
shortest answer would stretch it until its rounding takes part in the fit, the answer is the
shortest in unit columns instead.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr, solve_triangular, svd
from scipy.linalg.lapack import dgecon, dtrtrs

from sklearn_mle.rows.rows import FloatArray
from sklearn_mle.solvers.gram import CONSTANT_UNITS, EPS

SAFE_RCOND = 1e-9
"""A triangular factor whose reciprocal condition is above this has full rank beyond doubt."""


NULL_SHARE = 1e-6
"""What null vectors may add to predictions of length one; its square is what the loss may grow."""


@dataclass(frozen=True)
class NormalInverse(ABC):
    """Solves with ``Z'Z`` in two halves.

    Parameters
    ----------
    size : ndarray of shape (p,)
        The diagonal of D.
    rank : int
    rcond : float
        Estimate of the reciprocal condition of ``Z D^-1``, of its range if the rank is short.
    """

    size: FloatArray
    rank: int
    rcond: float

    @abstractmethod
    def half(self, gradient: FloatArray) -> FloatArray:
        """h with ``|h|^2 = gradient' (Z'Z)^-1 gradient``, shape (rank,)."""

    @abstractmethod
    def step(self, h: FloatArray) -> FloatArray:
        """``(Z'Z)^-1 gradient``, from h; the shortest such vector. Shape (p,)."""

    @abstractmethod
    def image(self, steps: FloatArray) -> FloatArray:
        """``Z steps`` but for a rotation, for steps of shape (p,) or (p, k)."""


@dataclass(frozen=True)
class TriangularInverse(NormalInverse):
    """From the upper triangular factor R of unit columns, shape (p, p); the rank is full."""

    R: FloatArray

    def half(self, gradient: FloatArray) -> FloatArray:
        return solve_upper(self.R, gradient / self.size, transposed=True)

    def step(self, h: FloatArray) -> FloatArray:
        return solve_upper(self.R, h) / self.size

    def image(self, steps: FloatArray) -> FloatArray:
        return np.asarray(self.R @ (self.size * steps.T).T)


@dataclass(frozen=True)
class SpectralInverse(NormalInverse):
    """From the leading singular values and vectors of unit columns; Q, T are those of least norm.

    Parameters
    ----------
    S : ndarray of shape (rank,)
    V : ndarray of shape (p, rank)
    Q : ndarray of shape (p, rank)
    T : ndarray of shape (rank, rank)
        Upper triangular.
    order : ndarray of shape (rank,)
        ``(D V)[:, order] = Q T``. Q, T and order are empty where the shortest answer is not sought.
    """

    S: FloatArray
    V: FloatArray
    Q: FloatArray
    T: FloatArray
    order: NDArray[np.intp]

    def half(self, gradient: FloatArray) -> FloatArray:
        return (self.V.T @ (gradient / self.size)) / self.S

    def step(self, h: FloatArray) -> FloatArray:
        if not self.order.shape[0]:
            return (self.V @ (h / self.S)) / self.size
        return self.Q @ solve_upper(self.T, (h / self.S)[self.order], transposed=True)

    def image(self, steps: FloatArray) -> FloatArray:
        return np.asarray((self.S * (self.V.T @ (self.size * steps.T).T).T).T)


def solve_upper(R: FloatArray, b: FloatArray, transposed: bool = False) -> FloatArray:
    """``R^-1 b`` or ``R'^-1 b``; scipy's LAPACK wrapper wants R in Fortran order and not empty."""
    if not b.shape[0]:
        return b
    if R.flags.f_contiguous:
        return dtrtrs(R, b, trans=int(transposed))[0]
    return dtrtrs(R.T, b, lower=1, trans=int(not transposed))[0]


def from_rows(
    A: FloatArray, z: FloatArray, size: FloatArray, rms_over_std: FloatArray
) -> tuple[NormalInverse, FloatArray]:
    """The inverse, and the h of the solution.

    Parameters
    ----------
    A : ndarray of shape (k, p)
        Unit columns, with the sums of squares and products of all rows.
    z : ndarray of shape (k,)
        y, in the same rows.
    size, rms_over_std : ndarray of shape (p,)
    """
    k, p = A.shape
    if k >= p and not np.tril(A, -1).any():
        R = np.asfortranarray(A[:p])
        # dtrcon, the estimate for triangles, is missing from older scipy; R is its own LU factor
        rcond = float(dgecon(R, np.abs(R).sum(axis=0).max())[0]) if p else 1.0
        if rcond > SAFE_RCOND:
            return TriangularInverse(size, p, rcond, R), z[:p]
    U, S, Vt = svd(A, full_matrices=False, check_finite=False)
    noise = CONSTANT_UNITS * EPS * (np.abs(Vt) @ rms_over_std)
    tolerance = np.maximum(noise, EPS * max(64, p) * S.max(initial=0.0))
    real = tolerance < S
    left = max(EPS * float(S.max(initial=0.0)), float(S[~real].max(initial=0.0)))
    S, V = S[real], Vt[real].T
    rcond = float(S[-1] / S[0]) if S.shape[0] else 1.0
    basis = _least_norm_basis(V, Vt[~real], left, size)
    return SpectralInverse(size, S.shape[0], rcond, S, V, *basis), U[:, real].T @ z


def _least_norm_basis(
    V: FloatArray, null: FloatArray, left: float, size: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    """Q, T and the order of columns in ``(D V)[:, order] = Q T``; empty where it is not wanted.

    A null vector of length one leaves up to ``left`` of the columns.
    """
    p, rank = V.shape
    none = np.zeros((p, 0)), np.zeros((0, 0)), np.arange(0)
    if rank in (0, p):
        return none
    rows = np.argsort(-size, kind="stable")
    Q = np.empty((p, rank))
    Q[rows], T, order = qr(
        V[rows] * size[rows, None], mode="economic", pivoting=True, check_finite=False
    )
    part = null @ (size[:, None] * Q)
    taken = solve_triangular(T, part.T) if part.size else part
    return (Q, T, order) if left * float(np.linalg.norm(taken)) <= NULL_SHARE else none
