"""Least squares by conjugate gradients: the fit of the normal equations, without their matrix."""

import tracemalloc

import numpy as np
import pytest
from scattered import scattered
from scipy import sparse

from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.likelihoods.residual_products import HalfSquare, ResidualProducts
from sklearn_mle.noises import Gaussian
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers import least_squares, least_squares_cg
from sklearn_mle.solvers.choose import SOLVERS, choose
from sklearn_mle.solvers.solution import Problem, Status


def problem(n, p, density=0.02, seed=0, weighted=False, fit_intercept=True, noise=1.0, X=None):
    rng = np.random.default_rng(seed)
    if X is None:
        X = scattered(n, p, density, rng)
    y = 1e3 + X @ rng.normal(size=X.shape[1]) + noise * rng.normal(size=n)
    w = rng.integers(0, 3, n).astype(float) if weighted else None
    rows = InMemoryRows(sparse.csr_array(X), y, w)
    return Problem(rows, LocationScale(Gaussian()), fit_intercept)


def fit(one, solver):
    return solver.solve(one, start=None, tol=1e-8, max_iter=100)


@pytest.mark.parametrize("noise", [1.0, 1e-4])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_same_fit_as_by_the_normal_equations(weighted, fit_intercept, noise):
    one = problem(4000, 150, weighted=weighted, fit_intercept=fit_intercept, noise=noise)
    like, made = fit(one, least_squares), fit(one, least_squares_cg)
    np.testing.assert_allclose(made.coef, like.coef, atol=1e-10 * np.abs(like.coef).max())
    assert made.intercept == pytest.approx(like.intercept, rel=1e-10)
    assert made.scale == pytest.approx(like.scale, rel=1e-10)
    assert made.cost == pytest.approx(like.cost, rel=1e-10)
    assert made.gap <= 1e-10 and made.rank == like.rank
    assert made.outcome.status is Status.CONVERGED


def test_dependent_columns_get_the_shortest_coefficients():
    rng = np.random.default_rng(1)
    X = np.hstack([np.eye(k)[rng.integers(0, k, 5000)] for k in (40, 60, 25)])
    one = problem(5000, 125, X=X)
    like, made = fit(one, least_squares), fit(one, least_squares_cg)
    assert made.rank == like.rank == 122
    np.testing.assert_allclose(made.coef, like.coef, atol=1e-9 * np.abs(like.coef).max())


def test_a_fit_through_every_row():
    assert fit(problem(3000, 100, noise=0.0), least_squares_cg).outcome.status is Status.EXACT_FIT


def test_the_objective_is_what_it_says():
    one = problem(500, 20, density=0.3, weighted=True)
    objective = ResidualProducts(one.rows, True, HalfSquare())
    theta = np.random.default_rng(2).normal(size=objective.size)
    value, gradient, H = objective.derivatives(theta)
    coef, intercept = objective.unpack(theta)
    r = one.rows.y - one.rows.X @ coef - intercept
    assert value * objective.y_unit**2 == pytest.approx(0.5 * (one.rows.weight @ r**2), rel=1e-10)
    np.testing.assert_allclose(objective.pack(coef, intercept), theta, atol=1e-10)
    np.testing.assert_allclose(objective.hessian_product(theta)(theta), H @ theta, rtol=1e-9)
    np.testing.assert_allclose(objective.hessian_diagonal(theta), H.diagonal(), rtol=1e-9)
    step = -np.linalg.solve(H, gradient)
    line = objective.along(theta, step)
    assert line(0.7) == pytest.approx(objective.value(theta + 0.7 * step), rel=1e-10)


def test_many_columns_need_no_matrix_of_them():
    one = problem(40_000, 6000, density=1e-3)
    assert choose(one.likelihood, "auto", one.rows) is SOLVERS["least_squares_cg"]
    X = one.rows.X
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    tracemalloc.start()
    made = fit(one, least_squares_cg)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert made.gap <= 1e-12 and made.rank == 6000
    assert peak < 10 * size
