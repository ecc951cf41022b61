"""The coefficients of a limit: of all that give it, those of least norm."""

import dask.array as da
import numpy as np
import pytest
from scipy import optimize, sparse
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_mle import MLEClassifier, SeparationWarning
from sklearn_mle.likelihoods.softmax import Softmax
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers import least_form, newton, newton_cg
from sklearn_mle.solvers.least_form import least_beyond
from sklearn_mle.solvers.separation import EXCLUDED
from sklearn_mle.solvers.solution import Problem

KINDS = ("complete", "one-class level", "sign of a rare column", "dependent columns")


def draw(kind, n_classes, n=900, p=4, seed=0):
    rng = np.random.default_rng([seed, KINDS.index(kind), n_classes])
    X = rng.normal(size=(n, p)) * np.logspace(-2, 2, p) + np.logspace(1, -1, p)
    scores = (X - X.mean(axis=0)) / X.std(axis=0) @ rng.normal(size=(p, n_classes))
    if kind == "complete":
        return X, scores.argmax(axis=1)
    y = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    rare = rng.random(n) < 0.05
    if kind == "one-class level":
        y[rare] = 0
        return np.column_stack([X, rare]), y
    column = np.where(rare, rng.normal(size=n), 0.0)
    y[rare] = (column[rare] > 0.0).astype(int)
    X = np.column_stack([X, column])
    if kind == "dependent columns":
        X = np.column_stack([X, column + X[:, 0], 2.0 * X[:, 1]])
    return X, y


def fitted(X, y, w=None):
    with pytest.warns(SeparationWarning):
        return MLEClassifier().fit(X, y, w)


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_coefficients_of_separated_classes_are_those_of_rows_in_memory(kind, n_classes):
    X, y = draw(kind, n_classes)
    w = np.random.default_rng(1).integers(1, 4, len(y)).astype(float)
    like = fitted(X, y, w)
    assert like.separated_
    chunks = da.from_array(X, chunks=(130, X.shape[1])).persist()
    dy, dw = da.from_array(y, chunks=130), da.from_array(w, chunks=130)
    rooms = [
        (np.asfortranarray(X), y, w),
        (sparse.csr_array(X), y, w),
        (sparse.csc_matrix(X), y, w),
        (chunks, dy, dw),
        (chunks.map_blocks(sparse.csr_array, dtype=float).persist(), dy, dw),
    ]
    for rows in rooms:
        made = fitted(*rows)
        assert made.separated_
        for name in ("coef_", "intercept_"):
            mine, theirs = getattr(made, name), getattr(like, name)
            np.testing.assert_allclose(mine, theirs, rtol=0.0, atol=1e-10 * np.abs(theirs).max())
        assert made.log_likelihood_ == pytest.approx(like.log_likelihood_, rel=1e-12, abs=1e-12)


def test_units_order_and_a_warm_start_do_not_matter():
    X, y = draw("sign of a rare column", 3)
    like = fitted(X, y)
    order = np.random.default_rng(2).permutation(len(y))
    unit = np.array([1e-6, 3.0, 1e4, 1.0, 7.0])
    made = fitted(X[order] * unit, y[order])
    np.testing.assert_allclose(made.coef_ * unit, like.coef_, rtol=1e-9)
    model = MLEClassifier(warm_start=True)
    with pytest.warns(SeparationWarning):
        model.fit(X, (y + 1) % 3)
    with pytest.warns(SeparationWarning):
        np.testing.assert_allclose(model.fit(X, y).coef_, like.coef_, rtol=1e-9)


def test_complete_separation_ends_at_the_widest_margin():
    """Without an intercept the plane is that of a support vector machine without slack."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(400, 3))
    side = X @ [1.0, -2.0, 0.5]
    X, y = X[np.abs(side) > 0.5], (side[np.abs(side) > 0.5] > 0.0).astype(int)
    X = np.vstack([X, -X])  # so that the intercept of the other is zero
    y = np.concatenate([y, 1 - y])
    X /= np.sqrt(np.mean(X**2, axis=0))
    machine = SVC(kernel="linear", C=1e4, tol=1e-8, max_iter=100_000).fit(X, y)
    with pytest.warns(SeparationWarning):
        model = MLEClassifier(fit_intercept=False).fit(X, y)
    np.testing.assert_allclose(
        model.coef_ / np.linalg.norm(model.coef_),
        machine.coef_ / np.linalg.norm(machine.coef_),
        atol=1e-6,
    )
    assert np.abs(model.decision_function(X)).min() == pytest.approx(EXCLUDED, rel=1e-9)


def test_nothing_shorter_gives_the_same_limit():
    """Against a general optimiser, started at the answer and away from it."""
    X, y = draw("complete", 2, n=60, p=3)
    model = fitted(X, y)
    Z = np.column_stack([StandardScaler().fit_transform(X), np.ones(len(y))])
    lines = Z * (2 * y - 1)[:, None]
    theta = np.append(model.coef_ * X.std(axis=0), model.intercept_ + model.coef_ @ X.mean(axis=0))
    assert (lines @ theta).min() == pytest.approx(EXCLUDED, rel=1e-9)
    for start in (theta, 3.0 * theta + 1.0):
        best = optimize.minimize(
            lambda b: b @ b / 1e3,
            start,
            jac=lambda b: 2.0 * b / 1e3,
            constraints={"type": "ineq", "fun": lambda b: lines @ b - EXCLUDED},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 1000},
        )
        assert best.x @ best.x >= (theta @ theta) * (1.0 - 1e-7)


def test_the_least_point_beyond_planes_is_held_by_them():
    rng = np.random.default_rng(4)
    for m, r in ((3, 1), (40, 5), (500, 30)):
        for size in (1e-6, 1.0, 1e6):
            G = rng.normal(size=(m, r))
            G *= np.sign(G @ rng.normal(size=r))[:, None]
            h = size * rng.uniform(-0.5, 1.0, m)
            h[0] = size
            c = least_beyond(G, h)
            over = G @ c - h
            assert over.min() >= -1e-11 * size
            held = over <= 1e-9 * size
            _, left = optimize.nnls(G[held].T, c / np.linalg.norm(c))
            assert left <= 1e-9
    assert least_beyond(np.array([[1.0], [-1.0]]), np.ones(2)) is None


def test_few_pairs_are_asked(monkeypatch):
    """Of fifty thousand pairs some hundreds enter the problem."""
    asked = []
    least = least_form.least_beyond
    monkeypatch.setattr(
        least_form, "least_beyond", lambda G, h: asked.append(G.shape[0]) or least(G, h)
    )
    X, y = draw("complete", 2, n=50_000)
    fitted(X, y)
    assert 1 <= len(asked) <= 20 and max(asked) <= 2000


def test_sparse_rows_of_many_columns_end_where_arrays_do():
    rng = np.random.default_rng(5)
    n, p = 3000, 400
    level = rng.integers(0, p, n)
    X = np.zeros((n, p))
    X[np.arange(n), level] = 1.0
    y = (rng.normal(size=p)[level] + rng.logistic(size=n) > 0.0).astype(float)
    y[np.isin(level, [3, 50])] = 1.0
    one = Problem(InMemoryRows(sparse.csr_array(X), y), Softmax(2), True)
    assert newton_cg.pays(one.rows, p)
    how = {"start": None, "tol": 1e-8, "max_iter": 100}
    made = newton_cg.solve(one, **how)
    like = newton.solve(Problem(InMemoryRows(X, y), Softmax(2), True), **how)
    assert made.separation is not None
    scores = X @ made.coef.T + made.intercept
    np.testing.assert_allclose(scores, X @ like.coef.T + like.intercept, atol=1e-8)
    np.testing.assert_allclose(made.coef, like.coef, atol=1e-8)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_weight_is_so_many_repeats(n_classes):
    rng = np.random.default_rng(n_classes)
    X = rng.standard_normal((15, 10))
    y, weight = rng.integers(0, n_classes, 15), rng.integers(0, 5, 15)
    repeated = np.repeat(np.arange(15), weight)
    one, other = fitted(X, y, weight), fitted(X[repeated], y[repeated])
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=1e-8)
