"""Rows that are far from all others: what they say of separation, and of the fit."""

import warnings

import numpy as np
import pytest
from scipy import optimize, sparse

from sklearn_mle import MLEClassifier, SeparationWarning, detect_separation
from sklearn_mle.solvers import newton

SIZES = (1e6, 1e13, 1e100)
ALL_SIZES = (1e7, 1e9, 1e11, 1e15, 1e20, 1e40, 1e60, 1e80, 1e120, 1e150)


def draw(kind, size, seed):
    """Rows of which some are far; most of them on the edge between separated and overlapping."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(30, 80)), int(rng.integers(2, 5))
    n_classes = int(rng.integers(2, 4))
    X = rng.standard_normal((n, p)) + rng.choice([0.0, 3.0])
    scores = rng.choice([0.5, 3.0, 30.0]) * (X - X.mean(axis=0)) @ rng.normal(size=(p, n_classes))
    y = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    some = rng.choice(n, size=1 if kind == "entry" else 3, replace=False)
    sizes = size * rng.choice([-1.0, 1.0], size=some.size)
    if kind == "row":
        X[some] *= sizes[:, None]
    else:
        X[some, rng.integers(p, size=some.size)] = sizes
    if rng.random() < 0.3:
        Z = np.column_stack([X, np.ones(n)]) / np.abs(X).max(axis=1)[:, None]
        y = (Z @ rng.normal(size=(p + 1, n_classes))).argmax(axis=1)
    return X, y, n_classes


def reference(X, y, n_classes):
    """A linear program in which each row has the same length, which changes no sign."""
    Z = np.column_stack([X - np.median(X, axis=0), np.ones(len(X))])
    Z /= np.abs(Z).max(axis=1)[:, None]
    lines = []
    for z, c in zip(Z, y):
        for k in set(range(n_classes)) - {c}:
            line = np.zeros((n_classes, Z.shape[1]))
            line[c], line[k] = z, -z
            lines.append(line.ravel())
    A = np.array(lines)
    best = optimize.linprog(-A.sum(axis=0), A_ub=-A, b_ub=np.zeros(len(A)), bounds=(-1, 1))
    return -best.fun > 1e-5


def verdicts(kind, size, seeds):
    """Those of the reference, after ours were found to be the same."""
    seen = set()
    for seed in seeds:
        X, y, n_classes = draw(kind, size, seed)
        expected = reference(X, y, n_classes)
        assert bool(detect_separation(X, y)) is expected, seed
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            assert MLEClassifier().fit(X, y).separated_ is expected, seed
        assert any(w.category is SeparationWarning for w in told) is expected, seed
        seen.add(expected)
    return seen


KINDS = pytest.mark.parametrize("kind", ["entry", "entries", "row"])


@KINDS
@pytest.mark.parametrize("size", SIZES)
def test_the_verdict_equals_that_of_a_linear_program(kind, size):
    assert verdicts(kind, size, range(20, 28)) == {True, False}


@pytest.mark.slow
@KINDS
@pytest.mark.parametrize("size", ALL_SIZES)
def test_so_it_does_at_sizes_of_all_kinds(kind, size):
    assert verdicts(kind, size, range(100, 130)) == {True, False}


def least_cost(X, y, far):
    """The cost of the other rows where far ones are on the side of their class."""
    Z = np.column_stack([X, np.ones(len(X))])
    sign = 2.0 * y - 1.0
    near = sign[~far, None] * Z[~far]
    lines = sign[far, None] * Z[far] / np.abs(Z[far]).max(axis=1)[:, None]
    found = optimize.minimize(
        lambda b: np.logaddexp(0.0, -near @ b).sum(),
        np.zeros(Z.shape[1]),
        jac=lambda b: -near.T @ (1.0 / (1.0 + np.exp(near @ b))),
        constraints=[{"type": "ineq", "fun": lambda b: lines @ b, "jac": lambda b: lines}],
        options={"maxiter": 1000, "ftol": 1e-14},
        method="SLSQP",
    )
    return found.fun


@pytest.mark.parametrize("size", [1e13, 1e40, 1e100])
def test_a_far_row_holds_the_coefficients_or_says_nothing_of_them(size):
    """Whatever its size, the rest is fitted as well as its side allows."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((300, 3))
        y = (X @ [1.0, -0.5, 0.0] + rng.logistic(size=300) > 0.0).astype(int)
        far = np.zeros(300, dtype=bool)
        far[rng.choice(300, size=2, replace=False)] = True
        X[far, rng.choice(3, size=2, replace=False)] = size * rng.choice([-1.0, 1.0], size=2)
        model = MLEClassifier().fit(X, y)
        assert not model.separated_
        assert model.optimality_gap_ < 1e-15
        np.testing.assert_allclose(-model.log_likelihood_, least_cost(X, y, far), rtol=1e-7)


def test_sparse_rows_are_told_apart_in_the_same_way():
    rng = np.random.default_rng(0)
    far = np.where(rng.random((400, 5)) < 0.3, rng.standard_normal((400, 5)), 0.0)
    y = rng.integers(0, 2, size=400)
    far[7, 2] = -1e40
    assert not detect_separation(sparse.csr_array(far), y)
    assert not detect_separation(far, y)


def test_ordinary_rows_are_not_fitted_apart(monkeypatch):
    """Rare levels, skewed columns and large offsets are not far."""
    monkeypatch.setattr(newton, "beside_far_rows", None)
    rng = np.random.default_rng(1)
    X = np.column_stack(
        [
            rng.random(5000) < 1e-3,
            np.exp(2.0 * rng.standard_normal(5000)),
            rng.normal(size=5000) + 1e6,
        ]
    )
    y = (rng.random(5000) < 0.3).astype(int)
    y[X[:, 0] > 0.0] = 1
    with pytest.warns(SeparationWarning):
        assert MLEClassifier().fit(X, y).separated_


def test_what_leaves_double_precision_is_named():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((200, 3))
    X[7, 1] = -1e250
    y = rng.integers(0, 2, size=200)
    for ask in (lambda: MLEClassifier().fit(X, y), lambda: detect_separation(X, y)):
        with pytest.raises(ValueError, match=r"got 1 entry .* in column 1 of X\. Where such"):
            ask()
