"""Gumbel noise: the law of maxima."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sklearn_mle.noises.derivation import Formulas
from sklearn_mle.noises.noise import Fact, FloatArray, Noise

STEEPEST = 700.0
"""Minus z beyond which the exponential would overflow."""


class Gumbel(Noise):
    """Gumbel noise (scipy's ``gumbel_r``): what the largest of many leave, skewed to the right.

    ::

        density    exp(-z - exp(-z))
        cost       z + exp(-z)
        slope      1 - exp(-z)
        curvature  exp(-z)

    Its loss is ``z + exp(-z) - 1``, the linear-exponential (LINEX) error; its location the mode.
    """

    facts = Fact.SMOOTH | Fact.LOG_CONCAVE
    loss_name = "linear-exponential error"
    estimates = "mode"
    formulas = Formulas(
        "Gumbel",
        density=(
            "exp(-z - exp(-z))",
            "e^{-z - e^{-z}}",
        ),
        cost=("z + exp(-z)", "z + e^{-z}"),
        constant=("1, the cost at zero,", r"1\text{, the cost at zero,}"),
        loss=("z + exp(-z) - 1", "z + e^{-z} - 1"),
    )

    def cost(self, z: FloatArray) -> FloatArray:
        return z + np.exp(np.minimum(-z, STEEPEST))

    def slope(self, z: FloatArray) -> FloatArray:
        return -np.expm1(np.minimum(-z, STEEPEST))

    def curvature(self, z: FloatArray) -> FloatArray:
        return np.exp(np.minimum(-z, STEEPEST))

    def derivatives(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        e = np.exp(np.minimum(-z, STEEPEST))
        return z + e, 1.0 - e, e

    def distribution(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> Any:
        return stats.gumbel_r(loc=loc, scale=scale)
