"""Newton's method for location, scale and open shapes of a smooth noise.

All are fitted together (`likelihoods.joint`), where there are many rows from the fit of a sample.
A convex cost has one minimum, and one descent begins at least squares, or at an earlier fit. Where
the cost is not convex there may be several minima: descents begin at least squares, at a fit that
far rows do not move, and at several values of open shapes. One that comes near an end that is known
already would end there as well, and is given up; of different ends the best is kept.
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
from sklearn_mle.solvers import least_squares
from sklearn_mle.solvers.collapse import collapse, collapsed, without_collapse
from sklearn_mle.solvers.curvature import Curvature
from sklearn_mle.solvers.descent import Descent
from sklearn_mle.solvers.interior import has_ends, is_interior, moved_inside, nowhere, refusal
from sklearn_mle.solvers.joint_ends import (
    SAMPLE_TOL,
    cost_of,
    descend_jointly,
    different_ends,
    is_close,
    settled,
)
from sklearn_mle.solvers.joint_starts import warm_start
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
from sklearn_mle.solvers.watch import NOBODY

NEEDS = Fact.SMOOTH
WITHIN_MAX_ITER = False

SAMPLE_ROWS = 1000
SAMPLE_ROWS_A_COLUMN = 40
SAMPLE_SHARE = 25
"""At least one row in so many is in the sample."""
EXACT = 1e-22
"""Newton decrement a unit of weight at which theta is exact."""
RIVAL = 0.1
"""Cost a unit of weight by which ends in a sample may differ for all rows to be asked."""
GROWS = "where the likelihood still grows at the end of the search"
LEFT_ALONE = 1e-7
"""Part of a direction that is none."""
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
    with blocks_share_cores(rows.n_columns):
        squares = replace(problem, likelihood=LocationScale(Gaussian()), watch=NOBODY)
        first = least_squares.solve(squares, start=None, tol=tol, max_iter=max_iter)
        if first.outcome.status is Status.EXACT_FIT:
            return replace(first, noise=filled_at_start(noise))
        refused = None if noise.shapes else refusal(noise, problem.fit_intercept)
        if refused is not None:
            return replace(first, noise=noise, outcome=refused)
        objective = JointObjective(rows, noise, problem.fit_intercept)
        begin = objective.pack(first.coef, first.intercept, first.scale)
        end = _fit(problem, objective, begin, warm_start(objective, start), tol, max_iter)
        if end is None or not math.isfinite(end.value):
            why = "in which no place for all rows was found" if end is None else GROWS
            lost = nowhere(filled_at_start(noise), why, problem.fit_intercept)
            return replace(first, noise=filled_at_start(noise), outcome=lost)
        plane = collapse(problem, objective, end, tol)
        if plane is not None:
            at_zero = collapsed(problem, plane)
            return replace(at_zero, n_iter=max(1, end.n_iter), rank=first.rank)
        found = objective.noise(end.theta)
        outcome, gap = judge(end, noise, rows.total_weight, tol, max_iter)
        whole = not (end.stopped or end.exhausted)
        if has_ends(found) and whole and not is_interior(objective, end.theta):
            outcome = nowhere(found, GROWS)
        flat = _of_coefficients(end.curvature.flat, objective.n_linear)
        theta = shortest(objective, end.theta, flat, end.value)
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
    begin: FloatArray,
    warm: FloatArray | None,
    tol: float,
    max_iter: int,
) -> Descent | None:
    """The best end of descents, if any; where there are many rows, of a sample first."""
    rows = objective.rows
    m = max(SAMPLE_ROWS, SAMPLE_ROWS_A_COLUMN * objective.size, rows.n_rows // SAMPLE_SHARE)
    exact = EXACT * rows.total_weight

    def to_the_end(theta: FloatArray, near: Curvature | None = None) -> Descent:
        return descend_jointly(objective, theta, tol, max_iter, exact, near, problem.watch)

    if 4 * m > rows.n_rows:
        ends = different_ends(problem, objective, begin, warm, to_the_end)
        best = min(without_collapse(problem, objective, ends, tol), key=cost_of, default=None)
        if best is not None and best is not ends[0] and math.isfinite(best.value):
            best = to_the_end(best.theta, best.curvature)
        return settled(objective, best, tol, to_the_end)
    sample = objective.on(rows.sample(m))
    ends = without_collapse(
        problem, sample, different_ends(problem, sample, begin, warm), SAMPLE_TOL
    )
    if not any(math.isfinite(end.value) for end in ends):
        return next(iter(ends), None)
    factor = rows.total_weight / sample.rows.total_weight
    worst = min(map(cost_of, ends)) + RIVAL * sample.rows.total_weight
    found: list[Descent] = []
    for end in sorted(ends, key=cost_of):
        if found and (found[-1].stopped or not end.value <= worst):
            break
        if found and end.gap > SAMPLE_TOL:
            continue
        near: Curvature | None = end.curvature.scaled(factor)
        theta = end.theta
        if warm is not None and is_close(sample, end, warm):
            theta = warm
        elif warm is not None and objective.value(warm) < objective.value(theta):
            theta, near = warm, None
        if has_ends(objective.noise(theta)):
            theta, near = _inside(objective, sample, theta), None
        found.append(to_the_end(theta, near))
    best = min(without_collapse(problem, objective, found, tol), key=cost_of, default=None)
    return settled(objective, best, tol, to_the_end)


def _inside(objective: JointObjective, sample: JointObjective, theta: FloatArray) -> FloatArray:
    """The fit of a sample, drawn together until all rows are inside."""
    if math.isfinite(objective.value(theta)):
        return theta
    n, noise = objective.n_linear, objective.noise(theta)
    there = moved_inside(objective.of(noise), sample.of(noise), theta[:n])
    return theta if there is None else np.concatenate([there, theta[n:]])


def _of_coefficients(flat: FloatArray, n_linear: int) -> FloatArray:
    """Directions without curvature that leave scale and shapes alone, shape (size, k)."""
    others = np.abs(flat[n_linear - 1 :]).max(axis=0, initial=0.0)
    return flat[:, others <= LEFT_ALONE * np.abs(flat).max(axis=0, initial=0.0)]


def judge(
    end: Descent, noise: Noise, weight: float, tol: float, max_iter: int
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
    return stalled(gap, tol), gap


def stalled(gap: float, tol: float) -> Outcome:
    """The outcome of steps that end above tol."""
    return Outcome(
        Status.STALLED,
        f"The solver could not lower the cost further at an optimality gap of {gap:.1e}, above "
        f"tol={tol:.1e}. The coefficients are the best found; the noise may have a corner or no "
        "maximum for these rows: try another noise, or hold its shapes.",
    )
