"""Rows drawn again."""

import numpy as np
import pytest

from sklearn_mle import MLEClassifier, MLERegressor, infer
from sklearn_mle.inference.bootstrap import drawn_again
from sklearn_mle.noises import Gaussian
from tests.inference.laws import sample

STREAM = np.random.SeedSequence(0)


def test_the_same_seed_gives_the_same_numbers_on_any_number_of_processes():
    X, y = sample(Gaussian(), 80, 1)
    model = MLERegressor().fit(X, y)
    how = {"cov": "bootstrap", "n_resamples": 40, "random_state": 3}
    one, two = infer(model, X, y, **how), infer(model, X, y, n_jobs=2, **how)
    np.testing.assert_array_equal(one.covariance, two.covariance)
    other = infer(model, X, y, cov="bootstrap", n_resamples=40, random_state=4)
    assert not np.array_equal(one.covariance, other.covariance)


@pytest.mark.parametrize("make", [MLERegressor, MLEClassifier])
def test_resampling_agrees_with_the_sandwich(make):
    X, y = sample(Gaussian(), 500, 2)
    y = y if make is MLERegressor else np.digitize(y, [1.0, 3.0])
    model = make().fit(X, y)
    drawn = infer(model, X, y, cov="bootstrap", n_resamples=600, random_state=0)
    np.testing.assert_allclose(drawn.std_error, infer(model, X, y, cov="HC0").std_error, rtol=0.13)


def test_groups_are_drawn_whole():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(60), 8)
    X = np.repeat(rng.normal(size=(60, 1)), 8, axis=0)
    y = X[:, 0] + np.repeat(rng.normal(size=60), 8) + 0.3 * rng.normal(size=480)
    model = MLERegressor().fit(X, y)
    how = {"n_resamples": 400, "random_state": 0, "cov": "bootstrap"}
    whole = infer(model, X, y, groups=groups, **how).std_error[:2]
    cluster = infer(model, X, y, cov="cluster", groups=groups).std_error[:2]
    np.testing.assert_allclose(whole, cluster, rtol=0.15)
    assert np.all(whole > 2.0 * infer(model, X, y, **how).std_error[:2])
    weight = drawn_again(None, 480, STREAM, groups)
    assert np.all(weight.reshape(60, 8) == weight.reshape(60, 8)[:, :1]) and weight.sum() == 480


def test_weighted_rows_are_drawn_as_often_as_there_were_rows():
    weight = np.array([0.0, 2.5, 1.0, 6.5])
    drawn = drawn_again(weight, 4, STREAM, None)
    assert drawn[0] == 0.0 and drawn.sum() == pytest.approx(10.0)
