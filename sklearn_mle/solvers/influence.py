"""Rows that decide more than their share: of great leverage, or of great weight."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtrs

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.solvers.reduced_problem import IntArray, Reduced, weighted_gram
from sklearn_mle.solvers.smoothed_newton import Smoothed

HEAVY = 3.0
"""Multiple of the median influence from which on a row is heavy."""
TAIL = 0.999
"""If this quantile of the influence is not heavy, the data are ordinary."""
LOOKED_AT = 1000
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
    q = sample.c.shape[0]
    stride = max(1, light // max(LOOKED_AT, 20 * q))
    Z, w = sample.Z[:light:stride], sample.w[:light:stride]
    if light == sample.y.shape[0]:
        gram = sample.gram if stride == 1 else weighted_gram(Z, w)
        if _ordinary(Z, w, gram):
            return None
    values, vectors = np.linalg.eigh(sample.gram)
    whitening = vectors / np.sqrt(np.maximum(values, 1e-14 * values[-1]))
    if q > SKETCH:
        whitening = whitening @ _sketch(q)
    leverage = _length(Z @ whitening)
    middle, tail = np.quantile(leverage * w, [0.5, 1.0 - 0.5 * fraction])
    median = float(np.median(leverage)) or float(np.mean(leverage)) or 1.0
    far = max(HEAVY * median, float(np.quantile(leverage, 1.0 - 0.5 * fraction)))
    return Influence(whitening, median, max(HEAVY * float(middle), float(tail)), far)


def within_reach(problem: Reduced, at: Smoothed, size: float) -> IntArray:
    """Rows whose residual is at most ``size`` times their leverage on the active rows.

    The leverage is taken over its root mean square on those, and as 0.7 where it is less.
    """
    q = problem.c.shape[0]
    sketch = _sketch(q) if q > SKETCH else np.eye(q)
    whitening = dtrtrs(at.factor, sketch, lower=True, trans=True)[0] / np.sqrt(q)
    across = whitening.T @ problem.Z.T
    across *= across
    reach = across.sum(axis=0)
    return (np.square(at.residuals * (1.0 / size)) <= np.maximum(0.49, reach)).nonzero()[0]


def _ordinary(Z: FloatArray, w: FloatArray, gram: FloatArray) -> bool:
    """Whether the `TAIL` of the influence of these rows is not heavy."""
    factor, failed = dpotrf(gram, lower=True)
    if failed:
        return False
    influence = _length(Z @ dtrtrs(factor, np.eye(Z.shape[1]), lower=True)[0].T) * w
    half, last = influence.shape[0] // 2, int(TAIL * (influence.shape[0] - 1))
    influence.partition([half, last])
    return bool(influence[last] <= HEAVY * influence[half])


@functools.cache
def _sketch(q: int) -> FloatArray:
    """Random directions, the same on every call, of mean square length one each row."""
    random = np.random.default_rng(SKETCH_SEED).standard_normal((q, SKETCH))
    return random / np.sqrt(SKETCH)


def _length(rows: FloatArray) -> FloatArray:
    return np.sqrt(np.einsum("ij,ij->i", rows, rows))
