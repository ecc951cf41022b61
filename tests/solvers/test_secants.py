"""Steps and gradient differences correct a guess of the Hessian."""

import numpy as np
import pytest

from sklearn_mle.likelihoods.softmax import Softmax
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers import descent, newton
from sklearn_mle.solvers.curvature import Curvature
from sklearn_mle.solvers.secants import Secants


def positive(seed, p=6):
    root = np.random.default_rng(seed).standard_normal((p, p + 3))
    return root @ root.T


@pytest.mark.parametrize("rescaled", [False, True])
def test_what_was_learnt_last_is_explained(rescaled):
    hessian, rng = positive(0), np.random.default_rng(1)
    secants = Secants(Curvature.of(positive(2)), rescaled)
    for _ in range(3):
        step = rng.standard_normal(6)
        secants.learn(step, hessian @ step)
        np.testing.assert_allclose(secants.solve(hessian @ step), step, rtol=1e-9)


def test_nothing_is_learnt_where_the_cost_is_not_curved():
    secants = Secants(Curvature.of(positive(2)))
    secants.learn(np.ones(6), -np.ones(6))
    gradient = np.arange(6.0)
    np.testing.assert_array_equal(secants.solve(gradient), secants.guess.solve(gradient))


def test_a_descent_with_secants_needs_fewer_gradients(monkeypatch):
    rng = np.random.default_rng(0)
    X = np.exp(rng.standard_normal((4000, 12)))
    y = (0.3 * (X @ rng.standard_normal(12)) + rng.logistic(size=4000) > 0.0).astype(float)
    objective = Softmax(2).objective(InMemoryRows(X, y), True)
    best = newton.descend(objective, objective.start(), 4000.0, 1e-8, 100, 1e-21).theta
    begin = best + 1e-3 * rng.standard_normal(best.size)

    def gradients():
        return descent.descend(objective, begin, 4000.0, 1e-8, 100, 4e-21)

    with_secants = gradients()
    monkeypatch.setattr(Secants, "learn", lambda *_: None)
    without = gradients()
    np.testing.assert_allclose(with_secants.theta, without.theta, atol=1e-11)
    assert with_secants.n_iter < without.n_iter
