"""The covariance of a fit from fits to rows drawn again.

Rows are drawn with replacement as often as there were rows, repeats counted; where groups are
given, whole groups are drawn. Each fit has its own stream of random numbers, so that the numbers do
not depend on how many processes share the work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from sklearn_mle.inference.covariance import Covariance, nothing
from sklearn_mle.inference.row_costs import LocationScaleCosts
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers.choose import choose
from sklearn_mle.solvers.solution import Problem, Solution, Start, Status

FEW = 20
"""Fits below which no covariance is given."""


@dataclass(frozen=True)
class Refit:
    """How the fit is made again.

    Parameters
    ----------
    likelihood : LocationScale or Softmax
        With its shapes open.
    solver : str
    fit_intercept : bool
    tol : float
    max_iter : int
    start : Start
    """

    likelihood: Any
    solver: str
    fit_intercept: bool
    tol: float
    max_iter: int
    start: Start

    def of(self, rows: InMemoryRows) -> Solution:
        """The fit to these rows."""
        problem = Problem(rows, self.likelihood, self.fit_intercept)
        module = choose(self.likelihood, self.solver)
        found: Solution = module.solve(
            problem, start=self.start, tol=self.tol, max_iter=self.max_iter
        )
        return found


def bootstrap(
    valley: Valley,
    refit: Refit,
    n_resamples: int,
    seed: int,
    n_jobs: int | None,
    verbose: int,
    groups: NDArray[np.intp] | None = None,
) -> Covariance:
    """The covariance of theta over fits to rows drawn again.

    Parameters
    ----------
    groups : ndarray of shape (n,), optional
        Codes 0 .. G - 1 of groups that are drawn as one.
    """
    if valley.endless:
        return nothing(
            valley,
            "The classes can be separated by a plane: there is no finite fit to make again, and "
            "bootstrap standard errors do not exist. Use cov='model'.",
        )
    streams = np.random.SeedSequence(seed).spawn(n_resamples)
    with Parallel(n_jobs=n_jobs, verbose=verbose) as workers:
        found = workers(delayed(_once)(valley, refit, stream, groups) for stream in streams)
    thetas = np.array([theta for theta in found if theta is not None])
    if thetas.shape[0] < FEW:
        return nothing(
            valley,
            f"Only {thetas.shape[0]} of {n_resamples} resamples had a finite fit: bootstrap "
            "standard errors do not exist.",
        )
    lost = n_resamples - thetas.shape[0]
    notes: tuple[str, ...] = ()
    if lost:
        notes = (f"{lost} of {n_resamples} resamples had no finite fit and were left out.",)
    what = "rows" if groups is None else f"{int(groups.max()) + 1} groups"
    df = math.inf
    if valley.normal:
        df = (valley.rows.total_weight - valley.n_location) if groups is None else groups.max()
    matrix = np.atleast_2d(np.cov(thetas, rowvar=False))
    return Covariance(matrix, float(df), f"bootstrap of {what}, {n_resamples} resamples", notes)


def _once(
    valley: Valley,
    refit: Refit,
    stream: np.random.SeedSequence,
    groups: NDArray[np.intp] | None,
) -> FloatArray | None:
    """The theta of one resample; None where it has no finite fit."""
    rows: Any = valley.rows
    weight = drawn_again(rows.weight, rows.y.shape[0], stream, groups)
    solution = refit.of(InMemoryRows(rows.X, rows.y, weight))
    bad = (Status.SEPARATED, Status.EXACT_FIT, Status.COLLAPSED)
    if solution.outcome.status in bad or not np.isfinite(solution.cost):
        return None
    return theta_of(valley, solution)


def drawn_again(
    weight: FloatArray | None,
    n: int,
    stream: np.random.SeedSequence,
    groups: NDArray[np.intp] | None,
) -> FloatArray:
    """Weights of one resample, shape (n,)."""
    rng = np.random.default_rng(stream)
    if groups is not None:
        count = int(groups.max()) + 1
        times = np.bincount(rng.integers(0, count, count), minlength=count)[groups]
        return np.asarray(times * (np.ones(n) if weight is None else weight), dtype=np.float64)
    if weight is None:
        return np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)
    total = float(weight.sum())
    draws = max(1, round(total))
    drawn = rng.multinomial(draws, weight / total) * (total / draws)
    return np.asarray(drawn, dtype=np.float64)


def theta_of(valley: Valley, solution: Solution) -> FloatArray:
    """The place of another fit in the coordinates of this one."""
    costs = valley.costs
    coef: Any = np.atleast_2d(solution.coef)
    level: Any = np.atleast_1d(solution.intercept)
    if not isinstance(costs, LocationScaleCosts):
        if costs.n_scores > 1:
            basis = costs.basis  # type: ignore[attr-defined]
            coef, level = basis.T @ coef, basis.T @ level
        return valley.terms.inside(coef, level).ravel()
    values = [solution.scale, *solution.noise.shape_values([s.name for s in costs.shapes])]
    extras = [float(r.stretched(v)) for r, v in zip(costs.stretches, values)]
    return np.concatenate([valley.terms.inside(coef, level).ravel(), np.array(extras)])
