"""Profile likelihood: how cheap a fit can be while one function of its parameters is held.

The interval of level L holds the values whose least cost is above the minimum by no more than half
the L-quantile of chi-squared with one degree of freedom. Its ends are roots of the signed root of
that rise, which is nearly linear. Smooth costs are made least by Newton's method in the
directions that leave the function alone; costs with corners by exact fits (`cornered_profile`).

References
----------
Venzon, D. J. and Moolgavkar, S. H. (1988). A method for computing profile-likelihood-based
confidence intervals. Applied Statistics 37, 87-94.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy import linalg, optimize, stats

from sklearn_mle.inference import cornered_profile
from sklearn_mle.inference.parameters import Parameter
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.noise import Fact, FloatArray

DECREMENT = 1e-10
"""Newton decrement at which a profile point is found: an error of 1e-10 in a chi-squared."""
PASSES = 60
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
        cost = cornered_profile.least_cost(valley, parameter, place)
    else:
        cost = _Held(valley, function).cost
    with np.errstate(all="ignore"):  # far out, where costs are infinite or nothing
        ends = [_end(cost, least, sign * std_error * root, root) for sign in (-1.0, 1.0)]
    return place + ends[0], place + ends[1]


def _end(cost: Callable[[float], float], least: float, step: float, root: float) -> float:
    """The distance, on the side of ``step``, at which the cost has risen by ``root**2 / 2``.

    Infinite where it has not by the time that the cost is beyond what can be computed.
    """

    def short(t: float) -> float:
        rise = 2.0 * (cost(t * step) - least)
        return math.nan if math.isnan(rise) else math.sqrt(max(0.0, rise)) - root

    inner, outer = 0.0, 1.0
    for _ in range(GROWTHS):
        ahead = short(outer)
        if math.isnan(ahead):
            break
        if ahead >= 0.0:
            found = optimize.brentq(short, inner, outer, xtol=1e-9, rtol=1e-10)
            return float(found) * step
        inner, outer = outer, 2.0 * outer
    return math.copysign(math.inf, step)


@dataclass
class _Held:
    """The least cost with one linear function of theta moved by a given amount; smooth costs."""

    valley: Valley
    function: FloatArray
    known: list[tuple[float, FloatArray]] = field(default_factory=list)

    def cost(self, move: float) -> float:
        a = self.function
        free = linalg.null_space(a[None, :])
        theta = self._start(move)
        here = self.valley.derivatives(theta)
        for _ in range(PASSES):
            if not (math.isfinite(here.value) and np.isfinite(here.hessian).all()):
                return math.nan
            g, H = free.T @ here.gradient, free.T @ here.hessian @ free
            values, vectors = np.linalg.eigh(H)
            floor = 1e-12 * max(float(np.abs(values).max(initial=0.0)), 1e-300)
            turned = vectors.T @ g
            step = free @ (vectors @ (-turned / np.maximum(np.abs(values), floor)))
            if float(-here.gradient @ step) <= DECREMENT:
                break
            theta, moved = self._downhill(theta, step, here.value, float(here.gradient @ step))
            if not moved:
                break
            here = self.valley.derivatives(theta)
        self.known.append((move, theta))
        return here.value

    def _start(self, move: float) -> FloatArray:
        """On the line from the bottom through the nearest place found so far."""
        a, bottom = self.function, self.valley.bottom
        if not self.known:
            H = self.valley.derivatives(bottom).hessian
            ahead = np.linalg.lstsq(H, a, rcond=1e-14)[0]
            return bottom + ahead * (move / float(a @ ahead))
        at, theta = min(self.known, key=lambda known: abs(known[0] - move))
        return bottom + (theta - bottom) * (move / at) if at else bottom + a * (move / (a @ a))

    def _downhill(
        self, theta: FloatArray, step: FloatArray, value: float, slope: float
    ) -> tuple[FloatArray, bool]:
        t = 1.0
        for _ in range(40):
            if self.valley.value(theta + t * step) <= value + 1e-4 * t * slope:
                return theta + t * step, True
            t *= 0.5
        return theta, False
