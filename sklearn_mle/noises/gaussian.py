"""Gaussian noise: the squared error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sklearn_mle.noises.derivation import Formulas
from sklearn_mle.noises.noise import Fact, FloatArray, Noise

LOG_ROOT_TWO_PI = 0.5 * np.log(2.0 * np.pi)


class Gaussian(Noise):
    """Gaussian (normal) noise; its loss is half the squared error, its location the mean.

    ::

        density    exp(-z**2 / 2) / sqrt(2 pi)
        cost       z**2 / 2 + log(2 pi) / 2
        slope      z
        curvature  1

    Examples
    --------
    >>> from sklearn_mle.noises import Gaussian
    >>> Gaussian().scale_of([3.0, -4.0, 0.0, 0.0])
    2.5
    """

    facts = Fact.QUADRATIC | Fact.SMOOTH | Fact.LOG_CONCAVE
    loss_name = "squared error"
    estimates = "mean"
    formulas = Formulas(
        "Gaussian",
        density=(
            "exp(-z**2 / 2) / sqrt(2 pi)",
            r"e^{-z^2/2} / \sqrt{2\pi}",
        ),
        constant=("log(2 pi) / 2", r"\tfrac12 \log 2\pi"),
        loss=("z**2 / 2", r"\tfrac12 z^2"),
    )

    def cost(self, z: FloatArray) -> FloatArray:
        return 0.5 * np.square(z) + LOG_ROOT_TWO_PI

    def loss(self, z: FloatArray) -> FloatArray:
        return 0.5 * np.square(z)

    def slope(self, z: FloatArray) -> FloatArray:
        return np.array(z, dtype=np.float64)

    def curvature(self, z: FloatArray) -> FloatArray:
        return np.ones_like(z, dtype=np.float64)

    def distribution(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> Any:
        return stats.norm(loc=loc, scale=scale)
