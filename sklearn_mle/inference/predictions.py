"""How sure a prediction is: of a mean, of a new observation, of the probability of a class."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import log_softmax

from sklearn_mle.inference.parameters import identified
from sklearn_mle.inference.row_costs import LocationScaleCosts, SoftmaxCosts
from sklearn_mle.inference.terms import Terms
from sklearn_mle.inference.valley import is_normal
from sklearn_mle.noises.noise import FloatArray

NODES = 5
"""Nodes of Gauss-Hermite over each uncertain parameter of a predictive law."""
GROWTHS = 60
STEPS = 60
PRECISE = 1e-10
"""Relative error of a tail probability at which its quantile counts as found."""
ROWS_AT_ONCE = 2000


@dataclass(frozen=True)
class Predictions:
    """Predictions with intervals.

    Parameters
    ----------
    estimate : ndarray of shape (n,), or (n, n_classes)
        Location in units of y, or probabilities of the classes.
    std_error : ndarray of the same shape
        Standard error of the estimate.
    lower, upper : ndarray of the same shape
        Ends of the interval; NaN where the data do not identify the prediction.
    level : float
    kind : str
        "mean" or "observation".
    """

    estimate: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: float
    kind: str

    def to_frame(self) -> Any:
        """A pandas DataFrame with the same columns; for classes the columns are numbered."""
        import pandas as pd

        parts = {"estimate": self.estimate, "std_error": self.std_error}
        parts |= {"lower": self.lower, "upper": self.upper}
        if self.estimate.ndim == 1:
            return pd.DataFrame(parts)
        return pd.concat({name: pd.DataFrame(part) for name, part in parts.items()}, axis=1)


def of_location(
    costs: LocationScaleCosts,
    terms: Terms,
    bottom: FloatArray,
    covariance: FloatArray,
    df: float,
    X: FloatArray,
    level: float,
    kind: str,
    n_rows: float,
) -> Predictions:
    """Locations with the interval of the location, or of a new observation.

    Parameters
    ----------
    bottom : ndarray of shape (size,)
    covariance : ndarray of shape (size, size)
        Of theta.
    df : float
        Degrees of freedom of t for locations.
    X : ndarray of shape (n, p)
    n_rows : float
        Rows of the fit, repeats counted.
    """
    f = terms.functions(X, np.ones(X.shape[0]))
    q = terms.size
    location = terms.of(X) @ bottom[:q]
    variance = np.einsum("nt,tu,nu->n", f, covariance[:q, :q], f, optimize=True)
    se = np.sqrt(variance)
    if kind == "mean":
        half = stats.t.ppf(0.5 + level / 2.0, df) * se
        return Predictions(location, se, location - half, location + half, level, kind)
    if is_normal(costs.noise):
        unbiased = math.exp(2.0 * bottom[q]) * n_rows / max(n_rows - q, 0.0)
        half = stats.t.ppf(0.5 + level / 2.0, df) * np.sqrt(unbiased + variance)
        return Predictions(location, se, location - half, location + half, level, kind)
    ends = np.full((2, X.shape[0]), np.nan)
    known = np.flatnonzero(np.isfinite(se))
    for first in range(0, known.size, ROWS_AT_ONCE):
        rows = known[first : first + ROWS_AT_ONCE]
        law = _PredictiveLaw.of(costs, bottom[q:], covariance, f[rows], location[rows])
        for end, probability in zip(ends, (0.5 - level / 2.0, 0.5 + level / 2.0)):
            end[rows] = law.quantile(probability)
    return Predictions(location, se, ends[0], ends[1], level, kind)


@dataclass(frozen=True)
class _PredictiveLaw:
    """The law of new observations, averaged over what is not known of its parameters.

    Location, log scale and stretched shapes are taken to be normal about their estimates, with
    their covariance; Gauss-Hermite averages the distribution function over them.

    Parameters
    ----------
    laws : list of (weight, scale, distribution function)
        One for each node of the extras; the distribution function is that of scale 1.
    location : ndarray of shape (n_laws, n)
        Expected locations, given the extras.
    spread : ndarray of shape (n,)
        What remains uncertain of the locations.
    """

    laws: list[tuple[float, float, Callable[[FloatArray], FloatArray]]]
    location: FloatArray
    spread: FloatArray

    @classmethod
    def of(
        cls,
        costs: LocationScaleCosts,
        extras: FloatArray,
        covariance: FloatArray,
        f: FloatArray,
        location: FloatArray,
    ) -> _PredictiveLaw:
        """The law at linear functions f of theta; what is unknown of extras counts as known."""
        q = f.shape[1]
        V = np.where(np.isnan(covariance), 0.0, covariance)
        values, vectors = np.linalg.eigh(V[q:, q:])
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        shared = f @ V[:q, q:] @ np.linalg.pinv(root).T
        variance = np.einsum("nt,tu,nu->n", f, V[:q, :q], f, optimize=True)
        spread = np.sqrt(np.maximum(variance - np.square(shared).sum(axis=1), 0.0))
        nodes, mass = _hermite()
        laws, places = [], []
        for chosen in itertools.product(range(NODES), repeat=extras.size):
            at = nodes[list(chosen)]
            u = extras + root @ at
            law = costs.with_shapes(u[1:]).distribution()
            laws.append((float(mass[list(chosen)].prod()), math.exp(u[0]), law.cdf))
            places.append(location + shared @ at)
        return cls(laws, np.array(places), spread)

    def cdf(self, y: FloatArray) -> FloatArray:
        nodes, mass = _hermite()
        total = np.zeros_like(y)
        for (weight, scale, cdf), location in zip(self.laws, self.location):
            z = (y - location)[:, None] - np.multiply.outer(self.spread, nodes)
            total += weight * (cdf(z / scale) @ mass)
        return total

    def quantile(self, probability: float) -> FloatArray:
        """By brackets that grow, and then false position with halving (Illinois), in all rows."""
        scale = self.laws[len(self.laws) // 2][1]
        width = scale + self.spread
        low, high = self.location.mean(axis=0) - width, self.location.mean(axis=0) + width
        for _ in range(GROWTHS):
            below, above = self.cdf(low) - probability, self.cdf(high) - probability
            if np.all(below <= 0.0) and np.all(above >= 0.0):
                break
            width = 2.0 * width
            low = np.where(below > 0.0, low - width, low)
            high = np.where(above < 0.0, high + width, high)
        side = np.zeros_like(low)
        middle = low
        for _ in range(STEPS):
            middle = high - above * (high - low) / np.where(above > below, above - below, 1.0)
            error = self.cdf(middle) - probability
            if np.all(np.abs(error) <= PRECISE * min(probability, 1.0 - probability)):
                break
            right = error > 0.0
            below = np.where(right & (side == 1.0), 0.5 * below, below)
            above = np.where(~right & (side == -1.0), 0.5 * above, above)
            high, above = np.where(right, middle, high), np.where(right, error, above)
            low, below = np.where(right, low, middle), np.where(right, below, error)
            side = np.where(right, 1.0, -1.0)
        return middle


def _hermite() -> tuple[FloatArray, FloatArray]:
    """Nodes and masses that average functions of a standard normal variable."""
    nodes, mass = np.polynomial.hermite_e.hermegauss(NODES)
    return nodes, mass / mass.sum()


def of_classes(
    costs: SoftmaxCosts,
    terms: Terms,
    bottom: FloatArray,
    covariance: FloatArray,
    X: FloatArray,
    level: float,
    endless: FloatArray | None = None,
) -> Predictions:
    """Probabilities with intervals that are normal in their logits.

    The logit of p_k changes with the score of class j by ``(delta_kj - p_j) / (1 - p_k)``; for two
    classes it is the score, and the interval that of the score.
    """
    s, t = costs.n_scores, terms.size
    f = terms.functions(X, np.ones(X.shape[0]))
    scores = terms.of(X) @ bottom.reshape(s, t).T @ costs.basis.T
    logs = log_softmax(scores, axis=1)
    P = np.exp(logs)
    K = costs.n_classes
    shape = (X.shape[0], K)
    logit, se = np.empty(shape), np.empty(shape)
    for k in range(K):
        others = np.delete(np.arange(K), k)
        rest = np.exp(log_softmax(scores[:, others], axis=1))
        logit[:, k] = logs[:, k] - np.log(P[:, others].sum(axis=1))
        slope = costs.basis[k] - rest @ costs.basis[others]
        F = np.einsum("na,nt->nat", slope, f).reshape(X.shape[0], s * t)
        F = identified(F, endless)
        se[:, k] = np.sqrt(np.einsum("nt,tu,nu->n", F, covariance, F, optimize=True))
    half = stats.norm.ppf(0.5 + level / 2.0) * se
    ends = [1.0 / (1.0 + np.exp(-(logit + sign * half))) for sign in (-1.0, 1.0)]
    return Predictions(P, se * P * (1.0 - P), ends[0], ends[1], level, "mean")
