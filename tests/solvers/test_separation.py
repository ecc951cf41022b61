"""Whether a plane separates classes: complete, partial, none."""

import numpy as np
import pytest
from scipy import optimize

from sklearn_mle.likelihoods.softmax import Softmax
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers import newton
from sklearn_mle.solvers.separation import separating_plane
from sklearn_mle.solvers.solution import Problem, Status


def status_of(X, y, n_classes=2, fit_intercept=True):
    problem = Problem(InMemoryRows(X, y.astype(float)), Softmax(n_classes), fit_intercept)
    return newton.solve(problem, start=None, tol=1e-8, max_iter=100).outcome.status


def reference(X, y, n_classes):
    """Largest total margin by a linear program of its own, one variable a class and column."""
    n, p = X.shape
    Z = np.column_stack([(X - X.mean(axis=0)) / X.std(axis=0), np.ones(n)])
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


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("seed", range(30))
def test_the_verdict_equals_that_of_a_linear_program(n_classes, seed):
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(8, 40)), int(rng.integers(1, 5))
    X = rng.normal(size=(n, p)) if seed % 2 else rng.integers(0, 3, size=(n, p)).astype(float)
    X[:2] += rng.normal(size=(2, p))
    strength = rng.choice([0.3, 2.0, 20.0])
    scores = strength * X @ rng.normal(size=(p, n_classes)) + rng.gumbel(size=(n, n_classes))
    y = scores.argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    expected = reference(X, y, n_classes)
    rows = InMemoryRows(X, y.astype(float))
    assert separating_plane(rows, n_classes, True) is expected
    assert (status_of(X, y, n_classes) is Status.SEPARATED) is expected


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
