"""The least cost with one parameter held, for costs with corners: by exact fits.

At a scale of s the least loss costs ``W * (log(s) + cost(0) + mean loss / s**k)``, and the
coefficients do not depend on s. A held coefficient is moved to the left side; an open shape is
searched for again wherever something else is held, from where it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import optimize
from sklearn.base import clone

from sklearn_mle.inference.parameters import INTERCEPT, Parameter
from sklearn_mle.inference.row_costs import LocationScaleCosts
from sklearn_mle.inference.valley import Valley
from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.noises.noise import Noise
from sklearn_mle.rows import matrix
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers.choose import choose
from sklearn_mle.solvers.open_quantile import settled
from sklearn_mle.solvers.solution import Problem, Solution, Start

REACH = 25.0
"""How far from the fit an open shape is searched, in roots of the number of rows on its line."""
NEAR, PLACES, BEST = 1.5, 15, 4
"""How far around the best place dips are looked for, at how many, and how many are followed."""
PLACE = 1e-2
"""Error of the place that is searched, as a share of the reach; the cost is flat there."""


def least_cost(valley: Valley, parameter: Parameter, place: float) -> Callable[[float], float]:
    """The least cost with a parameter moved.

    Parameters
    ----------
    valley : Valley
        Of a noise whose loss is linear on each side of zero.
    parameter : Parameter
    place : float
        The parameter's place at the bottom, on its line.

    Returns
    -------
    callable
        Takes the move on the line of the parameter.
    """
    costs, noise = valley.costs, valley.noise
    assert isinstance(costs, LocationScaleCosts) and noise is not None
    if parameter.is_extra and parameter.column > 0:
        return lambda move: _exact(valley, costs.with_shapes(np.array([place + move]))).cost
    if parameter.is_extra:
        return _of_scale(valley, costs, noise, place)
    if not costs.shapes:
        return lambda move: _solved(_held(valley, parameter, place + move), noise).cost
    return lambda move: _refitted(valley, costs, _held(valley, parameter, place + move))


def _of_scale(
    valley: Valley, costs: LocationScaleCosts, noise: Noise, place: float
) -> Callable[[float], float]:
    weight = valley.rows.total_weight
    k = noise.degree
    assert k is not None

    def at(log_scale: float, law: Noise, log_best: float) -> float:
        # the best scale of a loss of degree k is (k * mean loss) ** (1 / k)
        spent = float(np.exp(k * (log_best - log_scale))) / k
        return weight * (log_scale + law.cost_at_zero + spent)

    if not costs.shapes:
        return lambda move: at(place + move, noise, place)
    return lambda move: _over_shape(
        valley, costs, lambda law: at(place + move, law, math.log(_exact(valley, law).scale))
    )[0]


def _over_shape(
    valley: Valley, costs: LocationScaleCosts, cost: Callable[[Noise], float]
) -> tuple[float, float]:
    """The least of a cost over the one open shape, and where that is on its line."""
    bottom = float(valley.split(valley.bottom)[1][1])
    spread = REACH / math.sqrt(valley.rows.total_weight)
    found = optimize.minimize_scalar(
        lambda u: cost(costs.with_shapes(np.array([u]))),
        bounds=(bottom - spread, bottom + spread),
        method="bounded",
        options={"xatol": PLACE * spread},
    )
    return float(found.fun), float(found.x)


def _refitted(valley: Valley, costs: LocationScaleCosts, problem: Problem) -> float:
    """The least cost over coefficients and the open shape.

    It has a small dip for each vertex: the best of those around the least that a search finds is
    taken, with coefficients and shape made to suit each other.
    """
    with_open = replace(problem, likelihood=LocationScale(_opened(costs)))

    def exact(noise: Noise, near: Start | None) -> Solution:
        return _solved(problem, noise, near)

    _, middle = _over_shape(valley, costs, lambda noise: exact(noise, None).cost)
    near = middle + NEAR / math.sqrt(valley.rows.total_weight) * np.linspace(-1.0, 1.0, PLACES)
    tried = [exact(costs.with_shapes(np.array([u])), None) for u in near]
    tried.sort(key=lambda solution: solution.cost)
    return min(settled(with_open, one, exact).cost for one in tried[:BEST])


def _opened(costs: LocationScaleCosts) -> Noise:
    """The noise with the shapes open that were estimated."""
    return clone(costs.noise).set_params(**{shape.name: None for shape in costs.shapes})


def _exact(valley: Valley, noise: Noise) -> Solution:
    problem = Problem(valley.rows, LocationScale(noise), valley.terms.intercept)
    return _solved(problem, noise)


def _held(valley: Valley, parameter: Parameter, value: float) -> Problem:
    """What is left to fit with a coefficient or the intercept at a value."""
    rows: Any = valley.rows
    law, column = valley.noise, parameter.column
    assert law is not None
    held = np.ones(rows.y.shape[0]) if column == INTERCEPT else matrix.column(rows.X, column)
    others = rows.X if column == INTERCEPT else matrix.without_column(rows.X, column)
    moved = InMemoryRows(others, rows.y - value * held, rows.weight)
    intercept = valley.terms.intercept and column != INTERCEPT
    return Problem(moved, LocationScale(law), intercept)


def _solved(problem: Problem, noise: Noise, start: Start | None = None) -> Solution:
    likelihood = LocationScale(noise)
    solver = choose(likelihood, "auto")
    there = replace(problem, likelihood=likelihood)
    found: Solution = solver.solve(there, start=start, tol=1e-8, max_iter=100)
    return found
