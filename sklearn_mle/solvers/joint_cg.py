"""Location and scale of a smooth noise without Hessians, for very many sparse columns.

As `joint_newton`, from least squares, with steps by conjugate gradients (`newton_cg`). Where the
noise is not log-concave the steps are those of iterated weighted least squares, and the end is a
minimum near least squares, of which there may be others. Open shapes are searched, each time from
the fit of the shapes before.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.likelihoods.joint_products import JointProducts
from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.noises.gaussian import Gaussian
from sklearn_mle.noises.noise import Fact, FloatArray, Noise
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers import least_absolute_cg, least_squares_cg, newton_cg
from sklearn_mle.solvers.collapse import collapse_at, collapsed
from sklearn_mle.solvers.shape_search import best_shapes, starting_noise
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


@blocks_share_cores(0)
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
        Its gap is that of the minimum that was found.
    """
    rows, noise = problem.rows, problem.likelihood.noise
    squares = Problem(rows, LocationScale(Gaussian()), problem.fit_intercept)
    first = least_squares_cg.solve(squares, start=start, tol=tol, max_iter=max_iter)
    begin = starting_noise(noise)
    if first.outcome.status is Status.EXACT_FIT:
        return Solution(**{**vars(first), "noise": begin})
    plain = JointObjective(rows, begin, problem.fit_intercept)
    found, end = begin, _descend(problem, plain, begin, _packed(plain, first), max_iter)
    if noise.shapes and not end.stopped:

        def profile(filled: Noise, near: FloatArray) -> tuple[float, FloatArray]:
            there = _descend(problem, plain, filled, near, max_iter, NOBODY)
            lost = not math.isfinite(there.value) or _collapse(problem, plain, filled, there)
            return (math.inf if lost else there.value), (near if lost else there.theta)

        found, theta = best_shapes(noise, begin, profile, end.theta, narrow=False)
        end = _descend(problem, plain, found, theta, max_iter)
    plane = _collapse(problem, plain, found, end)
    if plane is not None:
        at_zero = collapsed(problem, plane, least_absolute_cg.solve)
        return replace(at_zero, n_iter=max(1, end.n_iter), rank=first.rank)
    coef, intercept = plain.unpack(end.theta)
    gap = end.decrement / max(1.0, abs(end.value))
    return Solution(
        coef=coef,
        intercept=intercept,
        scale=plain.scale(end.theta),
        noise=found,
        cost=end.value,
        outcome=_outcome(end, gap, tol, max_iter),
        n_iter=max(1, end.n_iter),
        gap=gap,
        rank=first.rank,
    )


def _collapse(
    problem: Problem, plain: JointObjective, noise: Noise, end: newton_cg.End
) -> Solution | None:
    """The plane on which the scale runs to zero, if it does."""
    return collapse_at(problem, plain.of(noise), end.theta, least_squares_cg.solve)


def _packed(objective: JointObjective, fit: Solution) -> FloatArray:
    return np.asarray(objective.pack(fit.coef, fit.intercept, fit.scale), dtype=np.float64)


def _descend(
    problem: Problem,
    plain: JointObjective,
    noise: Noise,
    theta: FloatArray,
    max_iter: int,
    watch: Watch | None = None,
) -> newton_cg.End:
    """Steps for a noise with all shapes filled in.

    Without log-concavity, steps that are sure to go downhill lead near a minimum, where the true
    curvatures are positive, and Newton's steps end there.
    """
    there = plain.of(noise)
    true = JointProducts(there, noise, true=True)
    seen = problem.watch if watch is None else watch

    def stops(theta: FloatArray) -> bool:
        return seen.stops(lambda: Place(*plain.unpack(theta), plain.scale(theta), noise))

    if there.convex:
        return newton_cg.descend(true, theta, max_iter, stops)
    safe = JointProducts(there, noise, true=False)
    first = newton_cg.descend(safe, theta, max_iter, stops, near=newton_cg.SETTLED)
    if first.stopped or first.exhausted:
        return first
    end = newton_cg.descend(true, first.theta, max_iter, stops)
    if not (end.exact or end.stopped):
        end = newton_cg.descend(safe, first.theta, max_iter, stops)
    return replace(end, n_iter=first.n_iter + end.n_iter)


def _outcome(end: newton_cg.End, gap: float, tol: float, max_iter: int) -> Outcome:
    if end.stopped:
        return stopped(end.n_iter, gap, tol)
    if gap <= tol:
        return CONVERGED
    if end.exhausted:
        return out_of_steps(max_iter, gap, tol)
    return Outcome(
        Status.STALLED,
        f"The solver could not lower the cost further at an optimality gap of {gap:.1e}, above "
        f"tol={tol:.1e}. The coefficients are the best found; the noise may have a corner or no "
        "maximum for these rows: try another noise, or hold its shapes.",
    )
