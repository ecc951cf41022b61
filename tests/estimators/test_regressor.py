"""The regressor as users hold it: attributes, parameters, copies, frames."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mle import MLERegressor, log_likelihood_scorer
from sklearn_mle.noises import Gaussian, Laplace


@pytest.fixture
def data():
    return load_diabetes(return_X_y=True)


@pytest.mark.parametrize("noise", ["gaussian", "laplace", Gaussian(), Laplace()])
def test_what_a_fit_leaves(data, noise):
    X, y = data
    model = MLERegressor(noise=noise).fit(X, y)
    assert model.coef_.shape == (10,)
    assert model.coef_.dtype == np.float64
    for name in ("intercept_", "scale_", "log_likelihood_", "optimality_gap_"):
        assert type(getattr(model, name)) is float, name
    assert type(model.n_iter_) is int and model.n_iter_ >= 1
    assert type(model.rank_) is int and model.rank_ == 10
    assert model.n_features_in_ == 10
    assert isinstance(model.noise_, Gaussian | Laplace)
    assert 0.0 <= model.optimality_gap_ < 1e-9
    assert model.scale_ == pytest.approx(model.noise_.scale_of(y - model.predict(X)), rel=1e-12)
    assert 0.4 < model.score(X, y) < 0.6


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_without_an_intercept_it_is_zero(data, noise):
    model = MLERegressor(noise=noise, fit_intercept=False).fit(*data)
    assert model.intercept_ == 0.0


def test_the_defaults_are_the_public_ones():
    assert MLERegressor().get_params() == {
        "noise": "gaussian",
        "fit_intercept": True,
        "solver": "auto",
        "tol": 1e-8,
        "max_iter": 100,
        "warm_start": False,
    }


def test_copies_fit_and_predict_alike(data):
    X, y = data
    model = MLERegressor(noise=Laplace()).fit(X, y)
    assert clone(model).fit(X, y).coef_.tolist() == model.coef_.tolist()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    assert model.set_params(noise="gaussian").fit(X, y).noise_.loss_name == "squared error"


def test_a_clone_is_not_fitted_and_keeps_the_noise(data):
    fitted = MLERegressor(noise=Laplace(), tol=1e-6).fit(*data)
    copy = clone(fitted)
    assert not hasattr(copy, "coef_")
    assert isinstance(copy.noise, Laplace) and copy.noise is not fitted.noise
    assert copy.tol == 1e-6


def test_fit_leaves_the_parameters_as_they_were(data):
    noise = Laplace()
    model = MLERegressor(noise=noise)
    assert model.fit(*data) is model
    assert model.noise is noise
    assert MLERegressor("laplace").fit(*data).noise == "laplace"


def test_a_grid_search_reaches_noises_by_name_and_by_object(data):
    search = GridSearchCV(
        make_pipeline(StandardScaler(), MLERegressor()),
        {"mleregressor__noise": ["gaussian", "laplace", Gaussian(), Laplace()]},
        scoring=log_likelihood_scorer,
    ).fit(*data)
    scores = search.cv_results_["mean_test_score"]
    np.testing.assert_allclose(scores[:2], scores[2:], rtol=1e-12)
    assert scores[0] > scores[1]
    assert search.score(*data) == pytest.approx(log_likelihood_scorer(search, *data), rel=1e-14)


def test_the_html_repr_shows_the_noise(data):
    assert "laplace" in MLERegressor(noise="laplace").fit(*data)._repr_html_()
    assert "Laplace()" in MLERegressor(noise=Laplace())._repr_html_()
    assert "MLERegressor" in make_pipeline(StandardScaler(), MLERegressor())._repr_html_()


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_predictions_are_the_linear_function(data, noise):
    X, y = data
    model = MLERegressor(noise=noise).fit(X, y)
    np.testing.assert_allclose(model.predict(X), X @ model.coef_ + model.intercept_, rtol=1e-13)
    assert model.predict(X[:1]).shape == (1,)
    assert model.predict(X.astype(np.float32)).dtype == np.float64


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_frames_keep_their_names(data, frame, noise):
    X, y = data
    names = [f"feature {i}" for i in range(10)]
    table = frame(dict(zip(names, X.T)))
    model = MLERegressor(noise=noise).fit(table, y)
    assert model.feature_names_in_.tolist() == names
    plain = MLERegressor(noise=noise).fit(X, y)
    np.testing.assert_allclose(model.predict(table), plain.predict(X), rtol=1e-10)
    series = type(table)({"y": y})["y"]
    again = MLERegressor(noise=noise).fit(table, series, sample_weight=series * 0 + 1)
    np.testing.assert_allclose(again.coef_, plain.coef_, rtol=1e-8)


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_the_criteria_count_scale_and_intercept(data, noise):
    X, y = data
    for fit_intercept in (True, False):
        model = MLERegressor(noise=noise, fit_intercept=fit_intercept).fit(X, y)
        k = 10 + fit_intercept + 1
        log_likelihood = model.log_likelihood(X, y)
        assert model.aic(X, y) == pytest.approx(2 * k - 2 * log_likelihood, rel=1e-12)
        assert model.bic(X, y) == pytest.approx(np.log(442) * k - 2 * log_likelihood, rel=1e-12)


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_a_warm_start_gives_the_same_fit(data, noise):
    X, y = data
    model = MLERegressor(noise=noise, warm_start=True).fit(X[:300], y[:300]).fit(X, y)
    cold = MLERegressor(noise=noise).fit(X, y)
    assert model.log_likelihood_ == pytest.approx(cold.log_likelihood_, rel=1e-12)
    assert model.fit(X, y).n_iter_ <= cold.n_iter_
    model.fit(X[:, :3], y)
    assert model.coef_.shape == (3,)


def test_stopping_early_warns_and_the_gap_is_true():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 5))
    y = X.sum(axis=1) + rng.laplace(size=5000)
    best = MLERegressor(noise="laplace").fit(X, y)
    with pytest.warns(ConvergenceWarning, match="max_iter=1 "):
        early = MLERegressor(noise="laplace", max_iter=1).fit(X, y)
    cost, least = -early.log_likelihood_, -best.log_likelihood_
    assert early.optimality_gap_ >= (cost - least) / max(1.0, abs(cost))
    assert early.scale_ / best.scale_ - 1.0 <= early.optimality_gap_


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_features_on_any_scale_give_the_same_predictions(noise):
    rng = np.random.default_rng(1)
    income, rate = 4e4 * rng.normal(size=500), 0.01 * rng.normal(size=500)
    X = np.column_stack([income, rate])
    y = 1e-5 * income + 100.0 * rate + rng.normal(size=500)
    model = MLERegressor(noise=noise).fit(X, y)
    assert model.coef_[1] == pytest.approx(100.0, abs=20.0)
    for units in ([1e-8, 1e8], [1e8, 1e-8], [1e-8, 1e-8]):
        other = MLERegressor(noise=noise).fit(X * units, y)
        np.testing.assert_allclose(other.predict(X * units), model.predict(X), rtol=1e-9, atol=1e-9)
        assert other.log_likelihood_ == pytest.approx(model.log_likelihood_, rel=1e-9)
        assert other.rank_ == 2
