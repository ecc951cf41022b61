"""Location, scale and open shapes of a noise whose cost has corners.

The corners are rounded off (`likelihoods.rounded`), widely at first, and ever more narrowly, each
time from the fit before. What is widely rounded is nearly as easy as a smooth cost and has few
minima; what is rounded to a billionth of a scale is the cost itself. In the end some rows are at a
corner, as many rows of a least absolute fit are fitted exactly.

Where the cost is convex the end is proven: a row at a corner costs at least what a line through the
corner says whose slope lies between those of both sides. With the slopes that the rounded corner
had there, the sum of lines and of smooth costs is least where the rounded cost is, and bounds the
cost from below.

Elsewhere, if the corner moves with an open shape, or the density is zero inside, there is a maximum
of the likelihood between almost any two neighbouring rows. The descent is then repeated from places
around, as far as sampling errors reach, and the best end is kept. Nothing proves it, and nothing is
claimed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy import optimize

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.likelihoods.rounded import Rounded
from sklearn_mle.noises.from_scipy import FromScipy
from sklearn_mle.noises.noise import Fact, FloatArray
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers import joint_newton
from sklearn_mle.solvers.corner_proof import is_away, proven_gap
from sklearn_mle.solvers.curvature import Curvature
from sklearn_mle.solvers.joint_ends import descend_jointly
from sklearn_mle.solvers.shortest import shortest
from sklearn_mle.solvers.solution import (
    CONVERGED,
    Outcome,
    Problem,
    Solution,
    Start,
    Status,
    stopped,
)
from sklearn_mle.solvers.watch import NOBODY, Place, Watch

NEEDS = Fact.CORNERED
WITHIN_MAX_ITER = False

NO_ESTIMATE = (Status.EXACT_FIT, Status.COLLAPSED, Status.NO_MAXIMUM)
"""How the fit to a rounded law ends where that to the law itself would end so as well."""
WIDEST, NARROWEST, NARROWER = 0.2, 1e-9, 0.1
"""Widths of rounding: the first, the last, and each over the one before."""
WITH_SHAPES = 1e-4
"""Width from which on open shapes are held: their differences need room."""
TO_HOP = 0.02
"""Width at which descents from places around begin."""
HOPS, ROWS_HOPPED, IN_VAIN = 8, 16_000, 4
"""Descents from places around, rows that all of them together may visit, and how many in a row may
find nothing better."""
SAME = 1e-9
"""Change of the cost, relative to it, that is none."""
FAR = 1.0
"""Sampling errors that a hop is long."""
SIMPLEX, EVALUATIONS = 1e-4, 25
"""Of the search for shapes at the end: how far it begins, and how often it looks for each."""
STEPS = 30
EXACT = 1e-20
"""Newton decrement a unit of weight at which the fit to a rounded law is exact."""


def solve(problem: Problem, *, start: Start | None, tol: float, max_iter: int) -> Solution:
    """Minimise the cost of a noise with corners over coefficients, scale and open shapes.

    Parameters
    ----------
    problem : Problem
    start : Start, optional
        An earlier fit.
    tol : float
        Gap at which the fit counts as converged.
    max_iter : int
        Newton steps, for each width of rounding.

    Returns
    -------
    Solution
        Its gap is infinite where nothing proves the fit.
    """
    noise = problem.likelihood.noise
    rounded = LocationScale(Rounded(noise, WIDEST))
    wide = replace(problem, likelihood=rounded, watch=_OfTheLaw(problem.watch))
    first = joint_newton.solve(wide, start=_as_rounded(start), tol=tol, max_iter=max_iter)
    law = first.noise.law
    first = replace(first, noise=law)
    if first.outcome.status in NO_ESTIMATE or not law.corners:
        return first
    if first.outcome.status is Status.STOPPED:
        return replace(first, gap=math.inf, outcome=stopped(first.n_iter, math.inf, tol))
    with blocks_share_cores(problem.rows.n_columns):
        sharp = JointObjective(problem.rows, noise, problem.fit_intercept)
        linear = sharp.pack(first.coef, first.intercept, first.scale)
        theta = np.concatenate([linear, sharp.open.places_of(law)])
        if is_away(sharp, theta):
            smooth = _without_corners(problem, sharp, theta, tol, max_iter)
            if smooth is not None:
                return _solution(sharp, first, *smooth)
        best = _narrowed(problem, sharp, theta, WIDEST, max_iter)
        if not (sharp.convex or best.stopped):
            best = _best_around(problem, sharp, best, max_iter)
        return _solution(sharp, first, best, *_judge(sharp, best, tol))


class _OfTheLaw(Watch):
    """Shows the law itself where a rounded one is fitted."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def stops(self, place: Callable[[], Place]) -> bool:
        def of_the_law() -> Place:
            there = place()
            return replace(there, noise=there.noise.law)

        return self.watch.stops(of_the_law)


def _solution(
    sharp: JointObjective, first: Solution, best: End, outcome: Outcome, gap: float
) -> Solution:
    found = sharp.noise(best.theta)
    linear = best.theta[: sharp.n_linear]
    coef, intercept = sharp.unpack(shortest(sharp.of(found), linear, best.flat, best.value))
    return replace(
        first,
        coef=coef,
        intercept=intercept,
        scale=sharp.scale(best.theta),
        noise=found,
        cost=best.value,
        outcome=outcome,
        n_iter=first.n_iter + best.n_iter,
        gap=gap,
    )


@dataclass(frozen=True)
class End:
    """Where rounding became nothing.

    Parameters
    ----------
    theta : ndarray of shape (size,)
    value : float
        The cost there, of the law as it is.
    n_iter : int
    flat : ndarray of shape (n_linear, k)
        Directions of the coefficients without curvature.
    stopped : bool
        Whether a watch ended it.
    """

    theta: FloatArray
    value: float
    n_iter: int
    flat: FloatArray
    stopped: bool = False


def _narrowed(
    problem: Problem, sharp: JointObjective, theta: FloatArray, width: float, max_iter: int
) -> End:
    """The fits to ever less rounded laws, from theta on, until the law is as it is."""
    n, taken, weight = sharp.n_linear, 0, sharp.rows.total_weight
    while True:
        held = width < WITH_SHAPES
        law = sharp.noise(theta) if held else sharp.open.noise
        there = sharp.of(Rounded(law, width))
        steps = min(max_iter, STEPS)
        end = descend_jointly(there, theta[: there.size], math.inf, steps, EXACT * weight)
        taken += end.n_iter
        if math.isfinite(end.value):
            theta = np.concatenate([end.theta, theta[there.size :]])
        stop = problem.watch.stops(partial(_place, sharp, theta))
        if width <= NARROWEST or stop:
            flat = end.curvature.flat[:n]
            return End(theta, _value(sharp, theta), max(1, taken), flat, stop)
        width = max(NARROWEST, NARROWER * width)


def _without_corners(
    problem: Problem, sharp: JointObjective, theta: FloatArray, tol: float, max_iter: int
) -> tuple[End, Outcome, float] | None:
    """The fit to the law as it is, where no row comes near a corner on the way."""
    weight = sharp.rows.total_weight
    end = descend_jointly(sharp, theta, tol, max_iter, EXACT * weight, watch=problem.watch)
    if not math.isfinite(end.value) or not is_away(sharp, end.theta):
        return None
    flat = end.curvature.flat[: sharp.n_linear]
    outcome, gap = joint_newton.judge(end, sharp.open.noise, weight, tol, max_iter)
    return End(end.theta, end.value, max(1, end.n_iter), flat, end.stopped), outcome, gap


def _best_around(problem: Problem, sharp: JointObjective, best: End, max_iter: int) -> End:
    """The best end of descents from places around, and of a search for the shapes there."""
    quiet = replace(problem, watch=NOBODY)
    rng = np.random.default_rng(0)
    hops, in_vain = min(HOPS, ROWS_HOPPED // sharp.rows.n_rows), 0
    for _ in range(hops):
        if in_vain == IN_VAIN:
            break
        there = sharp.of(Rounded(sharp.open.noise, TO_HOP))
        curvature = Curvature.of(there.derivatives(best.theta).hessian)
        hop = FAR * curvature.root @ rng.standard_normal(curvature.rank) / curvature.unit
        end = _narrowed(quiet, sharp, best.theta + hop, TO_HOP, max_iter)
        in_vain = 0 if end.value < best.value - SAME * abs(best.value) else in_vain + 1
        best = end if end.value < best.value else best
        if problem.watch.stops(partial(_place, sharp, best.theta)):
            return replace(best, stopped=True)
    if hops and sharp.open.size:
        best = _with_shapes_searched(quiet, sharp, best, max_iter)
    return best


def _with_shapes_searched(problem: Problem, sharp: JointObjective, best: End, max_iter: int) -> End:
    """The best fit with shapes a little different, by the simplex of Nelder and Mead (1965)."""
    n = sharp.n_linear

    def cost(u: FloatArray) -> float:
        nonlocal best
        theta = np.concatenate([best.theta[:n], sharp.open.inside(u)])
        end = _narrowed(problem, sharp, theta, NARROWER * WITH_SHAPES, max_iter)
        best = end if end.value < best.value else best
        return end.value if math.isfinite(end.value) else 1e300

    u = best.theta[n:]
    simplex = u + SIMPLEX * np.vstack([np.zeros(u.size), np.eye(u.size)])
    options = {"initial_simplex": simplex, "maxfev": EVALUATIONS * u.size, "xatol": 1e-9}
    optimize.minimize(cost, u, method="Nelder-Mead", options=options)
    return best


def _judge(sharp: JointObjective, best: End, tol: float) -> tuple[Outcome, float]:
    """How it ended, and the gap if there is a proof."""
    gap = proven_gap(sharp, best.theta, NARROWEST) if sharp.convex else math.inf
    if best.stopped:
        return stopped(best.n_iter, gap, tol), gap
    if gap <= tol:
        return CONVERGED, gap
    if sharp.convex:
        return joint_newton.stalled(gap, tol), gap
    found = sharp.noise(best.theta)
    places = ", ".join(f"{place:.4g}" for place in found.corners)
    return Outcome(
        Status.STALLED,
        f"The density of {found!r} has a corner or a zero inside, at {places}, where rows are: "
        "such a likelihood has many local maxima. The coefficients are the best found, but "
        f"nothing proves that they are the best of all within tol={tol:.1e}: begin elsewhere with "
        "warm_start=True to make surer, or use a noise with a smooth density.",
    ), gap


def _value(sharp: JointObjective, theta: FloatArray) -> float:
    value = sharp.value(theta)
    return value if math.isfinite(value) else math.inf


def _place(sharp: JointObjective, theta: FloatArray) -> Place:
    return Place(*sharp.unpack(theta), sharp.scale(theta), sharp.noise(theta))


def _as_rounded(start: Start | None) -> Start | None:
    """A start whose noise is known by the same name as that of the problem, and its shapes."""
    if start is None or not isinstance(start.noise, FromScipy):
        return None
    return replace(start, noise=Rounded(start.noise, WIDEST))
