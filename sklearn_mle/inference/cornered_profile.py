"""The least cost with one parameter held, for costs with corners: by exact fits.

At a scale of s the least loss costs ``W * (log(s) + cost(0) + mean loss / s**k)``, and the
coefficients do not depend on s. A held coefficient is moved to the left side; an open shape is
searched for again wherever something else is held, from where it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize

from sklearn_mle.inference.parameters import INTERCEPT, Parameter
from sklearn_mle.inference.row_costs import LocationScaleCosts
from sklearn_mle.inference.valley import Valley
from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.noises.noise import Noise
from sklearn_mle.rows import matrix
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers.choose import choose
from sklearn_mle.solvers.solution import Problem, Solution

REACH = 10.0
"""How far from the fit an open shape is searched, in roots of the number of rows on its line."""
PLACE = 1e-5
"""Error of the place found for it; the cost is flat there."""


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
        return lambda move: _held(valley, noise, parameter, place + move).cost
    return lambda move: _over_shape(
        valley, costs, lambda law: _held(valley, law, parameter, place + move).cost
    )


def _of_scale(
    valley: Valley, costs: LocationScaleCosts, noise: Noise, place: float
) -> Callable[[float], float]:
    weight = valley.rows.total_weight
    k = noise.degree
    assert k is not None

    def at(scale: float, law: Noise, best_scale: float) -> float:
        # the best scale of a loss of degree k is (k * mean loss) ** (1 / k)
        spent = (best_scale / scale) ** k / k
        return weight * (math.log(scale) + law.cost_at_zero + spent)

    if not costs.shapes:
        best = math.exp(place)
        return lambda move: at(math.exp(place + move), noise, best)
    return lambda move: _over_shape(
        valley, costs, lambda law: at(math.exp(place + move), law, _exact(valley, law).scale)
    )


def _over_shape(valley: Valley, costs: LocationScaleCosts, cost: Callable[[Noise], float]) -> float:
    """The least of a cost over the one open shape."""
    bottom = float(valley.split(valley.bottom)[1][1])
    spread = REACH / math.sqrt(valley.rows.total_weight)
    found = optimize.minimize_scalar(
        lambda u: cost(costs.with_shapes(np.array([u]))),
        bounds=(bottom - spread, bottom + spread),
        method="bounded",
        options={"xatol": PLACE * spread},
    )
    return min(float(found.fun), cost(costs.noise))


def _exact(valley: Valley, noise: Noise) -> Solution:
    return _solved(valley.rows, noise, valley.terms.intercept)


def _held(valley: Valley, noise: Noise, parameter: Parameter, value: float) -> Solution:
    """The fit with a coefficient or the intercept at a value."""
    rows: Any = valley.rows
    column = parameter.column
    held = np.ones(rows.y.shape[0]) if column == INTERCEPT else matrix.column(rows.X, column)
    others = rows.X if column == INTERCEPT else matrix.without_column(rows.X, column)
    moved = InMemoryRows(others, rows.y - value * held, rows.weight)
    return _solved(moved, noise, valley.terms.intercept and column != INTERCEPT)


def _solved(rows: Any, noise: Noise, fit_intercept: bool) -> Solution:
    likelihood = LocationScale(noise)
    solver = choose(likelihood, "auto")
    problem = Problem(rows, likelihood, fit_intercept)
    found: Solution = solver.solve(problem, start=None, tol=1e-8, max_iter=100)
    return found
