"""Likelihood ratio tests of nested fits."""

import numpy as np
import pytest
from scipy import stats
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mle import MLEClassifier, MLERegressor, infer, likelihood_ratio_test


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    return X, X @ [1.0, 0.2, 0.0, 0.1] + rng.normal(size=200), rng.integers(1, 4, 200)


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_it_is_twice_the_difference_of_log_likelihoods(data, noise):
    X, y, w = data
    small, large = (MLERegressor(noise).fit(Z, y, w) for Z in (X[:, :2], X))
    test = likelihood_ratio_test(small, large, (X[:, :2], X), y, sample_weight=w)
    statistic = 2 * (large.log_likelihood_ - small.log_likelihood_)
    assert test.statistic == pytest.approx(statistic, rel=1e-10)
    assert test.df == 2
    assert test.p_value == pytest.approx(stats.chi2.sf(statistic, 2), rel=1e-9)
    assert "chi2(2)" in str(test)


def test_each_model_takes_its_columns_of_a_frame(data):
    pandas = pytest.importorskip("pandas")
    X, y, _ = data
    X = pandas.DataFrame(X, columns=list("abcd"))
    large = make_pipeline(StandardScaler(), MLERegressor()).fit(X, y)
    small = make_pipeline(StandardScaler(), MLERegressor()).fit(X[["a", "c"]], y)
    test = likelihood_ratio_test(small, large, X, y)
    bare = MLERegressor().fit(X[["a", "c"]], y), MLERegressor().fit(X, y)
    assert test.statistic == pytest.approx(likelihood_ratio_test(*bare, X, y).statistic, rel=1e-9)
    assert test.df == 2


def test_it_agrees_with_wald_as_the_rows_grow_many():
    gaps = []
    for n in (100, 10_000):
        rng = np.random.default_rng(1)
        X = rng.normal(size=(n, 2))
        y = X[:, 0] + 2.0 / np.sqrt(n) * X[:, 1] + rng.logistic(size=n) > 0.0
        large = MLEClassifier().fit(X, y)
        ratio = likelihood_ratio_test(MLEClassifier().fit(X[:, :1], y), large, (X[:, :1], X), y)
        wald = infer(large, X, y).wald_test("x1")
        gaps.append(abs(ratio.statistic / wald.statistic - 1.0))
    assert gaps[1] < 0.2 * gaps[0] and gaps[1] < 0.005


def test_models_that_are_not_nested_are_refused(data):
    X, y, _ = data
    small, large = MLERegressor().fit(X[:, :1], y), MLERegressor().fit(X, y)
    with pytest.raises(ValueError, match=r"large must have more parameters.*got 3 and 6. Pass"):
        likelihood_ratio_test(large, small, (X, X[:, :1]), y)
    with pytest.raises(ValueError, match=r"at least as likely.*got log-likelihoods.*use AIC"):
        likelihood_ratio_test(small, MLERegressor().fit(X[:, 1:], y), (X[:, :1], X[:, 1:]), y)
    with pytest.raises(TypeError, match=r"needs fitted MLERegressor.*got StandardScaler. Fit"):
        likelihood_ratio_test(StandardScaler().fit(X), large, X, y)
