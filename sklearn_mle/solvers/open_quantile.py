"""The quantile of a pinball loss, by the likelihood: exact fits within a search for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sklearn_mle.likelihoods.location_scale import LocationScale, residuals
from sklearn_mle.noises.noise import Fact, FloatArray, Noise
from sklearn_mle.noises.open_shapes import OpenShapes
from sklearn_mle.rows.rows import Block
from sklearn_mle.solvers import least_absolute
from sklearn_mle.solvers.shape_search import best_shapes, starting_noise, stretched
from sklearn_mle.solvers.solution import Problem, Solution, Start, stopped
from sklearn_mle.solvers.watch import NOBODY, Place

NEEDS = Fact.PIECEWISE_LINEAR
WITHIN_MAX_ITER = False

REACH, PLACES = 3.0, 31
"""How far, in roots of the number of rows, and at how many places the profile is looked at: it is
the least of many curves, one a vertex, with a small dip for each."""
BEST = 6
STEPS = 20


def solve(problem: Problem, *, start: Start | None, tol: float, max_iter: int) -> Solution:
    """Minimise over coefficients, scale and the shapes that are open.

    Parameters
    ----------
    problem : Problem
        With a noise whose loss is linear on each side of zero, and open shapes.
    start : Start, optional
    tol : float
    max_iter : int
        For each value of the shapes.

    Returns
    -------
    Solution
        Exact for its quantile, which is the best of the dips that were found.
    """
    noise, halted = problem.likelihood.noise, False

    def exact(filled: Noise, near: Start | None) -> Solution:
        there = replace(problem, likelihood=LocationScale(filled), watch=NOBODY)
        return least_absolute.solve(there, start=near, tol=tol, max_iter=max_iter)

    def profile(filled: Noise, near: Start | None) -> tuple[float, Start | None]:
        nonlocal halted
        if halted:
            return math.inf, near
        solution = exact(filled, near)
        place = Place(solution.coef, solution.intercept, solution.scale, filled)
        halted = problem.watch.stops(lambda: place)
        return solution.cost, Start(solution.coef, solution.intercept)

    begin = starting_noise(noise)
    found, near = best_shapes(noise, begin, profile, start, narrow=False)
    if halted:
        best = exact(found, near)
        return replace(best, gap=math.inf, outcome=stopped(best.n_iter, math.inf, tol))
    centre = float(stretched(noise, found)[0])
    spread = REACH / np.sqrt(problem.rows.total_weight)
    places = centre + spread * np.linspace(-1.0, 1.0, PLACES)
    shapes = OpenShapes(noise, noise.shapes)
    tried = [exact(shapes.filled(np.array([u])), near) for u in places]
    tried.append(exact(found, near))
    tried.sort(key=lambda solution: solution.cost)
    return min((settled(problem, one, exact) for one in tried[:BEST]), key=lambda one: one.cost)


def settled(
    problem: Problem, solution: Solution, exact: Callable[[Noise, Start | None], Solution]
) -> Solution:
    """Where quantile and coefficients suit each other, as far as shapes are searched.

    With A and B the mean residuals above and below, the cost of given coefficients is
    ``log(q A + (1 - q) B) - log(q (1 - q))``, which is least where ``q / (1 - q) = sqrt(B / A)``.
    """
    open_shapes = OpenShapes(problem.likelihood.noise, problem.likelihood.noise.shapes)
    for _ in range(STEPS):
        coef, intercept = solution.coef, solution.intercept

        def sides(
            block: Block, coef: FloatArray = coef, intercept: float = intercept
        ) -> tuple[float, float]:
            r = residuals(block, coef, intercept)
            above, below = np.maximum(r, 0.0), np.maximum(-r, 0.0)
            return float(block.weigh(above).sum()), float(block.weigh(below).sum())

        above, below = problem.rows.total(sides)
        if not (above > 0.0 and below > 0.0):
            break
        odds = float(np.sqrt(below / above))
        name = problem.likelihood.noise.shapes[0].name
        wanted = problem.likelihood.noise.filled({name: odds / (1.0 + odds)})
        noise = open_shapes.filled(open_shapes.places_of(wanted))
        better = exact(noise, Start(coef, intercept))
        if not better.cost < solution.cost:
            break
        solution = better
    return solution
