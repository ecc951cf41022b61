"""Quantile fits of sparse columns by normal equations: exact, and proved."""

import numpy as np
import pytest
from scattered import scattered
from scipy import sparse

from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.noises import AsymmetricLaplace
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers import boxed_columns, least_absolute, least_absolute_cg, sparse_normal
from sklearn_mle.solvers.solution import Problem, Status
from sklearn_mle.solvers.sparse_normal import SparseNormal, apart


def levels(n, sizes, rng):
    """Factors, all their levels as columns."""
    return sparse.csr_array(np.hstack([np.eye(k)[rng.integers(0, k, n)] for k in sizes]))


def mixed(n, rng):
    """Levels of two factors, scattered numbers, a column far from zero, in different units."""
    year = sparse.csr_array(2000.0 + rng.integers(0, 9, (n, 1)))
    X = sparse.hstack([levels(n, (30, 12), rng), scattered(n, 10, 0.2, rng), year], format="csr")
    return X @ sparse.diags_array(10.0 ** rng.integers(-6, 7, X.shape[1]))


@pytest.mark.parametrize(
    ("quantile", "weighted", "fit_intercept"),
    [(0.5, False, True), (0.9, True, False), (0.9, True, True)],
)
def test_the_exact_fit_in_any_units(quantile, weighted, fit_intercept):
    rng = np.random.default_rng(5)
    X = sparse.csr_array(mixed(800, rng))
    size = np.sqrt(X.power(2).mean(axis=0))
    y = 7.0 + X @ (rng.normal(size=X.shape[1]) / size) + rng.laplace(size=800)
    w = rng.integers(0, 3, 800).astype(float) if weighted else None
    noise = LocationScale(AsymmetricLaplace(quantile=quantile))
    one = Problem(InMemoryRows(X, y, w), noise, fit_intercept)
    how = {"start": None, "tol": 1e-8, "max_iter": 100}
    like, made = least_absolute.solve(one, **how), least_absolute_cg.solve(one, **how)
    assert made.outcome.status is Status.CONVERGED and made.gap <= 1e-10
    assert made.cost == pytest.approx(like.cost, rel=1e-10)
    assert made.scale == pytest.approx(like.scale, rel=1e-9)
    assert made.rank == like.rank


def test_columns_too_many_to_be_factored_leave_a_gap(monkeypatch):
    rng = np.random.default_rng(6)
    X = scattered(2000, 80, 0.1, rng)
    y = X @ rng.normal(size=80) + rng.laplace(size=2000)
    one = Problem(InMemoryRows(X, y), LocationScale(AsymmetricLaplace(quantile=0.5)), True)
    monkeypatch.setattr(sparse_normal, "LARGEST", 10)
    made = least_absolute_cg.solve(one, start=None, tol=1e-12, max_iter=100)
    assert made.outcome.status is Status.STALLED and 1e-12 < made.gap < 1e-2


def test_columns_taken_out_first_share_no_row():
    rng = np.random.default_rng(7)
    Z = levels(900, (50, 12), rng)
    first = apart(Z)
    assert first[:50].all() and not first[50:].any()
    other = scattered(400, 60, 0.02, rng)
    chosen = other[:, np.flatnonzero(apart(other))]
    assert 1 < chosen.shape[1] < 60 and (chosen.toarray() != 0.0).sum(axis=1).max() == 1


def test_solutions_are_those_of_the_whole_matrix():
    rng = np.random.default_rng(8)
    Z = sparse.csr_array(sparse.hstack([levels(900, (50, 12), rng)[:, :-1], np.ones((900, 1))]))
    Z = Z[:, : 50 + 11]
    d, b = np.exp(rng.normal(scale=4.0, size=900)), rng.normal(size=Z.shape[1])
    normal = SparseNormal(Z)
    assert 11 <= normal.others.size < 20
    x = normal.factored(d)(b)
    whole = Z.toarray().T @ (d[:, None] * Z.toarray())
    np.testing.assert_allclose(whole @ x, b, atol=1e-8)


def test_dependent_columns_are_dropped_and_get_their_share_back():
    rng = np.random.default_rng(9)
    X = levels(3000, (40, 30), rng)
    y = X @ rng.normal(size=70) + rng.laplace(size=3000)
    one = Problem(InMemoryRows(X, y), LocationScale(AsymmetricLaplace(quantile=0.5)), True)
    assert boxed_columns._independent(X, np.zeros((71, 0)), ()).size == 70
    how = {"start": None, "tol": 1e-11, "max_iter": 100}
    like, made = least_absolute.solve(one, **how), least_absolute_cg.solve(one, **how)
    assert made.gap <= 1e-10 and made.rank == like.rank == 68
    assert made.cost == pytest.approx(like.cost, rel=1e-10)
    centred = X.toarray() - X.toarray().mean(axis=0)
    null = np.linalg.svd(centred)[2][68:]
    np.testing.assert_allclose(null @ made.coef, 0.0, atol=1e-9)
