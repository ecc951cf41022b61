"""Newton's method for location, scale and open shapes of a smooth noise.

All are fitted together (`likelihoods.joint`), from the fit of a sample. Where the cost is not
convex there may be several minima: descents begin at a least absolute fit and at least squares, and
at several values of open shapes; the best end is kept.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.noises.gaussian import Gaussian
from sklearn_mle.noises.noise import Fact, FloatArray, Noise
from sklearn_mle.noises.open_shapes import filled_at_start
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers import curved_valley, least_squares, newton
from sklearn_mle.solvers.curvature import Curvature
from sklearn_mle.solvers.interior import has_ends, is_interior, moved_inside, nowhere, refusal
from sklearn_mle.solvers.joint_starts import ENOUGH, candidates, robust_start
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
from sklearn_mle.solvers.watch import NOBODY, Place, Watch

NEEDS = Fact.SMOOTH
WITHIN_MAX_ITER = False

SAMPLE_ROWS = 4000
SAMPLE_ROWS_A_COLUMN = 40
EXACT = 1e-22
"""Newton decrement a unit of weight at which theta is exact."""
SAMPLE_TOL = 1e-3
FIRST_STEPS = 20
"""Newton steps after which descents from several starts are compared."""
GROWS = "where the likelihood still grows at the end of the search"
STRAIGHT_STEPS = 25
"""Newton steps in open shapes after which the valley is taken to bend."""
NEAR = 0.1
"""Newton decrement a unit of weight up to which it bounds what is left to gain."""


def solve(problem: Problem, *, start: Start | None, tol: float, max_iter: int) -> Solution:
    """Minimise the cost of a smooth noise over coefficients, scale and open shapes.

    Parameters
    ----------
    problem : Problem
    start : Start, optional
        An earlier fit.
    tol : float
        Gap at which the fit counts as converged.
    max_iter : int
        Newton steps, for each value of the shapes.

    Returns
    -------
    Solution
        For a noise that is not log-concave its gap is that of the best local minimum found.
    """
    rows, noise = problem.rows, problem.likelihood.noise
    squares = replace(problem, likelihood=LocationScale(Gaussian()), watch=NOBODY)
    first = least_squares.solve(squares, start=None, tol=tol, max_iter=max_iter)
    if first.outcome.status is Status.EXACT_FIT:
        return replace(first, noise=filled_at_start(noise))
    refused = None if noise.shapes else refusal(noise, problem.fit_intercept)
    if refused is not None:
        return replace(first, noise=noise, outcome=refused)
    with blocks_share_cores(rows.n_columns):
        objective = JointObjective(rows, noise, problem.fit_intercept)
        begin = first if start is None else start
        starts = [objective.pack(begin.coef, begin.intercept, first.scale)]
        end = _fit(problem, objective, starts, tol, max_iter)
        if end is None or not math.isfinite(end.value):
            why = "in which no place for all rows was found" if end is None else GROWS
            lost = nowhere(filled_at_start(noise), why, problem.fit_intercept)
            return replace(first, noise=filled_at_start(noise), outcome=lost)
        found = objective.noise(end.theta)
        outcome, gap = _judge(end, noise, rows.total_weight, tol, max_iter)
        whole = not (end.stopped or end.exhausted)
        if has_ends(found) and whole and not is_interior(objective, end.theta):
            outcome = nowhere(found, GROWS)
        theta = shortest(objective, end.theta, end.curvature.flat, end.value)
    coef, intercept = objective.unpack(theta)
    return Solution(
        coef=coef,
        intercept=intercept,
        scale=objective.scale(end.theta),
        noise=found,
        cost=end.value,
        outcome=outcome,
        n_iter=max(1, end.n_iter),
        gap=gap,
        rank=first.rank,
    )


def _fit(
    problem: Problem,
    objective: JointObjective,
    starts: list[FloatArray],
    tol: float,
    max_iter: int,
) -> newton.Descent | None:
    """The best end of descents, if any; where there are many rows, of a sample first."""
    rows = objective.rows
    m = max(SAMPLE_ROWS, SAMPLE_ROWS_A_COLUMN * objective.size)
    large = 4 * m <= rows.n_rows
    sample = objective.on(rows.sample(m)) if large else objective
    if not objective.convex:
        starts = [robust_start(problem, sample, max_iter), *starts]
    ends = [
        _descend(sample, theta, SAMPLE_TOL, min(max_iter, FIRST_STEPS), ENOUGH * sample.size)
        for theta in candidates(sample, starts)
    ]
    best = min(ends, key=_value, default=None)
    if best is None or not math.isfinite(best.value):
        return None
    exact, theta = EXACT * rows.total_weight, best.theta
    near: Curvature | None = best.curvature
    if large:
        near = best.curvature.scaled(rows.total_weight / sample.rows.total_weight)
        if has_ends(objective.noise(theta)):
            theta, near = _inside(objective, sample, theta), None
    return _descend(objective, theta, tol, max_iter, exact, near, problem.watch)


def _descend(
    objective: JointObjective,
    theta: FloatArray,
    tol: float,
    max_iter: int,
    exact: float,
    near: Curvature | None = None,
    watch: Watch = NOBODY,
) -> newton.Descent:
    patience = newton.PATIENCE if objective.convex else max_iter
    weight = objective.rows.total_weight

    def stops(theta: FloatArray) -> bool:
        scale, noise = objective.scale(theta), objective.noise(theta)
        return watch.stops(lambda: Place(*objective.unpack(theta), scale, noise))

    steps = min(max_iter, STRAIGHT_STEPS) if objective.open.size else max_iter
    end = newton.descend(objective, theta, weight, tol, steps, exact, near, patience, stops)
    if end.stopped or end.n_iter >= max_iter or end.gap <= tol or not math.isfinite(end.value):
        return end
    return curved_valley.follow(objective, end, tol, max_iter, exact, stops)


def _inside(objective: JointObjective, sample: JointObjective, theta: FloatArray) -> FloatArray:
    """The fit of a sample, drawn together until all rows are inside."""
    if math.isfinite(objective.value(theta)):
        return theta
    n, noise = objective.n_linear, objective.noise(theta)
    there = moved_inside(objective.of(noise), sample.of(noise), theta[:n])
    return theta if there is None else np.concatenate([there, theta[n:]])


def _value(end: newton.Descent) -> float:
    return end.value if math.isfinite(end.value) else math.inf


def _judge(
    end: newton.Descent, noise: Noise, weight: float, tol: float, max_iter: int
) -> tuple[Outcome, float]:
    """How it ended, and the gap; nothing bounds that of shapes whose search was stopped."""
    gap = end.gap if np.isfinite(end.gap) else math.inf
    if end.stopped:
        near = end.decrement <= NEAR * weight
        gap = gap if near and not noise.shapes else math.inf
        return stopped(max(1, end.n_iter), gap, tol), gap
    if gap <= tol:
        return CONVERGED, gap
    if end.exhausted:
        return out_of_steps(max_iter, gap, tol), gap
    return Outcome(
        Status.STALLED,
        f"The solver could not lower the cost further at an optimality gap of {gap:.1e}, above "
        f"tol={tol:.1e}. The coefficients are the best found; the noise may have a corner or no "
        "maximum for these rows: try another noise, or hold its shapes.",
    ), gap
