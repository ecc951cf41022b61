"""Location and scale by conjugate gradients: the fit of Newton's method with Hessians."""

import tracemalloc

import numpy as np
import pytest
from scattered import scattered

from sklearn_mle import MLERegressor
from sklearn_mle.noises import StudentT


def data(n, p, density, seed=0):
    rng = np.random.default_rng(seed)
    X = scattered(n, p, density, rng)
    return X, 5.0 + X @ rng.normal(size=p) + rng.standard_t(4.0, size=n), rng


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("noise", ["logistic", "gumbel", "huber", StudentT(df=4)], ids=str)
def test_the_same_fit_as_with_hessians(noise, fit_intercept, weighted):
    X, y, rng = data(4000, 120, 0.03)
    w = rng.integers(0, 3, 4000).astype(float) if weighted else None
    like = MLERegressor(noise, fit_intercept=fit_intercept, solver="joint_newton").fit(X, y, w)
    made = MLERegressor(noise, fit_intercept=fit_intercept, solver="joint_cg").fit(X, y, w)
    np.testing.assert_allclose(made.coef_, like.coef_, atol=1e-9 * np.abs(like.coef_).max())
    assert made.intercept_ == pytest.approx(like.intercept_, rel=1e-9)
    assert made.scale_ == pytest.approx(like.scale_, rel=1e-9)
    assert made.log_likelihood_ == pytest.approx(like.log_likelihood_, rel=1e-12)
    assert made.optimality_gap_ <= 1e-9 and made.rank_ == like.rank_ == 120


def test_an_open_shape():
    X, y, _ = data(3000, 60, 0.03)
    like = MLERegressor("student_t", solver="joint_newton").fit(X, y)
    made = MLERegressor("student_t", solver="joint_cg").fit(X, y)
    assert made.log_likelihood_ == pytest.approx(like.log_likelihood_, rel=1e-10)
    assert made.noise_.df == pytest.approx(like.noise_.df, rel=1e-4)


@pytest.mark.parametrize("noise", ["logistic", StudentT(df=4)], ids=str)
def test_many_columns_need_no_matrix_of_them(noise):
    X, y, _ = data(40_000, 6000, 1e-3)
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    tracemalloc.start()
    made = MLERegressor(noise).fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert made.optimality_gap_ <= 1e-9 and made.rank_ == 6000
    assert peak < 10 * size
