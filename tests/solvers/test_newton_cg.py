"""Newton's method without Hessians: the fit of Newton's method with them, on sparse rows."""

import tracemalloc

import numpy as np
import pytest
from scattered import scattered
from scipy import sparse

from sklearn_mle.likelihoods.softmax import Softmax
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers import conjugate_gradients, newton, newton_cg
from sklearn_mle.solvers.choose import SOLVERS, choose
from sklearn_mle.solvers.null_space import null_directions
from sklearn_mle.solvers.solution import Problem, Start, Status


def problem(n, p, n_classes, density=0.02, seed=0, weighted=False, X=None):
    rng = np.random.default_rng(seed)
    if X is None:
        X = scattered(n, p, density, rng)
    u = 0.4 * (X @ rng.normal(size=(p, n_classes))) + rng.gumbel(size=(n, n_classes))
    w = rng.integers(0, 3, n).astype(float) if weighted else None
    rows = InMemoryRows(sparse.csr_array(X), u.argmax(axis=1).astype(float), w)
    return Problem(rows, Softmax(n_classes), True)


def in_full(one):
    rows = InMemoryRows(one.rows.X.toarray(), one.rows.y, one.rows.weight)
    return Problem(rows, one.likelihood, one.fit_intercept)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_same_fit_as_with_hessians(n_classes, weighted):
    one = problem(6000, 110, n_classes, weighted=weighted)
    like = newton.solve(in_full(one), start=None, tol=1e-8, max_iter=100)
    made = newton_cg.solve(one, start=None, tol=1e-8, max_iter=100)
    np.testing.assert_allclose(made.coef, like.coef, atol=1e-10 * np.abs(like.coef).max())
    assert made.cost == pytest.approx(like.cost, rel=1e-13)
    assert made.gap <= 1e-12 and made.rank == like.rank == 110
    assert made.outcome.status is Status.CONVERGED


def test_it_is_chosen_for_sparse_rows_of_many_columns():
    sparse_rows = problem(2000, 310, 2).rows
    assert choose(Softmax(2), "auto", sparse_rows) is SOLVERS["newton_cg"]
    assert choose(Softmax(2), "auto", problem(2000, 310, 2, density=0.5).rows) is SOLVERS["lbfgs"]
    assert choose(Softmax(2), "auto", problem(2000, 30, 2).rows) is SOLVERS["newton"]


def test_dependent_columns_are_counted_and_get_the_shortest_coefficients():
    rng = np.random.default_rng(1)
    X = np.hstack([np.eye(k)[rng.integers(0, k, 5000)] for k in (40, 60, 25)])
    one = problem(5000, 125, 2, X=X)
    assert null_directions(one.likelihood.objective(one.rows, True)).directions.shape == (126, 3)
    like = newton.solve(in_full(one), start=None, tol=1e-8, max_iter=100)
    made = newton_cg.solve(one, start=None, tol=1e-8, max_iter=100)
    assert made.rank == like.rank == 122
    np.testing.assert_allclose(made.coef, like.coef, atol=1e-9 * np.abs(like.coef).max())


def test_empty_columns_are_counted_however_many_there_are():
    one = problem(3000, 60, 2)
    X = sparse.hstack([one.rows.X, sparse.csr_array((3000, 300))], format="csr")
    rows = InMemoryRows(X, one.rows.y)
    start = Start(np.ones((1, 360)), np.zeros(1))
    made = newton_cg.solve(Problem(rows, Softmax(2), True), start=start, tol=1e-8, max_iter=100)
    assert made.rank == 60 and not made.coef[0, 60:].any()
    like = newton_cg.solve(one, start=None, tol=1e-8, max_iter=100)
    np.testing.assert_allclose(made.coef[0, :60], like.coef[0], atol=1e-10)


def test_separated_classes_are_left_to_proof():
    one = problem(3000, 60, 2)
    rare = sparse.csr_array((one.rows.y * (np.arange(3000) % 50 == 0))[:, None])
    rows = InMemoryRows(sparse.hstack([one.rows.X, rare], format="csr"), one.rows.y)
    made = newton_cg.solve(Problem(rows, Softmax(2), True), start=None, tol=1e-8, max_iter=100)
    assert made.outcome.status is Status.SEPARATED
    np.testing.assert_array_equal(made.separation.features, [60])


def test_the_diagonal_and_the_product_are_those_of_the_hessian():
    one = problem(800, 12, 3, density=0.3, weighted=True)
    objective = one.likelihood.objective(one.rows, True)
    theta = np.random.default_rng(2).normal(size=objective.size)
    H = objective.derivatives(theta).hessian
    np.testing.assert_allclose(objective.hessian_diagonal(theta), H.diagonal(), rtol=1e-10)
    np.testing.assert_allclose(objective.hessian_product(theta)(theta), H @ theta, rtol=1e-10)
    v = theta[: objective.n_terms]
    np.testing.assert_allclose(objective.gram_product(v), objective.mean_gram() @ v, rtol=1e-10)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_pass_gives_cost_gradient_and_product(n_classes):
    one = problem(900, 12, n_classes, density=0.3, weighted=True)
    objective = one.likelihood.objective(one.rows, True)
    theta, v = np.random.default_rng(4).normal(size=(2, objective.size))
    value, gradient, product = objective.model(theta)
    here = objective.value_and_gradient(theta)
    assert value == here[0]
    np.testing.assert_array_equal(gradient, here[1])
    np.testing.assert_array_equal(product(v), objective.hessian_product(theta)(v))


def test_conjugate_gradients_bound_what_they_leave():
    rng = np.random.default_rng(3)
    A = rng.normal(size=(80, 40))
    H, b = A.T @ A, rng.normal(size=40)
    x = np.linalg.solve(H, b)
    unit = np.sqrt(H.diagonal())
    for most in (3, 8, 15, 40):
        got = conjugate_gradients.solve(
            lambda v: H @ v, unit, b, lambda e, left: left < 1e-14, most
        )
        assert got.energy <= b @ x * (1 + 1e-12)
        assert b @ x - got.energy <= got.left
        np.testing.assert_allclose(got.residual, b - H @ got.x, atol=1e-9)


def test_many_columns_need_no_matrix_of_them():
    one = problem(40_000, 6000, 2, density=1e-3)
    X = one.rows.X
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    tracemalloc.start()
    made = newton_cg.solve(one, start=None, tol=1e-8, max_iter=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert made.gap <= 1e-12 and made.rank == 6000
    assert peak < 10 * size
