"""Reports of sparse X: those of the same rows in an array."""

import tracemalloc

import matplotlib
import numpy as np
import pytest
from scipy import sparse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from sklearn_mle import (
    CoefficientDisplay,
    MLEClassifier,
    MLERegressor,
    NoiseFitDisplay,
    PITDisplay,
    compare,
    infer,
    likelihood_ratio_test,
    log_likelihood_scorer,
)

matplotlib.use("agg")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(700, 4)) * (rng.random((700, 4)) < 0.4)
    eta = X @ np.array([1.0, -1.0, 0.5, 0.0])
    return X, 3.0 + eta + rng.laplace(size=700), (eta + rng.logistic(size=700) > 0).astype(int), rng


@pytest.mark.parametrize("cov", ["model", "HC0", "HC3", "cluster", "bootstrap"])
@pytest.mark.parametrize("noise", ["gaussian", "laplace", "student_t"])
def test_infer(data, noise, cov):
    X, y, _, _ = data
    groups = np.arange(700) % 40 if cov == "cluster" else None
    how = {"cov": cov, "groups": groups, "random_state": 0, "n_resamples": 20}
    S = sparse.csr_array(X)
    like = infer(MLERegressor(noise).fit(X, y), X, y, **how)
    made = infer(MLERegressor(noise).fit(S, y), S, y, **how)
    for name in ("estimate", "std_error"):
        np.testing.assert_allclose(made.table[name], like.table[name], rtol=1e-6, atol=1e-9)
    a, b = made.predict(S[:9]), like.predict(X[:9])
    for part in ("mean", "low", "high"):
        if hasattr(b, part):
            np.testing.assert_allclose(getattr(a, part), getattr(b, part), rtol=1e-6)


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "logistic"])
def test_profiles(data, noise):
    X, y, _, _ = data
    S = sparse.csc_array(X)
    like = infer(MLERegressor(noise).fit(X, y), X, y, ci="profile").conf_int()
    made = infer(MLERegressor(noise).fit(S, y), S, y, ci="profile").conf_int()
    np.testing.assert_allclose(made, like, rtol=1e-6, atol=1e-8)


def test_classes(data):
    X, _, y, _ = data
    S = sparse.csr_matrix(X)
    like = infer(MLEClassifier().fit(X, y), X, y)
    made = infer(MLEClassifier().fit(S, y), S, y)
    np.testing.assert_allclose(made.table["std_error"], like.table["std_error"], rtol=1e-8)


def test_compare_score_and_test(data):
    X, y, _, _ = data
    S = sparse.csr_array(X)
    like = compare(["gaussian", "laplace"], X, y, cv=3)
    made = compare(["gaussian", "laplace"], S, y, cv=3)
    for a, b in zip(made.table.tolist(), like.table.tolist()):
        np.testing.assert_allclose(list(a)[1:], list(b)[1:], rtol=1e-8)
    pipe = make_pipeline(MaxAbsScaler(), MLERegressor("laplace")).fit(S, y)
    pipe_like = make_pipeline(MaxAbsScaler(), MLERegressor("laplace")).fit(X, y)
    score = log_likelihood_scorer(pipe_like, X, y)
    assert log_likelihood_scorer(pipe, S, y) == pytest.approx(score, rel=1e-10)
    small, large = MLERegressor().fit(S[:, :2], y), MLERegressor().fit(S, y)
    small_like, large_like = MLERegressor().fit(X[:, :2], y), MLERegressor().fit(X, y)
    with pytest.raises(ValueError):
        likelihood_ratio_test(small, large, S, y)
    with pytest.raises(ValueError):
        likelihood_ratio_test(small_like, large_like, X, y)


def test_displays(data):
    X, y, _, _ = data
    S = sparse.csr_array(X)
    model = MLERegressor("laplace").fit(S, y)
    NoiseFitDisplay.from_estimator(model, S, y)
    NoiseFitDisplay.from_estimator(model, S, y, kind="qq", n_simulations=3, random_state=0)
    PITDisplay.from_estimator(model, S, y)
    CoefficientDisplay.from_estimator(model, S, y)


def scattered(n, p, density, rng):
    """Sparse rows with normal entries at random places."""
    size = rng.poisson(n * p * density)
    places = rng.integers(0, n, size), rng.integers(0, p, size)
    return sparse.csr_array(sparse.coo_array((rng.normal(size=size), places), shape=(n, p)))


def test_too_many_coefficients_for_a_matrix_are_refused():
    S = scattered(30_000, 12_000, 1e-3, np.random.default_rng(0))
    model = MLERegressor().fit(S.tocsr(), np.arange(30_000.0) % 7)
    with pytest.raises(ValueError, match=r"10000 at most; got 12000\. Fit fewer"):
        infer(model, S, np.arange(30_000.0))


@pytest.mark.parametrize("noise", ["gaussian", None])
def test_sparse_rows_are_never_filled_in(noise):
    rng = np.random.default_rng(0)
    n, p = 20_000, 200
    X = sparse.csr_array(rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.01))
    y = X @ rng.normal(size=p) + rng.normal(size=n)
    model = MLEClassifier() if noise is None else MLERegressor(noise)
    target = (y > 0).astype(int) if noise is None else y
    model.fit(X, target)
    few = infer(model, X, target).predict(X[:50]).upper

    def peak(work, *data, **how):
        tracemalloc.start()
        try:
            return work(*data, **how), tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    for cov in ("model", "HC3", "cluster"):
        groups = np.arange(n) // 100 if cov == "cluster" else None
        most = peak(infer, model, X, target, cov=cov, groups=groups)[1]
        assert most < 0.3 * 8 * n * p
    assert peak(model.predict, X)[1] < 0.1 * 8 * n * p
    made, most = peak(infer(model, X, target).predict, X)
    assert most < 0.6 * 8 * n * p
    np.testing.assert_allclose(made.upper[:50], few, rtol=1e-12)
