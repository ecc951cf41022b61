"""Callbacks of scikit-learn: what they see of a fit, and that they may end it."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mle import MLEClassifier, MLERegressor, log_likelihood_scorer
from sklearn_mle.estimators import progress
from sklearn_mle.noises import AsymmetricLaplace

callback = pytest.importorskip("sklearn.callback", reason="callbacks are new in scikit-learn 1.9")

REGRESSORS = [
    (MLERegressor(), 200),
    (MLERegressor("laplace"), 400),
    (MLERegressor("laplace"), 6000),
    (MLERegressor(AsymmetricLaplace(quantile=0.8), fit_intercept=False), 6000),
    (MLERegressor(AsymmetricLaplace()), 200),
    (MLERegressor("logistic"), 500),
    (MLERegressor("student_t"), 500),
    (MLERegressor("student_t"), 20000),
]
CLASSIFIERS = [
    (MLEClassifier(), 500),
    (MLEClassifier(), 20000),
    (MLEClassifier(solver="lbfgs"), 2000),
]


class Onlooker:
    """Remembers tasks, and asks to stop after some iterations."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.begun, self.ended, self.seen, self.live = [], [], [], 1

    def on_fit_task_begin(self, estimator, context):
        self.begun.append((context.task_name, context.max_subtasks))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.ended.append(context.task_name)
        if context.task_name != "iteration" or fitted_estimator is None:
            return False
        self.seen.append((fitted_estimator, X, y))
        return self.stop_after is not None and len(self.seen) >= self.stop_after

    def teardown(self, estimator, context):
        self.live -= 1


class FollowsInside(Onlooker):
    max_propagation_depth = None


def regression(n, p=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, X @ np.arange(1.0, p + 1.0) + 2.0 + rng.standard_t(3, size=n)


def labels(n, p=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    scores = X @ rng.normal(size=(p, 3)) + rng.gumbel(size=(n, 3))
    return X, np.array(["a", "b", "c"])[scores.argmax(axis=1)]


def fitted_cases():
    for estimator, n in REGRESSORS:
        yield pytest.param(estimator, *regression(n), id=f"{estimator}-{n}")
    for estimator, n in CLASSIFIERS:
        yield pytest.param(estimator, *labels(n), id=f"{estimator}-{n}")


@pytest.mark.parametrize(("estimator", "X", "y"), list(fitted_cases()))
def test_each_iteration_is_seen_and_changes_nothing(estimator, X, y):
    onlooker = Onlooker()
    model = clone(estimator).set_callbacks(onlooker).fit(X, y)
    alone = clone(estimator).fit(X, y)
    np.testing.assert_array_equal(model.coef_, alone.coef_)
    assert model.log_likelihood_ == alone.log_likelihood_
    assert onlooker.live == 0
    assert onlooker.ended.count("fit") == 1
    assert onlooker.begun[0][0] == "fit"
    assert len(onlooker.begun) == len(onlooker.ended)
    last, given, target = onlooker.seen[-1]
    assert given is X and target is y
    assert last.score(X, y) == pytest.approx(model.score(X, y), abs=1e-3)
    assert last.log_likelihood(X, y) == pytest.approx(model.log_likelihood_, rel=1e-5)


@pytest.mark.parametrize(("estimator", "n"), REGRESSORS[:4] + REGRESSORS[5:6])
def test_as_many_iterations_are_seen_as_are_counted(estimator, n):
    onlooker = Onlooker()
    model = clone(estimator).set_callbacks(onlooker).fit(*regression(n))
    assert len(onlooker.seen) == model.n_iter_
    model = MLEClassifier().set_callbacks(onlooker).fit(*labels(n))
    assert len(onlooker.seen) == model.n_iter_
    assert onlooker.begun[0] == ("fit", model.max_iter + 1)


@pytest.mark.parametrize(("estimator", "X", "y"), list(fitted_cases()))
@pytest.mark.parametrize("after", [1, 2])
def test_a_callback_stops_a_fit(estimator, X, y, after):
    best = clone(estimator).fit(X, y)
    onlooker = Onlooker()
    clone(estimator).set_callbacks(onlooker).fit(X, y)
    if len(onlooker.seen) <= after:
        after = len(onlooker.seen) - 1
    onlooker = Onlooker(stop_after=after)
    model = clone(estimator).set_callbacks(onlooker)
    with pytest.warns(ConvergenceWarning, match=r"A callback stopped.*gap is.*warm_start=True"):
        model.fit(X, y)
    assert len(onlooker.seen) == after
    assert onlooker.live == 0
    seen = onlooker.seen[-1][0]
    np.testing.assert_allclose(model.coef_, seen.coef_, rtol=1e-12)
    assert model.log_likelihood(X, y) == pytest.approx(model.log_likelihood_, rel=1e-9)
    above = best.log_likelihood_ - model.log_likelihood_
    assert above <= model.optimality_gap_ * max(1.0, abs(model.log_likelihood_)) + 1e-9
    again = clone(estimator).set_params(warm_start=True)
    again.__dict__.update({k: v for k, v in model.__dict__.items() if k.endswith("_")})
    again.fit(X, y)
    assert again.log_likelihood_ == pytest.approx(best.log_likelihood_, rel=1e-9)


def test_a_stop_when_nothing_is_left_to_do_is_no_warning(recwarn):
    X, y = regression(5000)
    model = MLERegressor().set_callbacks(Onlooker(stop_after=1)).fit(X, y)
    assert model.optimality_gap_ < 1e-12
    assert not recwarn.list


def test_the_progress_bar_shows_iterations(capsys):
    X, y = regression(500)
    model = MLERegressor("laplace").set_callbacks(callback.ProgressBar())
    model.fit(X, y)
    shown = capsys.readouterr().out
    assert "MLERegressor - fit" in shown and "100%" in shown
    assert "pass" not in shown


def test_the_progress_bar_shows_long_passes(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LONG_PASS", 1000)
    X, y = labels(2000)
    onlooker = Onlooker()
    MLEClassifier().set_callbacks(callback.ProgressBar(), onlooker).fit(X, y)
    shown = capsys.readouterr().out
    assert "MLEClassifier - iteration #1" in shown
    assert "MLEClassifier - pass #0" in shown
    passes = onlooker.ended.count("pass")
    assert passes >= len(onlooker.seen)
    assert onlooker.ended.count("part") == progress.PARTS * passes
    assert ("pass", progress.PARTS) in onlooker.begun


def test_long_passes_change_no_answer(monkeypatch):
    X, y = regression(6000)
    plain = MLERegressor("laplace").fit(X, y)
    monkeypatch.setattr(progress, "LONG_PASS", 1000)
    onlooker = Onlooker()
    model = MLERegressor("laplace").set_callbacks(onlooker).fit(X, y)
    assert onlooker.ended.count("pass") >= 2
    np.testing.assert_array_equal(model.coef_, plain.coef_)


def test_a_monitor_scores_every_iteration():
    X, y = labels(3000)
    scores = {"accuracy": "accuracy", "likelihood": log_likelihood_scorer}
    monitor = callback.ScoringMonitor(scoring=scores)
    weight = np.linspace(0.5, 1.5, 3000)
    model = MLEClassifier().set_callbacks(monitor).fit(X, y, sample_weight=weight)
    log = monitor.get_logs().data
    found = [row["likelihood"] for row in log if row["task_name"] == "iteration"]
    assert len(found) == model.n_iter_
    assert np.all(np.diff(found) >= -1e-12)
    assert found[-1] == pytest.approx(log_likelihood_scorer(model, X, y, weight), rel=1e-12)


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "student_t"])
def test_a_monitor_scores_the_likelihood_of_numbers(noise):
    X, y = regression(300)
    monitor = callback.ScoringMonitor(scoring={"likelihood": log_likelihood_scorer, "r2": "r2"})
    model = MLERegressor(noise).set_callbacks(monitor).fit(X, y)
    found = [row["likelihood"] for row in monitor.get_logs().data]
    assert max(found) == pytest.approx(log_likelihood_scorer(model, X, y), rel=1e-9)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_callbacks_reach_into_a_search(n_jobs, capsys):
    X, y = regression(200)
    pipeline = make_pipeline(StandardScaler(), MLERegressor())
    search = GridSearchCV(pipeline, {"mleregressor__noise": ["gaussian", "laplace"]}, cv=2)
    onlooker = FollowsInside()
    bars = callback.ProgressBar(max_propagation_depth=None)
    search.set_params(n_jobs=n_jobs).set_callbacks(bars, *([] if n_jobs else [onlooker]))
    search.fit(X, y)
    assert "MLERegressor - fit" in capsys.readouterr().out
    if not n_jobs:
        assert onlooker.live == 0
        assert {"iteration", "search"} <= set(onlooker.ended)
    assert search.cv_results_["mean_test_score"].shape == (2,)


def test_estimators_with_callbacks_are_copied_and_pickled():
    X, y = regression(200)
    model = MLERegressor("laplace").set_callbacks(callback.ProgressBar(), Onlooker()).fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    again = clone(copy).fit(X, y)
    np.testing.assert_array_equal(again.coef_, model.coef_)
    assert not hasattr(model, "_callback_fit_ctx")


def test_an_error_in_a_fit_ends_its_callbacks():
    class Fails(Onlooker):
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("as told")

    onlooker = Fails()
    with pytest.raises(RuntimeError, match="as told"):
        MLERegressor("laplace").set_callbacks(onlooker).fit(*regression(100))
    assert onlooker.live == 0
