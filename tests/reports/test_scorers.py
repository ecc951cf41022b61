"""Held-out likelihood as a score: by hand, through pipelines and searches, with weights."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mle import MLEClassifier, MLERegressor, log_likelihood_scorer


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    return X, X @ [1.0, 2.0, 3.0] + rng.laplace(size=120), rng.integers(0, 4, size=120)


def test_the_score_is_the_mean_log_likelihood_of_a_row(data):
    X, y, w = data
    model = MLERegressor(noise="laplace").fit(X, y)
    logs = model.log_prob(X, y)
    assert log_likelihood_scorer(model, X, y) == pytest.approx(logs.mean(), rel=1e-13)
    weighted = log_likelihood_scorer(model, X, y, sample_weight=w)
    assert weighted == pytest.approx(np.average(logs, weights=w), rel=1e-13)
    repeated = log_likelihood_scorer(model, np.repeat(X, w, axis=0), np.repeat(y, w))
    assert weighted == pytest.approx(repeated, rel=1e-13)


def test_pipelines_and_searches_are_seen_through(data):
    X, y, _ = data
    bare = MLERegressor().fit(StandardScaler().fit_transform(X), y)
    expected = log_likelihood_scorer(bare, StandardScaler().fit_transform(X), y)
    pipeline = make_pipeline(StandardScaler(), MLERegressor())
    nested = make_pipeline(pipeline)
    search = GridSearchCV(pipeline, {"mleregressor__noise": ["gaussian"]}, cv=3)
    for model in (pipeline, nested, search, make_pipeline(search)):
        score = log_likelihood_scorer(model.fit(X, y), X, y)
        assert score == pytest.approx(expected, rel=1e-12)


def test_a_grid_search_finds_the_noise_that_made_the_data():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(600, 3))
    for name, noise in (("gaussian", rng.normal(size=600)), ("laplace", rng.laplace(size=600))):
        search = GridSearchCV(
            make_pipeline(StandardScaler(), MLERegressor()),
            {"mleregressor__noise": ["gaussian", "laplace"]},
            scoring=log_likelihood_scorer,
        )
        assert search.fit(X, X.sum(axis=1) + noise).best_params_["mleregressor__noise"] == name


@pytest.mark.parametrize("jobs", [1, 2])
def test_cross_validation_works_for_numbers_and_for_classes(jobs):
    X, y = load_diabetes(return_X_y=True)
    scores = cross_val_score(MLERegressor(), X, y, scoring=log_likelihood_scorer, n_jobs=jobs)
    assert np.all((scores > -6.0) & (scores < -5.0))
    X, y = load_iris(return_X_y=True)
    model = MLEClassifier(max_iter=100)
    several = {"ll": log_likelihood_scorer, "accuracy": "accuracy"}
    done = cross_validate(model, X[50:, :2], y[50:], scoring=several, n_jobs=jobs)
    assert np.all(np.isfinite(done["test_ll"]) & (done["test_ll"] < 0.0))


def test_an_estimator_without_a_likelihood_is_refused(data):
    X, y, _ = data
    model = LinearRegression().fit(X, y)
    with pytest.raises(TypeError, match=r"needs.*got LinearRegression.*Use MLERegressor"):
        log_likelihood_scorer(model, X, y)


def test_the_scorer_survives_pickling_and_names_itself():
    assert repr(log_likelihood_scorer) == "log_likelihood_scorer"
    assert repr(pickle.loads(pickle.dumps(log_likelihood_scorer))) == "log_likelihood_scorer"


def test_metadata_routing_hands_weights_to_fit_and_to_score(data):
    X, y, w = data
    plain = cross_validate(make_pipeline(StandardScaler(), MLERegressor()), X, y, cv=3)
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = log_likelihood_scorer.set_score_request(sample_weight=True)
        model = MLERegressor().set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = cross_validate(
            make_pipeline(scaler, model),
            X,
            y,
            scoring=scorer,
            params={"sample_weight": w},
            cv=3,
            return_indices=True,
        )
        search = GridSearchCV(model, {"noise": ["gaussian", "laplace"]}, scoring=scorer, cv=3)
        search.fit(X, y, sample_weight=w)
    train, test = routed["indices"]["train"][0], routed["indices"]["test"][0]
    by_hand = MLERegressor().fit(X[train], y[train], sample_weight=w[train])
    expected = np.average(by_hand.log_prob(X[test], y[test]), weights=w[test])
    assert routed["test_score"][0] == pytest.approx(expected, rel=1e-10)
    assert plain["test_score"][0] != routed["test_score"][0]
    assert search.best_params_["noise"] in ("gaussian", "laplace")


def test_a_class_search_with_weights_scores_by_them_under_another_name():
    X, y = load_iris(return_X_y=True)
    X, y = X[50:, :2], y[50:]
    w = np.random.default_rng(0).integers(1, 5, size=100)
    with sklearn.config_context(enable_metadata_routing=True):
        model = MLEClassifier().set_fit_request(sample_weight="repeats")
        search = GridSearchCV(
            make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model),
            {"mleclassifier__fit_intercept": [True, False]},
            scoring=log_likelihood_scorer.set_score_request(sample_weight="repeats"),
            cv=3,
            n_jobs=2,
        ).fit(X, y, repeats=w)
        unweighted = clone(search).set_params(scoring=log_likelihood_scorer).fit(X, y, repeats=w)
    best, other = (s.cv_results_["mean_test_score"] for s in (search, unweighted))
    assert np.all(np.isfinite(best)) and np.all(best != other)
    final = search.best_estimator_[-1]
    logs = final.log_prob(search.best_estimator_[:-1].transform(X), y)
    assert final.log_likelihood_ == pytest.approx(w @ logs, rel=1e-12)


def test_a_score_of_an_impossible_row_is_minus_infinity_and_never_nan(data):
    X, y, w = data
    with pytest.warns(ConvergenceWarning, match="scale is 0"):
        model = MLERegressor().fit(X, np.ones(120))
    assert log_likelihood_scorer(model, X, y) == -np.inf
    assert log_likelihood_scorer(model, X, np.ones(120), sample_weight=w) == np.inf


def test_a_request_makes_a_new_scorer_and_leaves_the_shared_one_alone(data):
    X, y, w = data
    log_likelihood_scorer.set_score_request(sample_weight=True)
    with sklearn.config_context(enable_metadata_routing=True):
        model = MLERegressor().set_fit_request(sample_weight=True)
        with pytest.raises(ValueError, match="sample_weight"):
            cross_validate(model, X, y, scoring=log_likelihood_scorer, params={"sample_weight": w})
