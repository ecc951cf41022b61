"""The cost around a fit, in coordinates in which it is round.

The coordinates ``theta`` are the coefficients of orthonormal terms, score by score, and then the
extras (logarithm of the scale, stretched shapes). Everything here is a sum over blocks of rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from sklearn_mle.inference.row_costs import LocationScaleCosts, RowCosts
from sklearn_mle.inference.terms import Terms
from sklearn_mle.likelihoods.objective import Derivatives
from sklearn_mle.noises.noise import Fact, FloatArray, Noise
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.rows import Block, Rows
from sklearn_mle.rows.threads import blocks_share_cores

TOUCHED = 64.0 * float(np.finfo(float).eps)
"""Size of a residual, relative to the terms that it is a difference of, that is only rounding."""


@dataclass(frozen=True)
class Valley:
    """Rows, what they cost, and the place of the fit among all fits.

    Parameters
    ----------
    rows : Rows
    costs : RowCosts
    terms : Terms
    bottom : ndarray of shape (size,)
        The theta of the fit.
    endless : bool
        Whether the cost falls for ever in some directions: separated classes.
    """

    rows: Rows
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

    def scores(self, D: Design, theta: FloatArray) -> FloatArray:
        """Scores of rows from their columns, shape (m, n_scores)."""
        return self.terms.linear(D, self.terms.mixing @ self.split(theta)[0].T)

    def value(self, theta: FloatArray) -> float:
        """The total cost."""
        extras = self.split(theta)[1]

        def per_block(block: Block) -> tuple[float]:
            scores = self.scores(self.terms.columns(block.X), theta)
            return (float(block.weigh(self.costs.cost(block.y, scores, extras)).sum()),)

        with blocks_share_cores(self.rows.n_columns):
            return float(self.rows.total(per_block)[0])

    def derivatives(self, theta: FloatArray, *, touching: bool = False) -> Derivatives:
        """The total cost, its gradient and its Hessian, in one pass.

        Parameters
        ----------
        theta : ndarray of shape (size,)
        touching : bool
            Whether curvatures of rows in their scores are those of parabolas that touch the cost
            from above, for a law of residuals.
        """
        extras = self.split(theta)[1]
        convex = self.noise is None or Fact.LOG_CONCAVE in self.noise.facts

        def per_block(block: Block) -> tuple[float, FloatArray, FloatArray]:
            D = self.terms.columns(block.X)
            scores = self.scores(D, theta)
            d = self.costs.derivatives(block.y, scores, extras)
            curvature = d.curvature
            if touching and isinstance(self.costs, LocationScaleCosts):
                curvature = self.costs.touching(block.y, scores, extras, d)
            second = (curvature, d.cross, d.extra_curvature)
            first = self.terms.moments(D, block.weigh(d.slope)), block.weigh(d.extra_slope)
            gradient = np.concatenate([first[0].T.ravel(), first[1].sum(axis=0)])
            cost = float(block.weigh(d.cost).sum())
            return cost, gradient, self.second(D, map(block.weigh, second), convex)

        with blocks_share_cores(self.rows.n_columns):
            value, gradient, hessian = self.rows.total(per_block)
        J = self.mixing()
        return Derivatives(float(value), J.T @ gradient, J.T @ hessian @ J)

    def second(self, D: Design, parts: Iterable[FloatArray], definite: bool) -> FloatArray:
        """The sum of second-order terms of rows, in weights of columns and extras.

        Parameters
        ----------
        parts : ndarrays of shapes (m, s, s), (m, s, e) and (m, e, e)
            What each row has for two scores, for a score and an extra, and for two extras.
        definite : bool
            Whether the first of them, of a score with itself, are not negative.
        """
        pairs, cross, extra = parts
        s, e, k = pairs.shape[1], extra.shape[1], self.terms.mixing.shape[0]
        q = s * k
        H = np.empty((q + e, q + e))
        blocks = H[:q, :q].reshape(s, k, s, k)
        for a in range(s):
            for b in range(a + 1):
                weight, signed = pairs[:, a, b], a != b or not definite
                product = self.terms.products(
                    D, weight if signed else np.maximum(weight, 0.0), signed
                )
                blocks[a, :, b, :] = product
                blocks[b, :, a, :] = product.T
        if e:
            sums = self.terms.moments(D, cross.reshape(-1, s * e))
            H[:q, q:] = sums.reshape(k, s, e).transpose(1, 0, 2).reshape(q, e)
            H[q:, :q] = H[:q, q:].T
            H[q:, q:] = extra.sum(axis=0)
        return H

    def mixing(self) -> FloatArray:
        """What sums over columns and extras are multiplied with to be sums in theta."""
        scores = [self.terms.mixing] * self.costs.n_scores
        return block_diag(*scores, np.eye(self.costs.n_extras))

    def order_of_sums(self) -> NDArray[np.intp]:
        """Where columns and one of each score, and extras, stand in sums that hold them by kind.

        Those have the columns of all scores first, then the ones, then the extras.
        """
        s, ones = self.costs.n_scores, int(self.terms.intercept)
        k = self.terms.mixing.shape[0] - ones
        scores = [[*range(a * k, (a + 1) * k), *([s * k + a] * ones)] for a in range(s)]
        extras = range(s * (k + ones), s * (k + ones) + self.costs.n_extras)
        return np.array([place for part in (*scores, extras) for place in part], dtype=np.intp)

    def slopes(self, block: Block, scores: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Costs of a block at the bottom, and their slopes in scores and in extras.

        Where a cost has corners, residuals that are zero up to rounding count as below zero, as
        they do for the quantile of a sample.
        """
        cost, of_score, of_extra = self.costs.slopes(block.y, scores, self.split(self.bottom)[1])
        if self.noise is not None and Fact.PIECEWISE_LINEAR in self.noise.facts:
            size = np.abs(block.y) + np.abs(scores[:, 0])
            touched = np.abs(block.y - scores[:, 0]) <= TOUCHED * size
            below = self.noise.slope(np.array([-1.0]))
            of_score[touched] = -below / self.scale
        return cost, of_score, of_extra

    def residuals(self) -> NDArray[np.float64]:
        """``y - location`` of every row at the bottom, in units of y, shape (n,)."""

        def per_block(block: Block) -> FloatArray:
            return block.y - self.scores(self.terms.columns(block.X), self.bottom)[:, 0]

        return self.rows.entries(self.rows.column(per_block))


def is_normal(noise: Noise) -> bool:
    """Whether the cost is a parabola: quadratic, and as steep on both sides."""
    if Fact.QUADRATIC not in noise.facts:
        return False
    left, right = noise.curvature(np.array([-1.0, 1.0]))
    return bool(left == right)
