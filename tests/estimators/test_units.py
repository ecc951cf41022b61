"""Units far from one, whose squares leave double precision, change no fit."""

import math

import dask.array as da
import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sklearn_mle import MLEClassifier, MLERegressor

N = 300


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    return X, X @ [1.0, -2.0, 0.5] + 3.0 + rng.laplace(size=N)


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "student_t", "huber"])
@pytest.mark.parametrize("of_x", [-200, -160, 0, 160, 200])
@pytest.mark.parametrize("of_y", [-200, -155, 0, 155, 200])
def test_regressions_in_any_units(data, noise, of_x, of_y):
    X, y = data
    expected = MLERegressor(noise).fit(X, y)
    if abs(of_y - of_x) > 290:
        with pytest.raises(ValueError, match="double precision can hold"):
            MLERegressor(noise).fit(X * 10.0**of_x, y * 10.0**of_y)
        return
    a, b = 10.0**of_x, 10.0**of_y
    found = MLERegressor(noise).fit(X * a, y * b)
    np.testing.assert_allclose(found.coef_ * (a / b), expected.coef_, rtol=1e-9)
    np.testing.assert_allclose(found.intercept_ / b, expected.intercept_, rtol=1e-9)
    np.testing.assert_allclose(found.scale_ / b, expected.scale_, rtol=1e-12)
    moved = expected.log_likelihood_ - N * of_y * math.log(10.0)
    np.testing.assert_allclose(found.log_likelihood_, moved, rtol=1e-12)
    assert 0.0 <= found.optimality_gap_ <= 1e-9


@pytest.mark.parametrize("of_x", [-200, 200])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, sparse.csc_array])
def test_classes_and_sparse_rows(data, form, of_x):
    X, y = data
    far = form(X * 10.0**of_x)
    labels = y > 3.0
    expected = MLEClassifier().fit(X, labels)
    found = MLEClassifier().fit(far, labels)
    np.testing.assert_allclose(found.coef_ * 10.0**of_x, expected.coef_, rtol=1e-9)
    np.testing.assert_allclose(found.log_likelihood_, expected.log_likelihood_, rtol=1e-12)
    expected, found = MLERegressor().fit(X, y), MLERegressor().fit(far, y)
    np.testing.assert_allclose(found.coef_ * 10.0**of_x, expected.coef_, rtol=1e-12)


@pytest.mark.parametrize("exponent", [-200, 200])
@pytest.mark.parametrize("noise", ["gaussian", "laplace", "logistic"])
def test_weights(data, noise, exponent):
    X, y = data
    weight = np.random.default_rng(1).uniform(1.0, 2.0, size=N)
    expected = MLERegressor(noise).fit(X, y, weight)
    found = MLERegressor(noise).fit(X, y, weight * 10.0**exponent)
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-9)
    moved = expected.log_likelihood_ * 10.0**exponent
    np.testing.assert_allclose(found.log_likelihood_, moved, rtol=1e-12)


def test_one_column_may_be_far_from_the_others(data):
    X, y = data
    units = np.array([1e-250, 1.0, 1e250])
    expected, found = MLERegressor("laplace").fit(X, y), MLERegressor("laplace").fit(X * units, y)
    np.testing.assert_allclose(found.coef_ * units, expected.coef_, rtol=1e-9)


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "student_t"])
@pytest.mark.parametrize("unit", [1e-200, 1e200])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_a_column_that_few_rows_know(data, noise, unit, form):
    X, y = data
    X = X.copy()
    X[:, 1] = 0.0
    X[[3, 11, 50, 51, 97, 201, 299], 1] = [1.0, -2.0, 0.5, 3.0, -1.0, 2.0, 0.7]
    units = np.array([1.0, unit, 1.0])
    expected = MLERegressor(noise).fit(form(X), y)
    found = MLERegressor(noise).fit(form(X * units), y)
    np.testing.assert_allclose(found.coef_ * units, expected.coef_, rtol=1e-9)


def test_a_warm_start_is_one_in_the_units_of_solvers(data):
    X, y = data
    labels = y > 3.0
    model = MLEClassifier(warm_start=True).fit(X * 1e200, labels)
    assert model.fit(X * 1e200, labels).n_iter_ <= 2


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "student_t"])
@pytest.mark.parametrize(("of_x", "of_y"), [(0, 170), (-160, 0), (160, 155), (200, -40)])
def test_chunks_are_brought_near_one(data, noise, of_x, of_y):
    X, y = data
    X, y = X * [10.0**of_x, 1.0, 1.0], y * 10.0**of_y
    expected = MLERegressor(noise).fit(X, y)
    chunks = da.from_array(X, chunks=(70, 3)), da.from_array(y, chunks=70)
    found = MLERegressor(noise).fit(*chunks)
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-9)
    np.testing.assert_allclose(found.log_likelihood_, expected.log_likelihood_, rtol=1e-12)
    assert 0.0 <= found.optimality_gap_ <= 1e-9


@pytest.mark.parametrize("of_x", [-200, 200])
def test_labelled_chunks_are_brought_near_one(data, of_x):
    X, y = data[0] * 10.0**of_x, data[1] > 3.0
    expected = MLEClassifier().fit(X, y)
    found = MLEClassifier().fit(da.from_array(X, chunks=(70, 3)), da.from_array(y, chunks=70))
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-9)


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "student_t"])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("value", [1e160, -1e250, 1e300])
def test_an_entry_far_above_all_others_is_named(noise, form, value):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(5000, 3))
    y = X.sum(axis=1) + rng.laplace(size=5000)
    X[1234, 1] = value
    with pytest.raises(ValueError, match=r"got 1 entry .* in column 1 of X\. Where"):
        MLERegressor(noise).fit(form(X), y)


def test_a_target_far_above_all_others_is_named(data):
    X, y = np.tile(data[0], (10, 1)), np.tile(data[1], 10)
    y[1234] = 1e250
    with pytest.raises(ValueError, match=r"in y\. Where"):
        MLERegressor().fit(X, y)


def test_a_weight_beside_which_all_others_are_lost_is_spoken_of(data):
    X, y = data
    weight = np.ones(N)
    weight[7] = 1e200
    with pytest.warns(ConvergenceWarning, match="lost in rounding"):
        model = MLEClassifier().fit(X, y > 3.0, sample_weight=weight)
    assert model.optimality_gap_ > model.tol
