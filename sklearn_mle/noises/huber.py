"""Huber noise: the Huber loss, as a law."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import ndtr, ndtri

from sklearn_mle.noises.derivation import Formulas
from sklearn_mle.noises.noise import Fact, FloatArray, Noise


class Huber(Noise):
    """Huber's least favourable noise: Gaussian in the middle, Laplace in the tails.

    ::

        density    exp(-H(z)) / C,  H(z) = z**2 / 2 up to delta, delta |z| - delta**2 / 2 beyond
        cost       H(z) + log(C),   C = sqrt(2 pi) (2 Phi(delta) - 1) + 2 exp(-delta**2 / 2) / delta
        slope      z, cut off at delta
        curvature  1 up to delta, 0 beyond

    Its loss is the Huber loss (Huber 1964). With the constant its likelihood compares with others.

    Parameters
    ----------
    delta : float, default=1.345
        Where the tails begin, in scales; 1.345 keeps 95 % of the efficiency at Gaussian noise.
    """

    facts = Fact.SMOOTH | Fact.LOG_CONCAVE
    loss_name = "Huber loss"
    estimates = "location"
    formulas = Formulas(
        "Huber",
        density=(
            "exp(-H(z)) / C,  H(z) = z**2 / 2 for |z| <= delta, else delta |z| - delta**2 / 2,\n"
            "C = sqrt(2 pi) (2 Phi(delta) - 1) + 2 exp(-delta**2 / 2) / delta",
            r"e^{-H_\delta(z)} / C_\delta,\quad H_\delta(z) = \tfrac12 z^2 \text{ up to } \delta,"
            r"\ \delta |z| - \tfrac12 \delta^2 \text{ beyond},\quad C_\delta = \sqrt{2\pi}\,"
            r"(2\Phi(\delta) - 1) + 2 e^{-\delta^2/2} / \delta",
        ),
        constant=("log(C)", r"\log C_\delta"),
        loss=("H(z)", r"H_\delta(z)"),
        symbols={"delta": ("delta", r"\delta")},
    )

    def __init__(self, delta: float = 1.345) -> None:
        self.delta = delta

    def check(self) -> None:
        if not 0.0 < self.delta < np.inf:
            raise ValueError(
                f"delta must be a positive number of scales; got {self.delta!r}. Use 1.345, or "
                "noise='gaussian' or 'laplace' for its limits."
            )

    def loss(self, z: FloatArray) -> FloatArray:
        inner = np.clip(z, -self.delta, self.delta)
        return inner * (z - 0.5 * inner)

    def cost(self, z: FloatArray) -> FloatArray:
        return self.loss(z) + np.log(_mass(self.delta))

    def slope(self, z: FloatArray) -> FloatArray:
        return np.clip(z, -self.delta, self.delta)

    def curvature(self, z: FloatArray) -> FloatArray:
        return (np.abs(z) <= self.delta).astype(np.float64)

    def distribution(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> Any:
        return huber_law(self.delta, loc=loc, scale=scale)


def _mass(delta: Any) -> Any:
    """The integral of ``exp(-H)``."""
    tails = 2.0 * np.exp(-0.5 * np.square(delta)) / delta
    return np.sqrt(2.0 * np.pi) * (2.0 * ndtr(delta) - 1.0) + tails


class HuberLaw(stats.rv_continuous):
    """The distribution of `Huber` noise, with scipy's methods."""

    def _argcheck(self, delta: Any) -> Any:
        return delta > 0.0

    def _logpdf(self, x: Any, delta: Any) -> Any:
        inner = np.clip(x, -delta, delta)
        return -inner * (x - 0.5 * inner) - np.log(_mass(delta))

    def _pdf(self, x: Any, delta: Any) -> Any:
        return np.exp(self._logpdf(x, delta))

    def _cdf(self, x: Any, delta: Any) -> Any:
        below = np.exp(delta * np.minimum(x, -delta) + 0.5 * delta**2) / delta
        inside = ndtr(np.clip(x, -delta, delta)) - ndtr(-delta)
        tail = np.exp(-0.5 * delta**2) / delta
        above = tail - np.exp(-delta * np.maximum(x, delta) + 0.5 * delta**2) / delta
        return (below + np.sqrt(2.0 * np.pi) * inside + np.where(x > delta, above, 0.0)) / _mass(
            delta
        )

    def _sf(self, x: Any, delta: Any) -> Any:
        return self._cdf(-x, delta)

    def _ppf(self, q: Any, delta: Any) -> Any:
        low = np.minimum(q, 1.0 - q)
        mass = low * _mass(delta)
        tail = np.exp(-0.5 * delta**2) / delta
        with np.errstate(divide="ignore"):
            outer = (np.log(mass * delta) - 0.5 * delta**2) / delta
        inner = ndtri(np.maximum(mass - tail, 0.0) / np.sqrt(2.0 * np.pi) + ndtr(-delta))
        x = np.where(mass < tail, outer, inner)
        return np.where(q <= 0.5, x, -x)

    def _stats(self, delta: Any, moments: str = "mv") -> Any:
        middle = np.sqrt(2.0 * np.pi) * (2.0 * ndtr(delta) - 1.0)
        middle = middle - 2.0 * delta * np.exp(-0.5 * delta**2)
        tail = 2.0 * np.exp(-0.5 * delta**2) * (delta + 2.0 / delta + 2.0 / delta**3)
        return np.zeros_like(delta), (middle + tail) / _mass(delta), np.zeros_like(delta), None


huber_law = HuberLaw(name="huber_law", shapes="delta")
