"""Many coefficients without their Hessian."""

import numpy as np
import pytest

from sklearn_mle import MLEClassifier
from sklearn_mle.likelihoods.softmax import Softmax, SoftmaxObjective
from sklearn_mle.rows.in_memory import LARGEST_BYTES, WIDE_ROWS, InMemoryRows
from sklearn_mle.solvers import lbfgs, newton
from sklearn_mle.solvers.choose import choose
from sklearn_mle.solvers.metric import Metric, rank_of_terms, sampled_metric
from sklearn_mle.solvers.solution import Problem, Start, Status


def make(n, p, n_classes=2, seed=0, design="plain", weighted=False):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    if design == "correlated":
        X = X + 2.0 * rng.standard_normal((n, 3)) @ rng.standard_normal((3, p))
    if design == "scales":
        X = X * np.logspace(-8, 8, p) + np.logspace(-8, 8, p)
    scores = (X - X.mean(axis=0)) / X.std(axis=0) @ rng.standard_normal((p, n_classes))
    y = np.argmax(scores / np.sqrt(p) + rng.gumbel(size=(n, n_classes)), axis=1).astype(float)
    weight = rng.integers(0, 3, n).astype(float) if weighted else None
    return InMemoryRows(X, y, weight)


def relative_score(rows, coef, intercept, n_classes):
    """The largest score of a coefficient over the sum of its column, in extended precision."""
    X = rows.X.astype(np.longdouble)
    w = np.ones(rows.y.shape[0]) if rows.weight is None else rows.weight
    scores = X @ coef.T + intercept
    scores = np.hstack([np.zeros_like(scores), scores]) if n_classes == 2 else scores
    P = np.exp(scores - scores.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    P[np.arange(rows.y.shape[0]), rows.y.astype(int)] -= 1
    return float(np.max(np.abs((P * w[:, None]).T @ X) / (w @ np.abs(X))))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("design", ["plain", "correlated", "scales"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_score_vanishes_and_the_gap_is_proved(n_classes, design, weighted):
    rows = make(4000, 40, n_classes, 1, design, weighted)
    problem = Problem(rows, Softmax(n_classes), True)
    solution = lbfgs.solve(problem, start=None, tol=1e-9, max_iter=100)
    exact = newton.solve(problem, start=None, tol=1e-9, max_iter=100)
    assert solution.outcome.status is Status.CONVERGED
    assert relative_score(rows, solution.coef, solution.intercept, n_classes) <= 1e-10
    assert solution.cost - exact.cost <= solution.gap * exact.cost + 1e-12 * exact.cost
    np.testing.assert_allclose(solution.cost, exact.cost, rtol=1e-12)


def descended(rows, n_classes=2):
    objective = Softmax(n_classes).objective(rows, True)
    metric = sampled_metric(objective)
    return objective, metric, lbfgs.descend(objective, objective.start(), metric, 200)


def test_independent_columns_need_no_gram_matrix_and_few_passes():
    _, metric, end = descended(make(20_000, 320))
    assert metric.factor is None
    assert end.n_iter <= 20


def test_correlated_columns_are_as_easy_by_the_metric_of_a_sample():
    objective, metric, end = descended(make(20_000, 320, design="correlated"))
    assert metric.factor is not None
    assert end.n_iter <= 40
    plain = Metric(metric.shape, metric.across, metric.unit, None)
    assert lbfgs.descend(objective, objective.start(), plain, 400).n_iter > 2 * end.n_iter


def test_the_certificate_bounds_what_an_early_stop_leaves():
    rows = make(5000, 60, seed=3)
    problem = Problem(rows, Softmax(2), True)
    least = newton.solve(problem, start=None, tol=1e-9, max_iter=100).cost
    objective = Softmax(2).objective(rows, True)
    metric = sampled_metric(objective)
    for steps in (4, 6, 8):
        end = lbfgs.polish(objective, lbfgs.descend(objective, objective.start(), metric, steps))
        value = objective.value(end.theta)
        assert (value - least) / value <= end.gap + 1e-13


def test_newton_decides_where_gradients_do_not_end(monkeypatch):
    calls = []
    solve = newton.solve
    monkeypatch.setattr(newton, "solve", lambda *a, **k: calls.append(1) or solve(*a, **k))
    rows = make(3000, 30)
    separated = Problem(InMemoryRows(rows.X, (rows.X[:, 0] > 0) * 1.0), Softmax(2), True)
    solution = lbfgs.solve(separated, start=None, tol=1e-9, max_iter=100)
    assert calls
    assert solution.outcome.status is Status.SEPARATED


@pytest.mark.parametrize("copies", [1, 20])
def test_dependent_columns_are_counted_and_share_their_coefficients(copies):
    rows = make(3000, 40, seed=7)
    X = np.column_stack([rows.X, rows.X[:, :copies] + rows.X[:, 1 : 1 + copies]])
    problem = Problem(InMemoryRows(X, rows.y), Softmax(2), True)
    fits = [one.solve(problem, start=None, tol=1e-9, max_iter=100) for one in (lbfgs, newton)]
    assert fits[0].rank == fits[1].rank == 40
    np.testing.assert_allclose(fits[0].coef, fits[1].coef, rtol=1e-6, atol=1e-8)


def test_a_rare_column_counts():
    rows = make(3000, 40, seed=8)
    X = np.column_stack([rows.X, np.isin(np.arange(3000), [5, 77, 1500, 2101])])
    y = rows.y.copy()
    y[[5, 77]], y[[1500, 2101]] = 0.0, 1.0
    solution = lbfgs.solve(
        Problem(InMemoryRows(X, y), Softmax(2), True), start=None, tol=1e-9, max_iter=100
    )
    assert solution.rank == 41


@pytest.mark.parametrize(("p", "design"), [(60, "plain"), (60, "scales"), (1100, "plain")])
def test_some_rows_in_single_precision_tell_a_full_rank(p, design, monkeypatch):
    objective = Softmax(2).objective(make(2 * p, p, design=design), True)
    monkeypatch.setattr(SoftmaxObjective, "mean_gram", None)
    assert rank_of_terms(objective) == p + 1


def test_entries_that_single_precision_does_not_hold_are_left_to_double():
    rows = make(400, 60)
    rows.X[:, 3] *= np.where(rows.X[:, 2] > 1.0, 1e50, 1.0)
    assert rank_of_terms(Softmax(2).objective(rows, True)) == 61


@pytest.mark.parametrize("p", [300, 2000, 9000])
def test_blocks_of_wide_rows_fit_the_cache_and_sums_of_products_stay_few(p):
    X = np.broadcast_to(0.0, (50_000, p))
    block_rows = InMemoryRows(X, np.zeros(len(X))).block_rows
    assert 8 * p * block_rows <= LARGEST_BYTES or block_rows == p // 4
    assert block_rows <= max(WIDE_ROWS, p // 4)


def test_auto_moves_where_coefficients_are_many():
    few, many = make(1000, 20), make(1000, 320)
    assert choose(Softmax(2), "auto", few) is newton
    assert choose(Softmax(2), "auto", many) is lbfgs
    assert choose(Softmax(20), "auto", few) is lbfgs
    assert choose(Softmax(2), "auto", make(400, 320)) is newton
    assert choose(Softmax(2), "newton", many) is newton
    assert choose(Softmax(2), "lbfgs", few) is lbfgs


def test_an_estimator_can_ask_for_either_and_begins_from_a_start():
    rows = make(3000, 30, 3, seed=5)
    fits = [MLEClassifier(solver=name).fit(rows.X, rows.y) for name in ("newton", "lbfgs")]
    np.testing.assert_allclose(fits[0].coef_, fits[1].coef_, rtol=1e-7, atol=1e-9)
    start = Start(fits[0].coef_, fits[0].intercept_)
    problem = Problem(rows, Softmax(3), True)
    again = lbfgs.solve(problem, start=start, tol=1e-9, max_iter=100)
    assert again.n_iter <= 3
