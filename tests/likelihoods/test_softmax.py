"""The cost of classes: its derivatives, its coordinates, and what it does not depend on."""

import numpy as np
import pytest
from scipy.special import log_softmax

from sklearn_mle.likelihoods import class_products, softmax
from sklearn_mle.likelihoods.class_laws import (
    bernoulli,
    log_probabilities,
    probabilities,
    sum_of_logs,
)
from sklearn_mle.likelihoods.class_products import sum_to_zero_basis
from sklearn_mle.likelihoods.softmax import Softmax
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Block


def make_rows(n_classes, *, weighted=False, block_rows=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(300, 4)) * [1.0, 100.0, 1e-3, 1.0] + [0.0, 1e3, 0.0, -5.0]
    y = rng.integers(n_classes, size=300).astype(float)
    weight = rng.integers(0, 4, size=300).astype(float) if weighted else None
    return InMemoryRows(X, y, weight, block_rows=block_rows)


@pytest.fixture(params=[2, 3, 5], ids="{} classes".format)
def n_classes(request):
    return request.param


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_gradient_and_hessian_are_the_derivatives_of_the_cost(n_classes, fit_intercept):
    objective = Softmax(n_classes).objective(make_rows(n_classes, weighted=True), fit_intercept)
    theta = np.random.default_rng(1).normal(size=objective.size)
    value, gradient, hessian = objective.derivatives(theta)
    assert value == pytest.approx(objective.value(theta), rel=1e-14)
    np.testing.assert_allclose(gradient, objective.gradient(theta), rtol=1e-12)
    for i in range(objective.size):
        h = 1e-5 * np.eye(objective.size)[i]
        slope = (objective.value(theta + h) - objective.value(theta - h)) / 2e-5
        assert slope == pytest.approx(gradient[i], rel=1e-5, abs=1e-4)
        change = (objective.gradient(theta + h) - objective.gradient(theta - h)) / 2e-5
        np.testing.assert_allclose(change, hessian[i], rtol=1e-5, atol=1e-4)


def test_the_cost_along_a_line_is_the_cost(n_classes):
    objective = Softmax(n_classes).objective(make_rows(n_classes), True)
    rng = np.random.default_rng(2)
    theta, step = rng.normal(size=(2, objective.size))
    along = objective.along(theta, step)
    for t in (0.0, 0.5, 1.0, -2.0):
        assert along(t) == pytest.approx(objective.value(theta + t * step), rel=1e-13)


def test_coefficients_of_raw_columns_and_back(n_classes):
    objective = Softmax(n_classes).objective(make_rows(n_classes), True)
    theta = np.random.default_rng(3).normal(size=objective.size)
    coef, intercept = objective.unpack(theta)
    np.testing.assert_allclose(objective.pack(coef, intercept), theta, rtol=1e-9)
    if n_classes > 2:
        scale = np.abs(coef).max(axis=0)
        np.testing.assert_allclose(coef.sum(axis=0) / scale, 0.0, atol=1e-13)
        assert intercept.sum() == pytest.approx(0.0, abs=1e-12 * np.abs(intercept).max())


def test_the_cost_is_minus_the_log_probability_of_the_labels(n_classes):
    rows = make_rows(n_classes, weighted=True)
    objective = Softmax(n_classes).objective(rows, True)
    theta = 0.1 * np.random.default_rng(4).normal(size=objective.size)
    coef, intercept = objective.unpack(theta)
    logs = log_probabilities(rows.X @ coef.T + intercept)
    by_hand = -(rows.weight * logs[np.arange(300), rows.y.astype(int)]).sum()
    assert objective.value(theta) == pytest.approx(by_hand, rel=1e-10)


def test_blocks_do_not_matter(n_classes):
    theta = np.random.default_rng(5).normal(size=(n_classes - 1) * 5)
    one = Softmax(n_classes).objective(make_rows(n_classes, block_rows=300), True)
    many = Softmax(n_classes).objective(make_rows(n_classes, block_rows=7), True)
    for a, b in zip(one.derivatives(theta), many.derivatives(theta)):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


def test_basis_is_orthonormal_and_sums_to_zero():
    for n_classes in (2, 3, 10):
        Q = sum_to_zero_basis(n_classes)
        np.testing.assert_allclose(Q.T @ Q, np.eye(n_classes - 1), atol=1e-15)
        np.testing.assert_allclose(Q.sum(axis=0), 0.0, atol=1e-15)


def test_probabilities_of_extreme_scores_neither_overflow_nor_vanish():
    scores = np.array([[-800.0], [0.0], [800.0]])
    logs = log_probabilities(scores)
    np.testing.assert_allclose(logs[0], [0.0, -800.0])
    np.testing.assert_allclose(logs[2], [-800.0, 0.0])
    np.testing.assert_allclose(probabilities(scores).sum(axis=1), 1.0)
    wide = np.array([[1e4, 0.0, -1e4]])
    np.testing.assert_allclose(log_probabilities(wide), log_softmax(wide, axis=1))


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_all_pairs_at_once_are_the_pairs_one_by_one(weighted, fit_intercept, monkeypatch):
    rows = make_rows(6, weighted=weighted)
    objective = Softmax(6).objective(rows, fit_intercept)
    theta = np.random.default_rng(1).normal(size=objective.size)
    monkeypatch.setattr(class_products, "STACK_BYTES", 8 * 30 * 70)
    at_once = objective.derivatives(theta).hessian
    monkeypatch.setattr(softmax, "FEW_TERMS", 0)
    one_by_one = objective.derivatives(theta).hessian
    np.testing.assert_allclose(at_once, one_by_one, rtol=1e-9, atol=1e-11 * at_once.max())


@pytest.mark.parametrize("m", [1, 7, 8, 9, 1003])
def test_logarithms_of_products_add_up_to_those_of_their_factors(m):
    values = 1.0 + np.exp(np.random.default_rng(m).uniform(-30.0, 80.0, m))
    assert sum_of_logs(values) == pytest.approx(np.log(values).sum(), rel=1e-15)


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0, 80.0, 600.0, 5000.0])
def test_costs_of_scores_of_any_size_keep_their_digits(size):
    rng = np.random.default_rng(5)
    scores, y = size * rng.normal(size=501), rng.integers(2, size=501).astype(float)
    exact = np.logaddexp(0.0, scores * (1.0 - 2.0 * y)).sum()
    for weight in (None, np.ones(501)):
        law = bernoulli(Block(scores[:, None], y, weight), scores[:, None].copy())
        assert law.cost() == pytest.approx(exact, rel=4e-15)


def test_a_hessian_of_few_rows_costs_no_more_than_its_calls():
    few, many = (
        Softmax(2).objective(InMemoryRows(np.broadcast_to(1.0, (n, 9)), np.zeros(n)), True)
        for n in (100, 10**7)
    )
    assert few.hessian_cost < 1.0 < many.hessian_cost
