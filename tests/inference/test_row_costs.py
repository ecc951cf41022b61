"""Derivatives of rows' costs against differences of their costs."""

import numpy as np
import pytest

from sklearn_mle.inference.row_costs import LocationScaleCosts, SoftmaxCosts
from sklearn_mle.noises import Gaussian, Laplace
from sklearn_mle.noises.stretch import Stretch
from tests.inference.laws import LogisticLaw, StudentLaw

LAWS = {
    "gaussian": LocationScaleCosts(Gaussian()),
    "laplace": LocationScaleCosts(Laplace()),
    "logistic": LocationScaleCosts(LogisticLaw()),
    "student": LocationScaleCosts(StudentLaw(4.0), StudentLaw().shapes),
    "two classes": SoftmaxCosts(2),
    "four classes": SoftmaxCosts(4),
}


def at_random(costs, m=7, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=m)
    if isinstance(costs, SoftmaxCosts):
        y = rng.integers(0, costs.n_classes, m).astype(float)
    return y, rng.normal(size=(m, costs.n_scores)), rng.normal(size=costs.n_extras) * 0.3 + 0.5


def differences(f, u, h):
    """Derivatives of f, shape (m, ...), in the last axis of u."""
    made = []
    for e in h * np.eye(u.shape[-1]):
        made.append((8 * (f(u + e) - f(u - e)) - f(u + 2 * e) + f(u - 2 * e)) / (12 * h))
    return np.stack(made, axis=-1) if made else np.empty((*f(u).shape, 0))


@pytest.mark.parametrize("name", LAWS)
def test_slopes_are_derivatives_of_the_cost(name):
    costs = LAWS[name]
    y, scores, extras = at_random(costs)
    of_score, of_extra = costs.slopes(y, scores, extras)[1:]
    by_score = differences(lambda s: costs.cost(y, s, extras), scores, 1e-3)
    by_extra = differences(lambda e: costs.cost(y, scores, e), extras, 1e-3)
    np.testing.assert_allclose(of_score, by_score, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(of_extra, by_extra, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", LAWS)
def test_second_derivatives_are_derivatives_of_the_slopes(name):
    costs = LAWS[name]
    y, scores, extras = at_random(costs)
    d = costs.derivatives(y, scores, extras)
    np.testing.assert_allclose(d.cost, costs.cost(y, scores, extras), rtol=1e-13)
    for once, again in zip(costs.slopes(y, scores, extras), (d.cost, d.slope, d.extra_slope)):
        np.testing.assert_allclose(once, again, rtol=1e-13)
    np.testing.assert_allclose(costs.curvature(y, scores, extras), d.curvature, rtol=1e-13)
    bend = differences(lambda s: costs.slopes(y, s, extras)[1], scores, 1e-3)
    cross = differences(lambda e: costs.slopes(y, scores, e)[1], extras, 1e-3)
    extra = differences(lambda e: costs.slopes(y, scores, e)[2], extras, 1e-3)
    np.testing.assert_allclose(d.curvature, bend, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(d.cross, cross, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(d.extra_curvature, extra, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("ends", [(0.0, np.inf), (-np.inf, 2.0), (-1.0, 3.0), (-np.inf, np.inf)])
def test_stretching_is_undone_and_has_its_rate(ends):
    stretch = Stretch(*ends)
    v = 1.3
    u = stretch.stretched(v)
    assert stretch.natural(u) == pytest.approx(v, rel=1e-14)
    slope = (stretch.natural(u + 1e-5) - stretch.natural(u - 1e-5)) / 2e-5
    assert stretch.rate(v) == pytest.approx(slope, rel=1e-8)
