"""Callbacks of scikit-learn on rows in chunks: what they see, and that they may end a fit."""

import warnings

import dask.array as da
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklearn_mle import MLEClassifier, MLERegressor
from sklearn_mle.estimators import dask_checks, progress
from sklearn_mle.noises import AsymmetricLaplace
from sklearn_mle.solvers.watch import NOBODY
from tests.estimators.test_progress import Onlooker, callback, labels, regression

MODELS = [
    (MLERegressor(), 900),
    (MLERegressor("laplace"), 9000),
    (MLERegressor(AsymmetricLaplace(quantile=0.8)), 9000),
    (MLERegressor("huber"), 900),
    (MLERegressor("student_t"), 9000),
    (MLEClassifier(), 9000),
    (MLEClassifier(solver="lbfgs"), 900),
]


def cut(X, y):
    """Both in four chunks, which are computed again in each pass."""
    step = -(-len(y) // 4)
    return da.from_array(X, chunks=(step, -1)) + 0.0, da.from_array(y, chunks=step)


def given(model, n):
    return labels(n) if isinstance(model, MLEClassifier) else regression(n)


def fit(model, *data):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X is not persisted")
        return model.fit(*data)


@pytest.mark.parametrize(("model", "n"), MODELS)
def test_each_iteration_and_pass_is_seen_and_changes_nothing(model, n):
    X, y = cut(*given(model, n))
    onlooker = Onlooker()
    watched, alone = fit(clone(model).set_callbacks(onlooker), X, y), fit(clone(model), X, y)
    np.testing.assert_array_equal(watched.coef_, alone.coef_)
    assert watched.log_likelihood_ == alone.log_likelihood_
    assert onlooker.live == 0
    assert onlooker.begun[0][0] == "fit"
    assert len(onlooker.begun) == len(onlooker.ended)
    assert onlooker.ended.count("fit") == 1
    assert onlooker.ended.count("pass") >= 1
    last, features, target = onlooker.seen[-1]
    assert features is X and target is y
    assert last.score(X, y) == pytest.approx(watched.score(X, y), abs=1e-3)


@pytest.mark.parametrize(("model", "n"), MODELS[1:])
def test_a_callback_stops_a_fit(model, n):
    X, y = cut(*given(model, n))
    best = fit(clone(model), X, y)
    onlooker = Onlooker(stop_after=1)
    with pytest.warns(ConvergenceWarning, match=r"A callback stopped.*gap is.*warm_start=True"):
        stopped = fit(clone(model).set_callbacks(onlooker), X, y)
    assert len(onlooker.seen) == 1
    assert np.isfinite(stopped.coef_).all()
    cost, least = -stopped.log_likelihood_, -best.log_likelihood_
    assert (cost - least) / max(1.0, abs(cost)) <= stopped.optimality_gap_ + 1e-12


def test_a_progress_bar_of_chunks(capsys):
    X, y = cut(*regression(9000))
    alone = fit(MLERegressor("laplace"), X, y)
    model = fit(MLERegressor("laplace").set_callbacks(callback.ProgressBar()), X, y)
    np.testing.assert_array_equal(model.coef_, alone.coef_)
    assert "fit" in capsys.readouterr().out


def test_rows_that_nobody_watches_are_not_wrapped():
    X, y = cut(*regression(900))
    rows = dask_checks.rows_for_regression(MLERegressor(), X, y, None, reset=True)
    assert progress.watched(rows, NOBODY) is rows
