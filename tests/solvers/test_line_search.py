"""Backtracking: the full step where it serves, a shorter one where it does not."""

import numpy as np
import pytest

from sklearn_mle.solvers.line_search import SUFFICIENT, backtrack, lengthen


def test_a_full_newton_step_on_a_parabola_is_taken():
    assert backtrack(lambda t: (t - 1.0) ** 2, 1.0, -2.0) == 1.0


def test_a_step_too_long_is_shortened_until_the_decrease_suffices():
    calls = []

    def cost(t):
        calls.append(t)
        return (10.0 * t - 1.0) ** 2

    t = backtrack(cost, 1.0, -20.0)
    assert cost(t) <= 1.0 - SUFFICIENT * 20.0 * t
    assert len(calls) <= 4


def test_an_infinite_cost_is_stepped_back_from():
    t = backtrack(lambda t: np.inf if t > 0.01 else -t, 0.0, -1.0)
    assert 0.001 <= t <= 0.01


def test_no_decrease_gives_length_zero():
    assert backtrack(lambda t: 1.0 + t, 1.0, -1.0) == 0.0


def test_a_decrease_below_rounding_is_taken_on_trust():
    value = 1e6
    assert backtrack(lambda t: value * (1.0 + 1e-15), value, -1e-12) == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_the_length_returned_decreases_any_convex_cost(seed):
    a, b = np.random.default_rng(seed).uniform(0.1, 30.0, size=2)
    t = backtrack(lambda t: np.cosh(a * t - b), np.cosh(b), -a * np.sinh(b))
    assert np.cosh(a * t - b) < np.cosh(b)


def test_a_step_that_is_too_short_is_lengthened():
    assert lengthen(lambda t: np.exp(-t), 1.0) == 16.0
    assert lengthen(lambda t: (t - 5.0) ** 2, 25.0) == 4.0
    assert lengthen(lambda t: (t - 1.0) ** 2, 1.0) == 1.0
    assert lengthen(lambda t: t**2, 0.0) == 1.0
