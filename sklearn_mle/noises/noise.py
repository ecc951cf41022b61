"""The contract of a noise: the law of one standardised residual.

A noise is the law of ``z = (y - prediction) / scale``. Minus its log density is what one residual
costs; what remains of that cost when constants are dropped is the loss that people know by name.

To add a noise, write one file beside this one and one line in ``catalogue.py``. The contract tests
then run on it by themselves.
"""

from __future__ import annotations

import enum
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from sklearn_mle.noises.derivation import Derivation, Formulas, from_density_to_loss, unwritten

FloatArray = NDArray[np.float64]

MIDDLE = (1.0 / 3.0, 2.0 / 3.0)
"""Probabilities of a smaller z between which zero counts as near the middle of a law."""


class Fact(enum.Flag):
    """What a solver may rely on."""

    NONE = 0
    QUADRATIC = enum.auto()
    """The loss is homogeneous of degree two: ``loss(t * z) = t**2 * loss(z)``."""
    PIECEWISE_LINEAR = enum.auto()
    """The loss is linear on each side of zero: ``loss(t * z) = t * loss(z)`` for ``t >= 0``."""
    SMOOTH = enum.auto()
    """The cost has a continuous slope, and a curvature but at single points."""
    LOG_CONCAVE = enum.auto()
    """The cost is convex."""
    CORNERED = enum.auto()
    """Somewhere inside the slope of the cost jumps, or has no bound."""


@dataclass(frozen=True)
class Shape:
    """A shape parameter that is left open, to be estimated with the coefficients.

    Parameters
    ----------
    name : str
        The constructor parameter of the noise that it fills in.
    low, high : float
        Open interval of values the parameter can take.
    start : float
        Where a search begins.
    looks : tuple of float, optional
        Other values where one may begin, so that a maximum is not missed; by default a coarse grid.
    """

    name: str
    low: float
    high: float
    start: float
    looks: tuple[float, ...] | None = None


class ShapeDerivatives(NamedTuple):
    """Derivatives of the costs of m residuals in k shapes.

    Parameters
    ----------
    cost : ndarray of shape (m, k)
        First derivatives of the cost.
    slope : ndarray of shape (m, k)
        First derivatives of the slope.
    bend : ndarray of shape (m, k, k)
        Second derivatives of the cost.
    """

    cost: FloatArray
    slope: FloatArray
    bend: FloatArray

    def stretched(self, rate: float, turn: float) -> ShapeDerivatives:
        """The same in a place u of one shape v, with ``rate = dv/du`` and ``turn = d2v/du2``."""
        bend = rate**2 * self.bend + turn * self.cost[:, :, None]
        return ShapeDerivatives(rate * self.cost, rate * self.slope, bend)


class Noise(BaseEstimator, ABC):
    """The law of a standardised residual.

    Noises are immutable and pure: they hold the parameters they were constructed with, and nothing
    else. Parameters take part in ``get_params`` and ``set_params`` as those of every scikit-learn
    estimator do.

    A subclass states ``facts``, ``loss_name`` and ``estimates`` and defines `cost` and
    `distribution`. The other methods have numerical defaults that a closed form may replace; a test
    holds each closed form against its default.
    """

    facts: ClassVar[Fact]
    """What a solver may rely on."""
    loss_name: ClassVar[str]
    """The name of the loss that the cost becomes when constants are dropped."""
    estimates: ClassVar[str]
    """What the location estimates when this noise is assumed: mean, median, ..."""
    formulas: ClassVar[Formulas | None] = None
    """Density and loss as people write them."""

    @abstractmethod
    def cost(self, z: FloatArray) -> FloatArray:
        """Minus the log density of ``z``, elementwise."""

    @abstractmethod
    def distribution(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> Any:
        """The frozen scipy.stats distribution of ``loc + scale * z``."""

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Shape parameters that are left open; none unless a noise says otherwise."""
        return ()

    @property
    def support(self) -> tuple[float, float]:
        """Between which ends the density is positive."""
        return -math.inf, math.inf

    def quantiles(self, q: ArrayLike) -> FloatArray:
        """Quantiles of z; nan where there is no number for them."""
        return np.asarray(self.distribution().ppf(q), dtype=np.float64)

    @property
    def central(self) -> bool:
        """Whether the location is near the middle of the law, whatever open shapes will be."""
        return True

    @property
    def shape_step(self) -> float:
        """Of differences in a stretched shape; truncation and rounding are then about 1e-13."""
        return 1e-3

    @property
    def bounded(self) -> bool:
        """Whether the density is; where it is not, neither is the likelihood."""
        return True

    def loss(self, z: FloatArray) -> FloatArray:
        """The cost less its value at zero: what is left when constants are dropped."""
        return self.cost(z) - self.cost_at_zero

    def slope(self, z: FloatArray) -> FloatArray:
        """First derivative of the cost; by central differences unless a closed form is given."""
        h = np.cbrt(np.finfo(float).eps) * np.maximum(1.0, np.abs(z))
        return (self.cost(z + h) - self.cost(z - h)) / (2.0 * h)

    def curvature(self, z: FloatArray) -> FloatArray:
        """Second derivative of the cost; by central differences of the slope by default."""
        h = np.cbrt(np.finfo(float).eps) * np.maximum(1.0, np.abs(z))
        return (self.slope(z + h) - self.slope(z - h)) / (2.0 * h)

    def derivatives(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Cost, slope and curvature together, which often share their dearest part."""
        return self.cost(z), self.slope(z), self.curvature(z)

    def cost_and_slope(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Cost and slope together."""
        return self.cost(z), self.slope(z)

    def shape_derivatives(self, z: FloatArray, name: str) -> ShapeDerivatives | None:
        """Derivatives in one shape that is filled in; None where they are left to differences."""
        return None

    def all_derivatives(
        self, z: FloatArray, name: str
    ) -> tuple[FloatArray, FloatArray, FloatArray, ShapeDerivatives | None]:
        """`derivatives`, and `shape_derivatives` in one shape."""
        return *self.derivatives(z), self.shape_derivatives(z, name)

    def costs_at(self, z: FloatArray, names: Sequence[str], values: FloatArray) -> FloatArray:
        """Costs of ``z`` for several values of shapes.

        Parameters
        ----------
        z : ndarray of shape (m,)
        names : sequence of str of length k
        values : ndarray of shape (t, k)

        Returns
        -------
        ndarray of shape (t, m)
        """
        return np.array([self.filled(dict(zip(names, row))).cost(z) for row in values.tolist()])

    def slopes_at(self, z: FloatArray, names: Sequence[str], values: FloatArray) -> FloatArray:
        """Slopes at ``z`` for several values of shapes, in the manner of `costs_at`."""
        return np.array([self.filled(dict(zip(names, row))).slope(z) for row in values.tolist()])

    def ends_moved(self, z: FloatArray, names: Sequence[str], values: FloatArray) -> float:
        """How far ends of the law are for other values of shapes, over their distance from ``z``.

        0.0 where it has no ends, or they do not move.
        """
        return 0.0

    def derivation(self) -> Derivation:
        """The steps from the assumption of this noise to its loss.

        Returns
        -------
        Derivation
            Shows itself as text, and as LaTeX in notebooks.
        """
        values = self.parameters
        formulas = self.formulas or unwritten(self.name, list(values))
        return from_density_to_loss(formulas, self.loss_name, self.estimates, values)

    @property
    def parameters(self) -> dict[str, float | None]:
        """Values of the parameters of the law by name; None where they are open."""
        given = self.get_params(deep=False).items()
        numbers = (name for name, v in given if v is None or isinstance(v, Real))
        return {name: getattr(self, name) for name in numbers}

    @property
    def name(self) -> str:
        """What people call the law."""
        return type(self).__name__

    def check(self) -> None:
        """Raise ValueError for parameters that make no law."""

    def filled(self, values: dict[str, float]) -> Noise:
        """This noise with values for shapes that were left open."""
        return type(self)(**{**vars(self), **values})

    def shape_values(self, names: Sequence[str]) -> list[float]:
        """Values of shapes that are filled in, in this order."""
        return [float(getattr(self, name)) for name in names]

    @property
    def cost_at_zero(self) -> float:
        """Minus the log density at zero: the constant that a loss drops."""
        return float(self.cost(np.zeros(1))[0])

    @property
    def degree(self) -> int | None:
        """The k with ``loss(t * z) = t**k * loss(z)`` for ``t >= 0``; None if there is none."""
        if Fact.QUADRATIC in self.facts:
            return 2
        if Fact.PIECEWISE_LINEAR in self.facts:
            return 1
        return None

    def scale_from_loss(self, mean_loss: float) -> float | None:
        """The maximum likelihood scale, from the weighted mean of ``loss(residual)``.

        With a loss of degree k the total cost is ``W * (log(s) + mean_loss / s**k)`` plus a
        constant, which is least at ``s = (k * mean_loss) ** (1 / k)``.

        Returns
        -------
        float or None
            None where the loss has no degree: then the scale is fitted with the coefficients.
        """
        k = self.degree
        return None if k is None else float((k * mean_loss) ** (1.0 / k))

    def scale_of(self, residuals: ArrayLike, weights: ArrayLike | None = None) -> float | None:
        """The maximum likelihood scale of given residuals, in their units.

        Parameters
        ----------
        residuals : array-like of shape (n,)
        weights : array-like of shape (n,), optional
            How many times each residual counts; once by default.

        Returns
        -------
        float or None
            None where no closed form exists.
        """
        if self.degree is None:
            return None
        r = np.asarray(residuals, dtype=np.float64)
        w = None if weights is None else np.asarray(weights, dtype=np.float64)
        return self.scale_from_loss(float(np.average(self.loss(r), weights=w)))
