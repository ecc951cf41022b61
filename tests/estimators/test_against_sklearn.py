"""The same numbers as scikit-learn's own linear models, which maximise the same likelihoods."""

import inspect
import itertools

import numpy as np
import pytest
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, QuantileRegressor

from sklearn_mle import MLEClassifier, MLERegressor

EXACT = {"tol": 1e-14} if "tol" in inspect.signature(LinearRegression).parameters else {}
"""LinearRegression drops directions of less than ``tol``, 1e-6, since it has that parameter."""


def generated(n, p, *, seed, units=1.0, offset=0.0, correlation=0.0, tails="normal", level=3.0):
    """Columns in given units, moved by an offset, that share a part; noise of unit size."""
    rng = np.random.default_rng(seed)
    Z = np.sqrt(1.0 - correlation) * rng.normal(size=(n, p))
    Z += np.sqrt(correlation) * rng.normal(size=(n, 1))
    noise = rng.standard_t(2, size=n) if tails == "heavy" else rng.normal(size=n)
    return Z * units + offset, Z @ rng.normal(size=p) + level + noise


def cancer(*columns, target=None):
    """These columns, with the diagnosis or another column for a target."""
    X, diagnosis = load_breast_cancer(return_X_y=True)
    return X[:, columns], diagnosis if target is None else X[:, target]


def iris_on_itself():
    X = load_iris().data
    return X[:, :3], X[:, 3]


def wine_on_itself():
    X = load_wine().data
    return X[:, 1:], X[:, 0]


def diabetes_above_its_median():
    X, y = load_diabetes(return_X_y=True)
    return X, (y > np.median(y)).astype(int)


def digits(*wanted):
    """These digits in their four principal directions."""
    X, y = load_digits(return_X_y=True)
    X, y = X[np.isin(y, wanted)], y[np.isin(y, wanted)]
    directions = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2][:4]
    return X @ directions.T, y


def labelled(n, p, n_classes, *, seed, **kinds):
    """Columns as in `generated`, with labels drawn from a softmax of their linear scores."""
    X, _ = generated(n, p, seed=seed, **kinds)
    rng = np.random.default_rng(seed)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    scores = Z @ rng.normal(size=(p, n_classes)) + rng.gumbel(size=(n, n_classes))
    return X, scores.argmax(axis=1)


UNITS = np.array([1e-4, 1.0, 1e3, 1e5, 10.0])
REGRESSION = {
    "diabetes": lambda: load_diabetes(return_X_y=True),
    "diabetes in raw units": lambda: load_diabetes(return_X_y=True, scaled=False),
    "linnerud weight": lambda: (load_linnerud().data, load_linnerud().target[:, 0]),
    "linnerud pulse": lambda: (load_linnerud().data, load_linnerud().target[:, 2]),
    "iris, petal width": iris_on_itself,
    "wine, alcohol": wine_on_itself,
    "breast cancer, radius": lambda: cancer(*range(1, 10), target=0),
    "few rows": lambda: generated(12, 3, seed=0),
    "one column": lambda: generated(300, 1, seed=1),
    "many columns": lambda: generated(400, 60, seed=2),
    "heavy tails": lambda: generated(500, 5, seed=3, tails="heavy"),
    "correlated columns": lambda: generated(600, 6, seed=4, correlation=0.999),
    "units from 1e-4 to 1e5": lambda: generated(500, 5, seed=5, units=UNITS),
    "columns far from zero": lambda: generated(500, 4, seed=6, offset=1e4),
    "target far from zero": lambda: generated(500, 4, seed=8, level=1e6),
}
CLASSIFICATION = {
    "breast cancer, two columns": lambda: cancer(1, 4),
    "breast cancer, ten means": lambda: cancer(*range(10)),
    "iris, petals": lambda: (load_iris().data[50:, 2:], load_iris().target[50:]),
    "iris, sepals": lambda: (load_iris().data[50:, :2], load_iris().target[50:]),
    "wine, three columns": lambda: (load_wine().data[:, [1, 2, 4]], load_wine().target),
    "digits 3 and 8": lambda: digits(3, 8),
    "digits 1, 2, 8 and 9": lambda: digits(1, 2, 8, 9),
    "diabetes above its median": diabetes_above_its_median,
    "few rows": lambda: labelled(40, 2, 2, seed=0),
    "one column": lambda: labelled(300, 1, 3, seed=1),
    "many columns": lambda: labelled(2000, 30, 2, seed=2),
    "six classes": lambda: labelled(1500, 4, 6, seed=3),
    "correlated columns": lambda: labelled(600, 5, 2, seed=4, correlation=0.99),
    "units from 1e-4 to 1e5": lambda: labelled(500, 5, 3, seed=5, units=UNITS),
    "columns far from zero": lambda: labelled(500, 4, 2, seed=6, offset=100.0),
}


def cases(datasets):
    """Every set with and without intercept, weighted and not."""

    def case(name, fit_intercept, weighted):
        kind = ", no intercept" * (not fit_intercept) + ", weighted" * weighted
        return pytest.param(datasets[name], fit_intercept, weighted, id=name + kind)

    return [case(*kind) for kind in itertools.product(datasets, [True, False], [False, True])]


def weights_for(y, weighted):
    """Weights between 0.1 and 5, or None."""
    return np.random.default_rng(7).uniform(0.1, 5.0, size=len(y)) if weighted else None


def distance(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def spread(X, fit_intercept):
    """What a unit of each column's coefficient does to predictions."""
    return X.std(axis=0) if fit_intercept else np.sqrt(np.mean(X**2, axis=0))


@pytest.mark.parametrize(("dataset", "fit_intercept", "weighted"), cases(REGRESSION))
def test_gaussian_coefficients_are_those_of_linear_regression(dataset, fit_intercept, weighted):
    X, y = dataset()
    weight = weights_for(y, weighted)
    ours = MLERegressor(fit_intercept=fit_intercept).fit(X, y, weight)
    theirs = LinearRegression(fit_intercept=fit_intercept, **EXACT).fit(X, y, weight)
    unit = spread(X, fit_intercept)
    assert distance(ours.coef_ * unit, theirs.coef_ * unit) <= 1e-8
    assert distance(ours.coef_, theirs.coef_) <= 1e-8
    assert distance(ours.predict(X), theirs.predict(X)) <= 1e-8


@pytest.mark.parametrize(("dataset", "fit_intercept", "weighted"), cases(REGRESSION))
def test_laplace_cost_is_not_above_that_of_quantile_regression(dataset, fit_intercept, weighted):
    X, y = dataset()
    weight = weights_for(y, weighted)
    ours = MLERegressor(noise="laplace", fit_intercept=fit_intercept).fit(X, y, weight)
    theirs = QuantileRegressor(alpha=0.0, fit_intercept=fit_intercept).fit(X, y, weight)
    cost, least = (np.average(abs(y - m.predict(X)), weights=weight) for m in (ours, theirs))
    assert cost <= least * (1.0 + 1e-9)
    assert ours.optimality_gap_ <= 1e-9


@pytest.mark.parametrize(("dataset", "fit_intercept", "weighted"), cases(CLASSIFICATION))
def test_class_likelihood_is_that_of_logistic_regression(dataset, fit_intercept, weighted):
    X, y = dataset()
    weight = weights_for(y, weighted)
    ours = MLEClassifier(fit_intercept=fit_intercept).fit(X, y, weight)
    unit = spread(X, fit_intercept)
    centre = X.mean(axis=0) if fit_intercept else 0.0
    Z = (X - centre) / unit
    theirs = LogisticRegression(
        C=np.inf, tol=1e-10, solver="newton-cholesky", fit_intercept=fit_intercept, max_iter=1000
    ).fit(Z, y, weight)
    logs = theirs.predict_log_proba(Z)[np.arange(len(y)), np.searchsorted(theirs.classes_, y)]
    reference = logs.sum() if weight is None else weight @ logs
    assert not ours.separated_
    assert ours.log_likelihood_ == pytest.approx(reference, rel=1e-9)
    assert ours.log_likelihood_ >= reference - 1e-13 * abs(reference)


@pytest.mark.parametrize("name", ["diabetes in raw units", "columns far from zero"])
def test_float32_gives_the_fit_of_the_same_numbers_in_float64(name):
    X, y = REGRESSION[name]()
    X = X.astype(np.float32)
    ours = MLERegressor().fit(X, y)
    theirs = LinearRegression(**EXACT).fit(X.astype(np.float64), y)
    assert ours.coef_.dtype == np.float64
    assert distance(ours.coef_, theirs.coef_) <= 1e-8
    assert distance(ours.predict(X), theirs.predict(X.astype(np.float64))) <= 1e-8
