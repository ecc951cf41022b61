"""What comes of a quantile fit: coefficients, dual and a trace, and the solution made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.likelihoods.location_scale import (
    mean_loss,
    optimality_gap,
    scaled_cost,
)
from sklearn_mle.noises.noise import FloatArray, Noise
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Column
from sklearn_mle.solvers.column_frame import EPS
from sklearn_mle.solvers.reduced_problem import Answer
from sklearn_mle.solvers.sign_passes import Level, rounding_of
from sklearn_mle.solvers.solution import (
    CONVERGED,
    EXACT_FIT,
    Outcome,
    Problem,
    Solution,
    Status,
    out_of_steps,
    stopped,
)

PROVED = 1e-9
"""A gap that counts as none: a finished fit is exact up to rounding."""
NEARLY_EXACT = 1e-10
"""Mean absolute residual, relative to the terms it comes from, that may be nothing but rounding."""


@dataclass(frozen=True)
class Trace:
    """What a fit did, for tests that each trick fired.

    Parameters
    ----------
    passes : int
        Over all rows of X, those for the band included.
    rounds : int
        Of screening and verification, on all levels.
    newton_steps, pivots : int
    band : int
        Rows that were not set aside on the first level.
    approached : int
        Whether Newton steps on all rows told which are in doubt, instead of a sample.
    influence, narrowed, rays, atoms, restarts, direct, fallbacks, warm : int
        How often each was resorted to; warm: rows that came back were solved with the basis from
        before.
    """

    passes: int = 0
    rounds: int = 0
    newton_steps: int = 0
    pivots: int = 0
    band: int = 0
    approached: int = 0
    influence: int = 0
    narrowed: int = 0
    rays: int = 0
    atoms: int = 0
    restarts: int = 0
    direct: int = 0
    fallbacks: int = 0
    warm: int = 0


@dataclass(frozen=True)
class Fit:
    """A fit in the frame of its columns, with what proves it.

    Parameters
    ----------
    level : Level
        The rows (duplicates merged if they are few) and their frame.
    coef : ndarray of shape (n_columns,)
    intercept : float
    answer : Answer
        Of the band; its slack is infinite if the fit stopped early.
    band : InMemoryRows
        The rows that were not set aside.
    signs : Column or None
        Of the rows set aside, 0 in the band; None if none were set aside.
    loss : float
        Twice the total pinball loss; nan if it is not known well enough.
    gap : float
        A bound on the relative gap of the loss.
    iterations : int
    trace : Trace
    shares : Column or None
        The dual of rows of sign 0 over their weight, if they are not in the band.
    """

    level: Level
    coef: FloatArray
    intercept: float
    answer: Answer
    band: InMemoryRows
    signs: Column
    loss: float
    gap: float
    iterations: int
    trace: Trace
    shares: Column = None

    def dual(self) -> NDArray[np.longdouble]:
        """The d with ``w * (tau - 1) <= d <= w * tau`` and ``X'd = 0``, for rows in memory."""
        rows, tilt = self.level.rows, np.longdouble(self.level.tilt)
        w = rows.column(lambda block: block.weigh(np.ones(block.n_rows)))
        a = self.answer.dual
        if self.signs is not None:
            a = self.signs * w
            on = self.signs == 0
            a[on] = self.answer.dual if self.shares is None else self.shares[on] * w[on]
        return (a + tilt * w) / 2


def tilt_of(noise: Noise) -> tuple[float, float]:
    """``2 * tau - 1`` and the sum of both slopes, from ``tau = up / (up + down)``."""
    down, up = -noise.slope(np.array([-1.0]))[0], noise.slope(np.array([1.0]))[0]
    return float((up - down) / (up + down)), float(up + down)


def solution_of(problem: Problem, fit: Fit, tol: float, max_iter: int) -> Solution:
    """The fit with its scale, its cost and what is to be said of it.

    The loss is summed again where it is not known, or so small that it may be zero up to rounding.
    """
    noise, rows, frame = problem.likelihood.noise, problem.rows, fit.level.frame
    mean = 0.5 * tilt_of(noise)[1] * fit.loss / rows.total_weight
    gap = fit.gap
    terms = rounding_of(frame, fit.coef, fit.intercept) / EPS * rows.total_weight
    if not fit.loss > NEARLY_EXACT * terms:
        again = mean_loss(rows, noise, fit.coef, fit.intercept)
        mean = again if again == 0.0 or np.isnan(mean) else mean
    scale = noise.scale_from_loss(mean)
    assert scale is not None
    cost = scaled_cost(noise, rows.total_weight, scale)
    gap = optimality_gap(noise, rows.total_weight, cost, gap)
    return Solution(
        coef=fit.coef,
        intercept=fit.intercept,
        scale=scale,
        noise=noise,
        cost=cost,
        outcome=_outcome(fit, scale, gap, tol, max_iter),
        n_iter=fit.iterations,
        gap=gap,
        rank=int(frame.kept.shape[0]),
    )


def _outcome(fit: Fit, scale: float, gap: float, tol: float, max_iter: int) -> Outcome:
    if scale == 0.0:
        return EXACT_FIT
    unfinished = fit.answer.slack == np.inf
    if unfinished and fit.iterations < max_iter:
        return stopped(fit.iterations, gap, tol)
    if gap <= max(tol, PROVED):
        return CONVERGED
    if unfinished:
        return out_of_steps(max_iter, gap, tol)
    return Outcome(
        Status.STALLED,
        f"Rounding errors keep the optimality gap at {gap:.1e}, above tol={tol:.1e}: the columns "
        "are nearly dependent, or far from zero compared with their spread. The coefficients are "
        "the best found; centre the columns, or drop those that nearly repeat others.",
    )
