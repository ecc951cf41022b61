"""Scale, likelihood and criteria are what their formulas say."""

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_diabetes, load_wine

from sklearn_mle import MLEClassifier, MLERegressor

LAWS = {"gaussian": stats.norm, "laplace": stats.laplace}


@pytest.fixture(params=LAWS)
def noise(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["each row once", "weighted"])
def weighted(request):
    return request.param


def some_weights(n):
    return np.random.default_rng(0).uniform(0.0, 4.0, size=n)


def fitted(noise, weighted=False, **settings):
    X, y = load_diabetes(return_X_y=True)
    weight = some_weights(len(y)) if weighted else None
    return MLERegressor(noise=noise, **settings).fit(X, y, weight), X, y, weight


def log_densities(model, X, y):
    """By scipy.stats, at the fit."""
    return LAWS[model.noise].logpdf(y, loc=X @ model.coef_ + model.intercept_, scale=model.scale_)


def test_gaussian_scale_is_the_root_mean_square_residual(weighted):
    model, X, y, weight = fitted("gaussian", weighted)
    mean_square = np.average((y - model.predict(X)) ** 2, weights=weight)
    assert model.scale_ == pytest.approx(np.sqrt(mean_square), rel=1e-12)


def test_laplace_scale_is_the_mean_absolute_residual(weighted):
    model, X, y, weight = fitted("laplace", weighted)
    mean_size = np.average(np.abs(y - model.predict(X)), weights=weight)
    assert model.scale_ == pytest.approx(mean_size, rel=1e-12)


def test_no_other_scale_is_likelier(noise, weighted):
    model, X, y, weight = fitted(noise, weighted)
    for factor in (0.999, 1.001):
        scale = factor * model.scale_
        logs = LAWS[noise].logpdf(y, loc=model.predict(X), scale=scale)
        assert np.sum(logs if weight is None else weight * logs) < model.log_likelihood_


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_log_likelihood_is_the_sum_of_log_densities(noise, weighted, fit_intercept):
    model, X, y, weight = fitted(noise, weighted, fit_intercept=fit_intercept)
    logs = log_densities(model, X, y)
    expected = logs.sum() if weight is None else weight @ logs
    assert model.log_likelihood_ == pytest.approx(expected, rel=1e-10)
    assert model.log_likelihood(X, y, weight) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_units_of_the_target_move_the_log_density_by_their_logarithm(noise, unit):
    model, X, y, _ = fitted(noise)
    other = MLERegressor(noise=noise).fit(X, y * unit)
    assert other.scale_ == pytest.approx(model.scale_ * unit, rel=1e-10)
    moved = model.log_likelihood_ - len(y) * np.log(unit)
    assert other.log_likelihood_ == pytest.approx(moved, rel=1e-10)


def test_log_prob_is_the_log_density_of_each_row(noise):
    model, X, y, _ = fitted(noise)
    held_out = y[::-1] + 5.0
    logs = model.log_prob(X, held_out)
    assert logs.shape == y.shape
    np.testing.assert_allclose(logs, log_densities(model, X, held_out), rtol=1e-12)


def test_log_likelihood_of_other_data_uses_the_fitted_parameters(noise):
    model, X, y, _ = fitted(noise)
    part, weight = slice(10, 60), some_weights(50)
    logs = log_densities(model, X[part], y[part])
    assert model.log_likelihood(X[part], y[part]) == pytest.approx(logs.sum(), rel=1e-12)
    assert model.log_likelihood(X[part], y[part], weight) == pytest.approx(weight @ logs, rel=1e-12)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_regression_criteria_count_coefficients_intercept_and_scale(noise, fit_intercept):
    model, X, y, _ = fitted(noise, fit_intercept=fit_intercept)
    k, total = 10 + fit_intercept + 1, model.log_likelihood(X, y)
    assert model.aic(X, y) == pytest.approx(2 * k - 2 * total, rel=1e-14)
    assert model.bic(X, y) == pytest.approx(k * np.log(442) - 2 * total, rel=1e-14)


def test_criteria_do_not_count_a_repeated_column(noise):
    model, X, y, _ = fitted(noise)
    twice = np.column_stack([X, X[:, :2]])
    longer = MLERegressor(noise=noise).fit(twice, y)
    assert longer.rank_ == model.rank_ == 10
    assert longer.aic(twice, y) == pytest.approx(model.aic(X, y), rel=1e-10)


def fitted_classes(n_classes, weighted=False, **settings):
    X, y = load_wine(return_X_y=True)
    X, y = X[y < n_classes][:, [1, 2]], y[y < n_classes]
    weight = some_weights(len(y)) if weighted else None
    return MLEClassifier(**settings).fit(X, y, weight), X, y, weight


def log_probabilities_by_hand(model, X, y):
    scores = X @ model.coef_.T + model.intercept_
    if scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    odds = np.exp(scores)
    return np.log(odds[np.arange(len(y)), np.searchsorted(model.classes_, y)] / odds.sum(axis=1))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_class_log_likelihood_is_the_sum_of_log_probabilities(n_classes, weighted):
    model, X, y, weight = fitted_classes(n_classes, weighted)
    logs = log_probabilities_by_hand(model, X, y)
    np.testing.assert_allclose(model.log_prob(X, y), logs, rtol=1e-10, atol=1e-12)
    expected = logs.sum() if weight is None else weight @ logs
    assert model.log_likelihood_ == pytest.approx(expected, rel=1e-10)
    assert model.log_likelihood(X, y, weight) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_class_criteria_count_what_is_identified(n_classes, fit_intercept):
    model, X, y, _ = fitted_classes(n_classes, fit_intercept=fit_intercept)
    k, total = (n_classes - 1) * (2 + fit_intercept), model.log_likelihood(X, y)
    assert model.aic(X, y) == pytest.approx(2 * k - 2 * total, rel=1e-14)
    assert model.bic(X, y) == pytest.approx(k * np.log(len(y)) - 2 * total, rel=1e-14)
