"""Limited-memory quasi-Newton steps for models of many coefficients.

A Hessian of thousands of coefficients costs more than a whole fit by gradients. L-BFGS (`secants`)
needs one pass over the rows a step. It begins from the inverse of what a sample says of the Hessian
(`metric`), so that correlated columns are as easy as independent ones.

The certificate is the same as Newton's: the squared Newton decrement, here by conjugate gradients
on the true Hessian, one pass a step; what they find is taken as the last step. Where neither ends
within a few dozen steps, as on columns that nearly depend on each other or on classes that can be
separated, Newton's method goes on from there, and decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sklearn_mle.likelihoods.objective import FloatArray, MatrixFree
from sklearn_mle.noises.noise import Fact
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers import newton
from sklearn_mle.solvers.line_search import backtrack, sufficient
from sklearn_mle.solvers.metric import Metric, rank_of_terms, sampled_metric
from sklearn_mle.solvers.secants import Secants
from sklearn_mle.solvers.separation import any_excluded
from sklearn_mle.solvers.solution import CONVERGED, Problem, Solution, Start, stopped
from sklearn_mle.solvers.theta_watch import is_near, watching
from sklearn_mle.solvers.watch import never

NEEDS = Fact.SMOOTH | Fact.LOG_CONCAVE
WITHIN_MAX_ITER = False

MANY_COEFFICIENTS = 300
"""From here on, steps of one gradient each beat a few with Hessians."""
NEAR = 1e-20
"""Decrement a unit of weight at which conjugate gradients take over."""
EXACT = 1e-21
"""Decrement a unit of weight that they may leave."""
STEPS = 60
STEPS_A_COEFFICIENT = 1 / 30
"""Steps after which Newton's method is the better bet: a Hessian costs about as many gradients."""
MOST_PRODUCTS = 12
ENOUGH = 0.1
FINEST = 1e-6
"""What conjugate gradients may and need leave of the decrement, relative to it."""
SAFETY = 4.0
"""How much smaller the least eigenvalue may be than what was seen of it."""


def pays(n_rows: int, size: int) -> bool:
    """Whether so many coefficients are better fitted without their Hessian."""
    return size >= MANY_COEFFICIENTS and n_rows > 2 * size


def solve(problem: Problem, *, start: Start | None, tol: float, max_iter: int) -> Solution:
    """Minimise a smooth convex cost of many coefficients.

    Parameters
    ----------
    problem : Problem
        Its likelihood offers ``objective(rows, fit_intercept)``, a `MatrixFree`.
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
        theta = objective.start() if start is None else objective.pack(start.coef, start.intercept)
        metric = sampled_metric(objective)
        most = STEPS + int(STEPS_A_COEFFICIENT * objective.size)
        if metric is not None:
            stops = watching(problem, objective)
            end = descend(objective, theta, metric, min(max_iter, most), stops)
            if end.stopped:
                return _stopped(problem, objective, end, tol)
            end = polish(objective, end)
            end = replace(end, stopped=stops(end.theta))
            excluded = any_excluded(rows, *objective.unpack(end.theta))
            if end.exact and end.gap <= tol and not excluded:
                rank = rank_of_terms(objective)
                return _solution(problem, objective, end, rank - int(problem.fit_intercept))
            if end.stopped:
                return _stopped(problem, objective, end, tol)
            theta = end.theta
    coef, intercept = objective.unpack(theta)
    after = newton.solve(problem, start=Start(coef, intercept), tol=tol, max_iter=max_iter)
    return after if metric is None else replace(after, n_iter=end.n_iter + after.n_iter)


def _solution(problem: Problem, objective: MatrixFree, end: End, rank: int) -> Solution:
    coef, intercept = objective.unpack(end.theta)
    return Solution(
        coef=coef,
        intercept=intercept,
        scale=1.0,
        noise=None,
        cost=end.value,
        outcome=CONVERGED,
        n_iter=max(1, end.n_iter),
        gap=min(end.gap, end.value / max(1.0, abs(end.value))),
        rank=rank,
    )


def _stopped(problem: Problem, objective: MatrixFree, end: End, tol: float) -> Solution:
    """Where a watch ended the steps; conjugate gradients tell the gap, but take no step."""
    polished = end if np.isfinite(end.gap) else polish(objective, end)
    near = is_near(objective, polished.theta - end.theta)
    gap = polished.gap if near else np.inf
    rank = rank_of_terms(objective) - int(problem.fit_intercept)
    solution = _solution(problem, objective, replace(end, gap=gap), rank)
    return replace(solution, outcome=stopped(end.n_iter, solution.gap, tol))


@dataclass(frozen=True)
class End:
    """Where the steps ended.

    Parameters
    ----------
    theta : ndarray of shape (size,)
    value : float
    gradient : ndarray of shape (size,)
    memory : Secants
    n_iter : int
    gap : float
        Relative; infinite until `polish` measured it.
    exact : bool
        Whether theta is, and not the cost alone.
    stopped : bool
        Whether a watch ended them.
    """

    theta: FloatArray
    value: float
    gradient: FloatArray
    memory: Secants
    n_iter: int
    gap: float = float("inf")
    exact: bool = False
    stopped: bool = False


def descend(
    objective: MatrixFree,
    theta: FloatArray,
    metric: Metric,
    max_iter: int,
    stops: Callable[[FloatArray], bool] = never,
) -> End:
    """Quasi-Newton steps until theta is nearly exact, or no step helps."""
    near = NEAR * objective.rows.total_weight
    memory = Secants(metric, rescaled=True)
    value, gradient = objective.value_and_gradient(theta)
    for taken in range(max_iter):
        step = -memory.solve(gradient)
        slope = float(gradient @ step)
        if -slope <= near:
            return End(theta, value, gradient, memory, taken)
        length, ahead = 1.0, objective.value_and_gradient(theta + step)
        if not sufficient(1.0, ahead[0], value, slope):
            length = backtrack(objective.along(theta, step), value, slope)
            if length == 0.0:
                return End(theta, value, gradient, memory, taken)
            ahead = objective.value_and_gradient(theta + length * step)
        theta = theta + length * step
        memory.learn(length * step, ahead[1] - gradient)
        value, gradient = ahead
        if stops(theta):
            return End(theta, value, gradient, memory, taken + 1, stopped=True)
    return End(theta, value, gradient, memory, max_iter)


def polish(objective: MatrixFree, end: End) -> End:
    """The Newton step by conjugate gradients, and the decrement, which bounds the gap.

    What is left of the decrement is ``r' H^-1 r`` of the residual r; in the metric B of the
    quasi-Newton steps it is at most ``r' B r`` over the least eigenvalue of ``B H``, of which one
    over the longest step is an estimate from above.
    """
    product: Callable[[FloatArray], FloatArray] = objective.hessian_product(end.theta)
    solve = end.memory.solve
    residual, exact = -end.gradient, EXACT * objective.rows.total_weight
    step, found, longest = np.zeros_like(residual), 0.0, 1.0
    direction = solve(residual)
    rho = float(residual @ direction)
    left = SAFETY * rho
    for _ in range(MOST_PRODUCTS):
        image = product(direction)
        curved = float(direction @ image)
        if not (rho > 0.0 and curved > 0.0):
            break
        length = rho / curved
        longest = max(longest, length)
        step, residual = step + length * direction, residual - length * image
        found += length * rho
        z = solve(residual)
        fresh = float(residual @ z)
        left = SAFETY * longest * fresh
        if left <= min(ENOUGH * found, max(exact, FINEST * found)):
            break
        direction, rho = z + (fresh / rho) * direction, fresh
    return replace(
        end,
        theta=end.theta + step,
        value=end.value - 0.5 * found,
        n_iter=end.n_iter + 1,
        gap=(found + left) / max(1.0, abs(end.value)),
        exact=left <= max(exact, FINEST * found),
    )
