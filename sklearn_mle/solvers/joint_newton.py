"""Newton's method for location, scale and open shapes of a smooth noise.

Location and scale are fitted together (`likelihoods.joint`), from the fit of a sample, or from
least squares. Where the noise is not log-concave there may be several minima: the descent begins
at a least absolute fit and at least squares, and the better end is kept. Open shapes are searched
around that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.noises.gaussian import Gaussian
from sklearn_mle.noises.laplace import Laplace
from sklearn_mle.noises.noise import Fact, FloatArray, Noise
from sklearn_mle.rows.rows import Rows
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers import least_absolute, least_squares, newton
from sklearn_mle.solvers.shape_search import best_shapes, starting_noise
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
from sklearn_mle.solvers.watch import NOBODY, Place, Watch, never

NEEDS = Fact.SMOOTH
WITHIN_MAX_ITER = False

SAMPLE_ROWS = 4000
SAMPLE_ROWS_A_COLUMN = 40
EXACT = 1e-22
"""Newton decrement a unit of weight at which theta is exact."""
NEAR = 0.1
"""Newton decrement a unit of weight up to which it bounds what is left to gain."""


@dataclass(frozen=True)
class Fitted:
    """A noise with its shapes, and where Newton's method ended with it.

    Parameters
    ----------
    noise : Noise
    end : newton.Descent
    """

    noise: Noise
    end: newton.Descent


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
    squares = _with(problem, rows, Gaussian())
    first = least_squares.solve(squares, start=None, tol=tol, max_iter=max_iter)
    if first.outcome.status is Status.EXACT_FIT:
        return replace(first, noise=starting_noise(noise))
    with blocks_share_cores(rows.n_columns):
        objective = JointObjective(rows, starting_noise(noise), problem.fit_intercept)
        starts = [objective.pack(first.coef, first.intercept, first.scale)]
        if start is not None:
            starts = [objective.pack(start.coef, start.intercept, first.scale)]
        objective.origin = starts[0]
        m = max(SAMPLE_ROWS, SAMPLE_ROWS_A_COLUMN * objective.size)
        sample = objective.on(rows.sample(m)) if 4 * m <= rows.n_rows else objective
        if not objective.convex or noise.shapes:
            starts.append(_robust_start(problem, sample, max_iter))
        watch = problem.watch if sample is objective else NOBODY
        fitted = _fit(sample, noise, starts, tol, max_iter, watch=watch)
        if sample is not objective:
            theta, about = fitted.end.theta, fitted.noise
            fitted = _fit(objective, noise, [theta], tol, max_iter, about, problem.watch)
        end, fitted_objective = fitted.end, objective.of(fitted.noise)
        theta = shortest(fitted_objective, end.theta, end.curvature.flat, end.value)
    coef, intercept = objective.unpack(theta)
    outcome, gap = _judge(fitted, noise, rows.total_weight, tol, max_iter)
    return Solution(
        coef=coef,
        intercept=intercept,
        scale=objective.scale(fitted.end.theta),
        noise=fitted.noise,
        cost=fitted.end.value,
        outcome=outcome,
        n_iter=max(1, fitted.end.n_iter),
        gap=gap,
        rank=first.rank,
    )


def _with(problem: Problem, rows: Rows, noise: Noise) -> Problem:
    return replace(problem, rows=rows, likelihood=LocationScale(noise), watch=NOBODY)


def _robust_start(problem: Problem, objective: JointObjective, max_iter: int) -> FloatArray:
    """The least absolute fit, which far rows do not move."""
    rows = _with(problem, objective.rows, Laplace())
    fit = least_absolute.solve(rows, start=None, tol=1e-6, max_iter=max_iter)
    return objective.pack(fit.coef, fit.intercept, fit.scale or 1.0)


def _fit(
    objective: JointObjective,
    noise: Noise,
    starts: list[FloatArray],
    tol: float,
    max_iter: int,
    about: Noise | None = None,
    watch: Watch = NOBODY,
) -> Fitted:
    """The best of the descents from these starts, over the shapes that are open.

    The watch is shown every step, and, once shapes are searched, where each of them led to.
    """
    weight = objective.rows.total_weight
    exact = EXACT * weight

    def descended(
        filled: Noise, theta: FloatArray, stops: Callable[[FloatArray], bool] = never
    ) -> newton.Descent:
        there = objective.of(filled)
        patience = newton.PATIENCE if there.convex else max_iter
        return newton.descend(
            there, theta, weight, tol, max_iter, exact, patience=patience, stops=stops
        )

    def shown(filled: Noise, theta: FloatArray) -> bool:
        scale = objective.scale(theta)
        return watch.stops(lambda: Place(*objective.unpack(theta), scale, filled))

    begin = starting_noise(noise) if about is None else about
    ends: list[newton.Descent] = []
    while len(ends) < len(starts) and not (ends and ends[-1].stopped):
        ends.append(descended(begin, starts[len(ends)], lambda theta: shown(begin, theta)))
    best = Fitted(begin, min(ends, key=_value))
    if ends[-1].stopped or not noise.shapes:
        return Fitted(begin, replace(best.end, stopped=ends[-1].stopped))

    def profile(filled: Noise, near: FloatArray) -> tuple[float, FloatArray]:
        nonlocal best
        if best.end.stopped:
            return math.inf, near
        end = descended(filled, near)
        if _value(end) < _value(best.end):
            best = Fitted(filled, end)
        if shown(filled, end.theta):
            best = Fitted(best.noise, replace(best.end, stopped=True))
        return _value(end), end.theta

    found, theta = best_shapes(noise, begin, profile, best.end.theta, narrow=about is not None)
    return best if best.end.stopped else Fitted(found, descended(found, theta))


def _value(end: newton.Descent) -> float:
    return end.value if math.isfinite(end.value) else math.inf


def _judge(
    fitted: Fitted, noise: Noise, weight: float, tol: float, max_iter: int
) -> tuple[Outcome, float]:
    """How it ended, and the gap; nothing bounds that of shapes whose search was stopped."""
    end = fitted.end
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
