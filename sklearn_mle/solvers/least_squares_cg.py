"""Least squares without a matrix of the columns, for sparse rows of very many.

The normal equations are solved by conjugate gradients on shifted, scaled columns, never formed
(`newton_cg`): a rough solution first, then a finer one for what the residuals on the rows still
leave, which is iterative refinement. Dependent columns get the shortest coefficients as far as
`null_space` sees what depends on what.

Certificate: with the gradient g, ``rss - least rss = g'(Z'WZ)^-1 g``, of which conjugate gradients
find the most and bound the rest.
"""

from __future__ import annotations

from sklearn_mle.likelihoods import location_scale
from sklearn_mle.likelihoods.residual_products import HalfSquare, ResidualProducts
from sklearn_mle.noises.noise import Fact
from sklearn_mle.rows.rows import Rows
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers import newton_cg
from sklearn_mle.solvers.conjugate_gradients import SAFETY
from sklearn_mle.solvers.null_space import null_directions
from sklearn_mle.solvers.shortest import shortest
from sklearn_mle.solvers.solution import (
    CONVERGED,
    EXACT_FIT,
    Outcome,
    Problem,
    Solution,
    Start,
    Status,
    out_of_steps,
    stopped,
)
from sklearn_mle.solvers.theta_watch import watching

NEEDS = Fact.QUADRATIC
WITHIN_MAX_ITER = False

FINE = 1e-14
"""Share of its energy that a solution may leave: seven digits, and refinement doubles them."""


def pays(rows: Rows) -> bool:
    """Whether so many columns are better fitted without a matrix of them."""
    return rows.n_columns > newton_cg.LARGEST_HESSIAN and rows.density < newton_cg.SPARSE


def solve(problem: Problem, *, start: Start | None, tol: float, max_iter: int) -> Solution:
    """The maximum likelihood fit of a noise with a quadratic cost.

    Parameters
    ----------
    problem : Problem
    start : Start, optional
        Where conjugate gradients begin.
    tol : float
        Gap above which an early end is reported.
    max_iter : int
        Solutions of the normal equations, each finer than the one before.

    Returns
    -------
    Solution
    """
    return attempt(problem, start, tol, max_iter)[0]


@blocks_share_cores(0)
def attempt(
    problem: Problem, start: Start | None, tol: float, max_iter: int
) -> tuple[Solution, bool]:
    """`solve`, and whether every coefficient is exact for sure, or a watch ended the fit."""
    rows, noise = problem.rows, problem.likelihood.noise
    objective = ResidualProducts(rows, problem.fit_intercept, HalfSquare())
    theta = objective.start() if start is None else objective.pack(start.coef, start.intercept)
    watch = watching(problem, objective)
    end = newton_cg.descend(objective, theta, max_iter, watch, rough=FINE)
    null = null_directions(objective)
    value, gradient = objective.value_and_gradient(end.theta)
    # columns have unit length, so that the last gradient bounds what the last step left
    after = SAFETY * end.longest * float(gradient @ gradient) / rows.total_weight
    theta = shortest(objective, null.cleared(end.theta), null.directions, value)
    coef, intercept = objective.unpack(theta)
    mean_loss = location_scale.mean_loss(rows, noise, coef, intercept)
    scale = noise.scale_from_loss(mean_loss)
    assert scale is not None
    cost = location_scale.scaled_cost(noise, rows.total_weight, scale)
    unit_loss = float(noise.loss(end.theta[:1] * 0.0 + 1.0)[0])
    loss_gap = 0.0
    if mean_loss > 0.0:
        excess = min(end.decrement, after) * objective.y_unit**2 * unit_loss
        loss_gap = excess / (mean_loss * rows.total_weight)
    gap = location_scale.optimality_gap(noise, rows.total_weight, cost, loss_gap)
    solution = Solution(
        coef=coef,
        intercept=intercept,
        scale=scale,
        noise=noise,
        cost=cost,
        outcome=_outcome(end, mean_loss, gap, tol, max_iter),
        n_iter=max(1, end.n_iter),
        gap=gap,
        rank=rows.n_columns - null.size,
    )
    return solution, end.sure or end.stopped


def _outcome(
    end: newton_cg.End, mean_loss: float, gap: float, tol: float, max_iter: int
) -> Outcome:
    if end.stopped:
        return stopped(end.n_iter, gap, tol)
    if mean_loss == 0.0:
        return EXACT_FIT
    if gap <= tol:
        return CONVERGED
    if end.exhausted:
        return out_of_steps(max_iter, gap, tol)
    return Outcome(
        Status.STALLED,
        f"Conjugate gradients ended at an optimality gap of {gap:.1e}, above tol={tol:.1e}: the "
        "features are nearly collinear. The coefficients are the best found; remove nearly "
        "collinear features, or raise tol if this gap is good enough.",
    )
