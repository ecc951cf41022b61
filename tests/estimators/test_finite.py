"""Large tables are looked at block by block, and refused with the same words as small ones."""

import numpy as np
import pytest

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
