"""Quantile fits without matrices of the columns, for very many sparse ones: close, with a true gap.

The absolute value with its corner rounded (Madsen and Nielsen 1993) is minimised for widths that
shrink, each from the fit before, by `newton_cg`, until narrower widths no longer pay. Where the
normal equations can be factored and more is asked for, an interior-point method goes on to rounding
(`boxed_dual`); where they are too large a dual says how far the fit may be from the best.

Certificate: the slopes ``a_i`` of the rounded cost are a dual, but for ``e = Z'(a + tilt w)``,
minus its gradient. That is taken back by ``a_i -= h_i z_i'G^-1 e``, ``G = Z'HZ`` with h large
where residuals are small, by conjugate gradients; divided by its largest ratio to its box the dual
is feasible (`smoothed_dual`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sklearn_mle.likelihoods import location_scale
from sklearn_mle.likelihoods.residual_products import (
    HalfSquare,
    ResidualProducts,
    SmoothedAbsolute,
)
from sklearn_mle.noises.noise import Fact, FloatArray
from sklearn_mle.rows.rows import Block, Rows
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers import conjugate_gradients, least_absolute, newton_cg
from sklearn_mle.solvers.boxed_columns import follow_sparse
from sklearn_mle.solvers.boxed_dual import Followed
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
)
from sklearn_mle.solvers.theta_watch import watching
from sklearn_mle.solvers.watch import never

NEEDS = Fact.PIECEWISE_LINEAR
WITHIN_MAX_ITER = True

MANY_COLUMNS = 4000
"""Sparse columns from which on matrices of them are not made."""
ROUGH = 1e-3
"""Gap above which widths are asked for first: they need no matrix."""
NARROWER = 0.5
"""Factor from one width to the next: the gap falls as the width does, and from a wider one Newton's
steps take long to find which rows are within."""
STEPS = 40
ENOUGH_PRODUCTS = 1000
"""Products with the Hessian at one width after which a narrower one, with twice as many, is not
tried."""
BACKGROUND = 0.01
"""Part that rows beyond the width take in the correction of the dual."""
FINE = 1e-20
"""Share of its energy that the correction may leave."""
WORTHWHILE = 0.8
"""Factor by which a narrower width must lower the gap."""


@dataclass(frozen=True)
class Largest:
    """A maximum, as a sum that `Rows.total` can make."""

    value: float

    def __add__(self, other: Largest) -> Largest:
        return Largest(max(self.value, other.value))


def pays(rows: Rows) -> bool:
    """Whether so many columns are better fitted without a matrix of them."""
    return rows.n_columns > MANY_COLUMNS and rows.density < newton_cg.SPARSE


def solve(problem: Problem, *, start: Start | None, tol: float, max_iter: int) -> Solution:
    """Fit a linear quantile up to a gap that is reported.

    Parameters
    ----------
    problem : Problem
        With a noise whose loss is linear on each side of zero.
    start : Start, optional
        Where the search begins.
    tol : float
        A gap at which narrower widths are not tried.
    max_iter : int
        The most widths.

    Returns
    -------
    Solution
    """
    rows, noise = problem.rows, problem.likelihood.noise
    tilt, _ = least_absolute.tilt_of(noise)
    squares = ResidualProducts(rows, problem.fit_intercept, HalfSquare())
    if start is None:
        theta = newton_cg.descend(squares, squares.start(), 1, never, rough=1e-6).theta
    else:
        theta = squares.pack(start.coef, start.intercept)
    stops = watching(problem, squares)
    null = null_directions(squares)

    def exactly(most: int) -> Followed | None:
        return follow_sparse(squares, null.directions, tilt, most, stops)

    def smoothed(most: int) -> Followed | None:
        return _smoothed(squares, theta, tilt, tol, most, stops)

    end = Followed(theta, 1.0, 0)
    for way in (exactly, smoothed) if tol <= ROUGH else (smoothed, exactly):
        if end.gap > tol and end.steps < max_iter and not end.stopped:
            found = way(max_iter - end.steps)
            if found is not None:
                used = end.steps + found.steps
                better = found if found.gap <= end.gap else end
                end = replace(better, steps=used, stopped=found.stopped)
    best, gap, widths = end.b, end.gap, end.steps
    best = null.cleared(best)
    best = shortest(squares, best, null.directions, squares.value(best))
    coef, intercept = squares.unpack(best)
    mean_loss = location_scale.mean_loss(rows, noise, coef, intercept)
    scale = noise.scale_from_loss(mean_loss)
    assert scale is not None
    cost = location_scale.scaled_cost(noise, rows.total_weight, scale)
    gap = location_scale.optimality_gap(noise, rows.total_weight, cost, gap)
    return Solution(
        coef=coef,
        intercept=intercept,
        scale=scale,
        noise=noise,
        cost=cost,
        outcome=_outcome(mean_loss, widths, gap, tol, max_iter),
        n_iter=max(1, widths),
        gap=gap,
        rank=rows.n_columns - null.size,
    )


@blocks_share_cores(0)
def _smoothed(
    squares: ResidualProducts,
    theta: FloatArray,
    tilt: float,
    tol: float,
    max_iter: int,
    stops: Callable[[FloatArray], bool],
) -> Followed:
    """The best theta of shrinking widths, as many steps."""
    width, best, gap, widths = _mean_size(squares, theta), theta, 1.0, 0
    ended = stopped = False
    while widths < max_iter and gap > tol and width > 0.0 and not ended:
        smoothed = squares.of(SmoothedAbsolute(width, tilt))
        end = newton_cg.descend(smoothed, theta, STEPS, never)
        theta = end.theta
        fresh = relative_gap(smoothed, theta)
        widths, width = widths + 1, width * NARROWER
        paid, (best, gap) = fresh <= WORTHWHILE * gap, min((theta, fresh), (best, gap), key=_second)
        stopped = stops(theta)
        ended = stopped or not paid or end.products > ENOUGH_PRODUCTS
    return Followed(best, gap, widths, stopped)


def relative_gap(smoothed: ResidualProducts, theta: FloatArray) -> float:
    """A bound on ``(loss - least loss) / loss`` at theta.

    Parameters
    ----------
    smoothed : ResidualProducts
        Of a `SmoothedAbsolute`.
    theta : ndarray of shape (size,)
    """
    price = smoothed.price
    assert isinstance(price, SmoothedAbsolute)
    near = smoothed.of(SmoothedAbsolute(price.width, price.tilt, BACKGROUND))
    unit = np.sqrt(np.maximum(near.hessian_diagonal(theta), 1e-300))
    e = -smoothed.value_and_gradient(theta)[1]

    def enough(energy: float, left: float) -> bool:
        return left <= FINE * energy

    most = newton_cg.MOST_PRODUCTS
    back = conjugate_gradients.solve(near.hessian_product(theta), unit, e, enough, most)
    low, high = 1.0 - price.tilt, 1.0 + price.tilt

    def values(block: Block) -> tuple[float, float, Largest]:
        Z = near.columns(block)
        r = near.residuals(block, theta, Z)
        d = price.slope(r) - near.price.bend(r) * (Z @ back.x)
        ratio = np.maximum(d / high, -d / low)
        loss = float(block.weigh(np.abs(r) + price.tilt * r).sum())
        return loss, float(block.weigh(d * r).sum()), Largest(float(ratio.max(initial=0.0)))

    loss, value, largest = near.rows.total(values)
    # what the correction left, times coefficients as large as these
    left = float(np.linalg.norm(back.residual / unit) * np.linalg.norm(unit * theta))
    return location_scale.share_above(loss, (value - left) / max(1.0, largest.value))


def _mean_size(squares: ResidualProducts, theta: FloatArray) -> float:
    """The weighted mean of the sizes of residuals, in units of y."""

    def per_block(block: Block) -> tuple[float]:
        return (float(block.weigh(np.abs(squares.residuals(block, theta))).sum()),)

    return float(squares.rows.total(per_block)[0]) / squares.rows.total_weight


def _second(pair: tuple[FloatArray, float]) -> float:
    return pair[1]


def _outcome(mean_loss: float, widths: int, gap: float, tol: float, max_iter: int) -> Outcome:
    if mean_loss == 0.0:
        return EXACT_FIT
    if gap <= tol:
        return CONVERGED
    if widths == max_iter:
        return out_of_steps(max_iter, gap, tol)
    return Outcome(
        Status.STALLED,
        f"With so many features a quantile is not fitted exactly: the optimality gap is {gap:.1e}, "
        f"above tol={tol:.1e}. The coefficients are the best found; raise tol if this gap is good "
        "enough, or use fewer features.",
    )
