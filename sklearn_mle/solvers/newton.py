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

from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_mle.likelihoods.objective import FloatArray, Objective
from sklearn_mle.noises.noise import Fact
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers.accurate_cost import with_accurate_cost
from sklearn_mle.solvers.curvature import Curvature
from sklearn_mle.solvers.descent import ROUNDING, Descent, descend
from sklearn_mle.solvers.faint import Faint
from sklearn_mle.solvers.far_rows import beside_far_rows
from sklearn_mle.solvers.least_form import in_least_form
from sklearn_mle.solvers.limit import beyond, remaining
from sklearn_mle.solvers.margins import Margins
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

NEEDS = Fact.SMOOTH | Fact.LOG_CONCAVE
WITHIN_MAX_ITER = True

EXACT = 1e-24
"""Newton decrement a unit of weight below which steps only shuffle rounding errors."""
SAMPLE_ROWS = 2000
SAMPLE_ROWS_A_TERM = 40
"""Rows a coefficient in a sample, below which its fit says little of that of all rows."""
SAMPLE_SHARE = 16
"""At least one row in so many is in the sample."""
SAMPLE_TOL = 1e-3
SAMPLE_EXACT = 0.01
"""Decrement a coefficient at which a sample is fitted; that of its sampling error is 1."""
LONG = 12
"""Steps that are enough for most data with a finite minimum."""


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
        whole = objective = problem.likelihood.objective(rows, problem.fit_intercept)
        warm = None if start is None else _as_near_as_nothing(problem, objective, start)
        theta, near = _start_from_sample(objective) if warm is None else (warm, None)
        exact = EXACT * rows.total_weight
        stops = watching(problem, objective)
        descent = descend(
            objective, theta, rows.total_weight, tol, max_iter, exact, near, stops=stops
        )
        coef, intercept = objective.unpack(descent.theta)
        rank, separation = descent.curvature.rank, None
        if not descent.stopped and _suspect(
            problem, descent, tol, warm is not None, coef, intercept
        ):
            descent, separation = _settle(problem, objective, descent, tol, max_iter)
            coef, intercept = objective.unpack(descent.theta)
            rank = objective.size - Faint(objective).flat.shape[1]
            if separation is not None:
                objective = remaining(objective, separation)
        if separation is None:
            flat, value = descent.curvature.flat, descent.value
            coef, intercept = objective.unpack(shortest(objective, descent.theta, flat, value))
        if descent.stopped:
            step = descent.curvature.step(objective.gradient(descent.theta))[0]
            decrement = descent.decrement if is_near(objective, step) else np.inf
            descent = replace(descent, decrement=decrement)
        if separation is not None and not descent.stopped:
            descent = in_least_form(objective, separation, descent)
            coef, intercept = objective.unpack(descent.theta)
    outcome, gap = _judge(descent, tol, max_iter)
    value, gap = with_accurate_cost(whole, coef, intercept, descent.value, gap)
    if separation is not None:
        excess = separation.excess(coef, intercept) / max(1.0, abs(descent.value))
        outcome, gap = separated(separation), gap + excess
    per_class = rank // objective.n_scores - int(problem.fit_intercept)
    return Solution(
        coef=coef,
        intercept=intercept,
        scale=1.0,
        noise=None,
        cost=value,
        outcome=outcome,
        n_iter=max(1, descent.n_iter),
        gap=gap,
        rank=per_class,
        separation=separation,
    )


def _as_near_as_nothing(problem: Problem, objective: Any, start: Start) -> FloatArray | None:
    """A start, unless it costs more than no coefficients: with rows that are sure of a wrong class
    the cost may have slopes but no curvature, so that Newton's method leads nowhere."""
    theta: FloatArray = objective.pack(start.coef, start.intercept)
    nothing = problem.rows.total_weight * np.log(problem.likelihood.n_classes)
    return theta if objective.value(theta) <= nothing else None


def _start_from_sample(objective: Objective) -> tuple[FloatArray, Curvature | None]:
    """The fit of a sample, from which two or three passes over all rows suffice.

    With m rows for the p coefficients the decrement of the start is about ``p / m`` a unit of
    weight, and so is the square of the relative error of the sample's Hessian. The sample is
    fitted only to well below that. It is not asked where it is not much smaller than the rows, or
    its own fit did not converge (a rare class may be missing from it), nor larger than what may be
    brought together of rows that are elsewhere.
    """
    rows = objective.rows
    many = min(rows.n_rows // SAMPLE_SHARE, rows.handful)
    m = max(SAMPLE_ROWS, SAMPLE_ROWS_A_TERM * objective.size, many)
    if 4 * m > rows.n_rows:
        return objective.start(), None
    sample = objective.on(rows.sample(m))
    weight = sample.rows.total_weight
    theta, near = _start_from_sample(sample)
    enough = SAMPLE_EXACT * objective.size
    end = descend(sample, theta, weight, SAMPLE_TOL, 20, enough, near, fresh=True)
    if end.exhausted or end.slow_steps > 0:
        return objective.start(), None
    near = end.curvature.scaled(rows.total_weight / weight)
    if near.still.shape[1] and not Faint(objective).moves_nothing(near):
        return end.theta, None  # what does not vary in a sample does so in all rows
    return end.theta, near


def _suspect(
    problem: Problem, end: Descent, tol: float, warm: bool, coef: FloatArray, intercept: FloatArray
) -> bool:
    """Whether there may be no finite minimum: slow steps, rows all but certain, or no answer.

    A class can also have been excluded at a warm start, by a longer step, or on a long way of steps
    of all kinds.
    """
    rows = problem.rows
    slow = end.slow_steps >= 2 and end.decrement > ROUNDING * rows.total_weight
    certain = end.value < np.log(2.0) * rows.total_weight / rows.n_rows
    if slow or certain or end.gap > tol:
        return True
    far = warm or end.lengthened or end.n_iter > LONG
    return far and any_excluded(rows, coef, intercept)


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
    theta, left, exact = end.theta, max_iter - end.n_iter, EXACT * rows.total_weight
    if found is not None:
        if found.complete:
            theta = objective.pack(*found.start())
            cost = objective.value(theta)
            return replace(end, theta=theta, value=cost, decrement=0.0, exhausted=False), found
        return _to_the_limit(problem, objective, found, end, tol, left), found
    if (near := _beside_far_rows(problem, objective, tol)) is not None:
        theta = near
    stops = watching(problem, objective)
    after = descend(
        objective, theta, rows.total_weight, tol, left, exact, patience=max_iter, stops=stops
    )
    return replace(after, n_iter=end.n_iter + after.n_iter), None


def _to_the_limit(
    problem: Problem, whole: Any, found: Recession, end: Descent, tol: float, left: int
) -> Descent:
    """The fit of what is left, and from there out of the reach of what is decided.

    It begins at the coefficients at hand, without what only moves decided pairs, or at zero.
    """
    rest, weight = remaining(whole, found), problem.rows.total_weight
    still = np.linalg.qr(Faint(rest).flat)[0]
    theta = end.theta - still @ (still.T @ end.theta)
    if not rest.value(theta) <= rest.value(rest.start()):
        theta = rest.start()  # coefficients so large that nothing is left of the others
    stops = watching(problem, whole)
    after = descend(rest, theta, weight, tol, left, EXACT * weight, patience=left, stops=stops)
    near = shortest(rest, after.theta, after.curvature.flat, after.value)
    solve = after.curvature.solve
    theta = beyond(whole, found, near, rest.hessian_product(near), solve)
    step = -solve(rest.gradient(theta))
    if is_near(whole, step):
        theta = theta + step
    value, gradient = rest.value_and_gradient(theta)
    decrement = max(after.curvature.step(gradient)[1], after.decrement, value - after.value)
    return replace(after, theta=theta, decrement=decrement, n_iter=end.n_iter + after.n_iter)


def _beside_far_rows(problem: Problem, objective: Any, tol: float) -> FloatArray | None:
    """Where to go on from where some rows are far from all others; None where there are none."""
    margins = Margins.of(problem.rows, problem.likelihood.n_classes, problem.fit_intercept)
    return beside_far_rows(objective, margins, tol, EXACT) if margins.wild else None


def _judge(end: Descent, tol: float, max_iter: int) -> tuple[Outcome, float]:
    """How the descent ended, and the gap of where it ended.

    No cost of classes is below zero, so that the cost itself bounds what is left to gain.
    """
    gap = max(min(end.gap, end.value / max(1.0, abs(end.value))), 0.0)
    if end.stopped:
        return stopped(end.n_iter, gap, tol), gap
    if end.exhausted and gap > tol:
        return out_of_steps(max_iter, gap, tol), gap
    if not gap <= tol:
        return Outcome(
            Status.STALLED,
            f"The solver could not lower the cost further at an optimality gap of {gap:.1e}, above "
            f"tol={tol:.1e}. The coefficients are the best found; standardise the features or "
            "remove nearly collinear ones.",
        ), gap
    return CONVERGED, gap
