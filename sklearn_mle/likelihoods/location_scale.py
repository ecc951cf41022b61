"""The likelihood of ``y = X @ coef + intercept + scale * noise``.

A row with residual r and weight w costs ``w * (cost(r / scale) + log(scale))``. Where the loss of
the noise is homogeneous (squares, absolute values), the coefficients that make the total loss of
the residuals least do not depend on the scale, and the scale follows from the mean loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.noises.noise import Fact, FloatArray, Noise
from sklearn_mle.rows.rows import Block, Rows

ROUNDING_UNITS = 8.0
"""Residuals smaller than this many units in the last place of the terms they are computed from are
not told apart from zero."""
MEAN_ROWS = 512
"""Rows that tell about where the mean of y is."""


@dataclass(frozen=True)
class LocationScale:
    """A linear location and one scale, with this noise."""

    noise: Noise

    @property
    def facts(self) -> Fact:
        return self.noise.facts


def residuals(block: Block, coef: FloatArray, intercept: float) -> FloatArray:
    """``y - X @ coef - intercept`` of a block, shape (m,)."""
    return block.y - (block.X @ coef + intercept)


def rounding_error(
    X: NDArray[np.floating], y: FloatArray, coef: FloatArray, intercept: float
) -> FloatArray:
    """How large a residual rounding alone can leave, for each row, shape (m,)."""
    terms = np.abs(y) + abs(X) @ np.abs(coef) + abs(intercept)
    return ROUNDING_UNITS * np.finfo(float).eps * terms


def mean_loss(rows: Rows, noise: Noise, coef: FloatArray, intercept: float) -> float:
    """The weighted mean of ``loss(residual)``; exactly 0.0 where the residuals are only rounding.

    A fit through every point leaves residuals of the size of rounding errors. They say nothing of
    the noise, and the scale they suggest would be an accident of the arithmetic. Nor does rounding
    care on which side a residual is, though a loss may.
    """

    def per_block(block: Block) -> tuple[float, float]:
        loss = block.weigh(noise.loss(residuals(block, coef, intercept)))
        size = block.weigh(noise.loss(block.y))
        return float(loss.sum()), float(size.sum())

    def either_side(block: Block) -> tuple[float, float]:
        r = residuals(block, coef, intercept)
        error = rounding_error(block.X, block.y, coef, intercept)
        size, least = (noise.loss(v) + noise.loss(-v) for v in (r, error))
        return float(block.weigh(size).sum()), float(block.weigh(least).sum())

    loss, size = rows.total(per_block)
    if loss <= 1e-10 * size or not np.any(coef):
        found, least = rows.total(either_side)
        if found <= least:
            return 0.0
    return loss / rows.total_weight


def scaled_cost(noise: Noise, total_weight: float, scale: float) -> float:
    """The total cost at the scale that `Noise.scale_from_loss` gives.

    There ``mean_loss / scale**k`` is ``1 / k``, whatever the data. At scale 0 the density of the
    data is infinite, and the cost is minus infinity.
    """
    if scale == 0.0:
        return -math.inf
    assert noise.degree is not None
    return total_weight * (math.log(scale) + noise.cost_at_zero + 1.0 / noise.degree)


def log_prob(
    noise: Noise,
    X: NDArray[np.floating],
    y: FloatArray,
    coef: FloatArray,
    intercept: float,
    scale: float,
) -> FloatArray:
    """The log density of each ``y``, shape (m,).

    At scale 0 the law is a point: plus infinity for rows at the point (up to rounding), minus
    infinity elsewhere.
    """
    r = y - (X @ coef + intercept)
    if scale > 0.0:
        return -noise.cost(r / scale) - math.log(scale)
    at_the_point = np.abs(r) <= rounding_error(X, y, coef, intercept)
    return np.where(at_the_point, np.inf, -np.inf)


def log_likelihood(
    rows: Rows, noise: Noise, coef: FloatArray, intercept: float, scale: float
) -> float:
    """The weighted sum of the log densities of rows, never NaN.

    A row that the law calls impossible makes the data impossible, whatever the others say.
    """

    def per_block(block: Block) -> tuple[float, int]:
        logs = log_prob(noise, block.X, block.y, coef, intercept, scale)
        impossible = np.isneginf(logs)
        logs[impossible] = 0.0
        return float(block.weigh(logs).sum()), int(np.count_nonzero(impossible))

    total, impossible = rows.total(per_block)
    return -math.inf if impossible else float(total)


def share_explained(rows: Rows, coef: FloatArray, intercept: float) -> float:
    """R2: one less the residual sum of squares over that about the mean of y.

    As scikit-learn's r2_score where y is constant: 1.0 for a perfect prediction, else 0.0.
    """
    near = float(np.mean(rows.sample(MEAN_ROWS).y))

    def per_block(block: Block) -> tuple[float, float, float]:
        r, d = residuals(block, coef, intercept), block.y - near
        sums = (np.square(r), d, np.square(d))
        return tuple(float(block.weigh(each).sum()) for each in sums)  # type: ignore[return-value]

    left, off, about = rows.total(per_block)
    about -= off * off / rows.total_weight
    if about > 0.0:
        return float(1.0 - left / about)
    return 1.0 if left == 0.0 else 0.0


def total_log_prob(log_probs: FloatArray, weight: FloatArray | None) -> float:
    """The weighted sum of log densities, never NaN.

    A row that the law calls impossible makes the data impossible, whatever the others say.
    """
    if weight is not None:
        log_probs, weight = log_probs[weight > 0.0], weight[weight > 0.0]
    if np.any(np.isneginf(log_probs)):
        return -math.inf
    return float(log_probs.sum() if weight is None else log_probs @ weight)


def share_above(loss: float, bound: float) -> float:
    """``(loss - bound) / loss`` between 0 and 1; 1 where numbers overflowed and tell nothing.

    Parameters
    ----------
    loss : float
        Not negative.
    bound : float
        No loss is below.
    """
    if loss == 0.0:
        return 0.0
    share = 1.0 - bound / loss
    return max(0.0, share) if share < 1.0 else 1.0


def optimality_gap(noise: Noise, total_weight: float, cost: float, loss_gap: float) -> float:
    """The gap of a fit, from the gap of its loss.

    Parameters
    ----------
    noise : Noise
        With a loss of degree k.
    total_weight, cost : float
    loss_gap : float
        A bound on ``(loss - least loss) / loss``.

    Returns
    -------
    float
        With ``g = loss_gap`` the total cost, ``W / k * log(loss)`` plus a constant, is above the
        least by at most ``-W / k * log(1 - g)``. The larger of this, over ``max(1, abs(cost))``,
        and of g itself: it bounds the gap in the likelihood and the relative gap in the loss.
    """
    assert noise.degree is not None
    if cost == -math.inf or loss_gap <= 0.0:
        return 0.0
    if not loss_gap < 1.0:
        return math.inf
    above = -total_weight / noise.degree * math.log1p(-loss_gap)
    return max(loss_gap, above / max(1.0, abs(cost)))
