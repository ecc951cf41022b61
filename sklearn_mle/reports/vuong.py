"""Vuong's test of two fits to the same rows."""

from __future__ import annotations

import numpy as np
from scipy import stats

from sklearn_mle.rows.rows import FloatArray

TOLD_APART = float(stats.chi2.ppf(0.95, 1))
"""Variance of a log-likelihood ratio that one needless parameter gives it in one sample of twenty:
below, the first stage of Vuong's test says that the fits are the same law, and there is no normal
statistic."""


def vuong(
    better: FloatArray, other: FloatArray, more_parameters: int, weight: FloatArray
) -> tuple[float, float]:
    """Vuong's statistic, with Schwarz's correction, and its two-sided p-value.

    Parameters
    ----------
    better, other : ndarray of shape (n,)
        Log-probabilities of the rows under both fits.
    more_parameters : int
        How many parameters the first has beyond those of the second.
    weight : ndarray of shape (n,)

    Returns
    -------
    z, p : float
        NaN where the fits cannot be told apart, or a density is infinite.
    """
    rows = weight > 0.0
    better, other, weight = better[rows], other[rows], weight[rows]
    if not (np.all(np.isfinite(better)) and np.all(np.isfinite(other))):
        return np.nan, np.nan
    gain, total = better - other, float(weight.sum())
    mean = np.average(gain, weights=weight)
    spread = float(np.average((gain - mean) ** 2, weights=weight))
    if total * spread < TOLD_APART:
        return np.nan, np.nan
    z = (total * mean - 0.5 * more_parameters * np.log(total)) / np.sqrt(total * spread)
    return float(z), float(2.0 * stats.norm.sf(abs(z)))
