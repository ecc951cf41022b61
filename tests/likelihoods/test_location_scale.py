"""The price of a whole fit: scipy's numbers, exact fits, and a gap that bounds."""

import numpy as np
import pytest
from scipy import stats

from sklearn_mle.likelihoods.location_scale import (
    log_prob,
    mean_loss,
    optimality_gap,
    scaled_cost,
    share_above,
    total_log_prob,
)
from sklearn_mle.noises import Gaussian, Laplace
from sklearn_mle.rows.in_memory import InMemoryRows

LAWS = [(Gaussian(), stats.norm), (Laplace(), stats.laplace)]


@pytest.mark.parametrize(("noise", "law"), LAWS, ids=["gaussian", "laplace"])
def test_log_densities_and_the_cost_at_the_best_scale_are_those_of_scipy(noise, law):
    rng = np.random.default_rng(0)
    X, coef, w = rng.normal(size=(200, 3)), np.array([1.0, -2.0, 3.0]), rng.uniform(size=200)
    y = X @ coef + 5.0 + rng.normal(size=200)
    rows = InMemoryRows(X, y, w, block_rows=17)
    loss = mean_loss(rows, noise, coef, 5.0)
    scale = noise.scale_from_loss(loss)
    expected = law.logpdf(y, loc=X @ coef + 5.0, scale=scale)
    logs = log_prob(noise, X, y, coef, 5.0, scale)
    np.testing.assert_allclose(logs, expected, rtol=1e-12, atol=1e-13)
    assert scale == pytest.approx(noise.scale_of(y - X @ coef - 5.0, w), rel=1e-13)
    assert scaled_cost(noise, rows.total_weight, scale) == pytest.approx(-w @ expected, rel=1e-12)
    assert total_log_prob(logs, w) == pytest.approx(w @ expected, rel=1e-12)


@pytest.mark.parametrize("noise", [Gaussian(), Laplace()], ids=str)
@pytest.mark.parametrize("offset", [0.0, 1.0, 1e8])
def test_residuals_of_rounding_are_an_exact_fit_and_small_ones_are_not(noise, offset):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 3)) * [1.0, 1e6, 1e-6] + offset
    coef = np.array([0.3, 1e-5, 7e4])
    y = X @ coef + 1.7
    assert mean_loss(InMemoryRows(X, y), noise, coef, 1.7) == 0.0
    size = np.abs(y).mean()
    real = y + 1e-11 * size * rng.normal(size=50)
    assert mean_loss(InMemoryRows(X, real), noise, coef, 1.7) > 0.0


def test_a_constant_target_is_an_exact_fit():
    X, y = np.ones((5, 1)), np.full(5, 0.1)
    assert mean_loss(InMemoryRows(X, y), Laplace(), np.zeros(1), 0.1) == 0.0
    assert scaled_cost(Laplace(), 5.0, 0.0) == -np.inf


def test_at_scale_zero_rows_are_certain_or_impossible():
    X, y = np.array([[1.0], [2.0]]), np.array([0.1 + 0.2, 5.0])
    logs = log_prob(Gaussian(), X, y, np.array([0.3]), 0.0, 0.0)
    assert logs.tolist() == [np.inf, -np.inf]
    assert total_log_prob(logs, None) == -np.inf
    assert total_log_prob(logs, np.array([2.0, 0.0])) == np.inf


@pytest.mark.parametrize("noise", [Gaussian(), Laplace()], ids=str)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_gap_bounds_the_cost_and_the_loss(noise, scale):
    weight, k = 1000.0, noise.degree
    loss = scale**k / k
    cost = scaled_cost(noise, weight, scale)
    for g in (1e-12, 1e-3, 0.5):
        least = scaled_cost(noise, weight, noise.scale_from_loss(loss * (1.0 - g)))
        gap = optimality_gap(noise, weight, cost, g)
        assert gap >= (cost - least) / max(1.0, abs(cost)) * (1.0 - 1e-3) - 1e-14
        assert gap >= g
    assert optimality_gap(noise, weight, cost, 0.0) == 0.0
    assert optimality_gap(noise, weight, cost, 1.0) == np.inf


@pytest.mark.parametrize(
    ("loss", "bound", "share"),
    [(4.0, 3.0, 0.25), (4.0, 5.0, 0.0), (4.0, -1.0, 1.0), (0.0, 0.0, 0.0)]
    + [(np.nan, 1.0, 1.0), (1.0, np.nan, 1.0), (np.inf, np.inf, 1.0), (np.inf, 1.0, 1.0)],
)
def test_nothing_is_claimed_of_numbers_that_overflowed(loss, bound, share):
    assert share_above(loss, bound) == share
    assert optimality_gap(Laplace(), 9.0, 2.0, np.nan) == np.inf
