"""The shapes of a noise that are left open, as places on the whole line."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np

from sklearn_mle.noises.noise import FloatArray, Noise, Shape, ShapeDerivatives
from sklearn_mle.noises.stretch import Stretch

GRID = (-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 8.0, 13.0)
"""Where one shape is looked for on the stretched line, beside its start."""
COARSE = (-2.0, 0.0, 2.0)
"""The same for each of two shapes, and for more of them together."""
LINE = 16.0
"""The part of the stretched line that is searched: df up to nearly 1e7."""
NATURAL = 500.0
"""The part that is searched of a shape that is not bounded itself."""
NEARBY = 0.05
"""Way that an end of the law may move in a difference, over the distance of the nearest row: what
is left out of the difference is then below 1e-6 of it."""
SHRUNK = 1e-2
SMALLEST = 1e-8


@dataclass(frozen=True)
class OpenShapes:
    """Shapes of a noise that are left open.

    Parameters
    ----------
    noise : Noise
        With these shapes open, or filled in with any values.
    shapes : tuple of Shape
    """

    noise: Noise
    shapes: tuple[Shape, ...]

    @classmethod
    def of(cls, noise: Noise) -> OpenShapes:
        """Those that a noise leaves open, or none."""
        return cls(noise, noise.shapes)

    @functools.cached_property
    def size(self) -> int:
        return len(self.shapes)

    @functools.cached_property
    def stretches(self) -> list[Stretch]:
        return [Stretch(shape.low, shape.high) for shape in self.shapes]

    def start(self) -> FloatArray:
        """Where a search begins, shape (size,)."""
        pairs = zip(self.stretches, self.shapes)
        return np.array([float(stretch.stretched(shape.start)) for stretch, shape in pairs])

    def places(self) -> list[FloatArray]:
        """Where to look before a search begins: the start, and places of which one may be near."""
        start = self.start()
        if not self.size:
            return [start]
        if self.size > 2:
            return [start, *(np.full(self.size, u) for u in COARSE)]
        if self.size == 2:
            return [start, *(np.array(u) for u in itertools.product(COARSE, repeat=2))]
        looks = self.shapes[0].looks
        if looks is None:
            return [start, *(np.array([u]) for u in GRID)]
        stretch = self.stretches[0]
        return [start, *(np.array([float(stretch.stretched(v))]) for v in looks)]

    @functools.cached_property
    def reach(self) -> tuple[FloatArray, FloatArray]:
        """The ends of what is searched of the line, shapes (size,)."""
        bounded = [math.isfinite(s.low) or math.isfinite(s.high) for s in self.shapes]
        ends = np.where(np.array(bounded, dtype=bool), LINE, NATURAL)
        return -ends, ends

    def inside(self, u: FloatArray) -> FloatArray:
        """The nearest place that is searched."""
        low, high = self.reach
        return np.minimum(np.maximum(u, low), high)

    def filled(self, u: FloatArray) -> Noise:
        """The noise with its open shapes at these places of the line."""
        if not self.size:
            return self.noise
        triples = zip(self.shapes, self.stretches, self.inside(u))
        return self.noise.filled({s.name: float(line.natural(v)) for s, line, v in triples})

    def places_of(self, filled: Noise) -> FloatArray:
        """The values of the open shapes in a noise that has them filled in, on the line."""
        values = filled.shape_values([shape.name for shape in self.shapes])
        pairs = zip(self.stretches, values)
        return np.array([float(stretch.stretched(v)) for stretch, v in pairs])

    def slopes(self, u: FloatArray, z: FloatArray) -> FloatArray:
        """First derivatives of the costs of ``z`` in the shapes on the line, shape (m, size)."""
        return self.derivatives(u, z, second=False).cost

    def derivatives(self, u: FloatArray, z: FloatArray, *, second: bool = True) -> ShapeDerivatives:
        """Derivatives of the costs of ``z`` in the shapes on the line.

        In closed form where the noise has one; else by differences whose step shrinks until all
        costs are finite, because the ends of a law may move with its shapes.
        """
        if not self.size:
            nothing = np.empty((z.shape[0], 0))
            return ShapeDerivatives(nothing, nothing, np.empty((z.shape[0], 0, 0)))
        noise = self.filled(u)
        if self.size == 1:
            closed = noise.shape_derivatives(z, self.shapes[0].name)
            if closed is not None:
                return self._stretched(noise, closed)
        step = noise.shape_step * self._room(noise, u, z)
        while True:
            with np.errstate(invalid="ignore", over="ignore"):
                found = self._by_differences(noise, u, z, step, second=second)
            if step <= SMALLEST or all(np.isfinite(part).all() for part in found):
                return found
            step *= SHRUNK

    def with_slopes(
        self, u: FloatArray, z: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Costs of ``z``, slopes, and `slopes` in the shapes."""
        if self.size == 1:
            cost, slope, _, shapes = self.with_derivatives(u, z, second=False)
            return cost, slope, shapes.cost
        return *self.filled(u).cost_and_slope(z), self.slopes(u, z)

    def with_derivatives(
        self, u: FloatArray, z: FloatArray, *, second: bool = True
    ) -> tuple[FloatArray, FloatArray, FloatArray, ShapeDerivatives]:
        """Costs of ``z``, slopes, curvatures, and `derivatives` in the shapes."""
        noise = self.filled(u)
        if self.size == 1:
            cost, slope, curvature, closed = noise.all_derivatives(z, self.shapes[0].name)
            if closed is not None:
                return cost, slope, curvature, self._stretched(noise, closed)
            return cost, slope, curvature, self.derivatives(u, z, second=second)
        return *noise.derivatives(z), self.derivatives(u, z, second=second)

    def _stretched(self, noise: Noise, natural: ShapeDerivatives) -> ShapeDerivatives:
        """In the place on the line, of derivatives in the one shape."""
        (shape,), (stretch,) = self.shapes, self.stretches
        return natural.stretched(*stretch.rates(noise.shape_values([shape.name])[0]))

    def _room(self, noise: Noise, u: FloatArray, z: FloatArray) -> float:
        """Part of a step of differences in which ends of the law move little, beside all rows."""
        steps = 2.0 * noise.shape_step * np.vstack([np.eye(self.size), -np.eye(self.size)])
        moved = noise.ends_moved(z, self._names, self._naturals(u + steps))
        return min(1.0, NEARBY / moved) if moved > 0.0 else 1.0

    def _by_differences(
        self, noise: Noise, u: FloatArray, z: FloatArray, h: float, *, second: bool
    ) -> ShapeDerivatives:
        k = self.size
        turned, bend = np.zeros((z.shape[0], k)), np.zeros((z.shape[0], k, k))
        units = h * np.eye(k)
        ahead, behind, far, back = (
            self._costs(noise, u + t * units, z) for t in (1.0, -1.0, 2.0, -2.0)
        )
        first = ((8.0 * (ahead - behind) - (far - back)) / (12.0 * h)).T
        if not second:
            return ShapeDerivatives(first, turned, bend)
        sums = 16.0 * (ahead + behind) - (far + back) - 30.0 * noise.cost(z)
        slopes = [noise.slopes_at(z, self._names, self._naturals(u + t * units)) for t in (1, -1)]
        turned = ((slopes[0] - slopes[1]) / (2.0 * h)).T
        for i in range(k):
            bend[:, i, i] = sums[i] / (12.0 * h * h)
            for j in range(i):
                e, d = units[[i, j]]
                corners = u + np.array([e + d, -e - d, e - d, d - e])
                both, neither, one, other = self._costs(noise, corners, z)
                mixed = (both + neither - one - other) / (4.0 * h * h)
                bend[:, i, j] = bend[:, j, i] = mixed
        return ShapeDerivatives(first, turned, bend)

    @property
    def _names(self) -> list[str]:
        return [shape.name for shape in self.shapes]

    def _naturals(self, places: FloatArray) -> FloatArray:
        """Values of the shapes at places of the line that are searched, shape (m, size)."""
        pairs = zip(self.stretches, self.inside(places).T)
        return np.column_stack([line.natural(v) for line, v in pairs])

    def _costs(self, noise: Noise, places: FloatArray, z: FloatArray) -> FloatArray:
        """Costs of ``z`` with the shapes at each of some places, shape (len(places), m)."""
        return noise.costs_at(z, self._names, self._naturals(places))


def filled_at_start(noise: Noise) -> Noise:
    """The noise with every open shape at its start."""
    return (
        noise.filled({shape.name: shape.start for shape in noise.shapes}) if noise.shapes else noise
    )
