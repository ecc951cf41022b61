"""Newton's method without Hessians, for sparse rows of many columns.

Each Newton step is solved for by conjugate gradients (`conjugate_gradients`), which need products
with the Hessian only: two products with X, as cheap as a gradient. Far from the minimum a rough
step does, and near it what is left of a step is brought below what its own error will be, so that
the steps converge as Newton's do (Dembo, Eisenstat and Steihaug 1982). Sparse columns that are
shifted and scaled are nearly orthogonal unless they are alike, and few products make a step.

The certificate is Newton's: the decrement that the last step took, and a bound on what it left.
Where classes may be separated `wide_separation` tells. Where it cannot, or columns nearly depend on
each other, Newton's method with its Hessian goes on if that is affordable.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_mle.likelihoods.objective import FloatArray, Products
from sklearn_mle.noises.noise import Fact
from sklearn_mle.rows.rows import Rows
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers import conjugate_gradients, newton
from sklearn_mle.solvers.accurate_cost import with_accurate_cost
from sklearn_mle.solvers.least_form import in_least_form
from sklearn_mle.solvers.limit import beyond_by_products, remaining
from sklearn_mle.solvers.line_search import backtrack, sufficient
from sklearn_mle.solvers.null_space import null_directions
from sklearn_mle.solvers.separation import Recession, any_excluded, separated
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
from sklearn_mle.solvers.theta_watch import watching
from sklearn_mle.solvers.wide_separation import Verdict, judge_separation

NEEDS = Fact.SMOOTH | Fact.LOG_CONCAVE
WITHIN_MAX_ITER = False

MANY_COEFFICIENTS = 300
"""From here on, products with sparse rows beat Hessians."""
SPARSE = 0.2
"""Share of stored entries below which they do."""
LARGEST_HESSIAN = 4000
"""Coefficients up to which a Hessian is affordable: 128 MB, and minutes for its spectrum."""
EXACT = 1e-22
"""Decrement a unit of weight that an exact theta may leave."""
NEAR = 1e-16
"""Decrement a unit of weight below which a step's own error is nothing."""
SETTLED = 1e-6
"""Decrement a unit of weight below which the Hessian's diagonal hardly changes."""
WORTH_A_DIAGONAL = 5
"""Products of a step from which on a better diagonal, which costs about three, may save some."""
ROUGH = 0.1
"""Share of its decrement that a first step may leave."""
MOST_PRODUCTS = 1000
SLOW = 0.25
"""Decrement over the one before: that of classes that are separated falls by e at every step."""
PATIENCE = 4
"""Such steps in a row after which it is asked whether they are."""
MOST_ASKED = 8
LONG = 1e4
"""Step of conjugate gradients from which on columns nearly depend on each other, so that a small
decrement does not say that every coefficient is exact."""


@dataclass(frozen=True)
class End:
    """Where the steps ended.

    Parameters
    ----------
    theta : ndarray of shape (size,)
    value : float
    decrement : float
        Of the last step, with a bound on what it left.
    n_iter, products : int
    longest : float
        Of all steps of conjugate gradients.
    exact, exhausted, stopped, slow : bool
        Whether theta is exact; whether max_iter, a watch or too many slow steps ended them.
    """

    theta: FloatArray
    value: float
    decrement: float
    n_iter: int
    products: int
    longest: float
    exact: bool = False
    exhausted: bool = False
    stopped: bool = False
    slow: bool = False

    @property
    def gap(self) -> float:
        """The decrement relative to the cost, which is never below zero."""
        return min(self.decrement, self.value) / max(1.0, abs(self.value))

    @property
    def sure(self) -> bool:
        """Whether theta is exact in every direction, as far as was seen."""
        return self.exact and self.longest < LONG


def pays(rows: Rows, size: int) -> bool:
    """Whether so many coefficients of such rows are better fitted without their Hessian."""
    return size >= MANY_COEFFICIENTS and rows.density < SPARSE


def solve(problem: Problem, *, start: Start | None, tol: float, max_iter: int) -> Solution:
    """Minimise a smooth convex cost of many coefficients of sparse columns.

    Parameters
    ----------
    problem : Problem
        Its likelihood offers ``objective(rows, fit_intercept)``, a `Products`.
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
    objective = problem.likelihood.objective(rows, problem.fit_intercept)
    theta = objective.start() if start is None else objective.pack(start.coef, start.intercept)
    end = descend(objective, theta, max_iter, watching(problem, objective), patience=PATIENCE)
    coef, intercept = objective.unpack(end.theta)
    doubtful = not end.exact or any_excluded(rows, coef, intercept, end.decrement)
    found = None
    if doubtful and not end.stopped:
        end, found, doubtful = _settle(problem, objective, end, max_iter)
        coef, intercept = objective.unpack(end.theta)
    hard = doubtful or not (end.sure or (found is not None and found.complete))
    affordable = not end.stopped and objective.size <= LARGEST_HESSIAN
    null = None if hard and affordable else null_directions(objective)
    if null is None or (affordable and null.faint):
        near = Start(coef, intercept) if found is None else None
        after = newton.solve(problem, start=near, tol=tol, max_iter=max_iter)
        return replace(after, n_iter=end.n_iter + after.n_iter)
    if not doubtful and found is None:
        flats = np.kron(np.eye(objective.n_scores), null.directions).astype(np.float64)
        least = shortest(objective, null.cleared(end.theta), flats, end.value)
        coef, intercept = objective.unpack(least)
    value, gap = with_accurate_cost(objective, coef, intercept, end.value, end.gap)
    return Solution(
        coef=coef,
        intercept=intercept,
        scale=1.0,
        noise=None,
        cost=value,
        outcome=_outcome(end, doubtful, tol, max_iter) if found is None else separated(found),
        n_iter=max(1, end.n_iter),
        gap=gap,
        rank=rows.n_columns - null.size,
        separation=found,
    )


def _settle(
    problem: Problem, objective: Products, end: End, max_iter: int
) -> tuple[End, Recession | None, bool]:
    """The rest of the way, once it is known whether classes are separated; and if it is not.

    Where they are the steps go on from where excluded classes have no probability left, and the
    gap counts what these still add. It is asked again after more slow steps, and at their end,
    until an answer is complete.
    """
    slow, known, asked = True, False, 0
    while slow and not known:
        slow = end.slow
        verdict = _judged(problem, objective, end)
        found, known, asked = verdict.found, verdict.known, asked + 1
        patience = np.inf if known or asked == MOST_ASKED else PATIENCE
        if slow or found is not None:
            end = _from(problem, objective, end, found, max_iter, patience)
    if found is None:
        return end, None, not (known and end.exact)
    if known and not end.stopped:
        end = in_least_form(remaining(objective, found), found, end)
    excess = found.excess(*objective.unpack(end.theta))
    end = replace(end, decrement=end.decrement + excess)
    return end, replace(found, whole=known), not known


def _judged(problem: Problem, objective: Products, end: End) -> Verdict:
    coef, intercept = objective.unpack(end.theta)
    n_classes = problem.likelihood.n_classes
    return judge_separation(problem.rows, n_classes, problem.fit_intercept, coef, intercept)


def _from(
    problem: Problem, objective: Products, end: End, found: Any, max_iter: int, patience: float
) -> End:
    """Steps from the limit of a recession, or from where others became slow."""
    if found is not None and found.complete:
        theta = objective.pack(*found.start())
        return replace(end, theta=theta, value=objective.value(theta), decrement=0.0, slow=False)
    left = max(1, max_iter - end.n_iter)
    fitted = objective if found is None else remaining(objective, found)
    after = descend(fitted, end.theta, left, watching(problem, objective), patience=patience)
    after = replace(after, n_iter=end.n_iter + after.n_iter)
    if found is None:
        return after
    tiny = 1e-6 * NEAR * objective.rows.total_weight
    moved = beyond_by_products(objective, found, after.theta, 1e-8 * _units(objective), tiny)
    above = max(moved.left, moved.value - after.value)
    exact = after.exact and above <= NEAR * objective.rows.total_weight
    return replace(after, theta=moved.theta, decrement=max(above, after.decrement), exact=exact)


def _units(objective: Products) -> FloatArray:
    """Roots of about the diagonal of the Hessian, as long as nothing else is known."""
    across = np.sqrt(np.diag(objective.across_scores()) * objective.rows.total_weight)
    return np.asarray(np.repeat(across, objective.n_terms))


@blocks_share_cores(0)
def descend(
    objective: Products,
    theta: FloatArray,
    max_iter: int,
    stops: Any,
    rough: float = ROUGH,
    near: float = NEAR,
    patience: float = np.inf,
) -> End:
    """Newton steps by conjugate gradients until theta is exact, or no step helps.

    A step may leave ``rough`` of its decrement, or less near the minimum; the last one is that with
    a decrement a unit of weight of at most ``near``. So many slow steps in a row as ``patience``
    end them as well.
    """
    weight = objective.rows.total_weight
    exact = EXACT * weight
    unit = _units(objective)
    floor = 1e-8 * unit
    value, gradient, product = objective.model(theta)
    decrement, products, longest, slow = np.inf, 0, 1.0, 0
    for taken in range(max_iter):

        def enough(energy: float, left: float) -> bool:
            wanted = max(exact, min(rough, energy / weight) * energy)
            return left <= max(wanted, 1e-6 * near * weight)

        found = conjugate_gradients.solve(product, unit, -gradient, enough, MOST_PRODUCTS)
        step, products = found.x, products + found.products
        before, decrement = decrement, found.energy + found.left
        slow, longest = slow + 1 if decrement > SLOW * before else 0, max(longest, found.longest)
        if slow >= patience:
            return End(theta, value, decrement, taken, products, longest, slow=True)
        if found.stuck and not found.energy > 0.0:
            return End(theta, value, decrement, taken, products, longest)
        if found.left <= max(exact, 1e-6 * near * weight) and decrement <= near * weight:
            return End(theta + step, value, decrement, taken, products, longest, exact=True)
        slope, length = float(gradient @ step), 1.0
        ahead = objective.model(theta + step)
        if not sufficient(1.0, ahead[0], value, slope):
            length = backtrack(objective.along(theta, step), value, slope)
            if length == 0.0:
                return End(theta, value, decrement, taken, products, longest)
            ahead = objective.model(theta + length * step)
        theta, (value, gradient, product) = theta + length * step, ahead
        changed = decrement > SETTLED * weight and not objective.is_quadratic
        if changed and found.products >= WORTH_A_DIAGONAL:
            unit = np.maximum(np.sqrt(objective.hessian_diagonal(theta)), floor)
        if stops(theta):
            return End(theta, value, decrement, taken + 1, products, longest, stopped=True)
    return End(theta, value, decrement, max_iter, products, longest, exhausted=True)


def _outcome(end: End, doubtful: bool, tol: float, max_iter: int) -> Outcome:
    if end.stopped:
        return stopped(end.n_iter, end.gap, tol)
    if end.exhausted and end.gap > tol:
        return out_of_steps(max_iter, end.gap, tol)
    if doubtful:
        return Outcome(
            Status.STALLED,
            f"The fit ended at an optimality gap of {end.gap:.1e} with probabilities of 0 or 1 up "
            "to rounding: the classes may be separated, so that no finite maximum exists, and with "
            "so many features this could not be decided. Predictions are good, coefficients may go "
            "on growing; drop features that occur in one class only, or use a penalty "
            "(sklearn.linear_model.LogisticRegression).",
        )
    return CONVERGED
