"""Newton steps down a smooth cost, with a Hessian only where one pays.

The full step is nearly always good: its derivatives, which the next step needs, are computed at
once, and a search along the line begins only where the cost did not fall enough. Near the minimum
the Hessian hardly changes: it is then corrected by what steps and gradients tell (`secants`), and
steps need only gradients. The last of them is known to be good from those before it, and needs
none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from sklearn_mle.likelihoods.objective import FloatArray, Objective
from sklearn_mle.solvers.curvature import Curvature
from sklearn_mle.solvers.line_search import backtrack, lengthen, sufficient
from sklearn_mle.solvers.secants import Secants
from sklearn_mle.solvers.watch import never

NEAR = 1e-3
"""Decrement a unit of weight below which the Hessian at hand is tried for another step."""
TINY = 1e-11
"""Decrement a unit of weight below which slopes tell how the cost changes, to rounding."""
CHORD = 0.01
"""Share of the decrement that such a step may leave; a Hessian of its own leaves less."""
CHORDS = 4
"""Such steps beyond which a new Hessian is the faster way."""
ROUNDING = 1e-18
"""Newton decrement a unit of weight that rounding errors alone can leave on bad designs."""
SLOW = 0.15
"""Quadratic convergence leaves less than this share of the decrement at every full step."""
SHORT = 2
"""Slow steps in a row after which a longer one is tried."""
PATIENCE = 3
"""Slow steps in a row after which a cost within tol is left alone, and a proof is asked for."""


@dataclass(frozen=True)
class Descent:
    """Where Newton's method ended.

    Parameters
    ----------
    theta : ndarray of shape (size,)
    value : float
        The cost at theta.
    decrement : float
        ``g' H^+ g`` at theta, the squared Newton decrement.
    n_iter : int
    curvature : Curvature
        The factor of the last Hessian.
    slow_steps : int
        How many of the last steps, full or longer, did not converge quadratically.
    exhausted : bool
        Whether max_iter ended it.
    stopped : bool
        Whether a watch ended it.
    lengthened : bool
        Whether a step was longer than Newton's.
    """

    theta: FloatArray
    value: float
    decrement: float
    n_iter: int
    curvature: Curvature
    slow_steps: int
    exhausted: bool
    stopped: bool = False
    lengthened: bool = False

    @property
    def gap(self) -> float:
        """The decrement relative to the cost."""
        return self.decrement / max(1.0, abs(self.value))


def descend(
    objective: Objective,
    theta: FloatArray,
    weight: float,
    tol: float,
    max_iter: int,
    exact: float,
    curvature: Curvature | None = None,
    patience: int = PATIENCE,
    stops: Callable[[FloatArray], bool] = never,
) -> Descent:
    """Newton steps until the cost, and then theta, is exact.

    Parameters
    ----------
    objective : Objective
    theta : ndarray of shape (size,)
        Where to begin.
    weight : float
        Total weight of the rows.
    tol : float
        The gap that must be reached.
    max_iter : int
    exact : float
        Decrement at which theta is exact.
    curvature : Curvature, optional
        About that at theta, to save the first Hessian.
    patience : int, optional
        Slow steps in a row after which a cost within tol is left alone.
    stops : callable, optional
        Takes theta after each step; tells whether to end there.

    Returns
    -------
    Descent
    """
    known = curvature is not None
    if curvature is None:
        value, gradient, hessian = objective.derivatives(theta)
        curvature = Curvature.of(hessian)
    else:
        value, gradient = objective.value_and_gradient(theta)
    step, decrement = curvature.step(gradient)
    here = Descent(theta, value, decrement, 0, curvature, 0, False)
    way, secants, rates = _Way(here, gradient, step), Secants(curvature), list[float]()
    chords = not known
    while not finished(way.here, weight, tol, exact, patience):
        if way.here.n_iter == max_iter:
            return replace(way.here, exhausted=True)
        after = None
        if chords and way.here.decrement <= NEAR * weight:
            after = _by_secants(objective, way, secants, weight)
            rates.append(after.here.decrement / way.here.decrement)
        if after is not None and rates[-1] <= CHORD and math.isfinite(after.here.value):
            way, rate = after, max(rates[-2:])
            stop, left = stops(way.here.theta), way.here.decrement
            if left * rate <= exact and way.here.gap <= tol:
                return replace(way.here, theta=way.here.theta + way.step)
            chords = left * rate**CHORDS <= exact
        else:
            chords, after = True, _by_newton(objective, way)
            if after is None:
                break
            way, secants, rates = after, Secants(after.here.curvature), []
            stop = stops(way.here.theta)
        if stop and not finished(way.here, weight, tol, exact, patience):
            return replace(way.here, stopped=True)
    return way.here


class _Way(NamedTuple):
    """Where a descent is, the gradient there, and the step that it takes next."""

    here: Descent
    gradient: FloatArray
    step: FloatArray


def _by_secants(objective: Objective, way: _Way, secants: Secants, weight: float) -> _Way:
    """After a step with the Hessian at hand; the decrement tells what it was worth."""
    value, gradient = _ahead(objective, *way, weight)
    secants.learn(way.step, gradient - way.gradient)
    step = -secants.solve(gradient)
    here = replace(
        way.here,
        theta=way.here.theta + way.step,
        value=value,
        decrement=-float(gradient @ step),
        n_iter=way.here.n_iter + 1,
        slow_steps=0,
    )
    return _Way(here, gradient, step)


def _by_newton(objective: Objective, way: _Way) -> _Way | None:
    """After a step as long as it pays, with a new Hessian there; None if no step does."""
    here, gradient, step = way
    slope, length = float(gradient @ step), 1.0
    if here.slow_steps >= SHORT:
        length = lengthen(objective.along(here.theta, step), here.value)
    ahead = objective.derivatives(here.theta + length * step)
    if not sufficient(length, ahead.value, here.value, slope):
        length = backtrack(objective.along(here.theta, step), here.value, slope)
        if length == 0.0:
            return None
        ahead = objective.derivatives(here.theta + length * step)
        if not math.isfinite(ahead.value):
            return None
    curvature = Curvature.of(ahead.hessian)
    onward, decrement = curvature.step(ahead.gradient)
    slow = length > 1.0 or (length == 1.0 and decrement > SLOW * here.decrement)
    after = Descent(
        here.theta + length * step,
        ahead.value,
        decrement,
        here.n_iter + 1,
        curvature,
        here.slow_steps + 1 if slow else 0,
        exhausted=False,
        lengthened=here.lengthened or length > 1.0,
    )
    return _Way(after, ahead.gradient, onward)


def _ahead(
    objective: Objective, here: Descent, gradient: FloatArray, step: FloatArray, weight: float
) -> tuple[float, FloatArray]:
    """Cost and gradient after a short step.

    Where the decrement is tiny the cost need not be computed: the trapezoidal rule for the slopes
    at both ends is wrong by the third power of the step, which is below rounding.
    """
    if here.decrement > TINY * weight:
        return objective.value_and_gradient(here.theta + step)
    after = objective.gradient(here.theta + step)
    return here.value + 0.5 * float((gradient + after) @ step), after


def finished(here: Descent, weight: float, tol: float, exact: float, patience: int) -> bool:
    """Whether the cost is exact enough, and theta with it.

    A cost that still converges slowly has no finite minimum to polish; a decrement at the level of
    rounding that no longer falls cannot be polished.
    """
    if here.gap > tol:
        return False
    at_rounding = here.slow_steps >= 1 and here.decrement <= ROUNDING * weight
    return here.decrement <= exact or at_rounding or here.slow_steps >= patience
