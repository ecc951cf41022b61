"""Whether a plane separates classes: complete, partial, none."""

import numpy as np
import pytest
from scipy import optimize

from sklearn_mle.likelihoods.softmax import Softmax
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers import newton, separation
from sklearn_mle.solvers.separation import find_separation
from sklearn_mle.solvers.solution import Problem, Status


def status_of(X, y, n_classes=2, fit_intercept=True):
    problem = Problem(InMemoryRows(X, y.astype(float)), Softmax(n_classes), fit_intercept)
    return newton.solve(problem, start=None, tol=1e-8, max_iter=100).outcome.status


def reference(X, y, n_classes):
    """Largest total margin by a linear program of its own, one variable a class and column."""
    n, p = X.shape
    spread = X.std(axis=0)
    Z = np.column_stack([(X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0), np.ones(n)])
    lines = []
    for i in range(n):
        for k in range(n_classes):
            if k != y[i]:
                line = np.zeros((n_classes, p + 1))
                line[y[i]], line[k] = Z[i], -Z[i]
                lines.append(line.ravel())
    A = np.array(lines)
    best = optimize.linprog(-A.sum(axis=0), A_ub=-A, b_ub=np.zeros(len(A)), bounds=(-1, 1))
    return -best.fun > 1e-5


KINDS = (
    "normal", "integers", "extreme", "one-class level", "collinear", "scales", "duplicates",
    "complete", "offset", "few rows",
)  # fmt: skip


def draw(kind, seed):
    """A set of rows, most of them on the edge between separated and overlapping."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    n, p, n_classes = int(rng.integers(12, 60)), int(rng.integers(1, 5)), int(rng.integers(2, 5))
    X = rng.normal(size=(n, p))
    strength = rng.choice([0.3, 2.0, 20.0])
    if kind == "integers":
        X = rng.integers(0, 3, size=(n, p)).astype(float)
    if kind == "few rows":
        X = rng.normal(size=(n, n // 2))
    scores = strength * X[:, :4] @ rng.normal(size=(min(4, X.shape[1]), n_classes))
    y = (scores + rng.gumbel(size=(n, n_classes))).argmax(axis=1)
    if kind == "complete":
        y = scores.argmax(axis=1)
    if kind == "extreme":
        y = scores.argmax(axis=1)
        X *= 100.0
        flipped = rng.integers(n, size=2)
        y[flipped] = (y[flipped] + 1) % n_classes
    if kind == "one-class level":
        level = rng.random(n) < 0.2
        y[level] = 1
        X = np.column_stack([X, level])
    if kind == "collinear":
        X = np.column_stack([X, X[:, 0] * 3.0, X.sum(axis=1)])
    if kind == "duplicates":
        again = rng.integers(n // 2, size=n)
        X, y = X[again], np.where(rng.random(n) < 0.1, y, y[again])
    if kind == "scales":
        X = X * 10.0 ** rng.integers(-8, 9, size=X.shape[1])
    if kind == "offset":
        X = X + 1e3
    y[:n_classes] = np.arange(n_classes)
    return X, y, n_classes


@pytest.mark.parametrize("kind", KINDS)
def test_the_verdict_equals_that_of_a_linear_program(kind):
    for seed in range(20):
        X, y, n_classes = draw(kind, seed)
        expected = reference(X, y, n_classes)
        rows = InMemoryRows(X, y.astype(float))
        nothing = np.zeros((1 if n_classes == 2 else n_classes, X.shape[1])), np.zeros(1)
        found = find_separation(rows, n_classes, True, *nothing)
        assert (found is not None) is expected, (kind, seed)
        assert (status_of(X, y, n_classes) is Status.SEPARATED) is expected, (kind, seed)


@pytest.mark.parametrize("kind", KINDS)
def test_the_direction_is_a_proof(kind):
    """Its margins, in rational arithmetic or close to it, are never negative."""
    for seed in range(20):
        X, y, n_classes = draw(kind, seed)
        rows = InMemoryRows(X, y.astype(float))
        fit = newton.solve(
            Problem(rows, Softmax(n_classes), True), start=None, tol=1e-8, max_iter=100
        )
        if fit.separation is None:
            continue
        found = fit.separation
        D, level = found.direction.astype(np.longdouble), found.level.astype(np.longdouble)
        scores = X.astype(np.longdouble) @ D.T + level
        size = np.abs(X) @ np.abs(found.direction).T + np.abs(found.level)
        if n_classes == 2:
            scores = np.hstack([np.zeros_like(scores), scores])
        margins = scores[np.arange(y.size), y][:, None] - scores
        assert margins.min() >= -1e-11 * max(1.0, size.max()), (kind, seed)
        assert margins[found.decided].min() >= 0.99, (kind, seed)
        used = np.flatnonzero(np.abs(found.direction).max(axis=0))
        np.testing.assert_array_equal(used, found.features)


def test_nothing_is_asked_on_ordinary_data(monkeypatch):
    asked = []
    find = separation.find_separation
    monkeypatch.setattr(newton, "find_separation", lambda *a: asked.append(1) or find(*a))
    rng = np.random.default_rng(0)
    for n, p, n_classes in ((200, 3, 2), (5000, 20, 2), (3000, 5, 4), (20_000, 30, 2)):
        X = rng.normal(size=(n, p)) * np.logspace(-3, 3, p)
        scores = X / X.std(axis=0) @ rng.normal(size=(p, n_classes)) / np.sqrt(p)
        y = (scores + rng.gumbel(size=(n, n_classes))).argmax(axis=1)
        assert status_of(X, y, n_classes) is Status.CONVERGED
    assert not asked


def test_newton_steps_leave_no_program_for_overlapping_but_extreme_classes(monkeypatch):
    programs = []
    monkeypatch.setattr(separation, "searched", lambda *a: programs.append(1))
    rng = np.random.default_rng(3)
    X = rng.normal(size=(2000, 5))
    y = (X @ np.ones(5) * 30.0 + rng.logistic(size=2000) > 0).astype(float)
    rows = InMemoryRows(X, y)
    fit = newton.solve(Problem(rows, Softmax(2), True), start=None, tol=1e-8, max_iter=100)
    assert find_separation(rows, 2, True, fit.coef, fit.intercept) is None
    assert not programs


def test_a_level_that_holds_one_class_only_is_separation():
    rng = np.random.default_rng(0)
    level = np.repeat([0.0, 1.0], [80, 20])
    y = np.where(level == 1.0, 1, rng.integers(2, size=100))
    assert status_of(np.column_stack([level, rng.normal(size=100)]), y) is Status.SEPARATED


def test_a_column_on_one_side_separates_only_without_an_intercept():
    rng = np.random.default_rng(1)
    x = rng.uniform(1.0, 2.0, size=(50, 1))
    y = np.zeros(50, dtype=int)
    y[0] = 1
    x[0] = 1.5
    assert status_of(x, y) is Status.CONVERGED


def test_extreme_but_overlapping_classes_are_not_separated():
    X = np.concatenate([np.linspace(-100, 0, 500), np.linspace(0, 100, 500)])[:, None]
    y = (X[:, 0] > 0).astype(int)
    y[[499, 500]] = [1, 0]
    y[[490, 509]] = [1, 0]
    assert status_of(X, y) is Status.CONVERGED
