"""Separation by many sparse columns: the verdicts of the proof that has matrices, without one."""

from dataclasses import replace

import numpy as np
import pytest
from scattered import scattered
from scipy import sparse

from sklearn_mle import MLEClassifier, SeparationWarning, detect_separation
from sklearn_mle.likelihoods.softmax import Softmax
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers import newton, newton_cg
from sklearn_mle.solvers.margins import Margins
from sklearn_mle.solvers.peeling import peeled
from sklearn_mle.solvers.separation import find_separation
from sklearn_mle.solvers.solution import Problem, Status
from sklearn_mle.solvers.wide_separation import Verdict, judge_separation


def levels(k, n, rng):
    return np.eye(k)[rng.integers(0, k, n)]


def draw(kind, seed):
    """Columns, and classes that depend on them."""
    rng = np.random.default_rng(seed)
    n, n_classes = 300, int(rng.integers(2, 5))
    if kind == "levels":
        rare = np.minimum((rng.pareto(1.0, n) * 2).astype(int), 19)
        X = np.hstack([levels(20, n, rng), np.eye(20)[rare], rng.normal(size=(n, 2))])
    elif kind == "counts":
        X = rng.poisson(0.15, (n, 40)).astype(float)
    else:
        X = rng.normal(size=(n, 40)) * (rng.random((n, 40)) < 0.1)
        X[:, 0] = 2000.0 + rng.integers(0, 9, n)
    signal = (X - X.mean(axis=0)) @ rng.normal(size=(X.shape[1], n_classes))
    y = (signal + rng.gumbel(size=(n, n_classes))).argmax(axis=1)
    if kind == "together":  # two columns that separate, but neither does alone
        X[:, 1:3] = 0.0
        some = rng.choice(n, 30, replace=False)
        X[some, 1] = rng.normal(size=30)
        side = np.where(y[some] == 0, 1.0, -1.0)
        X[some, 2] = side * rng.random(30) - 0.7 * X[some, 1]
    return X, np.unique(y, return_inverse=True)[1].astype(float)


@pytest.fixture
def without_hessians(monkeypatch):
    monkeypatch.setattr(newton_cg, "LARGEST_HESSIAN", 0)


@pytest.mark.parametrize("kind", ["levels", "counts", "scattered", "together"])
def test_the_verdict_is_that_of_the_proof_with_matrices(kind, without_hessians):
    for seed in range(2):
        X, y = draw(kind, seed)
        n_classes = int(y.max()) + 1
        full, rows = InMemoryRows(X, y), InMemoryRows(sparse.csr_array(X), y)
        how = {"start": None, "tol": 1e-8, "max_iter": 200}
        like = newton.solve(Problem(full, Softmax(n_classes), True), **how)
        known = find_separation(full, n_classes, True, like.coef, like.intercept)
        made = newton_cg.solve(Problem(rows, Softmax(n_classes), True), **how)
        verdict = judge_separation(rows, n_classes, True, made.coef, made.intercept)
        assert verdict.known
        assert (verdict.found is None) == (known is None)
        assert (made.outcome.status is Status.SEPARATED) == (known is not None)
        assert made.cost == pytest.approx(like.cost, rel=1e-10, abs=1e-10)
        if known is not None:
            np.testing.assert_array_equal(verdict.found.decided, known.decided)
            D = verdict.found.margins.from_raw(verdict.found.direction, verdict.found.level)
            ahead = verdict.found.margins.margins(D)
            assert ahead[known.decided].min() >= 1.0 - 1e-6
            assert ahead.min() >= -1e-7


def test_a_level_of_one_class_is_found_at_any_width():
    rng = np.random.default_rng(0)
    n, p = 40_000, 20_000
    level = rng.integers(0, p - 1, n)
    y = (rng.random(n) < 0.5).astype(float)
    level[:7], y[:7] = p - 1, 1.0
    wide = sparse.csr_array((np.ones(n), (np.arange(n), level)), shape=(n, p))
    rows = InMemoryRows(wide, y)
    direction, decided = peeled(Margins.of(rows, 2, False))
    share = np.bincount(level, y, p) / np.maximum(np.bincount(level, minlength=p), 1)
    pure = (np.bincount(level, minlength=p) > 0) & ((share == 0.0) | (share == 1.0))
    assert pure[-1] and pure.sum() > 5000
    np.testing.assert_array_equal(direction.any(axis=0), pure)
    np.testing.assert_array_equal(decided.any(axis=1), pure[level])
    made = newton_cg.solve(Problem(rows, Softmax(2), False), start=None, tol=1e-8, max_iter=100)
    assert made.outcome.status is Status.SEPARATED
    np.testing.assert_array_equal(made.separation.rows, pure[level])
    np.testing.assert_array_equal(made.separation.features, np.flatnonzero(pure))
    # the levels that are left have their own share each
    odds = np.log(share[~pure & (share > 0)] / (1.0 - share[~pure & (share > 0)]))
    np.testing.assert_allclose(made.coef[0, ~pure & (share > 0)], odds, atol=1e-9)
    assert made.gap <= 1e-9


def test_columns_are_peeled_in_rounds():
    # without the rows that the first column decides, the second has one class left
    X = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 2.0], [0.0, 3.0], [0.0, 0.0], [0.0, 0.0]])
    y = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 1.0])
    margins = Margins.of(InMemoryRows(sparse.csr_array(X), y), 2, False)
    direction, decided = peeled(margins)
    np.testing.assert_array_equal(decided.any(axis=1), [True] * 4 + [False] * 2)
    ahead = margins.margins(direction)
    assert np.all(ahead[decided] > 0.0) and np.all(ahead >= 0.0)


def test_one_row_of_a_rare_level_is_found_among_very_many_rows():
    """Its probability is small beside the decrement at which a fit of such a weight ends."""
    rng = np.random.default_rng(1)
    n, p = 50_000, 400
    level = rng.integers(0, p - 1, n)
    y = (rng.random(n) < 0.5).astype(float)
    level[17] = p - 1
    X = sparse.csr_array((np.ones(n), (np.arange(n), level)), shape=(n, p))
    weight = np.full(n, 1e6)
    weight[17] = 1.0
    one = Problem(InMemoryRows(X, y, weight), Softmax(2), False)
    made = newton_cg.solve(one, start=None, tol=1e-8, max_iter=100)
    assert made.outcome.status is Status.SEPARATED
    np.testing.assert_array_equal(made.separation.features, [p - 1])


def test_nothing_is_asked_on_ordinary_data(monkeypatch):
    def asked(*_):
        raise AssertionError

    monkeypatch.setattr(newton_cg, "judge_separation", asked)
    rng = np.random.default_rng(2)
    X = scattered(20_000, 5000, 2e-3, rng)
    y = (0.4 * X @ rng.normal(size=5000) + rng.logistic(size=20_000) > 0.0).astype(float)
    one = Problem(InMemoryRows(X, y), Softmax(2), True)
    made = newton_cg.solve(one, start=None, tol=1e-8, max_iter=100)
    assert made.outcome.status is Status.CONVERGED


def test_what_is_not_known_is_said(monkeypatch, without_hessians):
    monkeypatch.setattr(newton_cg, "judge_separation", lambda *_: Verdict(None, False))
    rng = np.random.default_rng(3)
    X, y = np.hstack([levels(30, 300, rng), levels(9, 300, rng)]), np.zeros(300)
    y[X[:, 0] == 0.0] = rng.random(int(np.sum(X[:, 0] == 0.0))) < 0.5
    one = Problem(InMemoryRows(sparse.csr_array(X), y), Softmax(2), True)
    made = newton_cg.solve(one, start=None, tol=1e-8, max_iter=60)
    assert made.outcome.status is Status.STALLED
    assert "could not be decided" in made.outcome.sentence


def test_what_is_found_may_not_be_all_and_that_is_said(monkeypatch, without_hessians):
    judge = newton_cg.judge_separation

    def and_no_more(*given):
        return replace(judge(*given), known=False)

    monkeypatch.setattr(newton_cg, "judge_separation", and_no_more)
    rng = np.random.default_rng(3)
    X = sparse.csr_array(np.hstack([levels(30, 600, rng), levels(301, 600, rng)]))
    y = (rng.random(600) < 0.5).astype(float)
    y[X[:, [0]].toarray()[:, 0] == 1.0] = 1.0
    with pytest.warns(SeparationWarning, match="undecided whether more is separated"):
        MLEClassifier().fit(X, y)
    found = detect_separation(X, y)
    assert found and not found.exhaustive
    assert "undecided" in str(found)
    monkeypatch.setattr(newton_cg, "judge_separation", judge)
    with pytest.warns(SeparationWarning) as said:
        MLEClassifier().fit(X, y)
    assert "undecided" not in str(said[0].message)
    assert detect_separation(X, y).exhaustive
