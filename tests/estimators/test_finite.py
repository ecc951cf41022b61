"""Large tables are looked at block by block, and refused with the same words as small ones."""

import numpy as np
import pandas as pd
import pytest
import sklearn.utils.validation

from sklearn_mle import MLEClassifier, MLERegressor
from sklearn_mle.estimators import finite


@pytest.mark.parametrize("model", [MLEClassifier(), MLERegressor()])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_one_entry_that_is_not_finite(model, bad, kind, monkeypatch):
    X = np.random.default_rng(0).standard_normal((500, 4)).astype(kind)
    y = np.arange(500) % 2
    X[431, 2] = bad
    with pytest.raises(ValueError) as small:
        model.fit(X, y)
    monkeypatch.setattr(finite, "LARGE", 1)
    monkeypatch.setattr(finite, "BLOCK_BYTES", 512)
    with pytest.raises(ValueError) as large:
        model.fit(X, y)
    assert str(large.value) == str(small.value)


def test_sums_that_overflow_are_looked_at_again(monkeypatch):
    monkeypatch.setattr(finite, "LARGE", 1)
    X = np.full((100, 2), 1e38, dtype=np.float32)
    X[:, 1] = np.arange(100)
    assert not finite.surely_finite(np.full((100, 2), 3e38, dtype=np.float32))
    MLERegressor().fit(X, np.arange(100.0))


@pytest.mark.parametrize("model", [MLEClassifier(), MLERegressor("laplace")])
def test_plain_arrays_are_not_converted(model, monkeypatch):
    X = np.random.default_rng(1).standard_normal((300, 3))
    y = np.arange(300) % 2
    expected = model.fit(X.tolist(), y.tolist()).coef_

    def refuse(*args, **kwargs):
        raise AssertionError("asked again")

    monkeypatch.setattr(sklearn.utils.validation, "check_array", refuse)
    np.testing.assert_array_equal(model.fit(X, y).coef_, expected)
    assert model.n_features_in_ == 3


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_target_that_is_not_finite(bad):
    X, y = np.random.default_rng(2).standard_normal((50, 2)), np.arange(50.0)
    y[7] = bad
    with pytest.raises(ValueError, match="y must be finite"):
        MLERegressor().fit(X, y)
    with pytest.raises(ValueError, match="same number of rows"):
        MLERegressor().fit(X, np.ones(49))


def test_names_are_forgotten_with_an_array():
    X, y = np.random.default_rng(3).standard_normal((50, 2)), np.arange(50.0)
    model = MLERegressor().fit(pd.DataFrame(X, columns=["a", "b"]), y)
    assert list(model.feature_names_in_) == ["a", "b"]
    assert not hasattr(model.fit(X, y), "feature_names_in_")
