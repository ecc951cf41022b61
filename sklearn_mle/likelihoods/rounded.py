"""A law whose corners are rounded off, so that its cost has a slope everywhere.

Within a small distance of a corner the cost is replaced by the cubic that continues it: one value
and one slope at each side. Of a corner between straight sides it is the parabola that touches both,
as in Huber's loss; what it adds is at most a quarter of the change of slope times that distance. A
pole of the cost, where the density is zero, becomes a hill.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_mle.noises.from_scipy import FromScipy
from sklearn_mle.noises.noise import Fact, FloatArray, Noise, Shape

ROOM = 0.4
"""Most of the distance to the nearest other corner or end that may be rounded."""
STEP_SHARE = 0.1
"""Of the distance that is rounded, what a difference in a shape may move a corner by."""
STEP = 1e-3


@dataclass(frozen=True)
class Arc:
    """A cubic in place of a corner.

    Parameters
    ----------
    place, width : float
        It reaches from ``place - width`` to ``place + width``.
    terms : tuple of float
        Coefficients of powers of ``(z - place) / width``, from the constant on.
    """

    place: float
    width: float
    terms: tuple[float, float, float, float]

    def laid(
        self, z: FloatArray, found: tuple[FloatArray, FloatArray, FloatArray]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Cost, slope and curvature with those of the arc where it is."""
        t = (z - self.place) / self.width
        here = np.abs(t) < 1.0
        if not here.any():
            return found
        a, b, c, d = self.terms
        t = t[here]
        cost, slope, bend = (part.copy() for part in found)
        cost[here] = a + t * (b + t * (c + t * d))
        slope[here] = (b + t * (2.0 * c + t * 3.0 * d)) / self.width
        bend[here] = (2.0 * c + t * 6.0 * d) / self.width**2
        return cost, slope, bend


class Rounded(Noise):
    """A law of scipy.stats with rounded corners.

    Parameters
    ----------
    law : FromScipy
    width : float
        How far from each corner, in units of the residual or of the support if that is shorter.
    """

    estimates = "location"
    loss_name = "rounded"

    def __init__(self, law: FromScipy, width: float) -> None:
        self.law = law
        self.width = width

    @property
    def facts(self) -> Fact:  # type: ignore[override]
        return Fact.SMOOTH | (self.law.facts & Fact.LOG_CONCAVE)

    @property
    def name(self) -> str:
        return self.law.name

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return self.law.shapes

    @property
    def support(self) -> tuple[float, float]:
        return self.law.support

    @property
    def bounded(self) -> bool:
        return self.law.bounded

    @property
    def shape_step(self) -> float:
        return min(STEP, STEP_SHARE * self.width)

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        return repr(self.law)

    def quantiles(self, q: ArrayLike) -> FloatArray:
        return self.law.quantiles(q)

    def filled(self, values: dict[str, float]) -> Rounded:
        return Rounded(self.law.filled(values), self.width)

    def shape_values(self, names: Sequence[str]) -> list[float]:
        return self.law.shape_values(names)

    def distribution(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> Any:
        return self.law.distribution(loc, scale)

    @property
    def arcs(self) -> tuple[Arc, ...]:
        """In place of its corners."""
        return _arcs(self.law._plain, self.law._values, self.law.corners, self.width)

    def cost(self, z: FloatArray) -> FloatArray:
        cost = self.law.cost(z)
        for arc in self.arcs:
            cost = arc.laid(z, (cost, cost, cost))[0]
        return cost

    def slope(self, z: FloatArray) -> FloatArray:
        slope = self.law.slope(z)
        for arc in self.arcs:
            slope = arc.laid(z, (slope, slope, slope))[1]
        return slope

    def curvature(self, z: FloatArray) -> FloatArray:
        bend = self.law.curvature(z)
        for arc in self.arcs:
            bend = arc.laid(z, (bend, bend, bend))[2]
        return bend

    def derivatives(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        found = self.law.derivatives(z)
        for arc in self.arcs:
            found = arc.laid(z, found)
        return found


@functools.lru_cache(maxsize=512)
def _arcs(
    law: Any, values: tuple[float, ...], places: tuple[float, ...], width: float
) -> tuple[Arc, ...]:
    noise = FromScipy(law, values)
    low, high = noise.support
    width *= min(1.0, high - low)
    beside = [low, *places, high]
    return tuple(
        _arc(noise, x, min(width, ROOM * (x - before), ROOM * (after - x)))
        for before, x, after in zip(beside, places, beside[2:])
    )


def _arc(noise: FromScipy, x: float, width: float) -> Arc:
    """The cubic with the value and the slope of the cost at both ends."""
    ends = np.array([x - width, x + width])
    left, right = noise.cost(ends)
    down, up = noise.slope(ends) * width
    c = 0.25 * (up - down)
    d = 0.25 * (up + down) - 0.25 * (right - left)
    a, b = 0.5 * (left + right) - c, 0.5 * (right - left) - d
    if not np.isfinite([a, b, c, d]).all():
        return Arc(x, width, (math.inf, 0.0, 0.0, 0.0))
    return Arc(x, width, (float(a), float(b), float(c), float(d)))
