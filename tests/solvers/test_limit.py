"""Fits of separated, nearly separated and nearly dependent data: nothing is below what they claim.

Each set is fitted by two rooms, and by Newton's method in extended precision on orthonormal
columns, which knows nothing of separation: its cost only has to come near the limit.
"""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from scipy import linalg, sparse

from sklearn_mle import MLEClassifier, SeparationWarning
from sklearn_mle.likelihoods.softmax import Softmax
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.narrowed import NarrowedRows
from sklearn_mle.solvers import newton, newton_cg
from sklearn_mle.solvers.curvature import Curvature
from sklearn_mle.solvers.faint import Faint
from sklearn_mle.solvers.solution import Problem, Start

KINDS = (
    "counts", "rare counts", "integers", "levels", "one-sided", "crossed levels", "duplicates",
    "weights", "scales", "nearly dependent", "heavy tails",
)  # fmt: skip


def draw(kind, seed):
    """Columns, codes of classes and weights; most of the sets are separated in part."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    K, p = int(rng.choice([2, 3, 4, 6])), int(rng.choice([3, 8, 15, 30]))
    n = int(np.clip(p * rng.choice([2.0, 6.0, 10.0, 13.0]), 30, 500))
    X, w = rng.normal(size=(n, p)), np.ones(n)
    if kind == "counts":
        X = rng.poisson(rng.choice([0.05, 0.15, 0.5, 1.5, 5.0], size=p), (n, p)).astype(float)
    if kind == "rare counts":
        X = rng.poisson(rng.choice([0.005, 0.02, 0.1], size=p), (n, p)).astype(float)
    if kind == "integers":
        X = rng.integers(-3, 4, (n, p)).astype(float)
    if kind == "levels":
        drawn = [rng.choice(k, n, p=rng.dirichlet(np.full(k, 0.7))) for k in (7, 5, 9)]
        X = np.hstack([np.eye(k)[level] for k, level in zip((7, 5, 9), drawn)])
    if kind == "duplicates":
        X = X[rng.integers(n // 3, size=n)].round(1)
    if kind == "scales":
        X = X * 10.0 ** rng.integers(-5, 6, p) + rng.choice([0.0, 100.0], size=p)
    if kind == "nearly dependent":
        X[:, 0] = X[:, -2:].sum(axis=1) + 1e-7 * rng.normal(size=n)
    if kind == "heavy tails":
        X = rng.standard_t(1.2, size=(n, p))
    spread = X.std(axis=0)
    Z = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    scores = rng.choice([0.3, 3.0, 10.0]) * Z @ rng.normal(size=(X.shape[1], K)) / np.sqrt(p)
    y = (scores + rng.gumbel(size=(n, K))).argmax(axis=1)
    if kind == "one-sided":
        for j in range(p // 2):
            some, k = rng.random(n) < 0.1, rng.integers(K)
            X[:, j] = np.where(some, np.where(y == k, 1.0, -1.0) * rng.integers(1, 4, n), 0.0)
    if kind == "crossed levels":
        level = rng.integers(0, 30, n)
        pure, of = rng.random(30) < 0.2, rng.integers(K, size=30)
        X = np.hstack([X[:, :3], np.eye(30)[level]])
        y = np.where(pure[level], of[level], y)
    if kind == "weights":
        w = rng.choice([0.0, 1.0, 2.0, 0.001, 50.0], size=n, p=[0.2, 0.4, 0.2, 0.1, 0.1])
    y[:K], w[:K] = np.arange(K), np.maximum(w[:K], 1.0)
    return X, y, w, K


def lead(scores, y):
    """How far other classes are ahead of each row's own; minus infinity for that itself."""
    ahead = scores - scores[np.arange(y.size), y][:, None]
    ahead[np.arange(y.size), y] = -np.inf
    return ahead


def cost_in_extended_precision(X, y, w, coef, intercept):
    scores = X.astype(np.longdouble) @ coef.astype(np.longdouble).T + intercept
    if scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    ahead = lead(scores, y)
    top = np.maximum(ahead.max(axis=1), 0.0)
    beyond = np.expm1(-top) + np.exp(ahead - top[:, None]).sum(axis=1)
    return float(w @ (top + np.log1p(beyond)))


def cost_that_can_be_had(X, y, w, K):
    """By damped Newton steps from zero, scores of the first class held at zero."""
    X, y, w = X[w > 0], y[w > 0], w[w > 0]
    Z = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    U, sizes, _ = linalg.svd(np.column_stack([Z, np.ones(len(Z))]), full_matrices=False)
    Q = U[:, sizes > 1e-10 * sizes[0]] * np.sqrt(len(Z))
    B, damp, t = np.zeros((K - 1, Q.shape[1])), 0.0, Q.shape[1]

    def cost(B):
        ahead = lead(np.hstack([np.zeros((len(Q), 1)), Q @ B.T]), y)
        return float(w @ np.logaddexp.reduce(np.hstack([ahead, np.zeros((len(Q), 1))]), axis=1))

    here = cost(B)
    for _ in range(80):
        ahead = lead(np.hstack([np.zeros((len(Q), 1)), Q @ B.T]), y)
        P = np.exp(ahead - np.logaddexp(0.0, np.logaddexp.reduce(ahead, axis=1))[:, None])
        own = -P.sum(axis=1)
        surplus = P.copy()
        surplus[np.arange(y.size), y] = own
        P[np.arange(y.size), y] = 1.0 + own
        H = np.einsum("ia,is,it->ast", P * w[:, None], Q, Q, optimize=True)
        H = np.einsum("ast,ab->asbt", H, np.eye(K)) - np.einsum(
            "ia,ib,is,it->asbt", P * w[:, None], P, Q, Q, optimize=True
        )
        H = H[1:, :, 1:].reshape((K - 1) * t, -1)
        g = ((surplus * w[:, None]).T @ Q)[1:].ravel()
        while damp < 1e6:
            shifted = H + (damp + 1e-14) * np.trace(H) / len(H) * np.eye(len(H))
            try:
                step = -linalg.cho_solve(linalg.cho_factor(shifted), g).reshape(K - 1, -1)
            except linalg.LinAlgError:
                step = np.zeros_like(B)
            if cost(B + step) < here:
                break
            damp = max(10.0 * damp, 1e-13)
        else:
            return here
        B, damp = B + step, 0.1 * damp
        before, here = here, cost(B + 0.0)
        if before - here <= 1e-15 * here:
            return here
    return here


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_below_what_a_fit_claims_and_rooms_agree(kind):
    for seed in range(6):
        X, y, w, K = draw(kind, seed)
        least = cost_that_can_be_had(X, y, w, K)
        costs = []
        for room, solver in ((np.asarray, "newton"), (sparse.csr_array, "newton_cg")):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model = MLEClassifier(solver=solver).fit(room(X), y, sample_weight=w)
            told = [SeparationWarning] if model.separated_ else []
            assert [one.category for one in caught] == told, (seed, solver)
            cost = cost_in_extended_precision(X, y, w, model.coef_, model.intercept_)
            size = max(1.0, cost)
            assert model.optimality_gap_ <= 1e-8, (seed, solver)
            # columns that nearly depend leave each score seven digits less
            digits = 1e-8 if kind == "nearly dependent" else 1e-10
            assert cost - least <= (model.optimality_gap_ + digits) * size, (seed, solver)
            assert abs(cost + model.log_likelihood_) <= digits * size, (seed, solver)
            costs.append(cost)
        assert abs(costs[0] - costs[1]) <= 1e-10 * max(1.0, costs[0]), seed


def test_curvature_that_a_hessian_does_not_show_is_no_reason_to_stop():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(60, 3))
    X[:, 2] = X[:, 0] - X[:, 1] + 1e-8 * rng.normal(size=60)
    y = (X[:, 0] + rng.logistic(size=60) > 0).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MLEClassifier().fit(X, y)
    other = MLEClassifier().fit(np.column_stack([X[:, :2], (X[:, 2] - X[:, 0] + X[:, 1]) * 1e8]), y)
    assert model.rank_ == 3
    assert model.log_likelihood_ == pytest.approx(other.log_likelihood_, rel=1e-7)
    assert model.log_likelihood_ > MLEClassifier().fit(X[:, :2], y).log_likelihood_ + 1e-3


@pytest.mark.parametrize("n_classes", [2, 4])
def test_columns_that_depend_cost_no_look_for_curvature_after_the_first(n_classes, monkeypatch):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 4))
    X = np.column_stack([X, X @ [1.0, -1.0, 2.0, 0.5], np.full(300, 3.0)])
    y = rng.integers(n_classes, size=300)
    objective = Softmax(n_classes).objective(InMemoryRows(X, y.astype(float)), True)
    looks, known = [], type(objective).curvature_along

    def counted(self, *given):
        looks.append(given)
        return known(self, *given)

    monkeypatch.setattr(type(objective), "curvature_along", counted)
    faint, k = Faint(objective), 2 * (n_classes - 1)
    for size in (0.0, 0.3, 1.0):
        theta = size * rng.normal(size=objective.size)
        seen = Curvature.of(objective.derivatives(theta).hessian, n_classes - 1)
        assert faint.told(theta, seen) is seen
        assert seen.still.shape[1] == k
    assert len(looks) == 1
    assert faint.flat.shape[1] == k
    assert Faint(objective).flat.shape[1] == k


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_curvature_along_directions_is_that_of_the_hessian(n_classes):
    rng = np.random.default_rng(n_classes)
    X, y = rng.normal(size=(700, 4)), rng.integers(n_classes, size=700).astype(float)
    w = rng.random(700)
    excluded = rng.random((700, n_classes)) < 0.2
    excluded[np.arange(700), y.astype(int)] = False
    for given in (X, sparse.csr_array(X)):
        for intercept in (True, False):
            whole = Softmax(n_classes).objective(InMemoryRows(given, y, w), intercept)
            for some in (whole, whole.on(NarrowedRows(whole.rows, excluded))):
                theta = rng.normal(size=some.size)
                V = rng.normal(size=(some.size, 3))
                hessian = some.derivatives(theta).hessian
                forward, own = some.curvature_along(theta, V)
                np.testing.assert_allclose(forward, hessian @ V, atol=1e-10)
                np.testing.assert_allclose(own, V.T @ hessian @ V, atol=1e-10)
                product = some.hessian_product(theta)(V[:, 0])
                np.testing.assert_allclose(product, hessian @ V[:, 0], atol=1e-10)
                np.testing.assert_allclose(
                    some.hessian_diagonal(theta), hessian.diagonal(), atol=1e-10
                )


@pytest.mark.parametrize("n_classes", [2, 4])
def test_classes_that_are_ruled_out_cost_nothing(n_classes):
    """The cost is that of rows whose other classes have next to no probability."""
    rng = np.random.default_rng(n_classes)
    X, y = rng.normal(size=(50, 3)), rng.integers(n_classes, size=50).astype(float)
    excluded = rng.random((50, n_classes)) < 0.5
    excluded[np.arange(50), y.astype(int)] = False
    whole = Softmax(n_classes).objective(InMemoryRows(X, y), True)
    rest = whole.on(NarrowedRows(whole.rows, excluded))
    theta = rng.normal(size=rest.size)
    coef, intercept = rest.unpack(theta)
    scores = X @ coef.T + intercept
    if n_classes == 2:
        scores = np.hstack([np.zeros_like(scores), scores])
    scores[excluded] = -np.inf
    expected = np.logaddexp.reduce(lead(scores, y.astype(int)), axis=1)
    assert rest.value(theta) == pytest.approx(np.logaddexp(0.0, expected).sum(), rel=1e-13)
    step = 1e-6 * rng.normal(size=rest.size)
    change = rest.value(theta + step) - rest.value(theta - step)
    assert change == pytest.approx(2.0 * step @ rest.gradient(theta), rel=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_start_where_every_row_is_sure_of_a_wrong_class_is_left(n_classes):
    rng = np.random.default_rng(n_classes)
    X, y = rng.normal(size=(200, 3)), rng.integers(n_classes, size=200)
    problem = Problem(InMemoryRows(X, y.astype(float)), Softmax(n_classes), True)
    how = {"tol": 1e-8, "max_iter": 100}
    known = newton.solve(problem, start=None, **how)
    for size in (1e2, 1e4, 1e6):
        lines = 1 if n_classes == 2 else n_classes
        far = Start(size * rng.normal(size=(lines, 3)), np.zeros(lines))
        fit = newton.solve(problem, start=far, **how)
        assert fit.cost - known.cost <= (fit.gap + 1e-12) * max(1.0, fit.cost)
        assert fit.cost == pytest.approx(known.cost, rel=1e-10)


@pytest.mark.parametrize("solver", [newton, newton_cg])
def test_a_cost_that_rounding_of_scores_hides_is_that_of_the_coefficients(solver):
    rng = np.random.default_rng(5)
    X = rng.standard_normal((300, 6))
    X[:, 5] = X[:, 0] + X[:, 1] + 3e-8 * rng.standard_normal(300)
    y = (X[:, 0] + rng.logistic(size=300) > 0.0).astype(float)
    problem = Problem(InMemoryRows(X, y), Softmax(2), True)
    found = solver.solve(problem, start=None, tol=1e-9, max_iter=100)
    exact = [
        sum((Fraction(x) * Fraction(b) for x, b in zip(row, found.coef[0])), Fraction(0))
        for row in X
    ]
    scores = np.array([float(e + Fraction(float(found.intercept[0]))) for e in exact])
    cost = np.logaddexp(0.0, np.where(y > 0.0, -scores, scores)).sum()
    assert found.cost == pytest.approx(cost, rel=1e-14)
    assert np.abs(found.coef).max() > 1e5
