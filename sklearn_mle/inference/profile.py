"""Profile likelihood: how cheap a fit can be while one function of its parameters is held.

The interval of level L holds the values whose least cost is above the minimum by no more than half
the L-quantile of chi-squared with one degree of freedom. Its ends are roots of the signed root of
that rise, which is nearly linear. Smooth costs are made least by Newton's method in the
directions that leave the function alone; costs with corners by exact fits (`cornered_profile`). A
law may have cusps, as the generalised normal one with an exponent near one: Newton's steps lead
nowhere there, and parabolas that touch the cost from above take their place (De Leeuw and Lange
2009).

References
----------
Venzon, D. J. and Moolgavkar, S. H. (1988). A method for computing profile-likelihood-based
confidence intervals. Applied Statistics 37, 87-94.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import linalg, stats

from sklearn_mle.inference import cornered_profile
from sklearn_mle.inference.parameters import Parameter
from sklearn_mle.inference.valley import Valley
from sklearn_mle.likelihoods.objective import Derivatives
from sklearn_mle.noises.noise import Fact, FloatArray

DECREMENT = 1e-7
"""Half a Newton decrement, which is what the last step still saves: taken off without a pass, it
leaves an error that is smaller by its own root."""
PASSES = 60
HALVINGS = 40
LONGEST = 3.0
"""Length of a step, in scales, or on the lines of extras: a shape that runs to the end of its range
leaves a direction in which the cost is flat."""
CLOSE = 1e-7
"""Relative change of a distance at which an end of an interval is found."""
ROUGHLY = 1e-5
"""The same where cusps of the law leave costs a little above the least: they repeat no better."""
LONGER = 8.0
"""Times the last step over its Newton step, that of the next may be at first."""
SHORT = 0.3
"""Part of Newton's step from which on curvatures are no guide: rows are at cusps of the law."""
CHORDS = 60
BETTER, UNSOLVED = 0.01, 1e-7
"""By how much a cost is lower than that of the fit, and by what share, if not by what the solver
left."""
GROWTHS = 12
"""Doublings of a distance after which an end of an interval counts as infinite."""


def profile_interval(
    valley: Valley,
    parameter: Parameter,
    function: FloatArray,
    std_error: float,
    level: float,
    least: float,
    place: float,
) -> tuple[float, float]:
    """Both ends, on the stretched line of the parameter; infinite where the cost never rises.

    NaN where the way leads to a better fit: that at the bottom is then the best of its
    neighbourhood only, and no interval about it holds the values that the likelihood favours.

    Parameters
    ----------
    function : ndarray of shape (size,)
        The parameter's place on its line as a function of theta, but for a constant.
    std_error : float
        Of that place; says where to look.
    level : float
    least : float
        The cost at the bottom.
    place : float
        The parameter's place at the bottom.
    """
    if not (np.isfinite(function).all() and std_error > 0.0):
        return math.nan, math.nan
    root = math.sqrt(stats.chi2.ppf(level, 1))
    noise = valley.noise
    if noise is not None and Fact.PIECEWISE_LINEAR in noise.facts:
        cost, close = cornered_profile.least_cost(valley, parameter, place), _closely
    else:
        held = _Held(valley, function)
        cost, close = held.cost, held.close
    with np.errstate(all="ignore"):  # far out, where costs are infinite or nothing
        ends = [_end(cost, least, sign * std_error * root, root, close) for sign in (-1.0, 1.0)]
    return place + ends[0], place + ends[1]


def _closely() -> float:
    return CLOSE


def _end(
    cost: Callable[[float], float],
    least: float,
    step: float,
    root: float,
    close: Callable[[], float] = _closely,
) -> float:
    """The distance, on the side of ``step``, at which the cost has risen by ``root**2 / 2``.

    Infinite where it has not by the time that the cost is beyond what can be computed.
    """

    doubt = 2.0 * (BETTER + UNSOLVED * abs(least))

    def short(t: float) -> float:
        rise = 2.0 * (cost(t * step) - least)
        if rise < -doubt:
            return -math.inf
        return math.nan if math.isnan(rise) else math.sqrt(max(0.0, rise)) - root

    inner, outer, behind = 0.0, 1.0, -root
    for _ in range(GROWTHS):
        ahead = short(outer)
        if ahead == -math.inf:
            return math.nan
        if math.isnan(ahead):
            break
        if ahead >= 0.0:
            return step * _zero(short, close, (inner, behind), (outer, ahead))
        inner, outer, behind = outer, 2.0 * outer, ahead
    return math.copysign(math.inf, step)


def _zero(
    short: Callable[[float], float],
    close: Callable[[], float],
    low: tuple[float, float],
    high: tuple[float, float],
) -> float:
    """Where a nearly linear function is zero, by chords (the Illinois rule).

    Parameters
    ----------
    short : callable
        NaN where it is beyond what can be computed, which counts as above zero; minus infinity
        where there is no interval, which is passed on as NaN.
    close : callable
        The relative change of a place from which it counts as found, by what is known by then.
    low, high : tuple of float
        Places and values, on both sides of the zero.
    """
    (a, of_a), (b, of_b) = low, high
    last, side = math.inf, 0
    for _ in range(CHORDS):
        t = b - of_b * (b - a) / (of_b - of_a) if math.isfinite(of_b) else 0.5 * (a + b)
        if abs(t - last) <= close() * abs(t):
            return t
        value, last = short(t), t
        if value == -math.inf:
            return math.nan
        if value < 0.0:
            a, of_a = t, value
            of_b *= 0.5 if side < 0 else 1.0
            side = -1
        else:
            b, of_b = t, math.inf if math.isnan(value) else value
            of_a *= 0.5 if side > 0 else 1.0
            side = 1
    return last


@dataclass
class _Held:
    """The least cost with one linear function of theta moved by a given amount; smooth costs.

    Shapes stay in the range in which laws can be told apart. One that has run to its end is held
    there as long as the cost falls towards it.
    """

    valley: Valley
    function: FloatArray
    known: list[tuple[float, FloatArray]] = field(default_factory=list)
    rough: bool = False

    def close(self) -> float:
        """How close an end of an interval can come, relatively, as far as costs were solved."""
        return ROUGHLY if self.rough else CLOSE

    def cost(self, move: float) -> float:
        theta, length, touching = self._start(move), 1.0, False
        here = self.valley.derivatives(theta)
        for _ in range(PASSES):
            if not (math.isfinite(here.value) and np.isfinite(here.hessian).all()):
                return math.nan
            step = self._step(theta, here)
            left = 0.5 * float(-here.gradient @ step)
            if left <= DECREMENT:
                break
            ahead = self._downhill(theta, step, here, min(1.0, LONGER * length), touching)
            if ahead is None:
                break
            length, theta, here = ahead
            if length < SHORT and not touching and self.valley.noise is not None:
                touching, length = True, 1.0
                here = self.valley.derivatives(theta, touching=True)
        if left > DECREMENT:  # what a step that leads nowhere promises is not taken off
            step, left, self.rough = np.zeros_like(theta), 0.0, True
        self.known.append((move, theta + step))
        return here.value - left

    def _step(self, theta: FloatArray, here: Derivatives) -> FloatArray:
        """Newton's, with curvatures made positive, that leaves the function as it is."""
        low, high = self._reach
        at_end = (theta >= high) & (here.gradient < 0.0) | (theta <= low) & (here.gradient > 0.0)
        held = np.vstack([self._units * self.function, np.eye(theta.size)[at_end]])
        free = linalg.null_space(held)
        g = free.T @ (self._units * here.gradient)
        H = free.T @ (np.outer(self._units, self._units) * here.hessian) @ free
        values, vectors = np.linalg.eigh(H)
        floor = 1e-12 * max(float(np.abs(values).max(initial=0.0)), 1e-300)
        lengths = -(vectors.T @ g) / np.maximum(np.abs(values), floor)
        return self._units * (free @ (vectors @ np.clip(lengths, -LONGEST, LONGEST)))

    @cached_property
    def _units(self) -> FloatArray:
        """What a step is measured in: the scale for coefficients, one for extras; shape (size,)."""
        units = np.ones(self.valley.size)
        units[: self.valley.n_location] = self.valley.scale
        return units

    @cached_property
    def _reach(self) -> tuple[FloatArray, FloatArray]:
        """The ends of theta; none where the function itself moves."""
        low, high = np.full(self.valley.size, -math.inf), np.full(self.valley.size, math.inf)
        low[self.valley.n_location :], high[self.valley.n_location :] = self.valley.costs.reach
        moved = self.function != 0.0
        return np.where(moved, -math.inf, low), np.where(moved, math.inf, high)

    def _start(self, move: float) -> FloatArray:
        """On the line from the bottom through the nearest place found so far."""
        bottom, units = self.valley.bottom, self._units
        at, theta = min(self.known, key=lambda known: abs(known[0] - move), default=(0.0, bottom))
        if at:
            return self._inside(bottom + (theta - bottom) * (move / at))
        a = units * self.function
        H = np.outer(units, units) * self.valley.derivatives(bottom).hessian
        ahead = units * np.linalg.lstsq(H, a, rcond=1e-14)[0]
        if self.function @ ahead == 0.0:  # the cost is flat there
            ahead = self.function
        return self._inside(bottom + ahead * (move / float(self.function @ ahead)))

    def _inside(self, theta: FloatArray) -> FloatArray:
        return np.clip(theta, *self._reach)

    def _downhill(
        self,
        theta: FloatArray,
        step: FloatArray,
        here: Derivatives,
        longest: float,
        touching: bool,
    ) -> tuple[float, FloatArray, Derivatives] | None:
        """A place ahead that is lower, after what part of the step, and the derivatives there.

        None if rounding hides it.
        """
        slope, t = float(here.gradient @ step), longest
        if t == 1.0:
            whole = self._inside(theta + step)
            there = self.valley.derivatives(whole, touching=touching)
            if there.value <= here.value + 1e-4 * slope:
                return 1.0, whole, there
            t = 0.5
        for _ in range(HALVINGS):
            ahead = self._inside(theta + t * step)
            if self.valley.value(ahead) <= here.value + 1e-4 * t * slope:
                return t, ahead, self.valley.derivatives(ahead, touching=touching)
            t *= 0.5
        return None
