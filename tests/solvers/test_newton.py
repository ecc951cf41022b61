"""Newton for classes: exact, certified, the same whatever the units, silent about nothing."""

import numpy as np
import pytest

from sklearn_mle.likelihoods.softmax import Softmax, SoftmaxObjective
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers import newton
from sklearn_mle.solvers.descent import newton_is_due
from sklearn_mle.solvers.solution import Problem, Start, Status


def make_problem(n_classes=2, n=400, p=3, *, seed=0, units=1.0, weight=None, fit_intercept=True):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    scores = X @ rng.normal(size=(p, n_classes)) + rng.gumbel(size=(n, n_classes))
    rows = InMemoryRows(X * units, scores.argmax(axis=1).astype(float), weight)
    return Problem(rows, Softmax(n_classes), fit_intercept)


def fit(problem, *, start=None, tol=1e-8, max_iter=100):
    return newton.solve(problem, start=start, tol=tol, max_iter=max_iter)


def relative_score(problem, solution):
    """``|sum w (p - y) x_j| / sum w |x_j|`` in extended precision, largest over columns."""
    rows = problem.rows
    X = np.column_stack([rows.X, np.ones(rows.n_rows)]).astype(np.longdouble)
    w = np.ones(rows.n_rows) if rows.weight is None else rows.weight
    scores = X[:, :-1] @ solution.coef.T.astype(np.longdouble) + solution.intercept
    if scores.shape[1] == 1:
        scores = np.hstack([0.0 * scores, scores])
    P = np.exp(scores - scores.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    P[np.arange(rows.n_rows), rows.y.astype(int)] -= 1.0
    score = np.abs((P * w[:, None]).T @ X) / (w @ np.abs(X))
    return float(score.max())


@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_the_score_is_zero_to_rounding(n_classes):
    weight = np.random.default_rng(1).uniform(0.1, 5.0, size=400)
    problem = make_problem(n_classes, units=[1e-4, 1.0, 1e4], weight=weight)
    solution = fit(problem)
    assert solution.outcome.status is Status.CONVERGED
    assert relative_score(problem, solution) < 1e-12
    assert solution.gap < 1e-16


def test_units_of_columns_change_coefficients_only():
    plain, scaled = fit(make_problem(3)), fit(make_problem(3, units=[1e-8, 1.0, 1e8]))
    assert scaled.cost == pytest.approx(plain.cost, rel=1e-12)
    np.testing.assert_allclose(scaled.coef * [1e-8, 1.0, 1e8], plain.coef, rtol=1e-9)


def test_the_gap_is_true_when_stopped_early():
    problem = make_problem(3)
    least = fit(problem).cost
    for steps in (1, 2, 3):
        early = fit(problem, max_iter=steps)
        true_gap = (early.cost - least) / max(1.0, abs(early.cost))
        assert early.n_iter == steps
        assert early.gap >= true_gap
    assert fit(problem, max_iter=1).outcome.status is Status.OUT_OF_STEPS


def test_a_start_at_the_answer_takes_fewer_steps():
    problem = make_problem(3)
    cold = fit(problem)
    warm = fit(problem, start=Start(cold.coef, cold.intercept))
    assert warm.n_iter < cold.n_iter
    np.testing.assert_allclose(warm.coef, cold.coef, rtol=1e-8)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_collinear_columns_get_the_same_probabilities_and_the_true_rank(n_classes):
    problem = make_problem(n_classes)
    X = problem.rows.X
    twice = InMemoryRows(np.column_stack([X, X[:, 0] + X[:, 1], 0.0 * X[:, 0]]), problem.rows.y)
    short = fit(Problem(twice, problem.likelihood, True))
    assert short.cost == pytest.approx(fit(problem).cost, rel=1e-12)
    assert short.rank == 3
    assert np.all(np.abs(short.coef) < 10.0)


def test_rows_off_by_a_large_constant_fit_as_well():
    problem = make_problem()
    moved = InMemoryRows(problem.rows.X + 1e6, problem.rows.y)
    assert fit(Problem(moved, problem.likelihood, True)).cost == pytest.approx(
        fit(problem).cost, rel=1e-9
    )


def test_separated_classes_stop_near_the_limit_and_say_so():
    X = np.arange(10.0)[:, None]
    problem = Problem(InMemoryRows(X, (X[:, 0] > 4.5).astype(float)), Softmax(2), True)
    solution = fit(problem)
    assert solution.outcome.status is Status.SEPARATED
    assert 0.0 < solution.cost <= 1e-8
    assert solution.gap <= 1e-8
    assert np.all(np.isfinite(solution.coef))


def counted(monkeypatch, objective):
    """How often each kind of pass is asked for, by name."""
    passes = []

    def count(name):
        method = getattr(objective, name)

        def counting(*args, **how):
            passes.append(name.lstrip("_"))
            return method(*args, **how)

        monkeypatch.setattr(objective, name, counting)

    for name in ("value_and_gradient", "gradient", "_derivatives"):
        count(name)
    return passes


def precisions(monkeypatch):
    """Whether each Hessian, in turn, was made in single precision."""
    found, method = [], SoftmaxObjective._derivatives

    def note(self, theta, single):
        found.append(single)
        return method(self, theta, single)

    monkeypatch.setattr(SoftmaxObjective, "_derivatives", note)
    return found


@pytest.mark.parametrize("n_classes", [2, 3])
def test_many_clear_columns_get_hessians_in_single_precision_and_exact_fits(n_classes, monkeypatch):
    found = precisions(monkeypatch)
    units = np.logspace(-8, 8, 40)
    weight = np.random.default_rng(3).uniform(0.1, 5.0, size=8000)
    problem = make_problem(n_classes, n=8000, p=40, units=units, weight=weight)
    solution = fit(problem)
    assert found[:4] == [False, True, True, True]
    assert solution.rank == 40
    assert relative_score(problem, solution) < 1e-12


def test_nearly_dependent_columns_get_double_precision(monkeypatch):
    problem = make_problem(n=4000, p=40)
    X = problem.rows.X
    X[:, 7] = X[:, 3] + 1e-3 * X[:, 7]
    found = precisions(monkeypatch)
    solution = fit(problem)
    assert True not in found
    assert solution.rank == 40
    assert relative_score(problem, solution) < 1e-12


@pytest.mark.parametrize("far", [1e-25, 1e25])
def test_what_single_precision_cannot_hold_is_computed_in_double(far, monkeypatch):
    units = np.ones(40)
    units[5] = far
    found = precisions(monkeypatch)
    problem = make_problem(n=4000, p=40, units=units)
    solution = fit(problem)
    assert found[found.index(True) + 1] is False
    assert solution.rank == 40
    assert relative_score(problem, solution) < 1e-12


@pytest.mark.parametrize("n_classes", [2, 4])
def test_last_steps_ask_for_slopes_alone_and_know_the_cost(n_classes, monkeypatch):
    problem = make_problem(n_classes, n=5000)
    objective = problem.likelihood.objective(problem.rows, True)
    exact = 5000.0 * newton.EXACT
    best = newton.descend(objective, objective.start(), 5000.0, 1e-8, 100, exact).theta
    passes = counted(monkeypatch, objective)
    end = newton.descend(objective, best + 1e-6, 5000.0, 1e-8, 100, exact)
    assert passes[0] == "derivatives"
    assert set(passes[1:]) == {"gradient"}
    assert end.value == pytest.approx(objective.value(end.theta), rel=1e-14)
    np.testing.assert_allclose(end.theta, best, atol=1e-11)


def test_most_passes_over_many_rows_need_no_hessian(monkeypatch):
    problem = make_problem(n=100_000, p=20, seed=1)
    objective = problem.likelihood.objective(problem.rows, True)
    theta, near = newton._start_from_sample(objective)
    passes = counted(monkeypatch, objective)
    newton.descend(objective, theta, 1e5, 1e-8, 100, 1e5 * newton.EXACT, near)
    assert passes.count("derivatives") == 1
    assert len(passes) <= 6


def test_the_hessian_of_many_columns_is_asked_for_once_and_late(monkeypatch):
    problem = make_problem(n=100_000, p=40)
    objective = problem.likelihood.objective(problem.rows, True)
    theta, near = newton._start_from_sample(objective)
    passes = counted(monkeypatch, objective)
    end = newton.descend(objective, theta, 1e5, 1e-8, 100, 1e5 * newton.EXACT, near)
    assert passes[:3] == ["value_and_gradient", "value_and_gradient", "derivatives"]
    assert passes.count("derivatives") == 1
    assert len(passes) <= 6
    assert end.decrement <= 1e-14 * 1e5


def test_a_hessian_is_due_where_it_saves_passes():
    assert newton_is_due(1e-2, 0.5, 1e-24, 1.0)
    assert newton_is_due(1e-4, 1e-2, 1e-24, 4.0)
    assert not newton_is_due(1e-4, 1e-2, 1e-24, 40.0)
    assert not newton_is_due(1e-14, 1e-6, 1e-24, 1.0)


def test_levels_of_one_class_among_many_take_few_hessians(monkeypatch):
    rng = np.random.default_rng(7)
    level = rng.integers(0, 30, 6000)
    X = (level[:, None] == np.arange(1, 30)).astype(float)
    y = (rng.standard_normal(30)[level] + rng.logistic(size=6000) > 0.0).astype(float)
    y[level == 5], y[level == 17] = 1.0, 0.0
    passes = []
    method = SoftmaxObjective.derivatives
    monkeypatch.setattr(
        SoftmaxObjective, "derivatives", lambda *a: (passes.append(1), method(*a))[1]
    )
    solution = fit(Problem(InMemoryRows(X, y), Softmax(2), True))
    assert solution.outcome.status is Status.SEPARATED
    assert len(passes) <= 16
