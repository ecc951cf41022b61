"""Batches in any order and of any size give the fit of the whole."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklearn_mle import MLERegressor


def kind_data(rng, n, p):
    return rng.normal(size=(n, p))


def far_from_zero(rng, n, p):
    return rng.normal(size=(n, p)) + 1e6 * (1.0 + np.arange(p))


def badly_scaled(rng, n, p):
    return rng.normal(size=(n, p)) * np.geomspace(1e-8, 1e8, p)


def nearly_collinear(rng, n, p):
    X = rng.normal(size=(n, p))
    X[:, -1] = X[:, 0] + 1e-8 * X[:, -1]
    return X


def drifting(rng, n, p):
    return rng.normal(size=(n, p)) + np.linspace(0.0, 1e4, n)[:, None]


def in_batches(model, X, y, w, cuts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for some in np.split(np.arange(y.size), cuts):
            if some.size and (w is None or w[some].any()):
                model.partial_fit(X[some], y[some], None if w is None else w[some])
    return model


def assert_alike(one, other, X, tol=1e-10):
    spread = np.std(X, axis=0)
    size = np.abs(other.coef_ * spread).max()
    assert np.abs((one.coef_ - other.coef_) * spread).max() <= tol * size
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=tol, atol=tol * size)
    assert one.scale_ == pytest.approx(other.scale_, rel=tol)
    assert one.log_likelihood_ == pytest.approx(other.log_likelihood_, rel=tol, abs=tol)
    assert one.rank_ == other.rank_
    assert one.optimality_gap_ < 1e-12


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(
    "design", [kind_data, far_from_zero, badly_scaled, nearly_collinear, drifting]
)
def test_batches_give_the_fit_of_the_whole(design, fit_intercept, weighted):
    rng = np.random.default_rng(7)
    n, p = 400, 5
    X = design(rng, n, p)
    y = X @ (rng.normal(size=p) / np.std(X, axis=0)) + 3.0 + rng.normal(size=n)
    w = rng.integers(0, 4, size=n).astype(float) if weighted else None
    whole = MLERegressor(fit_intercept=fit_intercept).fit(X, y, w)
    orders = (np.arange(n), rng.permutation(n), np.argsort(X[:, 0]))
    for order, cuts in zip(orders, ([1, 2, 3, 50], [200], list(range(10, n, 10)))):
        weight = None if w is None else w[order]
        model = MLERegressor(fit_intercept=fit_intercept)
        in_batches(model, X[order], y[order], weight, cuts)
        assert_alike(model, whole, X, 1e-9 if design is nearly_collinear else 1e-10)


def test_fewer_rows_than_columns_and_one_row_at_a_time():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 4)), rng.normal(size=12)
    model = MLERegressor()
    for i in range(12):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.partial_fit(X[i : i + 1], y[i : i + 1])
            whole = MLERegressor().fit(X[: i + 1], y[: i + 1])
        np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-9, atol=1e-12)
        assert model.rank_ == whole.rank_
        assert model.scale_ == pytest.approx(whole.scale_, rel=1e-9)


def test_dependent_columns_get_the_shortest_coefficients():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 3))
    X = np.column_stack([X, X[:, 0] - X[:, 1], np.full(60, 7.0)])
    y = rng.normal(size=60)
    model = in_batches(MLERegressor(), X, y, None, [20, 40])
    whole = MLERegressor().fit(X, y)
    assert model.rank_ == whole.rank_ == 3
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", [np.float32, sparse.csr_array, sparse.csc_matrix])
def test_other_kinds_of_columns(kind):
    rng = np.random.default_rng(2)
    X = (rng.normal(size=(300, 4)) * (rng.random((300, 4)) < 0.4)).astype(np.float32)
    y = rng.normal(size=300)
    model = MLERegressor()
    for some in np.split(np.arange(300), 3):
        model.partial_fit(X[some] if kind is np.float32 else kind(X[some]), y[some])
    assert_alike(model, MLERegressor().fit(X.astype(float), y), X.astype(float))


def test_a_copy_goes_on_and_a_clone_begins_anew():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(100, 3)), rng.normal(size=100)
    model = MLERegressor().partial_fit(X[:50], y[:50])
    copy, fresh = pickle.loads(pickle.dumps(model)), clone(model)
    assert_alike(copy.partial_fit(X[50:], y[50:]), MLERegressor().fit(X, y), X)
    assert_alike(fresh.partial_fit(X[50:], y[50:]), MLERegressor().fit(X[50:], y[50:]), X)


def test_fit_keeps_no_sums():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(100, 3)), rng.normal(size=100)
    model = MLERegressor().partial_fit(X[:50], y[:50]).fit(X, y)
    with pytest.warns(UserWarning, match=r"partial_fit has seen; got .* by fit.*begins anew"):
        model.partial_fit(X[50:], y[50:])
    assert_alike(model, MLERegressor().fit(X[50:], y[50:]), X)


def test_a_batch_that_does_not_fit_is_left_out():
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(100, 3)), rng.normal(size=100)
    model = MLERegressor().partial_fit(X[:50], y[:50])
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X[50:, :2], y[50:])
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(np.full((3, 3), np.nan), y[:3])
    assert_alike(model.partial_fit(X[50:], y[50:]), MLERegressor().fit(X, y), X)


@pytest.mark.parametrize("noise", ["laplace", "student_t"])
def test_other_noises_have_no_such_sums(noise):
    model = MLERegressor(noise)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match=r"partial_fit") as found:
        model.partial_fit([[1.0]], [1.0])
    assert "Gaussian noise; got noise=" in str(found.value.__cause__)


def test_weights_can_be_routed():
    model = MLERegressor()
    assert callable(type(model).set_partial_fit_request)
