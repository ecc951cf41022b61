"""Warm starts: the optimum of a cold fit, from nearby; and a cold fit where nothing is nearby."""

import numpy as np
import pytest
from scipy import stats

from sklearn_mle import MLEClassifier, MLERegressor
from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.noises import AsymmetricLaplace, FromScipy, StudentT

NOISES = ["laplace", AsymmetricLaplace(0.9), "logistic", "gumbel", "huber", StudentT(4)]
SIZES = [(3000, 4), (40000, 6)]
"""Fitted at once, and by way of a sample."""


def columns(n, p, rng):
    return rng.standard_normal((n, p)) * 10.0 ** rng.integers(-2, 3, p) + 5.0


def measured(n, p, seed):
    """Features, and y twice, the second a little later."""
    rng = np.random.default_rng(seed)
    X = columns(n, p, rng)
    y = X @ rng.standard_normal(p) + 1.0 + rng.standard_t(4, size=n)
    return X, y, y + 1e-3 * rng.standard_normal(n)


def labelled(n, p, n_classes, seed):
    """Features, and labels twice; half a percent of them change."""
    rng = np.random.default_rng(seed)
    X = columns(n, p, rng)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    scores = Z @ rng.standard_normal((p, n_classes)) + rng.gumbel(size=(n, n_classes))
    labels = scores.argmax(axis=1)
    later = labels.copy()
    later[: n // 200] = (later[: n // 200] + 1) % n_classes
    return X, labels, later


def assert_same_optimum(warm, cold):
    assert warm.log_likelihood_ == pytest.approx(cold.log_likelihood_, rel=1e-12)
    assert warm.optimality_gap_ <= warm.tol
    np.testing.assert_allclose(warm.coef_, cold.coef_, rtol=1e-8)
    np.testing.assert_allclose(warm.intercept_, cold.intercept_, rtol=1e-6)


def assert_same_fit(warm, cold):
    assert warm.n_iter_ == cold.n_iter_
    np.testing.assert_array_equal(warm.coef_, cold.coef_)
    np.testing.assert_array_equal(warm.intercept_, cold.intercept_)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("noise", NOISES, ids=str)
def test_slightly_changed_data_have_the_optimum_of_a_cold_fit(noise, size):
    X, y, later = measured(*size, seed=0)
    warm = MLERegressor(noise=noise, warm_start=True).fit(X, y).fit(X, later)
    cold = MLERegressor(noise=noise).fit(X, later)
    assert_same_optimum(warm, cold)
    assert warm.scale_ == pytest.approx(cold.scale_, rel=1e-9)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_slightly_changed_labels_have_the_optimum_of_a_cold_fit(n_classes, size):
    X, labels, later = labelled(*size, n_classes, seed=0)
    warm = MLEClassifier(warm_start=True).fit(X, labels).fit(X, later)
    assert_same_optimum(warm, MLEClassifier().fit(X, later))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_classes", [2, 4])
def test_classes_that_are_fitted_at_once_take_fewer_iterations(n_classes, seed):
    X, labels, later = labelled(3000, 4, n_classes, seed)
    warm = MLEClassifier(warm_start=True).fit(X, labels).fit(X, later)
    assert warm.n_iter_ < MLEClassifier().fit(X, later).n_iter_


@pytest.mark.parametrize("noise", NOISES, ids=str)
def test_another_number_of_features_is_a_cold_start(noise):
    X, y, later = measured(3000, 4, seed=1)
    warm = MLERegressor(noise=noise, warm_start=True).fit(X, y).fit(X[:, :3], later)
    assert_same_fit(warm, MLERegressor(noise=noise).fit(X[:, :3], later))


@pytest.mark.parametrize("change", ["features", "classes"])
def test_other_features_or_classes_are_a_cold_start(change):
    X, labels, later = labelled(3000, 4, 3, seed=1)
    warm = MLEClassifier(warm_start=True).fit(X, labels)
    if change == "features":
        X = X[:, :3]
    else:
        later = np.array(["a", "b", "c"])[later]
    assert_same_fit(warm.fit(X, later), MLEClassifier().fit(X, later))


SMOOTH = ["logistic", "gumbel", "huber", StudentT(4), "student_t", FromScipy(stats.genlogistic)]


@pytest.fixture
def passes(monkeypatch):
    """How often cost or derivatives of so many rows were asked for."""
    counted = {}

    def counting(method):
        def call(self, *args, **kwargs):
            counted[self.rows.n_rows] = counted.get(self.rows.n_rows, 0) + 1
            return method(self, *args, **kwargs)

        return call

    for name in ("value", "value_and_gradient", "_derivatives", "along"):
        monkeypatch.setattr(JointObjective, name, counting(getattr(JointObjective, name)))
    return counted


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("noise", SMOOTH, ids=str)
def test_scale_and_shapes_start_where_they_were(noise, size, passes):
    X, y, later = measured(*size, seed=2)
    warm = MLERegressor(noise=noise, warm_start=True).fit(X, y)
    passes.clear()
    warm.fit(X, later)
    spent = dict(passes)
    passes.clear()
    cold = MLERegressor(noise=noise).fit(X, later)
    assert warm.n_iter_ < cold.n_iter_
    assert spent[size[0]] < passes[size[0]]
    assert warm.log_likelihood_ == pytest.approx(cold.log_likelihood_, rel=1e-12)
    np.testing.assert_allclose(warm.coef_, cold.coef_, rtol=1e-7)


@pytest.mark.parametrize("noise", SMOOTH, ids=str)
def test_other_data_have_an_optimum_of_their_own(noise):
    X, y, _ = measured(500, 4, seed=3)
    model = MLERegressor(noise=noise, warm_start=True).fit(X, y)
    rng = np.random.default_rng(4)
    for X_new, y_new in [(X[:90], 1e3 * y[:90] + 5.0), (X, rng.normal(size=500)), (0.1 * X, -y)]:
        cold = MLERegressor(noise=noise).fit(X_new, y_new)
        model.fit(X_new, y_new)
        assert model.log_likelihood_ >= cold.log_likelihood_ - 1e-9 * abs(cold.log_likelihood_)


def test_a_fit_of_another_law_lends_its_coefficients_alone():
    X, y, _ = measured(500, 4, seed=5)
    model = MLERegressor(noise=stats.t(df=5), warm_start=True).fit(X, y)
    for noise in [stats.t, "student_t", stats.genlogistic, "laplace", "logistic"]:
        cold = MLERegressor(noise=noise).fit(X, y)
        model.set_params(noise=noise).fit(X, y)
        assert model.log_likelihood_ == pytest.approx(cold.log_likelihood_, rel=1e-12)


def test_an_exact_fit_has_no_scale_to_start_from():
    X, y, _ = measured(500, 4, seed=6)
    model = MLERegressor(noise="logistic", warm_start=True)
    with pytest.warns(UserWarning, match="goes through every row"):
        model.fit(X, X.sum(axis=1))
    cold = MLERegressor(noise="logistic").fit(X, y)
    assert model.fit(X, y).log_likelihood_ == pytest.approx(cold.log_likelihood_, rel=1e-12)
