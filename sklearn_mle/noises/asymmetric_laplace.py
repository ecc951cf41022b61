"""Asymmetric Laplace noise: the pinball loss of a quantile."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sklearn_mle.noises.derivation import Formulas
from sklearn_mle.noises.noise import MIDDLE, Fact, FloatArray, Noise, Shape


class AsymmetricLaplace(Noise):
    """Laplace noise whose sides fall off at different rates; its location is a quantile.

    ::

        density    q (1 - q) exp(-rho(z)),  rho(z) = q z for z > 0, (q - 1) z below
        cost       rho(z) - log(q (1 - q))
        slope      q for z > 0, q - 1 below
        curvature  0

    Its loss is the pinball loss (Koenker and Bassett 1978), its scale the mean of that.

    Parameters
    ----------
    quantile : float or None, default=0.5
        The quantile that the location is, between 0 and 1; estimated when None.

    Examples
    --------
    >>> from sklearn_mle.noises import AsymmetricLaplace
    >>> AsymmetricLaplace(quantile=0.75).scale_of([4.0, -4.0, 0.0, 0.0])
    1.0
    """

    facts = Fact.PIECEWISE_LINEAR | Fact.LOG_CONCAVE
    loss_name = "pinball loss"
    estimates = "q-quantile"
    formulas = Formulas(
        "asymmetric Laplace",
        density=(
            "q (1 - q) exp(-z (q - [z < 0])),  [z < 0] is 1 where z is negative, else 0",
            r"q (1 - q)\, e^{-z (q - [z < 0])},"
            r"\quad [z < 0] = 1 \text{ where } z \text{ is negative, else } 0",
        ),
        constant=("log(1 / (q (1 - q)))", r"\log \tfrac{1}{q (1 - q)}"),
        loss=("z (q - [z < 0])", "z (q - [z < 0])"),
        symbols={"quantile": ("q", "q")},
    )

    def __init__(self, quantile: float | None = 0.5) -> None:
        self.quantile = quantile

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return (Shape("quantile", 0.0, 1.0, 0.5),) if self.quantile is None else ()

    @property
    def central(self) -> bool:
        return self.quantile is not None and MIDDLE[0] <= self.quantile <= MIDDLE[1]

    @property
    def _q(self) -> float:
        return 0.5 if self.quantile is None else self.quantile

    def check(self) -> None:
        if self.quantile is not None and not 0.0 < self.quantile < 1.0:
            raise ValueError(
                f"quantile must be between 0 and 1, both excluded; got {self.quantile!r}. "
                "Use 0.5 for the median, or None to estimate it."
            )

    def loss(self, z: FloatArray) -> FloatArray:
        return z * (self._q - (z < 0.0))

    def cost(self, z: FloatArray) -> FloatArray:
        return self.loss(z) - np.log(self._q * (1.0 - self._q))

    def slope(self, z: FloatArray) -> FloatArray:
        return np.where(z < 0.0, self._q - 1.0, np.where(z > 0.0, self._q, 0.0))

    def curvature(self, z: FloatArray) -> FloatArray:
        return np.zeros_like(z, dtype=np.float64)

    def distribution(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> Any:
        both = self._q * (1.0 - self._q)
        kappa = np.sqrt(self._q / (1.0 - self._q))
        return stats.laplace_asymmetric(kappa, loc=loc, scale=np.asarray(scale) / np.sqrt(both))
