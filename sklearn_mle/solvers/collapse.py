"""Where the likelihood has no bound: a plane through so many rows that the scale runs to zero.

A density that falls like ``|z|**-(1 + a)`` forgives rows far away. With an ever smaller scale s, a
row on the plane gains ``log(1 / s)`` and another loses ``a * log(1 / s)`` at most, so that the
likelihood grows for ever if the rows on the plane weigh more than ``a`` times the others (Fernandez
and Steel 1999). Ties, repeated rows and heavy weights make it so. Such a plane is no estimate: ends
of other descents are preferred to it, and where there is none the fit says so.

What is found is proven: least squares of the rows near the plane goes through each of them up to
rounding, and the cost of the others is followed towards a scale of zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.likelihoods.location_scale import LocationScale, residuals, rounding_error
from sklearn_mle.noises.gaussian import Gaussian
from sklearn_mle.noises.laplace import Laplace
from sklearn_mle.noises.noise import FloatArray, Noise
from sklearn_mle.rows.rows import Block
from sklearn_mle.solvers import least_absolute, least_squares
from sklearn_mle.solvers.descent import Descent
from sklearn_mle.solvers.solution import Outcome, Problem, Solution, Status
from sklearn_mle.solvers.watch import NOBODY

NEAR = (1e-3, 1.0)
"""Residuals, in scales, up to which rows may be on the plane: the first that proves it counts."""
TOWARDS_ZERO = (0.0, 1.0, 4.0, 16.0, 64.0)
"""Logarithms of what the scale is divided by."""
SQUARES_TOL, SQUARES_STEPS = 1e-8, 1000
ABSOLUTE_TOL, ABSOLUTE_STEPS = 1e-6, 100
FARTHEST = 1e20
"""Sum of residuals from which they are drawn together first, so that their squares are numbers."""


def without_collapse(
    problem: Problem, objective: JointObjective, ends: list[Descent], tol: float
) -> list[Descent]:
    """The ends at which the scale does not run to zero; all of them if it does at each."""
    if objective.convex:
        return ends
    return [end for end in ends if collapse(problem, objective, end, tol) is None] or ends


def collapse(
    problem: Problem, objective: JointObjective, end: Descent, tol: float
) -> Solution | None:
    """The plane on which the scale of a descent runs to zero; None where it does not.

    A descent that reached its gap with a Hessian clearly of full rank is at a minimum, and rows
    are not asked.

    Parameters
    ----------
    problem : Problem
    objective : JointObjective
        Of all its rows, or of some.
    end : Descent
    tol : float
        Gap at which a descent counts as converged.

    Returns
    -------
    Solution or None
        The least squares of the rows on the plane, at scale 0, with the noise of the descent.
    """
    at_minimum = end.gap <= tol and end.curvature.least > 0.0
    return None if at_minimum else collapse_at(problem, objective, end.theta)


def collapse_at(
    problem: Problem,
    objective: JointObjective,
    theta: FloatArray,
    squares: Callable[..., Solution] = least_squares.solve,
) -> Solution | None:
    """The same for any place, whatever led there, by this solver for least squares."""
    if objective.convex or not objective.tau(theta) > 0.0:
        return None
    noise, z = objective.noise(theta), objective.residuals(theta)
    for limit in NEAR:
        share = _falls_for_ever(objective, noise, z, limit)
        if not share > 0.0:
            continue
        near = objective.rows.keep(partial(_is_near, limit=limit), z)
        law = LocationScale(Gaussian())
        on_it = replace(problem, rows=near, likelihood=law, watch=NOBODY)
        plane = squares(on_it, start=None, tol=SQUARES_TOL, max_iter=SQUARES_STEPS)
        if plane.outcome.status is Status.EXACT_FIT:
            return replace(plane, noise=noise)
    return None


def _is_near(block: Block, z: FloatArray, limit: float) -> NDArray[np.bool_]:
    return np.abs(z) <= limit


def collapsed(
    problem: Problem, plane: Solution, absolute: Callable[..., Solution] = least_absolute.solve
) -> Solution:
    """What a fit comes to whose descents all collapse.

    Of their plane and that of least absolute deviations the one that more weight is on is kept:
    descents may fall for any plane that is heavy enough.
    """
    laplace = replace(problem, likelihood=LocationScale(Laplace()), watch=NOBODY)
    other = absolute(laplace, start=None, tol=ABSOLUTE_TOL, max_iter=ABSOLUTE_STEPS)
    shares = [_share_on(problem, one) for one in (plane, other)]
    found = plane if shares[0] >= shares[1] else other
    return replace(
        plane,
        coef=found.coef,
        intercept=found.intercept,
        cost=math.inf,
        gap=math.inf,
        outcome=_collapsed(plane.noise, max(shares)),
    )


def _share_on(problem: Problem, plane: Solution) -> float:
    """Share of the weight of rows that a plane goes through, up to rounding."""
    coef, intercept = plane.coef, float(plane.intercept)

    def per_block(block: Block) -> tuple[float]:
        error = rounding_error(block.X, block.y, coef, intercept)
        on_it = np.abs(residuals(block, coef, intercept)) <= error
        return (float(block.weigh(on_it.astype(float)).sum()),)

    return float(problem.rows.total(per_block)[0]) / problem.rows.total_weight


def _falls_for_ever(objective: JointObjective, noise: Noise, z: FloatArray, limit: float) -> float:
    """Share of the weight near the plane if the cost falls all the way to a scale of 0; else 0."""
    middle = float(noise.cost(np.zeros(1))[0])
    (total,) = objective.rows.total(lambda block, part: (float(np.abs(part).sum()),), z)
    drawn = FARTHEST / max(total, FARTHEST)

    def per_block(block: Block, part: FloatArray) -> tuple[float, FloatArray]:
        near = _is_near(block, part, limit)
        far = np.where(near, 0.0, drawn * part)
        costs = [np.where(near, middle, noise.cost(math.exp(t) * far)) for t in TOWARDS_ZERO]
        return float(block.weigh(near.astype(float)).sum()), block.weigh(np.array(costs).T).sum(0)

    with np.errstate(over="ignore", invalid="ignore"):
        on_it, costs = objective.rows.total(per_block, z)
    weight = objective.rows.total_weight
    costs = costs - weight * np.array(TOWARDS_ZERO)
    falls = all(before > after for before, after in pairwise(costs.tolist()))
    return on_it / weight if falls else 0.0


def _collapsed(noise: Noise, share: float) -> Outcome:
    """The outcome of a scale that runs to zero."""
    ratio = share / (1.0 - share) if share < 1.0 else math.inf
    return Outcome(
        Status.COLLAPSED,
        "The likelihood must have a bound for the scale to be estimated; got one that grows for "
        f"ever, because the model goes through rows of {100.0 * share:.3g} % of the weight and the "
        f"tails of {noise!r} forgive all others. The coefficients of that plane are kept, with "
        "scale 0, and can be used to predict; for a scale, use a law whose density falls faster "
        f"than |z|**-{1.0 + ratio:.3g}, such as 'laplace' or Student t with df above {ratio:.3g}, "
        "or a target that is not rounded.",
    )
