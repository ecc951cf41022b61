"""Laplace noise: the absolute error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sklearn_mle.noises.derivation import Formulas
from sklearn_mle.noises.noise import Fact, FloatArray, Noise


class Laplace(Noise):
    """Laplace (double exponential) noise; its loss is the absolute error, its location the median.

    ::

        density    exp(-|z|) / 2
        cost       |z| + log(2)
        slope      sign(z)
        curvature  0

    Examples
    --------
    >>> from sklearn_mle.noises import Laplace
    >>> Laplace().scale_of([3.0, -4.0, 0.0, 1.0])
    2.0
    """

    facts = Fact.PIECEWISE_LINEAR | Fact.LOG_CONCAVE
    loss_name = "absolute error"
    estimates = "median"
    formulas = Formulas(
        "Laplace",
        density=(
            "exp(-|z|) / 2",
            "e^{-|z|} / 2",
        ),
        constant=("log(2)", r"\log 2"),
        loss=("|z|", "|z|"),
    )

    def cost(self, z: FloatArray) -> FloatArray:
        return np.abs(z) + np.log(2.0)

    def loss(self, z: FloatArray) -> FloatArray:
        return np.abs(z)

    def slope(self, z: FloatArray) -> FloatArray:
        return np.sign(z)

    def curvature(self, z: FloatArray) -> FloatArray:
        return np.zeros_like(z, dtype=np.float64)

    def distribution(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> Any:
        return stats.laplace(loc=loc, scale=scale)
