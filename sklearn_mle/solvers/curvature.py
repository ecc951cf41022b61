"""Hessians as Newton's method uses them: steps, decrements, and directions without curvature."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from sklearn_mle.likelihoods.objective import FloatArray

CLEAR = 0.03
"""Least pivot, of a diagonal of ones, from which a Hessian in single precision tells all."""
FLAT = 32.0 * np.finfo(float).eps
"""Curvature, relative to the largest and by size of theta, that rounding errors can make."""

NOISE = 1e-12
"""Diagonal entry, relative to that of another score, which rounding errors may have made."""


@dataclass(frozen=True)
class Curvature:
    """A factor of a Hessian: its diagonal scaled to ones, so that the rank knows no units.

    Cholesky serves a well-conditioned Hessian; otherwise directions without curvature, in which the
    gradient of a convex cost has no part, are left alone, and the step is the shortest.

    Parameters
    ----------
    unit : ndarray of shape (size,)
    root : ndarray of shape (size, rank)
        ``root @ root'`` is the (pseudo-)inverse of the scaled Hessian.
    still : ndarray of shape (size, size - rank)
        Orthonormal directions, scaled, without curvature.
    least : float
        The least pivot of the scaled Hessian; 0 where it is not clearly of full rank.
    """

    unit: FloatArray
    root: FloatArray
    still: FloatArray
    least: float = 0.0

    @classmethod
    def of(cls, hessian: FloatArray, n_scores: int = 1) -> Curvature:
        """The factor of this Hessian.

        Where parameters run over the same terms for several scores, a diagonal entry far below that
        of another score may be nothing but its rounding errors: the term then has one unit for all.
        """
        diagonal = hessian.diagonal()
        if n_scores > 1:
            largest = diagonal.reshape(n_scores, -1).max(axis=0)
            tied = np.tile(largest, n_scores)
            diagonal = np.where(diagonal > NOISE * tied, diagonal, tied)
        unit = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
        H = hessian / unit
        H /= unit[:, None]
        factor, failed = linalg.lapack.dpotrf(H, lower=True)
        if not failed and factor.diagonal().min(initial=1.0) > 1e-5:
            inverse, _ = linalg.lapack.dtrtri(factor, lower=True)
            least = float(factor.diagonal().min(initial=1.0))
            return cls(unit, inverse.T, np.empty((H.shape[0], 0)), least)
        size, vectors = linalg.eigh(H)
        there = size > FLAT * size.shape[0] * max(size.max(initial=0.0), 1e-300)
        return cls(unit, vectors[:, there] / np.sqrt(size[there]), vectors[:, ~there])

    @property
    def rank(self) -> int:
        return self.root.shape[1]

    def scaled(self, factor: float) -> Curvature:
        """The factor of the Hessian times a number."""
        return replace(self, unit=self.unit * np.sqrt(factor))

    @property
    def flat(self) -> FloatArray:
        """Directions of theta without curvature, shape (size, size - rank)."""
        return self.still / self.unit[:, None]

    def length(self, step: FloatArray) -> float:
        """``step' H step``, the squared length of a step as the Hessian measures it."""
        scaled = self.unit * step
        square = self.root.shape[0] == self.root.shape[1]
        solved = np.linalg.solve if square else _least_squares
        half = solved(self.root, scaled)
        return float(half @ half)

    def solve(self, gradient: FloatArray) -> FloatArray:
        """The inverse of the Hessian times a gradient."""
        return (self.root @ (self.root.T @ (gradient / self.unit))) / self.unit

    def step(self, gradient: FloatArray) -> tuple[FloatArray, float]:
        """The Newton step, and the squared decrement ``g' H^+ g``."""
        half = self.root.T @ (gradient / self.unit)
        return -(self.root @ half) / self.unit, float(half @ half)


def _least_squares(A: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.lstsq(A, b)[0], dtype=np.float64)
