"""Newton's method for smooth convex costs.

Each iteration asks the objective for cost, gradient g and Hessian H in one pass over the rows and
steps along ``-H^+ g``. The quadratic model says that the cost can still fall by half of
``g' H^+ g``, the squared Newton decrement; a cost that levels off like ``exp(-t)`` falls by the
whole of it. The whole is the certificate. Newton's method converges quadratically, and the last
steps are always taken, so that the coefficients, and not the cost alone, are exact.

Where no finite minimum exists (classes that a plane separates) the decrement falls by a constant
factor instead, about e, at every step. That is the suspicion on which a proof is asked for; the
descent then goes on in the limit, which has a minimum, or, where nothing separates, with patience.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_mle.likelihoods.objective import FloatArray, Objective
from sklearn_mle.noises.noise import Fact
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers.curvature import Curvature
from sklearn_mle.solvers.line_search import backtrack, sufficient
from sklearn_mle.solvers.separation import Recession, any_excluded, find_separation, separated
from sklearn_mle.solvers.shortest import shortest
from sklearn_mle.solvers.solution import (
    CONVERGED,
    Outcome,
    Problem,
    Solution,
    Start,
    Status,
    out_of_steps,
    stopped,
)
from sklearn_mle.solvers.theta_watch import is_near, watching
from sklearn_mle.solvers.watch import never

NEEDS = Fact.SMOOTH | Fact.LOG_CONCAVE
WITHIN_MAX_ITER = True

EXACT = 1e-25
"""Newton decrement a unit of weight below which steps only shuffle rounding errors."""
NEAR = 1e-3
"""Decrement a unit of weight below which the Hessian at hand is tried for another step."""
TINY = 1e-11
"""Decrement a unit of weight below which slopes tell how the cost changes, to rounding."""
CHORD = 0.01
"""Share of the decrement that such a step may leave; a Hessian of its own leaves less."""
CHORDS = 4
"""Such steps beyond which a new Hessian is the faster way."""
SAMPLE_ROWS = 2000
SAMPLE_ROWS_A_TERM = 40
"""Rows a coefficient in a sample, below which its fit says little of that of all rows."""
SAMPLE_SHARE = 16
"""At least one row in so many is in the sample."""
SAMPLE_TOL = 1e-3
SAMPLE_EXACT = 0.01
"""Decrement a coefficient at which a sample is fitted; that of its sampling error is 1."""
ROUNDING = 1e-18
"""Newton decrement a unit of weight that rounding errors alone can leave on bad designs."""
SLOW = 0.15
"""Quadratic convergence leaves less than this share of the decrement at every full step."""
LONG = 12
"""Steps that are enough for most data with a finite minimum."""
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
        How many of the last full steps did not converge quadratically.
    exhausted : bool
        Whether max_iter ended it.
    stopped : bool
        Whether a watch ended it.
    """

    theta: FloatArray
    value: float
    decrement: float
    n_iter: int
    curvature: Curvature
    slow_steps: int
    exhausted: bool
    stopped: bool = False

    @property
    def gap(self) -> float:
        """The decrement relative to the cost."""
        return self.decrement / max(1.0, abs(self.value))


def solve(problem: Problem, *, start: Start | None, tol: float, max_iter: int) -> Solution:
    """Minimise a smooth convex cost.

    Parameters
    ----------
    problem : Problem
        Its likelihood offers ``objective(rows, fit_intercept)``.
    start : Start, optional
        An earlier fit.
    tol : float
        Gap at which the fit counts as converged.
    max_iter : int

    Returns
    -------
    Solution
    """
    rows = problem.rows
    with blocks_share_cores(rows.n_columns):
        objective = problem.likelihood.objective(rows, problem.fit_intercept)
        if start is not None:
            theta, near = objective.pack(start.coef, start.intercept), None
        else:
            theta, near = _start_from_sample(objective)
        exact = EXACT * rows.total_weight
        stops = watching(problem, objective)
        descent = descend(
            objective, theta, rows.total_weight, tol, max_iter, exact, near, stops=stops
        )
        coef, intercept = objective.unpack(descent.theta)
        rank, separation = descent.curvature.rank, None
        if not descent.stopped and _suspect(
            problem, descent, tol, start is not None, coef, intercept
        ):
            descent, separation = _settle(problem, objective, descent, tol, max_iter)
            coef, intercept = objective.unpack(descent.theta)
            rank = Curvature.of(objective.derivatives(objective.start()).hessian).rank
        if separation is None:
            flat, value = descent.curvature.flat, descent.value
            coef, intercept = objective.unpack(shortest(objective, descent.theta, flat, value))
        if descent.stopped:
            step = descent.curvature.step(objective.gradient(descent.theta))[0]
            decrement = descent.decrement if is_near(objective, step) else np.inf
            descent = replace(descent, decrement=decrement)
    outcome, gap = _judge(descent, tol, max_iter)
    if separation is not None:
        excess = separation.excess(coef, intercept) / max(1.0, abs(descent.value))
        outcome, gap = separated(separation), min(descent.gap + excess, gap)
    per_class = rank // objective.n_scores - int(problem.fit_intercept)
    return Solution(
        coef=coef,
        intercept=intercept,
        scale=1.0,
        noise=None,
        cost=descent.value,
        outcome=outcome,
        n_iter=max(1, descent.n_iter),
        gap=gap,
        rank=per_class,
        separation=separation,
    )


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

    The full step is nearly always good: its derivatives, which the next step needs, are computed at
    once, and a search along the line begins only where the cost did not fall enough. Near the
    minimum the Hessian hardly changes, and steps with the one at hand need only gradients; the last
    of them is known to be good from those before it, and needs none.

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
    chords = not known
    while not _finished(here, weight, tol, exact, patience):
        if here.n_iter == max_iter:
            return replace(here, exhausted=True)
        if chords and here.decrement <= NEAR * weight:
            value, gradient_after = _ahead(objective, here, gradient, step, weight)
            after, left = curvature.step(gradient_after)
            rate = left / here.decrement
            if rate <= CHORD:
                here = replace(
                    here,
                    theta=here.theta + step,
                    value=value,
                    decrement=left,
                    n_iter=here.n_iter + 1,
                    slow_steps=0,
                )
                step, gradient = after, gradient_after
                stop = stops(here.theta)
                if left * rate <= exact and here.gap <= tol:
                    return replace(here, theta=here.theta + step)
                if stop and not _finished(here, weight, tol, exact, patience):
                    return replace(here, stopped=True)
                chords = left * rate**CHORDS <= exact
                continue
        chords = True
        slope, length = float(gradient @ step), 1.0
        ahead = objective.derivatives(here.theta + step)
        if not sufficient(1.0, ahead.value, here.value, slope):
            length = backtrack(objective.along(here.theta, step), here.value, slope)
            if length == 0.0:
                break
            ahead = objective.derivatives(here.theta + length * step)
        theta, gradient = here.theta + length * step, ahead.gradient
        curvature = Curvature.of(ahead.hessian)
        step, decrement = curvature.step(gradient)
        slow = length == 1.0 and decrement > SLOW * here.decrement
        slow_steps = here.slow_steps + 1 if slow else 0
        here = Descent(theta, ahead.value, decrement, here.n_iter + 1, curvature, slow_steps, False)
        if stops(theta) and not _finished(here, weight, tol, exact, patience):
            return replace(here, stopped=True)
    return here


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


def _start_from_sample(objective: Objective) -> tuple[FloatArray, Curvature | None]:
    """The fit of a sample, from which two or three passes over all rows suffice.

    With m rows for the p coefficients the decrement of the start is about ``p / m`` a unit of
    weight, and so is the square of the relative error of the sample's Hessian. The sample is
    fitted only to well below that. It is not asked where it is not much smaller than the rows, or
    its own fit did not converge (a rare class may be missing from it).
    """
    rows = objective.rows
    m = max(SAMPLE_ROWS, SAMPLE_ROWS_A_TERM * objective.size, rows.n_rows // SAMPLE_SHARE)
    if 4 * m > rows.n_rows:
        return objective.start(), None
    sample = objective.on(rows.sample(m))
    weight = sample.rows.total_weight
    theta, near = _start_from_sample(sample)
    enough = SAMPLE_EXACT * objective.size
    end = descend(sample, theta, weight, SAMPLE_TOL, 20, enough, near)
    if end.exhausted or end.slow_steps > 0:
        return objective.start(), None
    return end.theta, end.curvature.scaled(rows.total_weight / weight)


def _finished(here: Descent, weight: float, tol: float, exact: float, patience: int) -> bool:
    """Whether the cost is exact enough, and theta with it.

    A cost that still converges slowly has no finite minimum to polish; a decrement at the level of
    rounding that no longer falls cannot be polished.
    """
    if here.gap > tol:
        return False
    at_rounding = here.slow_steps >= 1 and here.decrement <= ROUNDING * weight
    return here.decrement <= exact or at_rounding or here.slow_steps >= patience


def _suspect(
    problem: Problem, end: Descent, tol: float, warm: bool, coef: FloatArray, intercept: FloatArray
) -> bool:
    """Whether there may be no finite minimum: slow steps, rows all but certain, or no answer.

    A class can also have been excluded at a warm start, or on a long way of steps of all kinds.
    """
    rows = problem.rows
    slow = end.slow_steps >= 2 and end.decrement > ROUNDING * rows.total_weight
    certain = end.value < np.log(2.0) * rows.total_weight / rows.n_rows
    if slow or certain or end.gap > tol:
        return True
    return (warm or end.n_iter > LONG) and any_excluded(rows, coef, intercept)


def _settle(
    problem: Problem, objective: Any, end: Descent, tol: float, max_iter: int
) -> tuple[Descent, Recession | None]:
    """The rest of the way, once it is proven where it leads.

    Where classes are separated the descent goes on from where excluded classes have no probability
    left: what remains has a finite minimum. Elsewhere it goes on until it is there, however slowly.
    """
    rows, n_classes = problem.rows, problem.likelihood.n_classes
    coef, intercept = objective.unpack(end.theta)
    found = find_separation(rows, n_classes, problem.fit_intercept, coef, intercept)
    theta, patience = end.theta, max_iter
    if found is not None:
        theta, patience = objective.pack(*found.start()), PATIENCE
        if found.complete:
            cost = objective.value(theta)
            return replace(end, theta=theta, value=cost, decrement=cost, exhausted=False), found
    left, exact = max_iter - end.n_iter, EXACT * rows.total_weight
    stops = watching(problem, objective)
    after = descend(
        objective, theta, rows.total_weight, tol, left, exact, patience=patience, stops=stops
    )
    return replace(after, n_iter=end.n_iter + after.n_iter), found


def _judge(end: Descent, tol: float, max_iter: int) -> tuple[Outcome, float]:
    """How the descent ended, and the gap of where it ended.

    No cost of classes is below zero, so that the cost itself bounds what is left to gain.
    """
    gap = max(0.0, min(end.gap, end.value / max(1.0, abs(end.value))))
    if end.stopped:
        return stopped(end.n_iter, gap, tol), gap
    if end.exhausted and gap > tol:
        return out_of_steps(max_iter, gap, tol), gap
    if gap > tol:
        return Outcome(
            Status.STALLED,
            f"The solver could not lower the cost further at an optimality gap of {gap:.1e}, above "
            f"tol={tol:.1e}. The coefficients are the best found; standardise the features or "
            "remove nearly collinear ones.",
        ), gap
    return CONVERGED, gap
