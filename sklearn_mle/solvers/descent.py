"""Newton steps down a smooth cost, with a Hessian only where one pays.

The full step is nearly always good: its derivatives, which the next step needs, are computed at
once, and a search along the line begins only where the cost did not fall enough. Near the minimum
the Hessian hardly changes: it is then corrected by what steps and gradients tell (`secants`), and
steps need only gradients. The last of them is known to be good from those before it, and needs
none.

When to ask for a new Hessian. Steps with a Hessian that was right where the decrement a unit of
weight was d, or that of a sample from whose best theta all rows have that decrement, leave a share
of about d of any decrement. A new Hessian is therefore the better the later it comes: after a few
more steps d is so small that one or two steps are all that follow. `newton_is_due` counts passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from sklearn_mle.likelihoods.objective import Derivatives, FloatArray, Objective
from sklearn_mle.solvers.curvature import CLEAR, Curvature
from sklearn_mle.solvers.faint import Faint
from sklearn_mle.solvers.line_search import backtrack, lengthen, sufficient
from sklearn_mle.solvers.secants import Secants
from sklearn_mle.solvers.watch import never

NEAR = 0.02
"""Decrement a unit of weight below which the Hessian at hand is tried for another step."""
TINY = 1e-11
"""Decrement a unit of weight below which slopes tell how the cost changes, to rounding."""
CHORD = 0.1
"""Share of the decrement that such a step may leave for another to follow."""
KEPT = 0.5
"""Share that a step with the Hessian of a sample may leave to be taken; the next asks for one."""
SHARE = 2.0
"""Share of the decrement that a step leaves, over the decrement a unit of weight at its Hessian."""
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
    *,
    fresh: bool = False,
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
    fresh : bool
        Whether the curvature has to be that at the end.

    Returns
    -------
    Descent
    """
    known, faint = curvature, Faint(objective)
    if curvature is None:
        value, gradient, hessian = objective.derivatives(theta)
        curvature = faint.told(theta, Curvature.of(hessian, objective.n_scores))
    else:
        value, gradient = objective.value_and_gradient(theta)
    step, decrement = curvature.step(gradient)
    here = Descent(theta, value, decrement, 0, curvature, 0, False)
    way, secants, rates = _Way(here, gradient, step), Secants(curvature), list[float]()
    near, costs = 0.0 if fresh else NEAR, objective.hessian_cost
    while not finished(way.here, weight, tol, exact, patience):
        if way.here.n_iter == max_iter:
            return replace(way.here, exhausted=True)
        after, left = None, way.here.decrement / weight
        kept = KEPT if way.here.curvature is known else CHORD
        rate = rates[-1] if rates else SHARE * left
        trusted = left <= near and not way.here.slow_steps
        if trusted and not newton_is_due(left, rate, exact / weight, costs):
            after = _by_secants(objective, way, secants, weight)
            rates.append(after.here.decrement / way.here.decrement)
        if after is not None and rates[-1] <= kept and _is_lower(after, way):
            way = after
            stop = stops(way.here.theta)
            if way.here.decrement * max(rates[-2:]) <= exact and way.here.gap <= tol:
                return replace(way.here, theta=way.here.theta + way.step)
        else:
            after = _by_newton(objective, way, faint)
            if after is None:
                break
            way, secants, rates = after, Secants(after.here.curvature), []
            stop = stops(way.here.theta)
        if stop and not finished(way.here, weight, tol, exact, patience):
            return replace(way.here, stopped=True)
    return way.here


def _is_lower(after: _Way, way: _Way) -> bool:
    slope = float(way.gradient @ way.step)
    return sufficient(1.0, after.here.value, way.here.value, slope)


def newton_is_due(left: float, rate: float, exact: float, costs: float) -> bool:
    """Whether a Hessian now saves passes, beside one later or none.

    Parameters
    ----------
    left : float
        Decrement a unit of weight, below one.
    rate : float
        Share of it that a step with the Hessian at hand leaves.
    exact : float
        What may remain.
    costs : float
        What a Hessian does, in gradients.
    """
    if rate > CHORD:
        return True
    at = left * rate
    now = 1.0 + costs + _passes(at, SHARE * at, exact, costs)
    return now <= 1.0 + _passes(at, rate, exact, costs)


def _passes(left: float, rate: float, exact: float, costs: float) -> float:
    """The fewest passes until a step is known to leave no more than ``exact``."""
    if left * rate <= exact:
        return 0.0
    least = float(_steps(left, rate, exact))
    taken, at = 0, left
    while taken + 1.0 + costs < least:
        at *= rate
        after = _passes(at, SHARE * at, exact, costs)
        least, taken = min(least, taken + 1.0 + costs + after), taken + 1
    return least


def _steps(left: float, rate: float, exact: float) -> int:
    """Gradients until that, without another Hessian."""
    return math.ceil(math.log(exact / left) / math.log(rate)) - 1


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


def _by_newton(objective: Objective, way: _Way, faint: Faint) -> _Way | None:
    """After a step as long as it pays, with a new Hessian there; None if no step does."""
    here, gradient, step = way
    slope, length = float(gradient @ step), 1.0
    if here.slow_steps >= SHORT:
        length = lengthen(objective.along(here.theta, step), here.value)
    ahead, rough = _derivatives(objective, here.theta + length * step, here.curvature)
    if not sufficient(length, ahead.value, here.value, slope):
        length = backtrack(objective.along(here.theta, step), here.value, slope)
        if length == 0.0:
            return None
        ahead, rough = _derivatives(objective, here.theta + length * step, here.curvature)
        if not math.isfinite(ahead.value):
            return None
    theta, n_scores = here.theta + length * step, objective.n_scores
    curvature = Curvature.of(ahead.hessian, n_scores)
    if rough and curvature.least < CLEAR:
        ahead = objective.derivatives(theta)
        curvature = Curvature.of(ahead.hessian, n_scores)
    curvature = faint.told(theta, curvature)
    onward, decrement = curvature.step(ahead.gradient)
    slow = length > 1.0 or (length == 1.0 and decrement > SLOW * here.decrement)
    after = Descent(
        theta,
        ahead.value,
        decrement,
        here.n_iter + 1,
        curvature,
        here.slow_steps + 1 if slow else 0,
        exhausted=False,
        lengthened=here.lengthened or length > 1.0,
    )
    return _Way(after, ahead.gradient, onward)


def _derivatives(
    objective: Objective, theta: FloatArray, before: Curvature
) -> tuple[Derivatives, bool]:
    """Derivatives, and whether the Hessian is rough, which it may be where the last was clear."""
    clear = before.least >= CLEAR
    return objective.rough_derivatives(theta) if clear else (objective.derivatives(theta), False)


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
