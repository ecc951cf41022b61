"""The shapes of a scipy.stats distribution: names, bounds, and where a search begins."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_mle.noises.noise import MIDDLE, Shape
from sklearn_mle.noises.silence import silence
from sklearn_mle.noises.stretch import Stretch

STARTS = (-2.0, 0.0, 2.0)
"""Places, on the lines of shapes, among which starts are looked for that make a law together."""


def makes_a_law(law: Any, shapes: Sequence[float]) -> bool:
    with silence():
        return bool(np.all(law._argcheck(*shapes)))


@functools.lru_cache(maxsize=512)
def names_of(law: Any) -> tuple[str, ...]:
    return tuple(name.strip() for name in (law.shapes or "").split(",") if name.strip())


@functools.lru_cache(maxsize=512)
def shapes_of(law: Any) -> tuple[Shape, ...]:
    """The shapes of a law, with starts that make one together."""
    shapes = [_shape_of(law, name) for name in names_of(law)]
    if makes_a_law(law, [shape.start for shape in shapes]):
        return tuple(shapes)
    lines = [Stretch(shape.low, shape.high) for shape in shapes]
    for places in itertools.product(STARTS, repeat=len(shapes)):
        starts = [float(line.natural(u)) for line, u in zip(lines, places)]
        if makes_a_law(law, starts):
            return tuple(replace(shape, start=v) for shape, v in zip(shapes, starts))
    return tuple(shapes)


@functools.lru_cache(maxsize=512)
def looks_of(law: Any) -> tuple[tuple[float, ...], ...]:
    """Shapes of a law at which it is looked at: where they start, and both sides of that."""
    shapes = shapes_of(law)
    lines = [Stretch(shape.low, shape.high) for shape in shapes]
    looks = [[float(line.natural(u)) for line in lines] for u in STARTS]
    return tuple(map(tuple, [[shape.start for shape in shapes], *looks]))


@functools.lru_cache(maxsize=512)
def is_central(law: Any, values: tuple[float, ...] | None) -> bool:
    """Whether zero is near the middle of a law: of these shapes, or of any."""
    looks = [values]
    if values is None:
        lines = [Stretch(shape.low, shape.high) for shape in shapes_of(law)]
        places = itertools.product(STARTS, repeat=len(lines))
        looks = [tuple(float(x.natural(u)) for x, u in zip(lines, place)) for place in places]
    with silence():
        levels = np.array([float(law.cdf(0.0, *shapes or ())) for shapes in looks])
    levels = levels[np.isfinite(levels)]
    return bool(np.all((levels >= MIDDLE[0]) & (levels <= MIDDLE[1])))


def _shape_of(law: Any, name: str) -> Shape:
    """A shape parameter with the interval that scipy states for it."""
    info = {one.name: one for one in law._shape_info()}
    low, high = info[name].domain if name in info else (-math.inf, math.inf)
    if math.isfinite(low) and math.isfinite(high):
        return Shape(name, low, high, 0.5 * (low + high))
    if math.isfinite(low):
        return Shape(name, low, high, low + 1.0)
    return Shape(name, low, high, 0.5)
