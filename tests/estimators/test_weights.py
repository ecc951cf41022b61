"""A weight is a number of repeats, and zero is absence."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from sklearn_mle import MLEClassifier, MLERegressor

MODELS = {
    "gaussian": MLERegressor(),
    "laplace": MLERegressor(noise="laplace"),
    "two classes": MLEClassifier(),
    "three classes": MLEClassifier(),
}
FITTED = ("coef_", "intercept_", "scale_", "log_likelihood_", "rank_", "classes_")


@pytest.fixture(params=MODELS)
def kind(request):
    return request.param


def fit(kind, X, y, weight=None, **settings):
    return clone(MODELS[kind]).set_params(**settings).fit(X, y, weight)


def data(kind, n=200):
    """Columns of several levels; a target, or labels that overlap."""
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(n, 3))
    X = Z * [1.0, 10.0, 0.1] + [0.0, 100.0, -5.0]
    if "classes" not in kind:
        return X, Z @ rng.normal(size=3) + rng.laplace(size=n)
    n_classes = 2 if kind == "two classes" else 3
    return X, (Z @ rng.normal(size=(3, n_classes)) + rng.gumbel(size=(n, n_classes))).argmax(axis=1)


def assert_same_fit(one, other):
    for name in FITTED:
        if hasattr(one, name):
            here, there = getattr(one, name), getattr(other, name)
            np.testing.assert_allclose(here, there, rtol=1e-8, err_msg=name)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_whole_weights_equal_repeated_rows(kind, fit_intercept):
    X, y = data(kind)
    repeats = np.random.default_rng(1).integers(0, 5, size=len(y))
    weighted = fit(kind, X, y, repeats, fit_intercept=fit_intercept)
    rows = np.repeat(np.arange(len(y)), repeats)
    assert_same_fit(weighted, fit(kind, X[rows], y[rows], fit_intercept=fit_intercept))


def test_whole_weights_equal_repeated_rows_where_rows_are_screened(kind):
    X, y = data(kind, n=20_000)
    repeats = np.random.default_rng(2).integers(0, 3, size=len(y))
    rows = np.repeat(np.arange(len(y)), repeats)
    assert_same_fit(fit(kind, X, y, repeats), fit(kind, X[rows], y[rows]))


def test_a_row_of_weight_zero_is_absent_whatever_it_holds(kind):
    X, y = data(kind)
    weight = np.random.default_rng(3).uniform(0.5, 2.0, size=len(y))
    weight[::4] = 0.0
    there = weight > 0.0
    wild, label = X.copy(), y.copy()
    wild[~there] *= 1e6
    label[~there] = 5 if "classes" in kind else 1e9
    assert_same_fit(fit(kind, wild, label, weight), fit(kind, X[there], y[there], weight[there]))


def test_fractional_weights_add_up(kind):
    X, y = data(kind)
    halves = fit(kind, np.vstack([X, X]), np.tile(y, 2), np.full(2 * len(y), 0.5))
    assert_same_fit(halves, fit(kind, X, y))


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_weights_times_a_factor_move_the_likelihood_only(kind, factor):
    X, y = data(kind)
    weight = np.random.default_rng(4).uniform(0.5, 2.0, size=len(y))
    one, other = fit(kind, X, y, weight), fit(kind, X, y, factor * weight)
    assert other.log_likelihood_ == pytest.approx(factor * one.log_likelihood_, rel=1e-8)
    other.log_likelihood_ = one.log_likelihood_
    assert_same_fit(one, other)


def test_one_number_for_a_weight_is_that_weight_for_every_row(kind):
    X, y = data(kind)
    assert_same_fit(fit(kind, X, y, 3.0), fit(kind, X, y, np.full(len(y), 3.0)))


@pytest.mark.parametrize("classes", ["two classes", "three classes"])
@pytest.mark.parametrize("class_weight", [{0: 3.0, 1: 0.5}, {1: 2.0}, "balanced"], ids=str)
def test_class_weight_is_that_of_logistic_regression(classes, class_weight):
    X, y = data(classes)
    ours = fit(classes, X, y, class_weight=class_weight)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    theirs = LogisticRegression(
        C=np.inf, tol=1e-12, solver="newton-cholesky", class_weight=class_weight
    ).fit(Z, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(Z), rtol=1e-7)


@pytest.mark.parametrize("classes", ["two classes", "three classes"])
def test_class_weight_multiplies_the_weights_of_rows(classes):
    X, y = data(classes)
    weight = np.random.default_rng(5).uniform(0.5, 2.0, size=len(y))
    factors = np.array([3.0, 0.5, 1.0])
    by_class = fit(classes, X, y, weight, class_weight={0: 3.0, 1: 0.5})
    assert_same_fit(by_class, fit(classes, X, y, weight * factors[y]))


@pytest.mark.parametrize("classes", ["two classes", "three classes"])
def test_balanced_counts_weights_as_repeats(classes):
    X, y = data(classes)
    repeats = np.random.default_rng(6).integers(0, 4, size=len(y))
    rows = np.repeat(np.arange(len(y)), repeats)
    weighted = fit(classes, X, y, repeats, class_weight="balanced")
    assert_same_fit(weighted, fit(classes, X[rows], y[rows], class_weight="balanced"))


def test_string_labels_take_class_weights_by_label():
    X, y = data("two classes")
    names = np.array(["no", "yes"])[y]
    by_name = fit("two classes", X, names, class_weight={"yes": 4.0})
    by_code = fit("two classes", X, y, class_weight={1: 4.0})
    np.testing.assert_allclose(by_name.coef_, by_code.coef_, rtol=1e-12)
