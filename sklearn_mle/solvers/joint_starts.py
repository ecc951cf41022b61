"""Where a joint fit of location, scale and shapes begins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.noises.laplace import Laplace
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.solvers import least_absolute, newton
from sklearn_mle.solvers.interior import has_ends, moved_inside
from sklearn_mle.solvers.solution import Problem
from sklearn_mle.solvers.watch import NOBODY

ROBUST_ROWS, ROBUST_ROWS_A_TERM = 500, 20
"""Rows that a robust start is fitted to: it need not be exact, but far rows must not move it."""
ROUGH_STEPS = 5
"""Newton steps after which the shapes of a start are compared."""
KEPT = 3
"""Starts from which descents go all the way."""
ENOUGH = 1e-2
"""Decrement a parameter at which descents are compared; that of its sampling error is 1."""


def robust_start(problem: Problem, sample: JointObjective, max_iter: int) -> FloatArray:
    """The least absolute fit of some rows, which far rows do not move."""
    few = sample.rows.sample(max(ROBUST_ROWS, ROBUST_ROWS_A_TERM * sample.n_linear))
    likelihood = LocationScale(Laplace())
    absolute = replace(problem, rows=few, likelihood=likelihood, watch=NOBODY)
    fit = least_absolute.solve(absolute, start=None, tol=1e-6, max_iter=max_iter)
    return sample.pack(fit.coef, fit.intercept, fit.scale or sample.y_unit)


def candidates(sample: JointObjective, starts: list[FloatArray]) -> list[FloatArray]:
    """Places from which descents are worth their while, the best first.

    Where there are many places of the shapes, a few Newton steps with the shapes held tell the
    promising ones.

    Parameters
    ----------
    sample : JointObjective
        Its noise may have open shapes.
    starts : list of ndarray of shape (n_linear,)

    Returns
    -------
    list of ndarray of shape (size,)
    """
    places = sample.open.places()
    found = [
        (value, np.concatenate([theta, u]))
        for u in places
        for value, theta in _beginnings(sample.of(sample.open.filled(u)), starts, len(places))
    ]
    found.sort(key=lambda one: one[0])
    return [theta for _, theta in found][:KEPT]


def _beginnings(
    held: JointObjective, starts: list[FloatArray], n_places: int
) -> list[tuple[float, FloatArray]]:
    """Costs and places at which a descent may begin, for shapes that are held.

    Every start, where the shapes are not one of many places; else the better.
    """
    noise = held.open.noise
    if not noise.bounded:
        return []
    found = []
    for theta in starts:
        value = held.value(theta)
        if has_ends(noise) or not np.isfinite(value):
            inside = moved_inside(held, held, theta)
            if inside is None:
                continue
            theta, value = inside, held.value(inside)
        found.append((value, theta))
    if n_places > 1 and len(found) > 1:
        found = [min(found, key=lambda one: one[0])]
    if n_places > KEPT:
        weight, enough = held.rows.total_weight, ENOUGH * held.size
        ends = [newton.descend(held, at, weight, 1.0, ROUGH_STEPS, enough) for _, at in found]
        found = [(end.value, end.theta) for end in ends if np.isfinite(end.value)]
    return found
