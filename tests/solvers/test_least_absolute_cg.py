"""Quantile fits by conjugate gradients: near the exact fit, and never nearer than they say."""

import tracemalloc

import numpy as np
import pytest
from scattered import scattered
from scipy import sparse

from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.noises import AsymmetricLaplace
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers import least_absolute, least_absolute_cg
from sklearn_mle.solvers.choose import SOLVERS, choose
from sklearn_mle.solvers.solution import Problem


def problem(n, p, density, quantile=0.5, weighted=False, fit_intercept=True, seed=0):
    rng = np.random.default_rng(seed)
    X = scattered(n, p, density, rng)
    y = 7.0 + X @ rng.normal(size=p) + rng.laplace(size=n)
    w = rng.integers(0, 3, n).astype(float) if weighted else None
    noise = LocationScale(AsymmetricLaplace(quantile=quantile))
    return Problem(InMemoryRows(sparse.csr_array(X), y, w), noise, fit_intercept)


def loss(one, fit):
    tau, rows = one.likelihood.noise.quantile, one.rows
    r = rows.y - rows.X @ fit.coef - fit.intercept
    w = np.ones(r.size) if rows.weight is None else rows.weight
    return float(w @ np.maximum(tau * r, (tau - 1.0) * r))


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("quantile", [0.5, 0.9])
def test_near_the_exact_fit_and_not_nearer_than_said(quantile, weighted, fit_intercept):
    one = problem(3000, 60, 0.05, quantile, weighted, fit_intercept)
    how = {"start": None, "tol": 1e-8, "max_iter": 100}
    like, made = least_absolute.solve(one, **how), least_absolute_cg.solve(one, **how)
    above = loss(one, made) / loss(one, like) - 1.0
    assert -1e-9 <= above <= made.gap
    assert made.gap < 1e-2 and above < 1e-3
    assert made.rank == like.rank


def test_a_gap_is_true_however_early_the_end():
    one = problem(2000, 40, 0.1)
    least = loss(one, least_absolute.solve(one, start=None, tol=1e-8, max_iter=100))
    gaps = []
    for widths in (1, 2, 3, 5):
        made = least_absolute_cg.solve(one, start=None, tol=1e-8, max_iter=widths)
        assert 1.0 - least / loss(one, made) <= made.gap + 1e-12
        gaps.append(made.gap)
    assert gaps[-1] <= gaps[0]


def test_many_columns_need_no_matrix_of_them():
    one = problem(40_000, 6000, 1e-3)
    assert choose(one.likelihood, "auto", one.rows) is SOLVERS["least_absolute_cg"]
    X = one.rows.X
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    tracemalloc.start()
    made = least_absolute_cg.solve(one, start=None, tol=0.02, max_iter=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert made.gap <= 0.02 and made.rank == 6000
    assert peak < 10 * size
