"""That screening screens: shares of rows set aside, passes, and rows that come back."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from scipy import sparse

from sklearn_mle.solvers import sign_prediction
from sklearn_mle.solvers.least_absolute import fit_exactly
from sklearn_mle.solvers.solution import Start
from tests.solvers.lad_cases import Case, certified_gap


def trace_of(X, y, weight=None, tau=0.5):
    return fit_exactly(Case(X, y, weight, tau, True).problem, start=None, max_iter=100).trace


@pytest.fixture(scope="module")
def ordinary():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200_000, 6))
    return X, X @ rng.standard_normal(6) + rng.laplace(size=200_000)


@pytest.mark.parametrize("tau", [0.5, 0.8, 0.05])
def test_few_rows_stay_and_passes_are_few(ordinary, tau):
    X, y = ordinary
    trace = trace_of(X, y, tau=tau)
    assert trace.band <= 0.15 * y.shape[0]
    assert trace.passes <= 9
    assert trace.rounds <= 3


def test_wrong_signs_come_back():
    """A sample of rows whose law differs from the others' predicts badly; the answer is exact."""
    rng = np.random.default_rng(1)
    n = 60_000
    X = rng.standard_normal((n, 3))
    X[:30, 2] *= 3000.0
    y = X[:, 0] + rng.standard_normal(n)
    y[:30] += 10.0 * X[:30, 2]
    fit = fit_exactly(Case(X, y, None, 0.5, True).problem, start=None, max_iter=100)
    assert fit.gap <= 1e-9
    assert abs(fit.coef[2] - 10.0) < 0.1


@pytest.mark.parametrize("n, p, tau", [(20_000, 4, 0.5), (100_000, 8, 0.8)])
def test_rows_that_come_back_are_solved_by_pivots(n, p, tau, monkeypatch):
    """A band that is too narrow gives wrong signs for certain: the basis is not lost."""
    monkeypatch.setattr(sign_prediction, "safety", lambda n: 1.5)
    rng = np.random.default_rng(n)
    X = rng.standard_normal((n, p))
    y = X[:, 0] + rng.laplace(size=n)
    fit = fit_exactly(Case(X, y, None, tau, True).problem, start=None, max_iter=100)
    trace, w = fit.trace, np.ones(n)
    assert trace.rounds >= 2
    assert trace.warm >= trace.rounds - 1
    assert trace.newton_steps <= 40
    assert trace.passes == 1 + trace.rounds
    proved = certified_gap(X, y, w, tau, True, fit.coef, fit.intercept, fit.dual())
    assert proved <= fit.gap <= 1e-9


def test_heavy_rows_are_never_set_aside():
    rng = np.random.default_rng(2)
    X = rng.standard_t(2, size=(100_000, 4))
    y = X @ np.ones(4) + rng.laplace(size=100_000)
    trace = trace_of(X, y, rng.lognormal(0.0, 2.0, size=100_000))
    assert trace.influence > 0
    assert trace.rounds <= 6
    assert trace.band <= 0.5 * y.shape[0]


def test_a_column_that_the_sample_does_not_see():
    rng = np.random.default_rng(3)
    n = 100_000
    X = rng.standard_normal((n, 3))
    X[:, 2] = 0.0
    rare = rng.choice(n, size=9, replace=False)
    X[rare, 2] = 1.0
    y = X[:, 0] + rng.laplace(size=n) + 5.0 * X[:, 2]
    fit = fit_exactly(Case(X, y, None, 0.5, True).problem, start=None, max_iter=100)
    assert fit.level.frame.kept.shape[0] == 3
    assert fit.gap <= 1e-9
    r = y[rare] - X[rare] @ fit.coef - fit.intercept
    assert np.sum(r > 1e-9) <= 4 and np.sum(r < -1e-9) <= 4


def test_second_rounds_are_seldom_at_any_size():
    """Wrong signs are about ``n`` times the tail of a normal error beyond the band."""
    wrong = [n * scipy.stats.norm.sf(sign_prediction.safety(n)) for n in (10**4, 10**6, 10**8)]
    assert max(wrong) <= 15.0
    assert sign_prediction.safety(10**4) < sign_prediction.safety(10**8) <= 5.5


def noises_of(n, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 8))
    errors = [
        rng.laplace(size=n),
        rng.exponential(size=n),
        rng.standard_t(3, n) * (1 + X[:, 0] ** 2),
    ]
    return X, [X.sum(axis=1) + e for e in errors]


@pytest.mark.parametrize("tau", [0.5, 0.9])
def test_few_rows_are_approached_by_steps_on_all(tau):
    """Whatever the noise: about four passes, and a band hardly larger than the last problem."""
    X, targets = noises_of(12_000, 7)
    for y in targets:
        trace = trace_of(X, y, tau=tau)
        assert trace.approached == 1
        assert trace.passes <= 8 and trace.rounds <= 2
        assert trace.band <= 0.05 * y.shape[0]


def test_rows_that_are_not_ordinary_are_not_approached():
    rng = np.random.default_rng(8)
    X = rng.standard_normal((12_000, 8))
    rounded, heavy = np.round(rng.laplace(size=12_000)), rng.standard_cauchy(12_000)
    leverage = X * rng.lognormal(0.0, 2.0, size=(12_000, 1))
    for Z, y in ((X, rounded), (X, heavy), (leverage, X[:, 0] + rng.laplace(size=12_000))):
        fit = fit_exactly(Case(Z, y, None, 0.5, True).problem, start=None, max_iter=100)
        assert fit.trace.approached == 0
        assert fit.gap <= 1e-9


@pytest.mark.parametrize("columns", ["far", "sparse", "tiny", "huge"])
def test_the_approach_does_not_mind_units(columns):
    X, (y, *_) = noises_of(12_000, 9)
    plain = fit_exactly(Case(X, y, None, 0.3, True).problem, start=None, max_iter=100)
    other = {
        "far": lambda: X + 1e5,
        "sparse": lambda: sparse.csr_array(X),
        "tiny": lambda: X * 1e-180,
        "huge": lambda: X * 1e180,
    }[columns]()
    fit = fit_exactly(Case(other, y, None, 0.3, True).problem, start=None, max_iter=100)
    unit = {"tiny": 1e-180, "huge": 1e180}.get(columns, 1.0)
    assert fit.trace.approached == 1
    np.testing.assert_allclose(fit.coef * unit, plain.coef, rtol=1e-8)


def test_a_start_is_approached_from():
    X, (y, *_) = noises_of(12_000, 10)
    problem = Case(X, y, None, 0.5, True).problem
    first = fit_exactly(problem, start=None, max_iter=100)
    again = fit_exactly(problem, start=Start(first.coef, first.intercept), max_iter=100)
    assert again.trace.approached == 1
    np.testing.assert_allclose(again.coef, first.coef, rtol=1e-12)
