"""Logistic noise: the log-cosh error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sklearn_mle.noises.derivation import Formulas
from sklearn_mle.noises.noise import Fact, FloatArray, Noise


class Logistic(Noise):
    """Logistic noise: tails like Laplace's, a middle like the Gaussian's.

    ::

        density    exp(-z) / (1 + exp(-z))**2
        cost       |z| + 2 log(1 + exp(-|z|))
        slope      tanh(z / 2)
        curvature  1 / (2 cosh(z / 2)**2)

    Its loss is ``2 log cosh(z / 2)``, the log-cosh error.
    """

    facts = Fact.SMOOTH | Fact.LOG_CONCAVE
    loss_name = "log-cosh error"
    estimates = "location"
    formulas = Formulas(
        "logistic",
        density=(
            "1 / (4 cosh(z / 2)**2)",
            r"1 / (4 \cosh^2 (z/2))",
        ),
        constant=("log(4)", r"\log 4"),
        loss=("2 log(cosh(z / 2))", r"2 \log\cosh (z/2)"),
    )

    def cost(self, z: FloatArray) -> FloatArray:
        size = np.abs(z)
        return size + 2.0 * np.log1p(np.exp(-size))

    def slope(self, z: FloatArray) -> FloatArray:
        return np.tanh(0.5 * z)

    def curvature(self, z: FloatArray) -> FloatArray:
        e = np.exp(-np.abs(z))
        return 2.0 * e / np.square(1.0 + e)

    def derivatives(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        size = np.abs(z)
        e = np.exp(-size)
        more = 1.0 + e
        return size + 2.0 * np.log1p(e), np.copysign((1.0 - e) / more, z), 2.0 * e / (more * more)

    def distribution(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> Any:
        return stats.logistic(loc=loc, scale=scale)
