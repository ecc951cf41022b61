"""How dense residuals lie about a fitted quantile, on which its standard errors hang.

A quantile fit moves by the imbalance of signs over the number of rows that a move sweeps across:
the density of the residuals at zero. Where the law is taken at its word that density follows from
the scale; here it is estimated, with the bandwidth of Hall and Sheather (1988). All rows are given
the same density (``iid``), or each its own through a kernel (Powell 1991).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm

from sklearn_mle.noises.noise import FloatArray, Noise

SIZE_OF_TEST = 0.05
"""The bandwidth is the best for intervals of level 0.95."""
NORMAL_QUARTILES = 1.34
"""Distance of the quartiles of a standard normal law, as bandwidths round it."""


def slopes_of_sides(noise: Noise) -> tuple[float, float]:
    """The steepness of a piecewise linear cost left and right of zero, both positive."""
    left, right = noise.slope(np.array([-1.0, 1.0]))
    return -float(left), float(right)


def quantile_level(noise: Noise) -> float:
    """The quantile that a piecewise linear cost fits."""
    left, right = slopes_of_sides(noise)
    return right / (left + right)


def hall_sheather(level: float, n: float) -> float:
    """The bandwidth on the scale of probabilities, at most so large that both ends are inside."""
    z = norm.ppf(level)
    shape = 1.5 * norm.pdf(z) ** 2 / (2.0 * z**2 + 1.0)
    h = n ** (-1.0 / 3.0) * norm.ppf(1.0 - SIZE_OF_TEST / 2.0) ** (2.0 / 3.0) * shape ** (1.0 / 3.0)
    while level - h <= 0.0 or level + h >= 1.0:
        h *= 0.5
    return float(h)


def bandwidth(level: float, residuals: FloatArray, weight: FloatArray, spread: float) -> float:
    """The bandwidth in units of y.

    Parameters
    ----------
    level : float
    residuals, weight : ndarray of shape (n,)
    spread : float
        A standard deviation; the quartiles of the residuals take its place where they are closer.
    """
    h = hall_sheather(level, float(weight.sum()))
    first, third = quantiles(residuals, weight, np.array([0.25, 0.75]))
    width = min(spread, (third - first) / NORMAL_QUARTILES)
    return float(width * (norm.ppf(level + h) - norm.ppf(level - h)))


def deviation(values: FloatArray, weight: FloatArray, lost: float) -> float:
    """The standard deviation with divisor ``sum(weight) - lost``."""
    total = float(weight.sum())
    off = values - (weight @ values) / total
    return math.sqrt(float(weight @ np.square(off)) / (total - lost))


def quantiles(values: FloatArray, weight: FloatArray, levels: FloatArray) -> FloatArray:
    """Quantiles of values repeated by their weights, interpolated between neighbours in order."""
    if weight.min() == 1.0 == weight.max():
        return np.quantile(values, levels)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    place = levels * (reached[-1] - 1.0)
    last = values.shape[0] - 1
    below = np.minimum(np.searchsorted(reached, np.floor(place), side="right"), last)
    above = np.minimum(np.searchsorted(reached, np.floor(place) + 1.0, side="right"), last)
    low, high = values[order][below], values[order][above]
    return low + (place - np.floor(place)) * (high - low)


def epanechnikov(u: FloatArray) -> FloatArray:
    """``3/4 (1 - u**2)`` on the interval from -1 to 1."""
    return np.where(np.abs(u) <= 1.0, 0.75 * (1.0 - np.square(u)), 0.0)


def common_density(level: float, y: FloatArray, residuals: FloatArray, weight: FloatArray) -> float:
    """The density at zero that all residuals are taken to share, in one over units of y."""
    h = bandwidth(level, residuals, weight, deviation(y, weight, 0.0))
    return float(weight @ epanechnikov(residuals / h)) / (float(weight.sum()) * h)


def row_densities(level: float, residuals: FloatArray, weight: FloatArray) -> FloatArray:
    """Each row's share in a kernel estimate of the density at zero, Gaussian kernel, shape (n,)."""
    h = bandwidth(level, residuals, weight, deviation(residuals, weight, 1.0))
    return np.exp(-0.5 * np.square(residuals / h)) * (norm.pdf(0.0) / h)
