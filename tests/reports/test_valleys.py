"""Data of a fit are read no more often than their sums ask for."""

import numpy as np
import pytest

from sklearn_mle import MLEClassifier, MLERegressor, infer
from sklearn_mle.estimators import checks, finite
from sklearn_mle.inference import terms
from sklearn_mle.reports import valleys
from sklearn_mle.rows import threads


def data(dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3)).astype(dtype)
    return X, X.sum(axis=1) + rng.normal(size=400)


MODELS = [(MLERegressor(), lambda y: y), (MLEClassifier(), lambda y: y > 0.0)]


def looks(monkeypatch):
    """Every array that is looked at for NaN by a sum of its own."""
    seen = []
    monkeypatch.setattr(finite, "LARGE", 1)
    monkeypatch.setattr(checks, "surely_finite", lambda X: seen.append(X) or True)
    return seen


@pytest.mark.parametrize("model, target", MODELS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_large_arrays_are_not_looked_at_for_nan_alone(model, target, dtype, monkeypatch):
    X, y = data(dtype)
    model.fit(X, target(y))
    plain = infer(model, X, target(y)).covariance
    seen = looks(monkeypatch)
    np.testing.assert_array_equal(infer(model, X, target(y)).covariance, plain)
    assert not seen
    infer(model, X, target(y), sample_weight=np.ones(400))
    assert len(seen) == 1


@pytest.mark.parametrize("model, target", MODELS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 391])
@pytest.mark.filterwarnings("error")
def test_what_is_not_finite_is_named_as_in_fit(model, target, bad, row, monkeypatch):
    X, y = data()
    model.fit(X, target(y))
    X[row, 1] = bad
    with pytest.raises(ValueError) as of_fit:
        type(model)().fit(X, target(y))
    monkeypatch.setattr(finite, "LARGE", 1)
    with pytest.raises(ValueError) as of_infer:
        infer(model, X, target(y))
    assert str(of_infer.value) == str(of_fit.value)


def test_entries_that_are_large_but_finite_are_no_fault(monkeypatch):
    X, y = data()
    X[:, 1] *= 1e200
    model = MLERegressor().fit(X, y)
    plain = infer(model, X, y).std_error
    monkeypatch.setattr(finite, "LARGE", 1)
    np.testing.assert_allclose(infer(model, X, y).std_error, plain, rtol=1e-12)


def test_who_says_that_data_are_finite_is_told_where_sums_are_not():
    from sklearn import config_context

    X, y = data()
    model = MLERegressor().fit(X, y)
    X[7, 2] = np.nan
    with config_context(assume_finite=True), pytest.raises(ValueError, match="X must be finite"):
        infer(model, X, y)


@pytest.mark.parametrize("cov", ["model", "HC3"])
def test_threads_of_blas_sleep_between_passes(cov, monkeypatch):
    """One that is woken by a small product keeps a core busy for a tenth of a second."""
    X, y = data()
    model = MLERegressor().fit(X, y)
    shared = []

    def seen(module, name):
        plain = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *a, **k: (shared.append(threads._threads.get()), plain(*a, **k))[1]
        )

    from sklearn_mle.inference import inverse_information

    seen(terms, "solve_triangular")
    seen(inverse_information.linalg, "solve_triangular")
    infer(model, X, y, cov=cov)
    assert len(shared) == 2 and None not in shared


def test_rows_and_valley_are_those_of_the_model():
    X, y = data()
    rows, valley = valleys.rows_and_valley(MLERegressor().fit(X, y), X, y, None)
    assert rows.n_rows == 400 and valley.rows is rows
