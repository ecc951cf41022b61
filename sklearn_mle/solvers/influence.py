"""Rows that decide more than their share: of great leverage, or of great weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.solvers.reduced_problem import Reduced, weighted_gram

HEAVY = 3.0
"""Multiple of the median influence from which on a row is heavy."""
TAIL = 0.999
"""If this quantile of the influence is not heavy, the data are ordinary."""
LOOKED_AT = 8000
SKETCH = 6
SKETCH_SEED = 1984


@dataclass(frozen=True)
class Influence:
    """How far the fit can be moved by one row.

    The error of the prediction at z is in proportion to its leverage ``|R^-T z|``, ``R'R = Z'WZ``,
    and a row moves the fit in proportion to its weight times that. Where there are more than
    `SKETCH` columns, the length is estimated from that many random directions (Johnson and
    Lindenstrauss 1984).

    Parameters
    ----------
    whitening : ndarray of shape (q, k)
    median : float
        Of the leverage.
    heavy : float
        Weight times leverage from which on a row is heavy: it belongs to every sample.
    far : float
        Leverage from which on a row is never set aside.
    """

    whitening: FloatArray
    median: float
    heavy: float
    far: float

    def reach(self, Z: FloatArray) -> FloatArray:
        """Leverage over its median, at least 0.7: how far the band reaches at each row."""
        return np.maximum(0.7, _length(Z @ self.whitening) / self.median)

    def reach_of(self, whitened: FloatArray, weight: FloatArray | None) -> FloatArray:
        """The same from whitened rows: infinite at far rows, and negative at heavy ones."""
        leverage = _length(whitened)
        influence = leverage if weight is None else leverage * weight
        reach = np.maximum(0.7, leverage / self.median)
        reach[leverage > self.far] = np.inf
        return np.where(influence > self.heavy, -reach, reach)


def measure_influence(sample: Reduced, light: int, fraction: float) -> Influence | None:
    """The influence of rows, or None where all have about the same.

    The first ``light`` rows are an even sample; rows after those were added because a direction
    rests on them, so that influence differs for certain. Over all the data, heavy rows are to be
    about half as many as sampled ones at the most.
    """
    values, vectors = np.linalg.eigh(weighted_gram(sample.Z, sample.w))
    whitening = vectors / np.sqrt(np.maximum(values, 1e-14 * values[-1]))
    stride = max(1, light // LOOKED_AT)
    Z, w = sample.Z[:light:stride], sample.w[:light:stride]
    middle, tail = np.quantile(_length(Z @ whitening) * w, [0.5, TAIL])
    if light == sample.y.shape[0] and tail <= HEAVY * middle:
        return None
    q = whitening.shape[0]
    if q > SKETCH:
        random = np.random.default_rng(SKETCH_SEED).standard_normal((q, SKETCH))
        whitening = whitening @ random / np.sqrt(SKETCH)
    leverage = _length(Z @ whitening)
    middle, tail = np.quantile(leverage * w, [0.5, 1.0 - 0.5 * fraction])
    median = float(np.median(leverage)) or float(np.mean(leverage)) or 1.0
    far = max(HEAVY * median, float(np.quantile(leverage, 1.0 - 0.5 * fraction)))
    return Influence(whitening, median, max(HEAVY * float(middle), float(tail)), far)


def _length(rows: FloatArray) -> FloatArray:
    return np.sqrt(np.einsum("ij,ij->i", rows, rows))
