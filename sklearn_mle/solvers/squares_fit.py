"""From the residual sum of least squares to scale, cost, certificate and what is to be said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_mle.likelihoods import location_scale
from sklearn_mle.noises.noise import Noise
from sklearn_mle.solvers.refinement import (
    Factored,
    Refined,
)
from sklearn_mle.solvers.solution import (
    CONVERGED,
    EXACT_FIT,
    Outcome,
    Solution,
    Status,
    out_of_steps,
    stopped,
)

DOUBTFUL_SHARE = 1e-10
"""Share of y below which residuals may be nothing but rounding."""


@dataclass(frozen=True)
class Trace:
    """What happened in a fit, for tests.

    Parameters
    ----------
    method : str
        Where the factor came from: "cholesky" or "orthogonal"; "conjugate" where none was made.
    rcond : float
        Reciprocal condition of the scaled columns.
    refinements : int
    loss_pass : bool
        Whether the loss took a pass of its own.
    """

    method: str
    rcond: float
    refinements: int
    loss_pass: bool


def finished(
    noise: Noise,
    weight: float,
    mean_loss_again: Callable[[], float],
    factored: Factored,
    fit: Refined,
    method: str,
    tol: float,
    max_iter: int,
) -> tuple[Solution, Trace]:
    """The scale, the cost and the certificate, from the residual sum of squares.

    A sum that is not clearly larger than rounding, or that says the model explains nothing, is
    computed afresh by ``mean_loss_again``, which knows an exact fit.
    """
    clear = fit.clear and fit.rss > DOUBTFUL_SHARE * fit.y_size and bool(fit.coef.any())
    mean_loss = unit_loss(noise) * fit.rss / weight
    if not clear:
        mean_loss = mean_loss_again()
    scale = noise.scale_from_loss(mean_loss)
    assert scale is not None
    cost = location_scale.scaled_cost(noise, weight, scale)
    gap = 0.0
    if mean_loss != 0.0:
        loss_gap = fit.excess * unit_loss(noise) / (mean_loss * weight)
        gap = location_scale.optimality_gap(noise, weight, cost, loss_gap)
    outcome = EXACT_FIT if mean_loss == 0.0 else CONVERGED
    if gap > tol:
        out = fit.steps >= max_iter - 1
        outcome = out_of_steps(max_iter, gap, tol) if out else hidden_by_rounding(gap, tol)
    if fit.stopped and mean_loss > 0.0:
        outcome = stopped(1 + fit.steps, gap, tol)
    solution = Solution(
        coef=fit.coef,
        intercept=fit.intercept,
        scale=scale,
        noise=noise,
        cost=cost,
        outcome=outcome,
        n_iter=1 + fit.steps,
        gap=gap,
        rank=factored.inverse.rank,
    )
    return solution, Trace(method, factored.inverse.rcond, fit.steps, not clear)


def hidden_by_rounding(gap: float, tol: float) -> Outcome:
    """The outcome where no coefficients in double precision can be shown to be better."""
    return Outcome(
        Status.STALLED,
        f"Rounding hides the optimum beyond an optimality gap of {gap:.1e}, above tol={tol:.1e}: "
        "the features are collinear almost to the last digit, or the residuals are hardly larger "
        "than the rounding of the predictions. The coefficients are the best found; remove nearly "
        "collinear features, or raise tol if this gap is good enough.",
    )


def unit_loss(noise: Noise) -> float:
    """The loss of a residual of one; that of r is r**2 times as large."""
    return float(noise.loss(np.ones(1))[0])
