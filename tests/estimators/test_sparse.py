"""Sparse X: the numbers of the same rows in an array, and nothing as large as that array."""

import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklearn_mle import MLEClassifier, MLERegressor, detect_separation
from sklearn_mle.noises import AsymmetricLaplace, FromScipy, StudentT

NOISES = [
    "gaussian",
    "laplace",
    AsymmetricLaplace(quantile=0.9),
    StudentT(df=4),
    StudentT(),
    "logistic",
    "gumbel",
    "huber",
    FromScipy(scipy.stats.hypsecant),
]
KINDS = ["csr_array", "csc_array", "csr_matrix", "csc_matrix", "coo_array"]


def table(n, p, seed=0, density=0.2):
    """Rows of which most entries are zero, one column far from zero, and what they predict."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < density)
    X[:, 0] = 2000.0 + rng.integers(0, 9, n)
    X[:, 1] = rng.random(n) < 0.02
    eta = (X - X.mean(axis=0)) @ rng.normal(size=p)
    return X, eta, rng


def assert_same(model, like, rtol=1e-10):
    for name in ("coef_", "intercept_", "scale_", "log_likelihood_"):
        if hasattr(like, name):
            a, b = np.asarray(getattr(model, name)), np.asarray(getattr(like, name))
            np.testing.assert_allclose(a, b, rtol=0.0, atol=rtol * np.abs(b).max(), err_msg=name)
    assert model.rank_ == like.rank_
    assert abs(model.optimality_gap_ - like.optimality_gap_) <= 1e-10


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: str(noise)[:20])
def test_every_noise(noise, weighted):
    X, eta, rng = table(3000, 8)
    y = eta + rng.standard_t(4, X.shape[0])
    w = rng.integers(0, 3, X.shape[0]).astype(float) if weighted else None
    like = MLERegressor(noise).fit(X, y, w)
    model = MLERegressor(noise).fit(sparse.csr_array(X), y, w)
    # the search for an open shape ends where its cost is flat to rounding
    rtol = 1e-7 if getattr(noise, "shapes", ()) else 1e-10
    assert_same(model, like, rtol)
    S, D, y = sparse.csc_matrix(X[:50]), X[:50], y[:50]
    answers = [
        lambda fit, X: fit.predict(X),
        lambda fit, X: fit.predict_dist(X).cdf(y),
        lambda fit, X: fit.predict_interval(X),
        lambda fit, X: fit.log_prob(X, y),
        lambda fit, X: fit.log_likelihood(X, y),
        lambda fit, X: fit.score(X, y),
    ]
    for answer in answers:
        np.testing.assert_allclose(answer(model, S), answer(like, D), rtol=1e3 * rtol, atol=rtol)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_classes(n_classes, weighted):
    X, eta, rng = table(3000, 8)
    u = 0.3 * eta + rng.logistic(size=X.shape[0])
    y = np.digitize(u, np.quantile(u, np.linspace(0, 1, n_classes + 1)[1:-1]))
    w = rng.integers(0, 3, X.shape[0]).astype(float) if weighted else None
    like = MLEClassifier().fit(X, y, w)
    model = MLEClassifier().fit(sparse.csr_array(X), y, w)
    assert_same(model, like)
    S = sparse.csc_array(X[:50])
    np.testing.assert_allclose(model.predict_proba(S), like.predict_proba(X[:50]), rtol=1e-9)
    np.testing.assert_array_equal(model.predict(S), like.predict(X[:50]))
    np.testing.assert_allclose(model.log_prob(S, y[:50]), like.log_prob(X[:50], y[:50]), rtol=1e-9)


@pytest.mark.parametrize("solver", ["newton", "newton_cg", "lbfgs"])
def test_every_solver_of_classes(solver):
    X, eta, rng = table(3000, 8)
    y = eta + rng.logistic(size=X.shape[0]) > 0.0
    like = MLEClassifier().fit(X, y)
    model = MLEClassifier(solver=solver).fit(sparse.csr_array(X), y)
    np.testing.assert_allclose(model.coef_, like.coef_, atol=1e-8 * np.abs(like.coef_).max())
    assert model.rank_ == like.rank_ and model.optimality_gap_ < 1e-12


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("noise", ["gaussian", "laplace", "logistic"])
def test_more_rows_than_a_sample_and_a_block_hold(noise, fit_intercept):
    X, eta, rng = table(60_000, 12, density=0.1)
    y = eta + rng.standard_t(4, X.shape[0])
    like = MLERegressor(noise, fit_intercept=fit_intercept).fit(X, y)
    model = MLERegressor(noise, fit_intercept=fit_intercept).fit(sparse.csr_array(X), y)
    assert_same(model, like)


def odd_forms(X):
    """The same matrix with all that sparse formats allow."""
    rows = sparse.csr_array(X)
    yield rows.astype(np.float32).astype(np.float64)
    wide = sparse.csr_array(
        (rows.data, rows.indices.astype(np.int64), rows.indptr.astype(np.int64)), shape=X.shape
    )
    yield wide
    coo = rows.tocoo()
    halves = (
        np.r_[0.25 * coo.data, 0.75 * coo.data, [0.0] * 5],
        (
            np.r_[coo.coords[0], coo.coords[0], np.arange(5)],
            np.r_[coo.coords[1], coo.coords[1], np.arange(5) % X.shape[1]],
        ),
    )
    order = np.lexsort((-halves[1][1], halves[1][0]))
    indptr = np.r_[0, np.cumsum(np.bincount(halves[1][0], minlength=X.shape[0]))]
    yield sparse.csr_array((halves[0][order], halves[1][1][order], indptr), shape=X.shape)


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_every_form_of_the_same_matrix(noise):
    X, eta, rng = table(800, 5)
    X = X.astype(np.float32).astype(np.float64)
    X[::7] = 0.0
    X[:, 3] = 0.0
    y = eta + rng.laplace(size=X.shape[0])
    like = MLERegressor(noise).fit(X, y)
    for kind in KINDS:
        assert_same(MLERegressor(noise).fit(getattr(sparse, kind)(X), y), like)
    single = MLERegressor(noise).fit(sparse.csr_array(X.astype(np.float32)), y)
    assert_same(single, like)
    for form in odd_forms(X):
        before = form.data.copy(), form.indices.copy()
        assert_same(MLERegressor(noise).fit(form, y), like)
        np.testing.assert_array_equal(form.data, before[0])
        np.testing.assert_array_equal(form.indices, before[1])


def one_hot(n, levels, rng):
    """Two factors, all their levels as columns: the intercept is the sum of each factor's."""
    parts = [np.eye(k)[rng.integers(0, k, n)] for k in levels]
    return np.hstack(parts)


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "logistic"])
def test_dependent_columns_get_the_shortest_coefficients(noise):
    rng = np.random.default_rng(3)
    X = one_hot(2000, (4, 7), rng)
    y = X @ rng.normal(size=11) + rng.laplace(size=2000)
    like = MLERegressor(noise).fit(X, y)
    model = MLERegressor(noise).fit(sparse.csr_array(X), y)
    assert model.rank_ == like.rank_ == 9
    assert_same(model, like)
    assert model.optimality_gap_ < 1e-9
    # in the row space of the centred columns, as the shortest vector must be
    centred = X - X.mean(axis=0)
    null = scipy.linalg.null_space(centred, rcond=1e-10)
    np.testing.assert_allclose(null.T @ model.coef_, 0.0, atol=1e-11)


def test_classes_of_dependent_columns():
    rng = np.random.default_rng(3)
    X = one_hot(2000, (4, 7), rng)
    y = X @ rng.normal(size=11) + rng.logistic(size=2000) > 0.0
    assert_same(MLEClassifier().fit(sparse.csr_array(X), y), MLEClassifier().fit(X, y))


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "logistic"])
def test_nearly_dependent_columns(noise):
    X, eta, rng = table(3000, 6)
    X = np.column_stack([X, X[:, 2] + 1e-6 * X[:, 3] * rng.normal(size=3000)])
    y = eta + rng.laplace(size=3000)
    model, like = MLERegressor(noise).fit(sparse.csr_array(X), y), MLERegressor(noise).fit(X, y)
    assert model.rank_ == like.rank_ == 7
    assert model.log_likelihood_ == pytest.approx(like.log_likelihood_, rel=1e-11)
    assert max(model.optimality_gap_, like.optimality_gap_) < 1e-7


def test_separation_is_found_alike():
    X, eta, rng = table(2000, 5)
    y = eta + rng.logistic(size=2000) > 0.0
    X[:, 1] = np.where(y, X[:, 1], 0.0)
    found = detect_separation(sparse.csr_array(X), y)
    like = detect_separation(X, y)
    assert found and not found.complete
    np.testing.assert_array_equal(found.features, like.features)
    np.testing.assert_array_equal(found.rows, like.rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, other = MLEClassifier().fit(sparse.csr_array(X), y), MLEClassifier().fit(X, y)
    assert model.separated_ and model.log_likelihood_ == pytest.approx(other.log_likelihood_)


def scattered(n, p, density, rng):
    """Sparse rows with normal entries at random places."""
    size = rng.poisson(n * p * density)
    places = rng.integers(0, n, size), rng.integers(0, p, size)
    return sparse.csr_array(sparse.coo_array((rng.normal(size=size), places), shape=(n, p)))


@pytest.fixture
def never_in_full(monkeypatch):
    """Fails whatever writes out an array of as many numbers as a large X has."""
    limit = 200_000
    for kind in (sparse.csr_array, sparse.csc_array, sparse.csr_matrix, sparse.csc_matrix):
        for name in ("toarray", "todense"):
            made = getattr(kind, name)

            def guarded(self, *args, made=made, **kwargs):
                assert np.prod(self.shape) < limit, f"{self.shape} written out"
                return made(self, *args, **kwargs)

            monkeypatch.setattr(kind, name, guarded)


FITS = [
    *(MLERegressor(noise) for noise in ("gaussian", "laplace", "student_t", "gumbel")),
    MLERegressor(AsymmetricLaplace(quantile=0.9)),
    MLEClassifier(),
]


@pytest.mark.parametrize("model", FITS, ids=lambda model: str(model)[:40])
def test_never_written_out_and_little_memory(model, never_in_full):
    n, p = 60_000, 150
    rng = np.random.default_rng(0)
    X = scattered(n, p, 0.01, rng)
    y = X @ rng.normal(size=p) + rng.standard_t(4, n)
    y = y > 0.0 if isinstance(model, MLEClassifier) else y
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    tracemalloc.start()
    model.fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert model.optimality_gap_ < 1e-9
    assert peak < 10 * size < 8 * n * p


@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix"])
def test_predictions_take_no_memory_of_columns(kind):
    rng = np.random.default_rng(7)
    n, p = 20_000, 3000
    places = rng.integers(0, n, n * p // 1000), rng.integers(0, p, n * p // 1000)
    X = sparse.coo_array((rng.normal(size=n * p // 1000), places), shape=(n, p))
    X = getattr(sparse, kind)(X)
    y = X @ rng.normal(size=p) + rng.normal(size=n)
    regressor = MLERegressor().fit(X, y)
    classes = [MLEClassifier().fit(X[:, :20], np.digitize(y, cuts)) for cuts in ([0.0], [-1, 1])]
    asked = [
        lambda: regressor.predict(X),
        lambda: regressor.predict_quantile(X, [0.1, 0.9]),
        lambda: regressor.predict_interval(X),
        lambda: regressor.log_prob(X, y),
        lambda: regressor.log_likelihood(X, y),
    ]
    for model in classes:
        model.coef_ = np.zeros((model.coef_.shape[0], p))
        model.n_features_in_ = p
        asked += [
            lambda model=model: model.predict(X),
            lambda model=model: model.predict_proba(X),
            lambda model=model: model.decision_function(X),
        ]
    for ask in asked:
        tracemalloc.start()
        ask()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 0.05 * 8 * n * p


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "student_t", "logistic"])
@pytest.mark.parametrize("max_iter", [1, 2])
def test_an_early_stop_is_as_honest_as_that_of_an_array(noise, max_iter):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(3000, 5)) * (rng.random((3000, 5)) < 0.5)
    y = X.sum(axis=1) + rng.laplace(size=3000)
    model = MLERegressor(noise, max_iter=max_iter)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        of_array = clone(model).fit(X, y)
        of_rows = clone(model).fit(sparse.csr_array(X), y)
    np.testing.assert_allclose(of_rows.coef_, of_array.coef_, rtol=1e-9)
    np.testing.assert_allclose(of_rows.optimality_gap_, of_array.optimality_gap_, 1e-6, 1e-12)


FIFTHS = [0.2, 0.4, 0.6, 0.8]
ASKED = [
    MLERegressor(),
    MLERegressor("laplace"),
    MLERegressor(AsymmetricLaplace(quantile=0.9)),
    MLERegressor(StudentT(df=4)),
    MLERegressor(StudentT()),
]


@pytest.mark.parametrize("kind", ["csr_array", "csc_array", "csr_matrix", "csc_matrix"])
def test_weighted_rows_of_columns_in_all_units(kind):
    X, eta, rng = table(2000, 8, seed=1)
    size = 10.0 ** np.array([-6, 5, -3, 0, 6, 2, -5, 3])
    y, w = eta + rng.standard_t(4, 2000), rng.integers(0, 3, 2000).astype(float)
    u = 0.3 * eta + rng.logistic(size=2000)
    fits = [(model, y) for model in ASKED]
    fits += [(MLEClassifier(), np.digitize(u, np.quantile(u, cuts))) for cuts in ([0.5], FIFTHS)]
    for model, target in fits:
        like = clone(model).fit(X * size, target, w)
        made = clone(model).fit(getattr(sparse, kind)(X * size), target, w)
        made.coef_, like.coef_ = made.coef_ * size, like.coef_ * size
        assert_same(made, like)
