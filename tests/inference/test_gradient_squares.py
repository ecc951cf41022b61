"""Summed squares of gradients: dense and sparse rows, one score or several, weights."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_mle.inference.gradient_squares import gradient_squares
from sklearn_mle.inference.row_costs import LocationScaleCosts, SoftmaxCosts
from sklearn_mle.inference.terms import terms_of
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises import Logistic
from sklearn_mle.rows.in_memory import InMemoryRows


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("costs", [LocationScaleCosts(Logistic()), SoftmaxCosts(4)])
def test_squares_are_those_of_gradients(costs, weighted, intercept):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3)) * (rng.random((40, 3)) < 0.6)
    weight = rng.uniform(1.0, 3.0, 40) if weighted else None
    g, e = rng.normal(size=(40, costs.n_scores)), rng.normal(size=(40, costs.n_extras))
    ones = [np.ones((40, 1))] if intercept else []
    gradients = np.hstack([np.hstack([X * a, *(a * one for one in ones)]) for a in g.T[:, :, None]])
    gradients = np.hstack([gradients, e])
    expected = gradients.T @ (gradients * (1.0 if weight is None else weight[:, None]))
    for rows in (X, sparse.csr_array(X)):
        terms = terms_of(InMemoryRows(rows, np.zeros(40)), intercept)
        size = costs.n_scores * terms.size + costs.n_extras
        valley = Valley(InMemoryRows(rows, np.zeros(40)), costs, terms, np.zeros(size))
        D = rows if isinstance(rows, np.ndarray) else terms.columns(rows)
        made = gradient_squares(valley, weight, D, g, e)
        order = valley.order_of_sums()
        np.testing.assert_allclose(made[np.ix_(order, order)], expected, rtol=1e-12, atol=1e-12)
