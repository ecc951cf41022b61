"""Ends of descents in location, scale and open shapes: each one, and how they differ."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.solvers import curved_valley, descent
from sklearn_mle.solvers.collapse import collapse
from sklearn_mle.solvers.curvature import Curvature
from sklearn_mle.solvers.descent import Descent
from sklearn_mle.solvers.held_location import is_only_end, may_agree, tuned
from sklearn_mle.solvers.joint_starts import (
    ENOUGH,
    absolute_start,
    can_be_tuned,
    candidates,
    few_of,
    has_few_rows,
    robust_start,
)
from sklearn_mle.solvers.solution import Problem
from sklearn_mle.solvers.watch import NOBODY, Place, Watch, never

SAMPLE_TOL = 1e-3
FIRST_STEPS = 20
"""Newton steps after which descents from several starts are compared."""
STRAIGHT_STEPS = 25
"""Newton steps in open shapes after which the valley is taken to bend."""
MET = 0.02
"""Squared distance from an end, a unit of weight, at which a descent has come near it: residuals
then differ by a seventh of the scale, where they matter."""
SAMPLING = 2.0
"""Squared distance a parameter from its end within which sampling errors may have led a fit."""
NEARER = 0.25
"""Squared distance from an end, over that before, at which a descent leads there."""
WAY = (0.0, 0.2, 0.4, 0.6, 0.8)
"""Parts of the way to an end at which the cost is asked for."""
HALVINGS = 60


def descend_jointly(
    objective: JointObjective,
    theta: FloatArray,
    tol: float,
    max_iter: int,
    exact: float,
    near: Curvature | None = None,
    watch: Watch = NOBODY,
    stops: Callable[[FloatArray], bool] = never,
) -> Descent:
    """Newton steps to the end, along the bottom of a valley where that bends.

    Parameters
    ----------
    objective : JointObjective
    theta : ndarray of shape (size,)
    tol : float
        The gap that must be reached.
    max_iter : int
    exact : float
        Decrement at which theta is exact.
    near : Curvature, optional
        About that at theta.
    watch : Watch, optional
        Is shown every step.
    stops : callable, optional
        Takes theta after each step; tells whether to end there.

    Returns
    -------
    Descent
    """
    patience = descent.PATIENCE if objective.convex else max_iter
    weight = objective.rows.total_weight

    def ends(theta: FloatArray) -> bool:
        return stops(theta) or watch.stops(lambda: _place(objective, theta))

    steps = min(max_iter, STRAIGHT_STEPS) if objective.open.size else max_iter
    end = descent.descend(objective, theta, weight, tol, steps, exact, near, patience, ends)
    compared = stops is not never and end.n_iter == 0
    there = end.gap <= tol or not math.isfinite(end.value) or compared
    if end.stopped or end.n_iter >= max_iter or there or not objective.open.size:
        return end
    return curved_valley.follow(objective, end, tol, max_iter, exact, ends)


def _place(objective: JointObjective, theta: FloatArray) -> Place:
    return Place(*objective.unpack(theta), objective.scale(theta), objective.noise(theta))


def different_ends(
    problem: Problem,
    objective: JointObjective,
    begin: FloatArray,
    warm: FloatArray | None,
    to_the_end: Callable[[FloatArray], Descent] | None = None,
) -> list[Descent]:
    """Different ends of descents.

    The first leads to the end if ``to_the_end`` is given; all others are roughly where they end. An
    earlier fit that is better than least squares, and within sampling errors of its end, is the
    only start.
    """
    enough, weight = ENOUGH * objective.size, objective.rows.total_weight
    ends: list[Descent] = []

    def met(theta: FloatArray) -> bool:
        known = (end for end in ends if math.isfinite(end.value))
        return any(end.curvature.length(theta - end.theta) <= MET * weight for end in known)

    def descend(theta: FloatArray) -> Descent:
        if to_the_end is not None and not ends:
            return to_the_end(theta)

        def stops(there: FloatArray) -> bool:
            known = [] if has_few_rows(objective) else ends
            return met(there) or any(_leads_to(objective, theta, there, end) for end in known)

        return descend_jointly(objective, theta, SAMPLE_TOL, FIRST_STEPS, enough, stops=stops)

    plain = np.concatenate([begin, objective.open.start()])
    if warm is not None and objective.value(warm) < min(objective.value(plain), math.inf):
        ends.append(descend(warm))
        settled = objective.convex or is_close(objective, ends[0], warm)
        if settled or ends[0].stopped:
            return ends
    starts, first = [begin], None
    if not objective.convex:
        few = few_of(objective)
        starts = [robust_start(few, begin), begin, *absolute_start(problem, objective)]
        if not ends and can_be_tuned(objective) and may_agree(few, starts):
            first = descend(tuned(few, starts[0]))
            only = first.stopped or is_only_end(objective, starts, first)
            if only and collapse(problem, objective, first, SAMPLE_TOL) is None:
                return [first]
    for theta in candidates(objective, starts):
        if ends and met(theta):
            continue
        end = descend(theta)
        if end.stopped and ends:
            continue
        ends.append(end)
        if end.stopped:
            break
    return ends if first is None else [*ends, first]


def _leads_to(
    objective: JointObjective, begin: FloatArray, theta: FloatArray, end: Descent
) -> bool:
    """Whether a descent that has come from ``begin`` to theta is as good as sure to end here.

    It has come much nearer, and the straight rest of the way falls all along. One of both alone
    tells little: a plane through many rows may be steeply below the way to another.
    """
    if not math.isfinite(end.value):
        return False
    before, after = (end.curvature.length(place - end.theta) for place in (begin, theta))
    if not after <= NEARER * before:
        return False
    cost = objective.along(theta, end.theta - theta)
    costs = [cost(t) for t in WAY] + [end.value]
    return all(before > after for before, after in pairwise(costs))


def is_close(objective: JointObjective, end: Descent, theta: FloatArray) -> bool:
    """Whether theta is from this end no further than sampling errors lead."""
    near = SAMPLING * objective.size * objective.rows.total_weight / objective.rows.n_rows
    return end.decrement <= near and end.curvature.length(theta - end.theta) <= near


def settled(
    objective: JointObjective,
    best: Descent | None,
    tol: float,
    to_the_end: Callable[[FloatArray], Descent],
) -> Descent | None:
    """The best end; where it is none, the descent begins anew with a scale that all rows allow.

    A few rows may be so far from where a descent begins that nothing else is seen of the cost:
    where it grows like ``exp(-z)`` each step then brings them closer by one scale alone.
    """
    if best is None or not math.isfinite(best.value) or best.gap <= tol or best.stopped:
        return best
    theta, value = best.theta, best.value
    for _ in range(HALVINGS):
        there = objective.moved(theta, 0.5, 0.0)
        after = objective.value(there)
        if not after < value:
            break
        theta, value = there, after
    if theta is best.theta:
        return best
    again = to_the_end(theta)
    return min(best, again, key=cost_of)


def cost_of(end: Descent) -> float:
    return end.value if math.isfinite(end.value) else math.inf
