"""The score of fitted classes vanishes in every column and class, whatever columns look like."""

import json
from pathlib import Path

import numpy as np
import pytest

from sklearn_mle import MLEClassifier

REFERENCE = json.loads((Path(__file__).parents[1] / "reference/classes.json").read_text())


def make(n, p, n_classes, *, seed, scales=0.0, offset=0.0, weighted=False, rare=False):
    """Overlapping classes; columns whose units differ by up to ``10**scales``, far from zero by
    ``offset`` times their spread.
    """
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, p))
    Z[:, 0] = np.exp(Z[:, 0])
    Z[:, -1] = rng.random(n) < 0.3
    pull = np.zeros(n_classes)
    pull[0] = 5.0 if rare else 0.0
    scores = 0.7 * Z @ rng.standard_normal((p, n_classes)) / np.sqrt(p) + pull
    y = (scores + rng.gumbel(size=(n, n_classes))).argmax(axis=1)
    y[: 3 * n_classes] = np.repeat(np.arange(n_classes), 3)
    unit = 10.0 ** (scales * (rng.permutation(p) / (p - 1) - 0.5))
    X = (Z + offset * rng.choice([-1.0, 1.0], p)) * unit
    return X, y, rng.uniform(0.1, 5.0, n) if weighted else None


def relative_score(X, y, weight, model):
    """``|sum w (p - y) x_j| / sum w |x_j|`` in extended precision, largest of all."""
    weight = np.ones(len(y)) if weight is None else weight
    Z = np.column_stack([X, np.ones(len(y))]).astype(np.longdouble)
    scores = Z[:, :-1] @ model.coef_.T.astype(np.longdouble) + model.intercept_
    if scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    P = np.exp(scores - scores.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    P[np.arange(len(y)), y] -= 1.0
    return float(np.max(np.abs((P * weight[:, None]).T @ Z) / (weight @ np.abs(Z))))


@pytest.mark.parametrize("weighted", [False, True], ids=["each row once", "weighted"])
@pytest.mark.parametrize("n_classes", range(2, 11))
def test_columns_whose_scales_differ(n_classes, weighted):
    for n, p, scales in ((400, 4, 8.0), (3000, 7, 16.0)):
        X, y, weight = make(n, p, n_classes, seed=n_classes, scales=scales, weighted=weighted)
        model = MLEClassifier().fit(X, y, weight)
        assert not model.separated_
        assert relative_score(X, y, weight, model) <= 1e-10


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
@pytest.mark.parametrize("offset", [10.0, 1e2, 1e4])
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_columns_far_from_zero(n_classes, offset, solver):
    X, y, weight = make(2000, 5, n_classes, seed=1, scales=8.0, offset=offset, weighted=True)
    model = MLEClassifier(solver=solver).fit(X, y, weight)
    assert relative_score(X, y, weight, model) <= 1e-10


@pytest.mark.parametrize("n_classes", [2, 4, 10])
def test_rare_classes(n_classes):
    X, y, weight = make(20_000, 6, n_classes, seed=2, scales=8.0, weighted=True, rare=True)
    model = MLEClassifier().fit(X, y, weight)
    assert np.bincount(y).min() < 600
    assert relative_score(X, y, weight, model) <= 1e-10


@pytest.mark.parametrize("n_classes", [30, 100])
def test_many_classes(n_classes):
    X, y, weight = make(100 * n_classes, 3, n_classes, seed=3, scales=8.0, weighted=True)
    model = MLEClassifier().fit(X, y, weight)
    assert model.coef_.shape == (n_classes, 3)
    assert relative_score(X, y, weight, model) <= 1e-10


@pytest.mark.parametrize(("n_classes", "p"), [(2, 50), (5, 20)])
def test_rows_enough_to_begin_with_a_sample(n_classes, p):
    X, y, weight = make(60_000, p, n_classes, seed=4, scales=8.0, weighted=True)
    model = MLEClassifier().fit(X, y, weight)
    assert relative_score(X, y, weight, model) <= 1e-10


@pytest.mark.parametrize("name", REFERENCE)
def test_the_likelihood_is_that_of_statsmodels(name):
    case = REFERENCE[name]
    X, y = np.array(case["X"]), np.array(case["y"])
    once, weighted = MLEClassifier().fit(X, y), MLEClassifier().fit(X, y, case["weight"])
    assert once.log_likelihood_ == pytest.approx(case["once"], rel=1e-10)
    assert weighted.log_likelihood_ == pytest.approx(case["weighted"], rel=1e-10)
