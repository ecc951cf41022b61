"""What a fit costs beside its result: passes of validation, memory; and what an early stop says."""

import tracemalloc

import numpy as np
import pytest
import sklearn.utils.validation
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression

from sklearn_mle import MLEClassifier, MLERegressor
from sklearn_mle.estimators import checks

NOISES = ["gaussian", "laplace"]


def data(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    return X, X @ rng.standard_normal(p) + rng.laplace(size=n)


@pytest.mark.parametrize("noise", NOISES)
def test_validation_looks_at_x_once(noise, monkeypatch):
    looked_at = []
    check = sklearn.utils.validation._assert_all_finite

    def counted(X, *args, **kwargs):
        looked_at.append(np.size(X))
        return check(X, *args, **kwargs)

    def counted_sum(X):
        looked_at.append(np.size(X))
        return surely_finite(X)

    surely_finite = checks.surely_finite
    monkeypatch.setattr(sklearn.utils.validation, "_assert_all_finite", counted)
    monkeypatch.setattr(checks, "surely_finite", counted_sum)
    X, y = data(5000, 4)

    def passes(model):
        looked_at.clear()
        model.fit(X, y)
        return sum(size == X.size for size in looked_at)

    assert passes(MLERegressor(noise=noise)) == 1 <= passes(LinearRegression())


@pytest.mark.slow
@pytest.mark.parametrize(("noise", "share"), [("gaussian", 0.1), ("laplace", 0.35)])
def test_memory_beyond_the_data_is_a_share_of_them(noise, share):
    X, y = data(2_000_000, 20)
    tracemalloc.start()
    MLERegressor(noise=noise).fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= share * X.nbytes


@pytest.mark.slow
def test_memory_of_classes_is_less_than_a_quarter_of_the_data():
    X, y = data(2_000_000, 20)
    labels = (y > 0.0).astype(int)
    tracemalloc.start()
    MLEClassifier().fit(X, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 0.25 * X.nbytes


@pytest.mark.parametrize("noise", NOISES)
def test_an_early_stop_warns_and_its_gap_is_true(noise):
    """Powers, so that least squares needs refinement, which max_iter cuts off."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-9.0, -3.0, size=(300, 1))
    X, y = x ** np.arange(1, 10), np.sin(x[:, 0]) + 0.1 * rng.laplace(size=300)
    early = MLERegressor(noise=noise, max_iter=1, tol=1e-20)
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        early.fit(X, y)
    best = MLERegressor(noise=noise).fit(X, y)
    excess = best.log_likelihood_ - early.log_likelihood_
    assert early.n_iter_ == 1
    assert excess <= early.optimality_gap_ * max(1.0, abs(early.log_likelihood_)) + 1e-9
    assert early.optimality_gap_ > 1e-20


@pytest.mark.parametrize("noise", NOISES)
def test_income_and_rate_are_both_used(noise):
    """One column of a size that makes LinearRegression drop the other without a word."""
    rng = np.random.default_rng(0)
    income, rate = rng.normal(5e4, 4e4, size=500), rng.normal(0.05, 0.01, size=500)
    y = 1e-5 * income + 100.0 * rate + rng.normal(size=500)
    X = np.column_stack([income, rate])
    model = MLERegressor(noise=noise).fit(X, y)
    units = np.array([4e4, 0.01])
    alike = MLERegressor(noise=noise).fit(X / units, y)
    assert abs(model.coef_[1] - 100.0) < 25.0
    assert model.log_likelihood_ == pytest.approx(alike.log_likelihood_, rel=1e-9)
    np.testing.assert_allclose(model.predict(X), alike.predict(X / units), rtol=1e-9)


def test_many_columns_are_narrowed_before_they_are_pivoted():
    X, y = data(4000, 220)
    model = MLERegressor(noise="laplace").fit(X, y)
    on_the_plane = np.abs(y - model.predict(X)) < 1e-9
    assert model.optimality_gap_ <= 1e-9
    assert on_the_plane.sum() == 221
