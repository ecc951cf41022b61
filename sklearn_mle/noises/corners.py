"""Where a density has a corner, a cusp or a zero inside: places at which its cost has no slope."""

from __future__ import annotations

import enum
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from sklearn_mle.noises.nature import LOOK, cost_of, nature
from sklearn_mle.noises.silence import silence
from sklearn_mle.noises.written_densities import WRITTEN, written_corners

BETWEEN = expit(np.linspace(-7.0, 7.0, 241))
"""Where a law between two ends is looked at."""
LEAST_PLACES = 8
MASSLESS = 50.0
"""Cost above the least beyond which no row will be."""
SUSPECT = 4.0
"""Change of slope, over the changes beside it, from which a place is looked at closely."""
SLIGHT = 1e-4
"""Change of slope in an interval that is none."""
PARTS = 8
"""Into which an interval is cut, again and again, around a change of slope."""
CUTS = 26
"""After which nothing is left of an interval."""
NEAR, NEARER = 1e-4, 1e-6
"""Distances at which slopes on both sides are compared."""
LEAST_POWER = 0.02
"""Power of the distance with which a change of slope must vanish: the slope has a limit then."""
ROUNDING = 1e-12
TOGETHER = 1e-8
"""Distance within which two corners are one that was found twice."""


class Corners(enum.Enum):
    """Where the corners of a law are, whatever its shapes."""

    NOWHERE = "nowhere"
    NAMED = "named"
    """At zero, at one, or where a shape says."""
    ANYWHERE = "anywhere"


@functools.lru_cache(maxsize=4096)
def named_corners(law: Any, shapes: tuple[float, ...]) -> tuple[float, ...]:
    """Those of the corners that are at zero, at one, or where a shape says."""
    if law.name in WRITTEN:
        return written_corners(shapes)
    seen, cost = nature(law, shapes), cost_of(law, shapes)
    unit = min(1.0, seen.high - seen.low)
    z, _ = _where_rows_are(cost, seen.low, seen.high)
    named = np.array(list(dict.fromkeys((0.0, 1.0, -1.0, *shapes))))
    named = named[(z.min(initial=np.inf) < named) & (named < z.max(initial=-np.inf))]
    return tuple(sorted(named[_have_no_slope(cost, named, unit)].tolist()))


@functools.lru_cache(maxsize=512)
def corners(law: Any, shapes: tuple[float, ...]) -> tuple[float, ...]:
    """Places inside the support of a scipy.stats distribution at which its cost has no slope.

    Slopes of neighbouring intervals differ by about curvature times width where the cost is
    smooth, and by as much as everywhere nearer where it is not.

    Parameters
    ----------
    law : rv_continuous
    shapes : tuple of float

    Returns
    -------
    tuple of float
    """
    seen, cost = nature(law, shapes), cost_of(law, shapes)
    unit = min(1.0, seen.high - seen.low)
    z, costs = _where_rows_are(cost, seen.low, seen.high)
    named = named_corners(law, shapes)
    if z.size < LEAST_PLACES:
        return named
    at = _suspects(z, costs)
    for x in named:
        at = at[(x <= z[at - 1]) | (z[at + 2] <= x)]
    found = _zoomed(cost, z[at], z[at + 1])
    apart = [*named]
    for x in found[_have_no_slope(cost, found, unit)].tolist():
        if all(abs(x - other) > TOGETHER * unit for other in apart):
            apart.append(x)
    return tuple(sorted(apart))


@functools.lru_cache(maxsize=512)
def where_corners_are(law: Any, looks: tuple[tuple[float, ...], ...]) -> Corners:
    """What some shapes tell of the corners of a law."""
    with silence():
        laws = [shapes for shapes in looks if law._argcheck(*shapes)]
    found = [(corners(law, shapes), named_corners(law, shapes)) for shapes in laws]
    if not any(places for places, _ in found):
        return Corners.NOWHERE
    return Corners.NAMED if all(a == b for a, b in found) else Corners.ANYWHERE


@functools.lru_cache(maxsize=512)
def bend_upwards(law: Any, shapes: tuple[float, ...]) -> bool:
    """Whether the cost of a law is continuous at its corners, and its slope grows there."""
    seen, cost = nature(law, shapes), cost_of(law, shapes)
    unit = min(1.0, seen.high - seen.low)
    around = NEARER * unit * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    with np.errstate(invalid="ignore"):
        bends = [np.diff(cost(x + around), 2) for x in corners(law, shapes)]
    return all(bool(np.all(bend >= -ROUNDING)) for bend in bends)


def _where_rows_are(
    cost: Callable[[Any], Any], low: float, high: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places of which rows may be near, and their costs."""
    if math.isfinite(low) and math.isfinite(high):
        z = low + (high - low) * BETWEEN
    else:
        z = LOOK + (low if math.isfinite(low) else high if math.isfinite(high) else 0.0)
        z = z[(z > low) & (z < high)]
    costs = cost(z)
    z, costs = z[np.isfinite(costs)], costs[np.isfinite(costs)]
    there = costs < costs.min(initial=np.inf) + MASSLESS
    return z[there], costs[there]


def _suspects(z: NDArray[np.float64], costs: NDArray[np.float64]) -> NDArray[np.intp]:
    """Intervals across which the slope changes by more than near them."""
    with np.errstate(invalid="ignore"):
        slopes = np.diff(costs) / np.diff(z)
        across = np.abs(slopes[2:] - slopes[:-2])[1:-1]
        change = np.abs(np.diff(slopes))
        beside = np.maximum(change[:-3], change[3:])
        sharp = across > SUSPECT * beside + SLIGHT
    return np.flatnonzero(sharp) + 2


def _zoomed(
    cost: Callable[[Any], Any], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The places in intervals at which the slope changes most."""
    parts = np.linspace(-1.0 / PARTS, 1.0 + 1.0 / PARTS, PARTS + 3)[:, None]
    for _ in range(CUTS):
        x = low + (high - low) * parts
        with np.errstate(invalid="ignore", divide="ignore"):
            change = np.abs(np.diff(np.diff(cost(x), axis=0) / np.diff(x, axis=0), axis=0))
        k = np.argmax(np.where(np.isnan(change), np.inf, change), axis=0)[None]
        ahead = [np.take_along_axis(x, k + i, axis=0)[0] for i in (0, 2)]
        fine = np.spacing(np.maximum(np.abs(low), np.abs(high)))
        wide = ahead[1] - ahead[0] > PARTS * fine
        low, high = np.where(wide, ahead[0], low), np.where(wide, ahead[1], high)
    return 0.5 * (low + high)


def _have_no_slope(
    cost: Callable[[Any], Any], x: NDArray[np.float64], unit: float
) -> NDArray[np.bool_]:
    """Whether slopes on both sides of places stay apart however near they are."""
    with np.errstate(invalid="ignore", divide="ignore"):
        far, near = (_change(cost, x, unit * h) for h in (NEAR, NEARER))
        power = np.log(far / near) / math.log(NEAR / NEARER)
    infinite = ~(np.isfinite(far) & np.isfinite(near))
    return infinite | ((np.minimum(near, far) > SLIGHT / unit) & (power < LEAST_POWER))


def _change(cost: Callable[[Any], Any], x: NDArray[np.float64], h: float) -> NDArray[np.float64]:
    """Of the slope from left to right, at distances between h and 2 h."""
    costs = cost(x + h * np.array([-2.0, -1.0, 1.0, 2.0])[:, None])
    return np.asarray(np.abs((costs[3] - costs[2]) - (costs[1] - costs[0])) / h)
