"""Any continuous distribution of scipy.stats as a noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sklearn_mle.noises.corners import (
    Corners,
    bend_upwards,
    corners,
    named_corners,
    where_corners_are,
)
from sklearn_mle.noises.nature import (
    LEAST_ROOM,
    Nature,
    cost_of,
    is_convex,
    is_proper,
    nature,
    quantiles_of,
)
from sklearn_mle.noises.noise import Fact, FloatArray, Noise, Shape
from sklearn_mle.noises.scipy_shapes import (
    is_central,
    looks_of,
    makes_a_law,
    names_of,
    shapes_of,
)

FIRST_STEP = 1e-3
"""Of five-point differences, over the size of z: truncation and rounding are about 1e-12."""
SECOND_STEP = 5e-3
SLACK = 1e-8
"""How much a slope that does not fall may seem to, by differences."""
BY_QUADRATURE = {
    "levy_stable": "'student_t' for heavy tails, or scipy.stats.jf_skew_t where they are skewed",
    "studentized_range": "scipy.stats.gamma, which is much like it, or scipy.stats.lognorm",
}
"""Laws of which one density takes 5 to 50 milliseconds, and what resembles them."""
FOUR = np.array([[1.0], [-1.0], [2.0], [-2.0]])
"""Places of the four costs of a difference, in steps."""


class FromScipy(Noise):
    """A law of scipy.stats; slope and curvature are careful differences of its log density.

    Every continuous law is taken but two, ``levy_stable`` and ``studentized_range``, whose density
    is a numerical integral of many milliseconds: a fit would take minutes, and is refused. Where
    the density has corners or zeros inside (triang, trapezoid, dgamma), the fit is proven if the
    cost is convex; elsewhere its ``optimality_gap_`` is infinite, and it warns.

    Parameters
    ----------
    law : scipy.stats distribution, plain or frozen
        Its ``loc`` and ``scale`` belong to the model. Shapes are held where it is frozen, and
        estimated where it is not.
    values : tuple of float, optional
        Shapes of a plain law that are held, in the order in which scipy.stats names them: what
        freezing it does, at a hundredth of the time.

    Examples
    --------
    >>> from scipy import stats
    >>> from sklearn_mle.noises import FromScipy
    >>> [shape.name for shape in FromScipy(stats.gennorm).shapes]
    ['beta']
    """

    estimates = "location"

    def __init__(self, law: Any, values: tuple[float, ...] | None = None) -> None:
        self.law = law
        self.values = values

    @property
    def _plain(self) -> Any:
        return getattr(self.law, "dist", self.law)

    @property
    def _names(self) -> tuple[str, ...]:
        return names_of(self._plain)

    @property
    def _held(self) -> bool:
        return self.values is not None or hasattr(self.law, "dist")

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return () if self._held else shapes_of(self._plain)

    @property
    def _values(self) -> tuple[float, ...]:
        if self.values is not None:
            return self.values
        if self._held:
            shapes, _, _ = self._plain._parse_args(*self.law.args, **self.law.kwds)
            return tuple(float(value) for value in shapes)
        return tuple(shape.start for shape in self.shapes)

    @property
    def name(self) -> str:
        return str(self._plain.name)

    @property
    def loss_name(self) -> str:  # type: ignore[override]
        return f"{self.name} loss"

    @property
    def parameters(self) -> dict[str, float | None]:
        return dict.fromkeys(self._names) if self.shapes else dict(zip(self._names, self._values))

    @property
    def _nature(self) -> Nature:
        return nature(self._plain, self._values)

    @property
    def support(self) -> tuple[float, float]:
        return self._nature.low, self._nature.high

    def quantiles(self, q: ArrayLike) -> FloatArray:
        return quantiles_of(self._plain, self._values, q)

    @property
    def central(self) -> bool:
        return is_central(self._plain, None if self.shapes else self._values)

    @property
    def bounded(self) -> bool:
        return self._nature.bounded

    @property
    def corners(self) -> tuple[float, ...]:
        """Places at which the cost has no slope."""
        if self.values is None and self._held:
            return corners(self._plain, self._values)
        where = where_corners_are(self._plain, looks_of(self._plain))
        if where is Corners.NOWHERE:
            return ()
        look = named_corners if where is Corners.NAMED else corners
        return look(self._plain, self._values)

    @property
    def facts(self) -> Fact:  # type: ignore[override]
        if self.shapes:
            where = where_corners_are(self._plain, looks_of(self._plain))
            return Fact.SMOOTH if where is Corners.NOWHERE else Fact.CORNERED
        seen = self._nature
        middle = float(self.quantiles(0.5))
        convex = is_convex(self.slope, middle, seen.low, seen.high, SLACK)
        limit = Fact.SMOOTH
        if self.corners:
            limit = Fact.CORNERED
            convex = convex and bend_upwards(self._plain, self._values)
        return limit | Fact.LOG_CONCAVE if convex else limit

    def check(self) -> None:
        name = f"scipy.stats.{self._plain.name}"
        if self._plain.name in BY_QUADRATURE:
            raise ValueError(
                "noise must be a law whose density is quickly computed; got "
                f"{name}, of which scipy.stats integrates every value anew, so that a fit of a "
                f"hundred rows takes minutes. Use {BY_QUADRATURE[self._plain.name]}."
            )
        whole = [one.name for one in self._plain._shape_info() if one.integrality]
        if whole and self.shapes:
            raise ValueError(
                "shapes of noise that are whole numbers must be held, because no derivative leads "
                f"to them; got {name} with {', '.join(whole)} open. Pass it frozen, as "
                f"{name}({whole[0]}=3)."
            )
        if not makes_a_law(self._plain, self._values):
            raise ValueError(
                f"shapes of noise must make a law; got {self!r}, which scipy.stats does not "
                f"accept. See the help of {name} for their range."
            )
        if not is_proper(self._plain, self._values):
            raise ValueError(
                "noise must be a law on the line, with quantiles and a density that falls to zero "
                f"far away; got {name}, which has none. Use a law whose density is not repeated, "
                "such as scipy.stats.norm for scipy.stats.vonmises."
            )

    def filled(self, values: dict[str, float]) -> FromScipy:
        return FromScipy(self._plain, tuple(float(values[name]) for name in self._names))

    def shape_values(self, names: Sequence[str]) -> list[float]:
        known = dict(zip(self._names, self._values))
        return [known[name] for name in names]

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        values = [f"{name}={v:.6g}" for name, v in zip(self._names, self._values)]
        held = f"({', '.join(values)})" if self._held else ""
        return f"FromScipy({self._plain.name}{held})"

    def cost(self, z: FloatArray) -> FloatArray:
        return cost_of(self._plain, self._values)(z)

    def slope(self, z: FloatArray) -> FloatArray:
        h = FIRST_STEP * self._room(z)
        return _slope(self.cost(z + FOUR * h), h)

    def curvature(self, z: FloatArray) -> FloatArray:
        h = SECOND_STEP * self._room(z)
        return _curvature(self.cost(z + FOUR * h), self.cost(z), h)

    def derivatives(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        room = self._room(z)
        h, k = FIRST_STEP * room, SECOND_STEP * room
        costs = self.cost(np.concatenate([z[None], z + FOUR * h, z + FOUR * k]))
        return costs[0], _slope(costs[1:5], h), _curvature(costs[5:], costs[0], k)

    def _room(self, z: FloatArray) -> FloatArray:
        """Distance that differences must not reach across, see `Nature.room`."""
        room = self._nature.room(z)
        for place in self.corners:
            room = np.minimum(room, np.maximum(np.abs(z - place), LEAST_ROOM))
        return room

    def costs_at(self, z: FloatArray, names: Sequence[str], values: FloatArray) -> FloatArray:
        return cost_of(self._plain, self._columns(names, values))(z)

    def slopes_at(self, z: FloatArray, names: Sequence[str], values: FloatArray) -> FloatArray:
        columns = self._columns(names, values)
        room = self._room(z)
        for end in self._plain.support(*columns):
            distance = np.abs(z - np.where(np.isfinite(end), end, np.inf))
            room = np.minimum(room, np.maximum(distance, LEAST_ROOM))
        h = FIRST_STEP * room
        return _slope(cost_of(self._plain, columns)(z + FOUR[:, :, None] * h), h)

    def ends_moved(self, z: FloatArray, names: Sequence[str], values: FloatArray) -> float:
        here = self._plain.support(*self._values)
        there = self._plain.support(*self._columns(names, values))
        rows = float(np.min(z, initial=np.inf)), float(np.max(z, initial=-np.inf))
        moved = [
            np.abs(np.asarray(new) - end).max() / max(abs(row - end), LEAST_ROOM)
            for end, new, row in zip(here, there, rows)
            if np.isfinite(end)
        ]
        return float(max(moved, default=0.0))

    def _columns(self, names: Sequence[str], values: FloatArray) -> tuple[Any, ...]:
        """Values of all shapes, each of shape (len(values), 1) or a number."""
        given = dict(zip(names, values.T))
        pairs = zip(self._names, self._values)
        return tuple(given[name][:, None] if name in given else value for name, value in pairs)

    def distribution(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> Any:
        return self._plain(*self._values, loc=loc, scale=scale)


def is_law(thing: object) -> bool:
    """Whether this is a continuous scipy.stats distribution, plain or frozen."""
    return isinstance(getattr(thing, "dist", thing), stats.rv_continuous)


def _slope(costs: FloatArray, h: FloatArray) -> FloatArray:
    """Of five points, from the costs of four."""
    with np.errstate(invalid="ignore", over="ignore"):
        return (8.0 * (costs[0] - costs[1]) - (costs[2] - costs[3])) / (12.0 * h)


def _curvature(costs: FloatArray, here: FloatArray, h: FloatArray) -> FloatArray:
    """Of five points, from the costs of four and that between them."""
    with np.errstate(invalid="ignore", over="ignore"):
        near, far = costs[0] + costs[1], costs[2] + costs[3]
        return (16.0 * near - far - 30.0 * here) / (12.0 * np.square(h))
