"""How the rows are cut, stored and named changes nothing; more of them cost time, not memory."""

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from sklearn_mle import MLEClassifier, MLERegressor
from sklearn_mle.rows import in_memory
from sklearn_mle.solvers import approach

MODELS = {
    "gaussian": MLERegressor(),
    "laplace": MLERegressor(noise="laplace"),
    "two classes": MLEClassifier(),
    "three classes": MLEClassifier(),
}
NAMES = ["age", "income", "rate", "size"]


@pytest.fixture(params=MODELS)
def kind(request):
    return request.param


def data(kind, n=1500, p=4):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    if "classes" not in kind:
        return X, X @ rng.normal(size=p) + rng.laplace(size=n)
    n_classes = 2 if kind == "two classes" else 3
    return X, (X @ rng.normal(size=(p, n_classes)) + rng.gumbel(size=(n, n_classes))).argmax(axis=1)


def fit(kind, X, y, weight=None, **settings):
    return clone(MODELS[kind]).set_params(**settings).fit(X, y, weight)


def assert_same_fit(one, other, tol=1e-12):
    for name in ("coef_", "intercept_", "scale_", "log_likelihood_"):
        if hasattr(one, name):
            here, there = getattr(one, name), getattr(other, name)
            np.testing.assert_allclose(here, there, rtol=tol, atol=tol, err_msg=name)


@pytest.mark.parametrize("n", [1500, 20_000])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True], ids=["each row once", "weighted"])
def test_one_block_and_many_agree(kind, n, fit_intercept, weighted, monkeypatch):
    X, y = data(kind, n)
    weight = np.random.default_rng(1).integers(0, 4, size=n) if weighted else None
    monkeypatch.setattr(in_memory, "BLOCK_BYTES", 2**30)
    one = fit(kind, X, y, weight, fit_intercept=fit_intercept)
    monkeypatch.setattr(in_memory, "BLOCK_BYTES", 1)
    monkeypatch.setattr(in_memory, "BLOCK_ROWS", 1)
    assert in_memory.InMemoryRows(X, y).block_rows == 64
    assert_same_fit(fit(kind, X, y, weight, fit_intercept=fit_intercept), one)


def test_the_order_in_memory_does_not_matter(kind):
    X, y = data(kind)
    expected = fit(kind, X, y)
    wide = np.zeros((len(y), 8))
    wide[:, ::2] = X
    for same in (np.asfortranarray(X), wide[:, ::2], X[::-1].copy()[::-1]):
        assert_same_fit(fit(kind, same, y), expected)


def test_lists_and_whole_numbers_are_numbers(kind):
    X, y = data(kind)
    whole = np.round(10.0 * X)
    expected = fit(kind, whole, y)
    for same in (whole.tolist(), whole.astype(int), pd.DataFrame(whole.astype(int))):
        assert_same_fit(fit(kind, same, list(y)), expected)


def test_float32_is_computed_in_float64(kind):
    X, y = data(kind)
    single = X.astype(np.float32)
    expected = fit(kind, single.astype(np.float64), y)
    for same in (single, np.asfortranarray(single)):
        model = fit(kind, same, y)
        assert model.coef_.dtype == np.float64
        assert_same_fit(model, expected)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_frames_give_the_same_fit_and_keep_their_names(kind, frame):
    X, y = data(kind)
    table = frame(dict(zip(NAMES, X.T)))
    model, expected = fit(kind, table, y), fit(kind, X, y)
    assert_same_fit(model, expected)
    assert model.feature_names_in_.tolist() == NAMES
    assert not hasattr(expected, "feature_names_in_")
    np.testing.assert_allclose(model.predict(table), expected.predict(X), atol=1e-12)


@pytest.mark.parametrize("series", [pd.Series, pl.Series], ids=["pandas", "polars"])
def test_targets_and_weights_may_be_series(kind, series):
    X, y = data(kind)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, size=len(y))
    assert_same_fit(fit(kind, X, series(y), series(weight)), fit(kind, X, y, weight))


def extra_memory(kind, X, y):
    """The most memory that a fit takes beyond its input, in bytes; validation is part of it.

    On one thread: another works on a block of its own, now and then at the same time as the peak.
    """
    fit(kind, X[:1000], y[:1000])
    with threadpool_limits(1, user_api="blas"):
        tracemalloc.start()
        try:
            fit(kind, X, y)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@pytest.fixture(params=[np.float64, np.float32])
def rows_twice_as_many(request):
    """100,000 and 200,000 rows of 20 columns."""

    def make(kind):
        X, y = data(kind, n=200_000, p=20)
        X = X.astype(request.param)
        return (X[:100_000], y[:100_000]), (X, y)

    return make


@pytest.mark.parametrize(
    ("kind", "numbers_a_row"), [("gaussian", 0.1), ("two classes", 5.0), ("three classes", 5.0)]
)
def test_more_rows_take_a_few_numbers_a_row(kind, numbers_a_row, rows_twice_as_many):
    """Gaussian noise takes none; classes take their codes, scores and a share for a sample."""
    few, many = rows_twice_as_many(kind)
    growth = extra_memory(kind, *many) - extra_memory(kind, *few)
    assert growth <= 8 * numbers_a_row * 100_000


def test_laplace_takes_less_memory_where_all_rows_tell_signs(rows_twice_as_many, monkeypatch):
    few, _ = rows_twice_as_many("laplace")
    by_all = extra_memory("laplace", *few)
    monkeypatch.setattr(approach, "NEAR", 0)
    assert by_all <= 0.75 * extra_memory("laplace", *few)


def test_laplace_memory_grows_less_than_the_rows(rows_twice_as_many, monkeypatch):
    """Its sample grows as n**(2/3), its band as that times the largest of n errors.

    For twice the rows that is ``2**(2/3) * sqrt(log(2 * n) / log(n))``, 1.64 here, in the median of
    three orders of the rows: a second round, which is rare, takes more.
    """
    monkeypatch.setattr(approach, "NEAR", 0)
    usual = []
    for X, y in rows_twice_as_many("laplace"):
        orders = [np.random.default_rng(seed).permutation(len(y)) for seed in range(3)]
        sizes = [extra_memory("laplace", X[order], y[order]) for order in orders]
        assert max(sizes) <= 8 * 20 * 200_000
        usual.append(np.median(sizes))
    assert usual[1] <= 1.7 * usual[0]


def rows_visited(kind, X, y, monkeypatch):
    """How many rows all passes of a fit go through, those over rows that it gathers included."""
    visits = []
    once = in_memory.InMemoryRows._for_each_block

    def counted(rows, *how):
        visits.append(rows.n_rows)
        once(rows, *how)

    with monkeypatch.context() as patch:
        patch.setattr(in_memory.InMemoryRows, "_for_each_block", counted)
        fit(kind, X, y)
    return sum(visits)


def test_work_grows_with_the_rows_and_not_with_their_square(kind, monkeypatch):
    X, y = data(kind, n=160_000, p=8)
    few = rows_visited(kind, X[:20_000], y[:20_000], monkeypatch)
    assert few >= 20_000
    assert rows_visited(kind, X, y, monkeypatch) <= 1.5 * 8 * few
