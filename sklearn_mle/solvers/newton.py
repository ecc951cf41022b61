"""Newton's method for smooth convex costs.

Each iteration asks the objective for cost, gradient g and Hessian H in one pass over the rows and
steps along ``-H^+ g``. The quadratic model says that the cost can still fall by half of
``g' H^+ g``, the squared Newton decrement; a cost that levels off like ``exp(-t)`` falls by the
whole of it. The whole is the certificate. Newton's method converges quadratically, and the last
steps are always taken, so that the coefficients, and not the cost alone, are exact.

Where no finite minimum exists (classes that a plane separates) the decrement falls by a constant
factor instead, about e, at every step. That is the suspicion on which a proof is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from sklearn_mle.likelihoods.objective import Derivatives, FloatArray, Objective
from sklearn_mle.noises.noise import Fact
from sklearn_mle.solvers.line_search import backtrack, sufficient
from sklearn_mle.solvers.separation import SEPARATED, completely_separated, separating_plane
from sklearn_mle.solvers.solution import (
    CONVERGED,
    Outcome,
    Problem,
    Solution,
    Start,
    Status,
    out_of_steps,
)

NEEDS = Fact.SMOOTH | Fact.LOG_CONCAVE

EXACT = 1e-26
"""Newton decrement a unit of weight below which steps only shuffle rounding errors."""
ROUNDING = 1e-18
"""Newton decrement a unit of weight that rounding errors alone can leave on bad designs."""
FLAT = 32.0 * np.finfo(float).eps
"""Curvature, relative to the largest and by size of theta, that rounding errors can make."""
SLOW = 0.15
"""Quadratic convergence leaves less than this share of the decrement at every full step."""


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
    rank : int
        Rank of the scaled Hessian at the first point.
    slow_steps : int
        How many of the last full steps did not converge quadratically.
    exhausted : bool
        Whether max_iter ended it.
    """

    theta: FloatArray
    value: float
    decrement: float
    n_iter: int
    rank: int
    slow_steps: int
    exhausted: bool

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
    objective = problem.likelihood.objective(problem.rows, problem.fit_intercept)
    theta = objective.start() if start is None else objective.pack(start.coef, start.intercept)
    weight = problem.rows.total_weight
    descent = descend(objective, theta, weight, tol, max_iter)
    outcome, gap = _judge(problem, descent, tol, max_iter)
    coef, intercept = objective.unpack(descent.theta)
    per_class = descent.rank // objective.n_scores - int(problem.fit_intercept)
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
    )


def descend(
    objective: Objective, theta: FloatArray, weight: float, tol: float, max_iter: int
) -> Descent:
    """Newton steps until the cost, and then theta, is exact.

    The full step is nearly always good: its derivatives, which the next step needs, are computed at
    once, and a search along the line begins only where the cost did not fall enough.
    """
    at = objective.derivatives(theta)
    step, decrement, rank = _newton_step(at)
    here = Descent(theta, at.value, decrement, 0, rank, 0, False)
    while not _finished(here, weight, tol):
        if here.n_iter == max_iter:
            return replace(here, exhausted=True)
        slope, length = float(at.gradient @ step), 1.0
        ahead = objective.derivatives(here.theta + step)
        if not sufficient(1.0, ahead.value, here.value, slope):
            length = backtrack(objective.along(here.theta, step), here.value, slope)
            if length == 0.0:
                break
            ahead = objective.derivatives(here.theta + length * step)
        theta, at = here.theta + length * step, ahead
        step, decrement, _ = _newton_step(at)
        slow = length == 1.0 and decrement > SLOW * here.decrement
        slow_steps = here.slow_steps + 1 if slow else 0
        here = Descent(theta, at.value, decrement, here.n_iter + 1, rank, slow_steps, False)
    return here


def _finished(here: Descent, weight: float, tol: float) -> bool:
    """Whether the cost is exact enough, and theta with it.

    A cost that still converges slowly has no finite minimum to polish; a decrement at the level of
    rounding that no longer falls cannot be polished.
    """
    if here.gap > tol:
        return False
    at_rounding = here.slow_steps >= 1 and here.decrement <= ROUNDING * weight
    return here.decrement <= EXACT * weight or at_rounding or here.slow_steps >= 3


def _newton_step(at: Derivatives) -> tuple[FloatArray, float, int]:
    """The shortest Newton step, ``g' H^+ g``, and the rank of H.

    The diagonal is scaled to ones first, so that the rank does not depend on units. Cholesky serves
    a well-conditioned Hessian; otherwise directions without curvature, in which the gradient of a
    convex cost has no part, are left alone.
    """
    diagonal = np.diag(at.hessian)
    unit = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    H = at.hessian / np.outer(unit, unit)
    g = at.gradient / unit
    factor, failed = linalg.lapack.dpotrf(H, lower=True)
    well = not failed and (np.diag(factor).min(initial=1.0) > 1e-5)
    if well:
        step = -linalg.cho_solve((factor, True), g)
        rank = g.size
    else:
        size, vectors = linalg.eigh(H)
        there = size > FLAT * g.size * max(size.max(initial=0.0), 1e-300)
        V = vectors[:, there]
        step = -(V @ ((V.T @ g) / size[there]))
        rank = int(np.count_nonzero(there))
    return step / unit, max(0.0, -float(g @ step)), rank


def _judge(problem: Problem, end: Descent, tol: float, max_iter: int) -> tuple[Outcome, float]:
    """How the descent ended, and the gap of where it ended.

    No cost of classes is below zero, so that the cost itself bounds what is left to gain.
    """
    gap = min(end.gap, end.value / max(1.0, abs(end.value)))
    rows, likelihood = problem.rows, problem.likelihood
    if completely_separated(rows, end.value):
        return SEPARATED, gap
    suspect = end.slow_steps >= 2 and end.decrement > ROUNDING * rows.total_weight
    if suspect and separating_plane(rows, likelihood.n_classes, problem.fit_intercept):
        return SEPARATED, gap
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
