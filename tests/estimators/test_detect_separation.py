"""The question whether classes can be separated, and what a fit says of it."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

from sklearn_mle import MLEClassifier, SeparationWarning, detect_separation


def with_a_level(n=300, seed=0):
    """Two columns that say little, and a level that holds one class only."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 2)), columns=["age", "income"])
    X["exempt"] = (rng.random(n) < 0.1).astype(float)
    y = np.where(X["age"] + rng.logistic(size=n) > 0, "yes", "no")
    return X, np.where(X["exempt"] == 1.0, "yes", y)


def test_the_warning_names_rows_features_and_the_way_out():
    X, y = with_a_level()
    count = int(X["exempt"].sum())
    with pytest.warns(SeparationWarning, match=rf"feature exempt.*{count} of 300 rows.*Drop or"):
        model = MLEClassifier().fit(X, y)
    assert model.separated_


def test_predictions_are_those_of_the_limit():
    X, y = with_a_level()
    with pytest.warns(SeparationWarning):
        model = MLEClassifier().fit(X, y)
    level = X["exempt"] == 1.0
    rest = MLEClassifier().fit(X.loc[~level, ["age", "income"]], y[~level])
    seen = model.predict_proba(X)
    assert seen[level, 0].max() <= 1e-17
    expected = rest.predict_proba(X.loc[~level, ["age", "income"]])
    np.testing.assert_allclose(seen[~level], expected, rtol=1e-9)
    np.testing.assert_allclose(model.coef_[0, :2], rest.coef_[0], rtol=1e-8)
    assert np.isfinite(model.coef_).all()


def test_the_fit_is_the_same_on_every_run_and_for_every_order_of_rows():
    X, y = with_a_level()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeparationWarning)
        first, second = (MLEClassifier().fit(X, y).coef_ for _ in range(2))
        order = np.random.default_rng(0).permutation(len(y))
        shuffled = MLEClassifier().fit(X.iloc[order], y[order]).coef_
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, shuffled, rtol=1e-6)


def test_the_question_is_answered_for_rows_features_and_weights():
    X, y = with_a_level()
    found = detect_separation(X, y)
    assert found
    assert not found.complete
    assert found.feature_names == ("exempt",)
    np.testing.assert_array_equal(found.rows, X["exempt"] == 1.0)
    margins = np.where(y == "yes", 1.0, -1.0) * (
        X.to_numpy() @ found.direction[0] + found.intercept
    )
    assert margins.min() >= -1e-12
    none = detect_separation(X, y, sample_weight=np.where(X["exempt"] == 1.0, 0.0, 2.0))
    # without its rows the level is constant, and separates nothing
    assert not none
    assert "finite maximum" in str(none)


@pytest.mark.parametrize(
    ("load", "expected"), [(load_breast_cancer, True), (load_iris, True), (load_wine, True)]
)
def test_data_that_everybody_knows(load, expected):
    data = load(as_frame=True)
    found = detect_separation(data.data, data.target)
    assert found.separated is expected
    scores = data.data.to_numpy() @ found.direction.T + found.intercept
    if found.classes.size == 2:
        scores = np.hstack([np.zeros_like(scores), scores])
    own = scores[np.arange(len(scores)), data.target]
    margins = own[:, None] - scores
    assert margins.min() >= -1e-8
    assert (margins.max(axis=1)[found.rows] >= 0.99).all()


def test_no_separation_is_a_proof_too():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(500, 3))
    y = rng.integers(3, size=500)
    found = detect_separation(X, y)
    assert not found
    assert found.feature_names == ()
    assert not found.rows.any()


@pytest.mark.parametrize("settings", [{"class_weight": "balanced"}, {"warm_start": True}])
def test_every_way_to_fit_tells(settings):
    X, y = with_a_level(seed=2)
    model = MLEClassifier(**settings)
    for _ in range(2):
        with pytest.warns(SeparationWarning, match="exempt"):
            model.fit(X, y)
        assert model.separated_
