"""What can be seen of a density by looking at it: where it ends, breaks, or has no bound."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.noises.silence import silence
from sklearn_mle.noises.written_densities import WRITTEN, log_density

LOOK = np.sinh(np.linspace(-6.0, 6.0, 241))
"""Where a law is looked at, in units around its middle: evenly at first, then ever farther."""
OUTWARDS = np.exp2(np.arange(-8.0, 60.0))
NEAR, NEARER = 1e-3, 1e-5
"""Distances, in units, at which curvatures are compared."""
CLOSE, CLOSEST = 1e-7, 1e-11
"""Distances at which costs beside an end are compared."""
RISE = 1e-4
"""Fall of the cost between them from which it has no bottom: a power of the distance above -1e-5
is not told apart from none."""
FAR = 1e6 * np.linspace(1.0, 2.0, 41)
VANISHED = 1e-2
UNDERFLOW = 300.0
"""Cost from which densities may vanish by the arithmetic alone."""
HALVINGS = 80
LEAST_ROOM = 1e-9
"""Distance to an end or a break below which differences say nothing."""


@dataclass(frozen=True)
class Nature:
    """What a law looks like.

    Parameters
    ----------
    low, high : float
        Ends of its support.
    breaks : tuple of float
        Places inside that differences should not reach across: the curvature has no limit there.
    bounded : bool
        Whether the density is bounded.
    """

    low: float
    high: float
    breaks: tuple[float, ...]
    bounded: bool

    def room(self, z: NDArray[Any]) -> NDArray[Any]:
        """Distance to the nearest end or break, `LEAST_ROOM` to the size of z or 1."""
        distance = np.maximum(1.0, np.abs(z))
        for place in (self.low, self.high, *self.breaks):
            if math.isfinite(place):
                distance = np.minimum(distance, np.abs(z - place))
        return np.maximum(distance, LEAST_ROOM)


@functools.lru_cache(maxsize=512)
def nature(law: Any, shapes: tuple[float, ...]) -> Nature:
    """Look at a scipy.stats distribution.

    Parameters
    ----------
    law : rv_continuous
    shapes : tuple of float
    """
    if law.name in WRITTEN:
        return Nature(0.0, 1.0, (), bounded=True)
    cost = cost_of(law, shapes)
    with silence():
        low, high = (float(end) for end in law.support(*shapes))
    low, high = _seen_end(cost, low, high, -1.0), _seen_end(cost, low, high, 1.0)
    unit = min(1.0, high - low)
    inside = [x for x in (0.0,) if low < x < high]
    breaks = tuple(x for x in inside if _breaks(cost, x, unit))
    bounded = all(_has_bottom(cost, x, side * unit) for x, side in _sides(low, high, inside))
    return Nature(low, high, breaks, bounded)


def cost_of(law: Any, shapes: tuple[Any, ...]) -> Callable[[Any], NDArray[np.float64]]:
    """Minus the log density, infinite where scipy.stats has no number for it."""

    if law.name in WRITTEN:

        def written(z: Any) -> NDArray[np.float64]:
            logs = log_density(law, np.asarray(z, dtype=np.float64), shapes)
            return np.where(np.isnan(logs), np.inf, -logs)

        return written

    def cost(z: Any) -> NDArray[np.float64]:
        with silence():
            try:
                logs = np.asarray(law.logpdf(np.asarray(z, dtype=np.float64), *shapes))
            except ArithmeticError:
                return np.full(np.broadcast_shapes(np.shape(z), *map(np.shape, shapes)), np.inf)
        return np.where(np.isnan(logs), np.inf, -logs)

    return cost


def quantiles_of(law: Any, shapes: tuple[float, ...], q: Any) -> NDArray[np.float64]:
    """Quantiles, nan where scipy.stats has no number for them."""
    with silence():
        try:
            return np.asarray(law.ppf(q, *shapes), dtype=np.float64)
        except (ArithmeticError, ValueError, RuntimeError):
            return np.full(np.shape(q), np.nan)


@functools.lru_cache(maxsize=512)
def is_proper(law: Any, shapes: tuple[float, ...]) -> bool:
    """Whether a law has quantiles, and a density that falls to zero far away."""
    cost = cost_of(law, shapes)
    quarter, middle, other = quantiles_of(law, shapes, [0.25, 0.5, 0.75])
    if not (np.isfinite(middle) and 0.0 < other - quarter < np.inf):
        return False
    unit = other - quarter
    far = cost(middle + unit * np.concatenate([-FAR, FAR]))
    near = cost(middle + unit * np.linspace(-1.0, 1.0, 41)).min()
    return bool(np.isfinite(near) and np.all(far > near - math.log(VANISHED)))


def is_convex(
    slope: Callable[[Any], Any], middle: float, low: float, high: float, slack: float
) -> bool:
    """Whether a slope grows wherever it is looked at."""
    z = middle + LOOK * min(1.0, high - low)
    s = slope(z[(z > low) & (z < high)])
    s = s[np.isfinite(s)]
    return bool(np.all(np.diff(s) >= -slack * (1.0 + np.abs(s[1:]))))


def _seen_end(cost: Any, low: float, high: float, side: float) -> float:
    """The end of the support on one side; laws may end before scipy.stats says so."""
    end = high if side > 0.0 else low
    if math.isfinite(end):
        return end
    other = low if side > 0.0 else high
    begin = other if math.isfinite(other) else 0.0
    z = begin + side * OUTWARDS
    costs = cost(z)
    there = np.flatnonzero(np.isfinite(costs))
    if not there.size or there[-1] == z.size - 1 or costs[there[-1]] > UNDERFLOW:
        return end
    inner, outer = float(z[there[-1]]), float(z[there[-1] + 1])
    for _ in range(HALVINGS):
        middle = 0.5 * (inner + outer)
        found = float(cost(middle))
        if found > UNDERFLOW and math.isfinite(found):
            return end
        inner, outer = (middle, outer) if math.isfinite(found) else (inner, middle)
    return end if cost(inner) > UNDERFLOW else inner


def _sides(low: float, high: float, inside: list[float]) -> list[tuple[float, float]]:
    """Places near which a density may have no bound, and the side to come from."""
    ends = [(low, 1.0), (high, -1.0)]
    return [(x, side) for x, side in ends if math.isfinite(x)] + [(x, 1.0) for x in inside]


def _breaks(cost: Any, x: float, unit: float) -> bool:
    """Whether the curvature at x has no limit."""
    h = unit * np.array([NEAR, NEARER])
    with np.errstate(invalid="ignore"):
        second = (cost(x + h) + cost(x - h) - 2.0 * cost(x)) / np.square(h)
    if not np.isfinite(second).all():
        return True
    return bool(abs(second[1] - second[0]) > 0.1 * np.abs(second).max() + 1e-3 / unit**2)


def _has_bottom(cost: Any, x: float, step: float) -> bool:
    """Whether the cost beside x has a bottom."""
    near, nearest = cost(x + step * np.array([CLOSE, CLOSEST]))
    return not (np.isfinite(near) and nearest < near - RISE)
