"""Student t noise: heavy tails, and how heavy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import digamma, gammaln, zeta

from sklearn_mle.noises.derivation import Formulas
from sklearn_mle.noises.noise import Fact, FloatArray, Noise, Shape, ShapeDerivatives

START = 5.0
LOOKS = (1.0, 50.0)
LEAST = 0.05
"""Below, a law so heavy prefers to go through a few rows of almost any data."""
FAR = 1e100
"""Residual, in scales over the root of df, whose square is large enough."""
LARGE = 200.0
"""Degrees of freedom from which the ratio of gamma functions is a short series."""


class StudentT(Noise):
    """Student t noise: outliers are expected, and hardly move the fit.

    ::

        density    (1 + z**2 / df)**(-(df + 1) / 2) / (sqrt(df) Beta(df / 2, 1 / 2))
        cost       (df + 1) / 2 log(1 + z**2 / df) + constant
        slope      (df + 1) z / (df + z**2)
        curvature  (df + 1) (df - z**2) / (df + z**2)**2

    Its cost is not convex: far residuals are given up. As df grows it becomes the Gaussian
    (Lange, Little and Taylor 1989). Its likelihood has no bound where the rows on one plane weigh
    more than df times all others (Fernandez and Steel 1999): a fit is the best maximum of positive
    scale that is found, and says so where there is none.

    Parameters
    ----------
    df : float or None, default=None
        Degrees of freedom, positive; estimated when None.
    """

    facts = Fact.SMOOTH
    loss_name = "Student t loss"
    estimates = "location"
    formulas = Formulas(
        "Student t",
        density=(
            "C(df) (1 + z**2 / df)**(-(df + 1) / 2),  C(df) = 1 / (sqrt(df) Beta(1/2, df/2))",
            r"C_\nu (1 + z^2/\nu)^{-(\nu+1)/2},"
            r"\quad C_\nu = 1 / (\sqrt{\nu}\, B(\tfrac12, \tfrac{\nu}{2}))",
        ),
        constant=("log(1 / C(df))", r"\log (1 / C_\nu)"),
        loss=("(df + 1) / 2 log(1 + z**2 / df)", r"\tfrac{\nu+1}{2} \log(1 + z^2/\nu)"),
        symbols={"df": ("df", r"\nu")},
    )

    def __init__(self, df: float | None = None) -> None:
        self.df = df

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return (Shape("df", LEAST, np.inf, START, LOOKS),) if self.df is None else ()

    @property
    def _df(self) -> float:
        return START if self.df is None else float(self.df)

    def check(self) -> None:
        if self.df is not None and not self.df > 0.0:
            raise ValueError(
                f"df must be a positive number of degrees of freedom, or None; got {self.df!r}. "
                "Use None to estimate it."
            )

    def cost(self, z: FloatArray) -> FloatArray:
        return self._constant + self.loss(z)

    def loss(self, z: FloatArray) -> FloatArray:
        r = np.abs(z) / np.sqrt(self._df)
        beyond = np.maximum(r / FAR, 1.0)
        return (self._df + 1.0) * (0.5 * np.log1p(np.square(r / beyond)) + np.log(beyond))

    def slope(self, z: FloatArray) -> FloatArray:
        return self._pull(*self._shares(z)) * z

    def curvature(self, z: FloatArray) -> FloatArray:
        share, near = self._shares(z)
        return self._pull(share, near) * (1.0 - share) * near

    def derivatives(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        share, near = self._shares(z)
        return self._derivatives(z, share, near, np.log1p(share))

    def cost_and_slope(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        share, near = self._shares(z)
        cost = self._constant + 0.5 * (self._df + 1.0) * np.log1p(share)
        return cost, self._pull(share, near) * z

    def shape_derivatives(self, z: FloatArray, name: str) -> ShapeDerivatives:
        share, near = self._shares(z)
        return self._in_df(z, share, near, np.log1p(share))

    def all_derivatives(
        self, z: FloatArray, name: str
    ) -> tuple[FloatArray, FloatArray, FloatArray, ShapeDerivatives]:
        share, near = self._shares(z)
        parts = z, share, near, np.log1p(share)
        return *self._derivatives(*parts), self._in_df(*parts)

    def _derivatives(
        self, z: FloatArray, share: FloatArray, near: FloatArray, log: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        pull = self._pull(share, near)
        cost = self._constant + 0.5 * (self._df + 1.0) * log
        return cost, pull * z, pull * (1.0 - share) * near

    def _in_df(
        self, z: FloatArray, share: FloatArray, near: FloatArray, log: FloatArray
    ) -> ShapeDerivatives:
        df = self._df
        inner, more = share * near, 1.0 + 1.0 / df
        first, second = self._constant_derivatives
        cost = first + 0.5 * (log - more * inner)
        slope = (z / df) * ((share - 1.0 / df) * near) * near
        bend = second + (0.5 / df) * inner * (more * near - (1.0 - 1.0 / df))
        return ShapeDerivatives(cost[:, None], slope[:, None], bend[:, None, None])

    def _shares(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """``z**2 / df``, of residuals no farther than `FAR`, and ``1 / (1 + z**2 / df)``."""
        share = np.square(np.clip(z / math.sqrt(self._df), -FAR, FAR))
        return share, 1.0 / (1.0 + share)

    def _pull(self, share: FloatArray, near: FloatArray) -> FloatArray:
        """Slope over z; residuals beyond `FAR` pull no less than those."""
        return (1.0 + 1.0 / self._df) * near

    @property
    def _constant_derivatives(self) -> tuple[float, float]:
        """Of the logarithm of the constant, in df."""
        df, half = self._df, 0.5 * self._df
        if df < LARGE:
            first = 0.5 * (1.0 / df + digamma(half) - digamma(half + 0.5))
            second = 0.25 * (zeta(2.0, half) - zeta(2.0, half + 0.5)) - 0.5 / df**2
            return float(first), float(second)
        square = half * half
        first = -(1.0 / 8.0 - (1.0 / 64.0 - 1.0 / (128.0 * square)) / square) / square
        second = (1.0 / 4.0 - (1.0 / 16.0 - 6.0 / (128.0 * square)) / square) / (square * half)
        return 0.5 * first, 0.25 * second

    @property
    def _constant(self) -> float:
        half = 0.5 * self._df
        if self._df < LARGE:
            ratio = gammaln(half + 0.5) - gammaln(half)
        else:
            square = half * half
            series = 1.0 / 8.0 - (1.0 / 192.0 - 1.0 / (640.0 * square)) / square
            ratio = 0.5 * np.log(half) - series / half
        return float(0.5 * np.log(self._df * np.pi) - ratio)

    def distribution(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> Any:
        return stats.t(self._df, loc=loc, scale=scale)
