"""The quantile of a pinball loss, by the likelihood: exact fits within a search for it."""

from __future__ import annotations

from dataclasses import replace

from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.noises.noise import Fact, Noise
from sklearn_mle.solvers import least_absolute
from sklearn_mle.solvers.shape_search import best_shapes, starting_noise
from sklearn_mle.solvers.solution import Problem, Solution, Start

NEEDS = Fact.PIECEWISE_LINEAR


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
        Exact for its shapes, which are known to about the root of the machine precision.
    """
    noise = problem.likelihood.noise

    def exact(filled: Noise, near: Start | None) -> Solution:
        there = replace(problem, likelihood=LocationScale(filled))
        return least_absolute.solve(there, start=near, tol=tol, max_iter=max_iter)

    def profile(filled: Noise, near: Start | None) -> tuple[float, Start | None]:
        solution = exact(filled, near)
        return solution.cost, Start(solution.coef, solution.intercept)

    begin = starting_noise(noise)
    found, near = best_shapes(noise, begin, profile, start, narrow=False)
    return exact(found, near)
