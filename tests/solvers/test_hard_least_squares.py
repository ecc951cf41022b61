"""Least squares on hard cases: the gap is small, and true by a bound that the tests compute."""

from fractions import Fraction

import numpy as np
import pytest

from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.noises import Gaussian
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers.least_squares import solve_traced
from sklearn_mle.solvers.solution import Problem, Status
from tests.solvers.lad_cases import draw_case, orthonormal, residuals
from tests.solvers.test_least_squares import exact_solution

EPS = float(np.finfo(float).eps)


def solved(X, y, weight=None, fit_intercept=True):
    problem = Problem(InMemoryRows(X, y, weight), LocationScale(Gaussian()), fit_intercept)
    return solve_traced(problem, 1e-8, 100)[0]


def explained(case, coef, intercept):
    """The share of the squared residuals that the columns still explain, and their rank.

    By projection in extended precision: the relative gap of the loss.
    """
    w = np.ones(case.y.shape[0]) if case.weight is None else case.weight
    X, y, w = case.X[w > 0.0], case.y[w > 0.0], w[w > 0.0]
    root = np.sqrt(w.astype(np.longdouble))
    A, blur = X.astype(np.longdouble), 0.0
    if case.fit_intercept:
        A = A - A.mean(axis=0)
        spread = np.sqrt(np.mean(A**2, axis=0))
        varies = spread > 8.0 * EPS * np.abs(X.mean(axis=0))
        offset = np.abs(X.mean(axis=0)[varies]) / spread[varies]
        blur = float(32.0 * EPS * (1.0 + np.max(offset, initial=0.0)))
        A = np.column_stack([np.ones(y.shape[0]), A[:, varies]])
    U = orthonormal(A * root[:, None], blur)
    v = root * residuals(X, y, coef, intercept)
    found = U.T @ v
    return float(np.sum(found**2) / np.sum(v**2)), U.shape[1]


def left_of_terms(case, coef, intercept):
    """Residuals over the terms that they are left of, both as roots of weighted squares."""
    w = np.ones(case.y.shape[0]) if case.weight is None else case.weight
    left = case.y - case.X @ coef - intercept
    terms = np.abs(case.y) + np.abs(case.X) @ np.abs(coef) + abs(intercept)
    return np.sqrt((w @ left**2) / max(w @ terms**2, np.finfo(float).tiny))


def check(seed):
    case = draw_case(seed)
    solution = solved(case.X, case.y, case.weight, case.fit_intercept)
    if solution.outcome.status is Status.EXACT_FIT:
        assert left_of_terms(case, solution.coef, solution.intercept) <= 64.0 * EPS, case.name
        return
    gap, rank = explained(case, solution.coef, solution.intercept)
    assert solution.outcome.status is Status.CONVERGED, case.name
    assert solution.gap <= 1e-9, case.name
    assert rank == solution.rank + case.fit_intercept, case.name
    assert gap <= solution.gap * (1.0 + 1e-6) + 1e-15, case.name


@pytest.mark.parametrize("first", [0, 50, 2396, 110490])
def test_hard_cases(first):
    for seed in range(first, first + (50 if first < 1000 else 1)):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(500, 3000, 100))
def test_many_hard_cases(first):
    for seed in range(first, first + 100):
        check(seed)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("digits", "offset"), [(8, 1e3), (8, 1e6), (8, 1e7), (7, 1e6), (5, 1e8)], ids="{}".format
)
def test_far_columns_that_nearly_repeat_each_other(seed, digits, offset):
    """Condition and offset together: means in double precision would couple what they separate."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(60, 3))
    Z[:, -1] = Z[:, 0] + 10.0**-digits * Z[:, -1]
    X = Z + offset * rng.uniform(0.5, 2.0, size=3)
    y = Z @ rng.normal(size=3) + 0.1 * rng.normal(size=60) + 3.0
    solution = solved(X, y)
    assert solution.rank == 3
    rows = [[Fraction(value) for value in row] for row in X.tolist()]
    exact = exact_solution(rows, [Fraction(value) for value in y.tolist()], True)
    for b, value in zip(exact, [*solution.coef.tolist(), solution.intercept]):
        assert abs(b - Fraction(value)) <= abs(b) * Fraction(1e-9)
    assert solution.gap <= 1e-11


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_exact_fits_of_dependent_columns_are_the_shortest(fit_intercept):
    for seed in range(300):
        rng = np.random.default_rng(seed)
        p = int(rng.integers(2, 9))
        n = int(rng.integers(2, p + 1))
        X, y = rng.normal(size=(n, p)) + 2.0 * fit_intercept, rng.normal(size=n)
        coef = solved(X, y, None, fit_intercept).coef
        Z, v = (X - X.mean(axis=0), y - y.mean()) if fit_intercept else (X, y)
        shortest, _, _, size = np.linalg.lstsq(Z, v, rcond=1e-12)
        condition = size[0] / size[size > 1e-12 * size[0]][-1]
        off = np.linalg.norm(coef - shortest) / np.linalg.norm(shortest)
        assert off <= 1e-13 * condition**2, seed
