"""Shapes of a noise, by the profile of the cost: all else is fitted anew for each of their values.

Shapes are stretched to the whole line. One is first looked for on a coarse grid, then by Brent's
method around the best place; several by the simplex of Nelder and Mead (1965). Each fit begins at
the one before, so that it takes two or three Newton steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from scipy import optimize

from sklearn_mle.noises.noise import FloatArray, Noise
from sklearn_mle.noises.stretch import Stretch

Place = TypeVar("Place")

GRID = (-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 8.0, 13.0)
"""Where one shape is looked for, beside its start, on the stretched line."""
LINE = (-16.0, 16.0)
"""The part of the stretched line that is searched: df up to nearly 1e7."""
NARROW = 0.7
"""How far around the shape of a sample that of all rows is looked for at first."""
WIDE = 2.0
PRECISION = 1e-7


def starting_noise(noise: Noise) -> Noise:
    """The noise with every open shape at its start."""
    shapes = noise.shapes
    return noise.filled({shape.name: shape.start for shape in shapes}) if shapes else noise


def stretched(noise: Noise, filled: Noise) -> FloatArray:
    """The values of a noise's open shapes in another that has them filled in, on the line."""
    values = filled.shape_values([shape.name for shape in noise.shapes])
    pairs = zip(noise.shapes, values)
    return np.array([float(Stretch(s.low, s.high).stretched(v)) for s, v in pairs])


def natural(noise: Noise, u: FloatArray) -> Noise:
    """The noise with its open shapes at these places of the line."""
    pairs = zip(noise.shapes, u)
    return noise.filled({s.name: float(Stretch(s.low, s.high).natural(v)) for s, v in pairs})


@dataclass
class Best(Generic[Place]):
    """The best that was met.

    Parameters
    ----------
    value : float
    u : ndarray of shape (k,)
        Shapes, on the line.
    place : object
        Where all else is best.
    """

    value: float
    u: FloatArray
    place: Place


def best_shapes(
    noise: Noise,
    begin: Noise,
    profile: Callable[[Noise, Place], tuple[float, Place]],
    place: Place,
    *,
    narrow: bool,
) -> tuple[Noise, Place]:
    """The shapes of least profile cost, and where all else is best for them.

    Parameters
    ----------
    noise : Noise
        With open shapes.
    begin : Noise
        With values to begin at.
    profile : callable
        Takes a noise and a place to begin at; gives the least cost and where it is.
    place : object
        Best for ``begin``.
    narrow : bool
        Whether ``begin`` is known to be near.
    """
    best = Best(math.inf, stretched(noise, begin), place)

    def cost(u: Any) -> float:
        u = np.atleast_1d(np.clip(u, *LINE))
        value, there = profile(natural(noise, u), best.place)
        if value < best.value:
            best.value, best.u, best.place = value, u, there
        return value if math.isfinite(value) else 1e300

    fatol = 1e-12 * (abs(cost(best.u)) + 1.0)
    if len(noise.shapes) > 1:
        options = {"xatol": 1e-6, "fatol": fatol, "maxiter": 400 * best.u.size}
        for _ in range(2):
            optimize.minimize(cost, best.u, method="Nelder-Mead", options=options)
        return natural(noise, best.u), best.place
    if not narrow:
        for u in GRID:
            cost(u)
    _along_the_line(cost, best, NARROW if narrow else WIDE)
    return natural(noise, best.u), best.place


def _along_the_line(cost: Callable[[Any], float], best: Best[Any], width: float) -> None:
    """Brent's method around the best place, again as long as it ends at an edge."""
    for _ in range(20):
        middle = float(best.u[0])
        low, high = max(LINE[0], middle - width), min(LINE[1], middle + width)
        options = {"xatol": PRECISION}
        optimize.minimize_scalar(cost, bounds=(low, high), method="bounded", options=options)
        edge, found = 0.02 * width, float(best.u[0])
        if (found > low + edge or low == LINE[0]) and (found < high - edge or high == LINE[1]):
            return
