"""Any continuous distribution of scipy.stats as a noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sklearn_mle.noises.noise import Fact, FloatArray, Noise, Shape

FIRST_STEP = 1e-3
"""Of five-point differences, over the size of z: truncation and rounding are about 1e-12."""
SECOND_STEP = 5e-3
GRID = np.linspace(0.002, 0.998, 499)
"""Probabilities at whose quantiles a law is looked at."""


class FromScipy(Noise):
    """A law of scipy.stats; slope and curvature are careful differences of its log density.

    Parameters
    ----------
    law : scipy.stats distribution, plain or frozen
        Its ``loc`` and ``scale`` belong to the model. Shapes are held where it is frozen, and
        estimated where it is not.

    Examples
    --------
    >>> from scipy import stats
    >>> from sklearn_mle.noises import FromScipy
    >>> [shape.name for shape in FromScipy(stats.gennorm).shapes]
    ['beta']
    """

    estimates = "location"

    def __init__(self, law: Any) -> None:
        self.law = law

    @property
    def _plain(self) -> Any:
        return getattr(self.law, "dist", self.law)

    @property
    def _names(self) -> list[str]:
        return [name.strip() for name in (self._plain.shapes or "").split(",") if name.strip()]

    @property
    def shapes(self) -> tuple[Shape, ...]:
        if hasattr(self.law, "dist"):
            return ()
        return tuple(_shape_of(self._plain, name) for name in self._names)

    @property
    def _values(self) -> tuple[float, ...]:
        if hasattr(self.law, "dist"):
            shapes, _, _ = self._plain._parse_args(*self.law.args, **self.law.kwds)
            return tuple(float(value) for value in shapes)
        return tuple(shape.start for shape in self.shapes)

    @property
    def name(self) -> str:
        return str(self._plain.name)

    @property
    def loss_name(self) -> str:  # type: ignore[override]
        return f"{self._plain.name} loss"

    @property
    def facts(self) -> Fact:  # type: ignore[override]
        if self.shapes:
            return Fact.SMOOTH
        z = self._plain.ppf(GRID, *self._values)
        convex = bool(np.all(np.diff(self.slope(z)) >= -1e-9))
        return Fact.SMOOTH | Fact.LOG_CONCAVE if convex else Fact.SMOOTH

    def check(self) -> None:
        low, high = self._plain.support(*self._values)
        if not (np.isinf(low) and np.isinf(high)):
            raise ValueError(
                "noise must be a law on the whole line: where it ends, so does the likelihood, and "
                "the best fit would rest on the outermost rows alone; got "
                f"scipy.stats.{self._plain.name} on [{low:g}, {high:g}]. Use a law with two tails, "
                "such as 'gumbel' for skewed noise, or model the logarithm of y."
            )

    def filled(self, values: dict[str, float]) -> FromScipy:
        return FromScipy(self._plain(**values))

    def shape_values(self, names: Sequence[str]) -> list[float]:
        known = dict(zip(self._names, self._values))
        return [known[name] for name in names]

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        values = [f"{name}={v:.6g}" for name, v in zip(self._names, self._values)]
        held = f"({', '.join(values)})" if hasattr(self.law, "dist") else ""
        return f"FromScipy({self._plain.name}{held})"

    def cost(self, z: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            logs = np.asarray(self._plain.logpdf(z, *self._values), dtype=np.float64)
        return np.where(np.isnan(logs), np.inf, -logs)

    def slope(self, z: FloatArray) -> FloatArray:
        h = FIRST_STEP * np.maximum(1.0, np.abs(z))
        with np.errstate(invalid="ignore"):
            near = self.cost(z + h) - self.cost(z - h)
            far = self.cost(z + 2.0 * h) - self.cost(z - 2.0 * h)
            return (8.0 * near - far) / (12.0 * h)

    def curvature(self, z: FloatArray) -> FloatArray:
        h = SECOND_STEP * np.maximum(1.0, np.abs(z))
        with np.errstate(invalid="ignore"):
            near = self.cost(z + h) + self.cost(z - h)
            far = self.cost(z + 2.0 * h) + self.cost(z - 2.0 * h)
            return (16.0 * near - far - 30.0 * self.cost(z)) / (12.0 * np.square(h))

    def distribution(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> Any:
        return self._plain(*self._values, loc=loc, scale=scale)


def is_law(thing: object) -> bool:
    """Whether this is a continuous scipy.stats distribution, plain or frozen."""
    return isinstance(getattr(thing, "dist", thing), stats.rv_continuous)


def _shape_of(law: Any, name: str) -> Shape:
    """A shape parameter with the interval that scipy states for it."""
    info = {one.name: one for one in law._shape_info()}
    low, high = info[name].domain if name in info else (-math.inf, math.inf)
    if math.isfinite(low) and math.isfinite(high):
        return Shape(name, low, high, 0.5 * (low + high))
    if math.isfinite(low):
        return Shape(name, low, high, low + 1.0)
    return Shape(name, low, high, 0.5)
