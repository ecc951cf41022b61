"""The cost around a fit, in coordinates in which it is round.

The coordinates ``theta`` are the coefficients of orthonormal terms, score by score, and then the
extras (logarithm of the scale, stretched shapes). Everything here is a sum over blocks of rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from sklearn_mle.inference.row_costs import LocationScaleCosts, RowCosts
from sklearn_mle.inference.terms import Terms
from sklearn_mle.likelihoods.objective import Derivatives
from sklearn_mle.noises.noise import Fact, FloatArray, Noise
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Block
from sklearn_mle.rows.threads import blocks_share_cores

TOUCHED = 64.0 * float(np.finfo(float).eps)
"""Size of a residual, relative to the terms that it is a difference of, that is only rounding."""


@dataclass(frozen=True)
class Valley:
    """Rows, what they cost, and the place of the fit among all fits.

    Parameters
    ----------
    rows : InMemoryRows
    costs : RowCosts
    terms : Terms
    bottom : ndarray of shape (size,)
        The theta of the fit.
    endless : bool
        Whether the cost falls for ever in some directions: separated classes.
    """

    rows: InMemoryRows
    costs: RowCosts
    terms: Terms
    bottom: FloatArray
    endless: bool = False

    @property
    def n_location(self) -> int:
        """How many entries of theta belong to scores; the others are extras."""
        return self.costs.n_scores * self.terms.size

    @property
    def size(self) -> int:
        return self.n_location + self.costs.n_extras

    @property
    def noise(self) -> Noise | None:
        """The law of the residuals; None for classes."""
        return self.costs.noise if isinstance(self.costs, LocationScaleCosts) else None

    @property
    def normal(self) -> bool:
        """Whether the law is a normal one, for which t and F are exact."""
        return self.noise is not None and is_normal(self.noise)

    @property
    def scale(self) -> float:
        """The scale of the fit; 1.0 for classes."""
        return 1.0 if self.noise is None else math.exp(self.bottom[self.n_location])

    def split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Coefficients of terms, shape (n_scores, n_terms), and extras."""
        q = self.n_location
        return theta[:q].reshape(self.costs.n_scores, self.terms.size), theta[q:]

    def value(self, theta: FloatArray) -> float:
        """The total cost."""
        gamma, extras = self.split(theta)
        centre = self.terms.centre
        coef, level = self.terms.outside(gamma)
        level = level + coef @ centre

        def per_block(block: Block) -> tuple[float]:
            cost = self.costs.cost(block.y, (block.X - centre) @ coef.T + level, extras)
            return (float(block.weigh(cost).sum()),)

        with blocks_share_cores(self.rows.n_columns):
            return float(self.rows.total(per_block)[0])

    def derivatives(self, theta: FloatArray) -> Derivatives:
        """The total cost, its gradient and its Hessian, in one pass."""
        gamma, extras = self.split(theta)
        s, mixing = self.costs.n_scores, self.terms.mixing
        to_columns = mixing @ gamma.T
        k = mixing.shape[0]
        q = s * k
        size = q + self.costs.n_extras

        def per_block(block: Block) -> tuple[float, FloatArray, FloatArray]:
            T = self.terms.columns(block.X)
            scores = T @ to_columns
            d = self.costs.derivatives(block.y, scores, extras)
            w = np.ones(block.n_rows) if block.weight is None else block.weight
            H = np.empty((size, size))
            pairs = H[:q, :q].reshape(s, k, s, k)
            for a in range(s):
                for b in range(a + 1):
                    product = np.dot((T * (w * d.curvature[:, a, b])[:, None]).T, T)
                    pairs[a, :, b, :] = product
                    pairs[b, :, a, :] = product
            weighted = T * w[:, None]
            cross = np.einsum("mt,msk->stk", weighted, d.cross, optimize=True)
            H[:q, q:] = cross.reshape(q, -1)
            H[q:, :q] = H[:q, q:].T
            H[q:, q:] = np.tensordot(w, d.extra_curvature, axes=1)
            gradient = np.concatenate([(d.slope.T @ weighted).ravel(), w @ d.extra_slope])
            return float(w @ self.costs.cost(block.y, scores, extras)), gradient, H

        with blocks_share_cores(self.rows.n_columns):
            value, gradient, hessian = self.rows.total(per_block)
        J = self.mixing()
        return Derivatives(float(value), J.T @ gradient, J.T @ hessian @ J)

    def mixing(self) -> FloatArray:
        """What sums over columns and extras are multiplied with to be sums in theta."""
        scores = [self.terms.mixing] * self.costs.n_scores
        return block_diag(*scores, np.eye(self.costs.n_extras))

    def row_slopes(self, block: Block) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Columns of a block, and slopes of its costs at the bottom in scores and in extras.

        Where a cost has corners, residuals that are zero up to rounding count as below zero, as
        they do for the quantile of a sample.
        """
        gamma, extras = self.split(self.bottom)
        D = self.terms.columns(block.X)
        scores = D @ (self.terms.mixing @ gamma.T)
        of_score, of_extra = self.costs.slopes(block.y, scores, extras)
        if self.noise is not None and Fact.PIECEWISE_LINEAR in self.noise.facts:
            size = np.abs(block.y) + np.abs(scores[:, 0])
            touched = np.abs(block.y - scores[:, 0]) <= TOUCHED * size
            below = self.noise.slope(np.array([-1.0]))
            of_score[touched] = -below / self.scale
        return D, of_score, of_extra

    def residuals(self) -> NDArray[np.float64]:
        """``y - location`` of every row at the bottom, in units of y, shape (n,)."""
        gamma = self.terms.mixing @ self.split(self.bottom)[0][0]
        return self.rows.column(lambda block: block.y - self.terms.columns(block.X) @ gamma)


def is_normal(noise: Noise) -> bool:
    """Whether the cost is a parabola: quadratic, and as steep on both sides."""
    if Fact.QUADRATIC not in noise.facts:
        return False
    left, right = noise.curvature(np.array([-1.0, 1.0]))
    return bool(left == right)


def row_scores(D: FloatArray, of_score: FloatArray, of_extra: FloatArray) -> FloatArray:
    """The gradient of each row's cost in weights of columns and extras, shape (m, s * k + e)."""
    (m, k), s = D.shape, of_score.shape[1]
    G = np.empty((m, s * k + of_extra.shape[1]))
    for a in range(s):
        np.multiply(D, of_score[:, [a]], out=G[:, a * k : (a + 1) * k])
    G[:, s * k :] = of_extra
    return G
