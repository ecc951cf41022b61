"""Where a joint fit of location, scale and shapes begins."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.noises.laplace import Laplace
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import weighted_gram
from sklearn_mle.rows.rows import Block
from sklearn_mle.solvers import descent, least_absolute
from sklearn_mle.solvers.curvature import Curvature
from sklearn_mle.solvers.interior import has_ends, moved_inside
from sklearn_mle.solvers.solution import Problem, Start
from sklearn_mle.solvers.watch import NOBODY

ROBUST_ROWS, ROBUST_ROWS_A_TERM = 500, 20
"""Rows that a robust start is fitted to: it need not be exact, but far rows must not move it."""
ROBUST_STEPS, LEVEL = 40, 0.98
"""Reweightings of a robust start; they end where the median residual falls by less."""
NORMAL_MEDIAN = 0.6745
"""The median absolute residual of the normal law, in scales."""
FEW_ROWS_A_PARAMETER = 75
ABSOLUTE_STEPS = 100
ROUGH_STEPS = 5
"""Newton steps after which the shapes of a start are compared."""
KEPT = 3
"""Starts from which descents go all the way."""
ENOUGH = 1e-2
"""Decrement a parameter at which descents are compared; that of its sampling error is 1."""


def few_of(sample: JointObjective) -> JointObjective:
    """The same of so few rows, in memory, that questions to them cost next to nothing."""
    rows = sample.rows
    return sample.on(rows.sample(max(ROBUST_ROWS, ROBUST_ROWS_A_TERM * sample.n_linear)))


def robust_start(few: JointObjective, theta: FloatArray) -> FloatArray:
    """A fit of some rows that far rows do not move, from another one.

    Rows whose residual is beyond the median of all count in inverse proportion to it. A fit that
    far rows have drawn to themselves comes closer to the others by a constant factor each time.

    Parameters
    ----------
    few : JointObjective
        Of a few rows, in memory.
    theta : ndarray of shape (n_linear,)

    Returns
    -------
    ndarray of shape (n_linear,)
    """
    theta = theta / few.tau(theta)
    z = few.residuals(theta)
    median = _median(few, z)
    for _ in range(ROBUST_STEPS):
        if not median > 0.0:
            break
        ahead = _reweighted(few, z, median)
        z = few.residuals(ahead)
        after = _median(few, z)
        if not after < median:
            break
        theta, before, median = ahead, median, after
        if median > LEVEL * before:
            break
    return theta * (NORMAL_MEDIAN / median) if median > 0.0 else theta


def _median(few: JointObjective, z: Any) -> float:
    size = np.abs(few.rows.entries(z))
    return float(np.partition(size, size.size // 2)[size.size // 2])


def _reweighted(few: JointObjective, z: Any, median: float) -> FloatArray:
    """The least squares of rows that count less the further they are beyond the median."""

    def per_block(block: Block, part: FloatArray) -> tuple[FloatArray]:
        share = median / np.maximum(np.abs(part), median)
        return (weighted_gram(few._columns(block), block.weigh(share)),)

    gram = few.rows.total(per_block, z)[0]
    step, _ = Curvature.of(gram[:-1, :-1]).step(gram[:-1, -1])
    return np.append(step, 1.0)


def has_few_rows(objective: JointObjective) -> bool:
    """Whether rows are so few for the parameters that costs may have many minima."""
    return objective.rows.n_rows <= FEW_ROWS_A_PARAMETER * objective.size


def can_be_tuned(objective: JointObjective) -> bool:
    """Whether rows are many, and scale and shapes of a start are cheaply found.

    That is where nothing is known of shapes by differences, and no row may be beyond an end.
    """
    open_shapes = objective.open
    known = not open_shapes.size or all(shape.looks is not None for shape in open_shapes.shapes)
    ends = has_ends(open_shapes.filled(open_shapes.start()))
    return known and not ends and not has_few_rows(objective)


def absolute_start(problem: Problem, objective: JointObjective) -> list[FloatArray]:
    """The least absolute fit of rows so few that costs may have many minima; else nothing."""
    rows = objective.rows
    if not has_few_rows(objective):
        return []
    absolute = replace(problem, rows=rows, likelihood=LocationScale(Laplace()), watch=NOBODY)
    fit = least_absolute.solve(absolute, start=None, tol=1e-6, max_iter=ABSOLUTE_STEPS)
    return [objective.pack(fit.coef, fit.intercept, fit.scale or objective.y_unit)]


def warm_start(objective: JointObjective, start: Start | None) -> FloatArray | None:
    """An earlier fit of the same law, with its scale and shapes, shape (size,).

    Returns
    -------
    ndarray or None
        None where there is no such fit, or it had no scale or no shapes that are searched.
    """
    noise = objective.open.noise
    if start is None or not start.scale or start.noise is None or start.noise.name != noise.name:
        return None
    linear = objective.pack(start.coef, start.intercept, start.scale)
    theta = np.concatenate([linear, objective.open.places_of(start.noise)])
    return theta if np.isfinite(theta).all() else None


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
        if has_ends(noise) or not math.isfinite(value):
            inside = moved_inside(held, held, theta)
            if inside is None:
                continue
            theta, value = inside, held.value(inside)
        found.append((value, theta))
    if n_places > 1 and len(found) > 1:
        found = [min(found, key=lambda one: one[0])]
    if n_places > KEPT:
        weight, enough = held.rows.total_weight, ENOUGH * held.size
        ends = [descent.descend(held, at, weight, 1.0, ROUGH_STEPS, enough) for _, at in found]
        found = [(end.value, end.theta) for end in ends if math.isfinite(end.value)]
    return found
