"""The exact quantile fit: optimal by a dual that the tests verify themselves."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.optimize import linprog

from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.noises import Laplace
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers.least_absolute import fit_exactly, solve
from sklearn_mle.solvers.solution import Problem, Start, Status
from tests.solvers.lad_cases import Case, certified_gap, draw_case


def solved(case: Case, max_iter: int = 100, start: Start | None = None):
    return solve(case.problem, start=start, tol=1e-9, max_iter=max_iter)


def proved_gap(case: Case) -> tuple[float, float]:
    """The gap that a fit reports, and the one that its dual proves."""
    fit = fit_exactly(case.problem, start=None, max_iter=100)
    solution = solved(case)
    rows = fit.level.rows
    w = np.ones(rows.X.shape[0]) if rows.weight is None else rows.weight
    X, y, w = rows.X[w > 0.0], rows.y[w > 0.0], w[w > 0.0]
    proved = certified_gap(
        X, y, w, case.tau, case.fit_intercept, solution.coef, solution.intercept, fit.dual()
    )
    return solution.gap, proved


def rounding_of_the_loss(case: Case, coef, intercept) -> float:
    """How large rounding of the coefficients alone makes the loss, relative to it."""
    w = np.ones(case.y.shape[0]) if case.weight is None else case.weight
    terms = np.abs(case.y) + np.abs(case.X) @ np.abs(coef) + abs(intercept)
    return float(np.finfo(float).eps * (w @ terms) / max(case.loss(coef, intercept), 1e-300))


def check(case: Case) -> None:
    solution = solved(case)
    if solution.outcome.status is Status.EXACT_FIT:
        loss = case.loss(solution.coef, solution.intercept)
        rounding = rounding_of_the_loss(case, solution.coef, solution.intercept)
        assert loss == 0.0 or rounding > 0.01, case.name
        return
    if solution.rank == 0 and not case.fit_intercept:
        assert solution.gap == 0.0, case.name
        return
    reported, proved = proved_gap(case)
    assert proved <= reported + 1e-15, case.name
    assert reported <= 1e-9, case.name


@pytest.mark.parametrize("first", range(0, 300, 20))
def test_hard_cases_are_proved(first):
    for seed in range(first, first + 20):
        check(draw_case(seed))


@pytest.mark.parametrize(
    "seed", [857, 952, 1133, 1506, 1898, 150482, 151226, 151423], ids="seed {}".format
)
def test_cases_that_rounding_makes_harder(seed):
    """Losses hardly larger than rounding, and columns that depend on others but for rounding."""
    check(draw_case(seed))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(500, 3000, 100))
def test_many_hard_cases_are_proved(first):
    for seed in range(first, first + 100):
        check(draw_case(seed))


def laplace_case(n: int, p: int, tau: float = 0.5, seed: int = 0) -> Case:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    y = X @ rng.standard_normal(p) + rng.laplace(size=n)
    return Case(X, y, None, tau, True)


@pytest.mark.parametrize("seed", range(12))
def test_cost_is_not_above_that_of_highs(seed):
    rng = np.random.default_rng(seed)
    n, p, tau = int(rng.integers(5, 400)), int(rng.integers(1, 6)), rng.uniform(0.05, 0.95)
    X, y = rng.standard_normal((n, p)), rng.standard_cauchy(n)
    w = rng.integers(0, 4, size=n).astype(float)
    w[0] = 1.0
    case = Case(X, y, w, float(tau), True)
    solution = solved(case)
    A = np.hstack([np.ones((n, 1)), X, np.eye(n), -np.eye(n)])
    cost = np.concatenate([np.zeros(p + 1), tau * w, (1.0 - tau) * w])
    bounds = [(None, None)] * (p + 1) + [(0, None)] * (2 * n)
    best = linprog(cost, A_eq=A, b_eq=y, bounds=bounds, method="highs").fun
    assert case.loss(solution.coef, solution.intercept) <= best * (1.0 + 1e-9)


def test_scale_and_cost_are_those_of_laplace():
    case = laplace_case(300, 3)
    problem = Problem(InMemoryRows(case.X, case.y), LocationScale(Laplace()), True)
    solution = solve(problem, start=None, tol=1e-9, max_iter=100)
    r = np.abs(case.y - case.X @ solution.coef - solution.intercept)
    assert solution.scale == pytest.approx(r.mean(), rel=1e-12)
    assert solution.cost == pytest.approx(300 * (np.log(2.0 * r.mean()) + 1.0), rel=1e-12)
    assert np.sum(r < 1e-12) == 4
    assert solution.rank == 3


@pytest.mark.parametrize("n", [400, 6000])
def test_weights_are_repeats(n):
    rng = np.random.default_rng(n)
    X, y = rng.standard_normal((n, 3)), rng.standard_t(2, size=n)
    w = rng.integers(0, 5, size=n)
    weighted = solved(Case(X, y, w.astype(float), 0.3, True))
    repeated = solved(Case(X.repeat(w, axis=0), y.repeat(w), None, 0.3, True))
    np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-9)
    assert weighted.cost == pytest.approx(repeated.cost, rel=1e-12)


def test_more_columns_than_rows_gives_the_least_norm():
    rng = np.random.default_rng(42)
    X, y = rng.random((15, 30)), rng.integers(0, 3, size=15).astype(float)
    w = rng.integers(0, 5, size=15)
    weighted = solved(Case(X, y, w.astype(float), 0.5, True))
    order = rng.permutation(w.sum())
    repeated = solved(Case(X.repeat(w, axis=0)[order], y.repeat(w)[order], None, 0.5, True))
    assert weighted.outcome.status is Status.EXACT_FIT
    assert weighted.scale == 0.0 and weighted.gap == 0.0
    np.testing.assert_allclose(
        X @ weighted.coef + weighted.intercept, X @ repeated.coef + repeated.intercept, rtol=1e-9
    )
    there = w > 0
    centred = X[there] - X[there].mean(axis=0)
    least = np.linalg.pinv(centred) @ (y[there] - y[there].mean())
    np.testing.assert_allclose(weighted.coef, least, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n", [200, 5000])
def test_dependent_columns_share_their_coefficient(n):
    rng = np.random.default_rng(n)
    x = rng.standard_normal((n, 2))
    y = x @ [1.0, 2.0] + rng.laplace(size=n)
    alone = solved(Case(x, y, None, 0.5, True))
    twice = solved(Case(np.column_stack([x, x[:, 1]]), y, None, 0.5, True))
    assert twice.rank == 2
    np.testing.assert_allclose(twice.coef, [alone.coef[0], *[alone.coef[1] / 2] * 2], rtol=1e-9)


@pytest.mark.parametrize("n", [500, 20000])
def test_units_and_offsets_do_not_matter(n):
    case = laplace_case(n, 6)
    units = 10.0 ** np.linspace(-8, 8, 6)
    scaled = solved(Case(case.X * units, case.y, None, 0.5, True))
    plain = solved(case)
    np.testing.assert_allclose(scaled.coef * units, plain.coef, rtol=1e-9)
    assert scaled.cost == pytest.approx(plain.cost, rel=1e-12)
    moved = solved(Case(case.X + 1e6, case.y, None, 0.5, True))
    np.testing.assert_allclose(moved.coef, plain.coef, rtol=1e-7)


@pytest.mark.parametrize("size", [1e-200, 1e-155, 1e155, 1e200])
@pytest.mark.parametrize("n", [500, 20000])
def test_columns_whose_squares_are_no_numbers(n, size):
    case = laplace_case(n, 3)
    units = np.array([1.0, size, size])
    scaled = solved(Case(case.X * units, case.y, None, 0.5, True))
    np.testing.assert_allclose(scaled.coef * units, solved(case).coef, rtol=1e-9)
    assert scaled.rank == 3


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_few_rows(n):
    y = np.array([3.0, -1.0, 8.0])[:n]
    solution = solved(Case(np.zeros((n, 0)), y, None, 0.5, True))
    assert solution.intercept == pytest.approx({1: 3.0, 2: solution.intercept, 3: 3.0}[n])
    assert -1.0 <= solution.intercept <= 3.0
    assert solved(Case(np.arange(n)[:, None] * 1.0, y, None, 0.5, False)).gap <= 1e-9


@pytest.mark.parametrize("n", [300, 30000])
def test_an_early_stop_tells_the_truth(n):
    case = laplace_case(n, 4, tau=0.8)
    best = solved(case)
    early = solved(case, max_iter=1)
    assert early.outcome.status is Status.OUT_OF_STEPS
    assert early.n_iter == 1
    assert early.gap < 1.0
    excess = case.loss(early.coef, early.intercept) / case.loss(best.coef, best.intercept) - 1.0
    assert 0.0 < excess <= early.gap
    assert early.cost - best.cost <= early.gap * max(1.0, abs(early.cost))


def test_a_start_is_used():
    case = laplace_case(800, 5)
    best = solved(case)
    again = solved(case, start=Start(best.coef, best.intercept))
    np.testing.assert_allclose(again.coef, best.coef, rtol=1e-10)


def test_nothing_is_resorted_to_on_ordinary_data():
    for n, p, tau in [(1000, 10, 0.5), (5000, 3, 0.1), (40000, 10, 0.5), (60000, 8, 0.8)]:
        trace = fit_exactly(laplace_case(n, p, tau).problem, start=None, max_iter=100).trace
        seldom = (trace.influence, trace.rays, trace.atoms, trace.restarts, trace.fallbacks)
        assert seldom == (0, 0, 0, 0, 0)
        assert trace.direct == 0


@pytest.mark.slow
def test_memory_is_a_fraction_of_the_data():
    case = laplace_case(2_000_000, 20)
    problem = case.problem
    tracemalloc.start()
    solve(problem, start=None, tol=1e-9, max_iter=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 0.35 * case.X.nbytes
