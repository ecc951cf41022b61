"""Rows of Dask: the sums, columns and samples of rows in memory, whatever the chunks."""

import pickle

import dask
import dask.array as da
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_mle.estimators import dask_checks
from sklearn_mle.estimators.regressor import MLERegressor
from sklearn_mle.rows.dask_graph import FAN_IN
from sklearn_mle.rows.in_memory import InMemoryRows


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 3, size=1000).astype(float)
    return rng.normal(size=(1000, 4)), rng.normal(size=1000), weight


def rows_of(X, y, w=None, chunks=130):
    parts = [da.from_array(a, chunks=chunks) for a in (X, y)]
    weight = None if w is None else da.from_array(w, chunks=chunks)
    return dask_checks.rows_for_regression(MLERegressor(), *parts, weight, reset=True)


def moments(block):
    X = block.weigh(block.X)
    return X.sum(axis=0), X.T @ block.X, float(block.weigh(block.y).sum())


@pytest.mark.parametrize("chunks", [1, 7, 130, 999, 1000])
def test_totals_do_not_depend_on_the_chunks(data, chunks):
    if chunks == 1:
        data = [a[:50] for a in data]
    X, y, w = data
    rows = rows_of(X, y, w, chunks)
    there = InMemoryRows(X, y, w)
    assert (rows.n_rows, rows.n_columns) == (there.n_rows, 4)
    assert rows.total_weight == pytest.approx(there.total_weight, rel=1e-14)
    for mine, theirs in zip(rows.total(moments), there.total(moments)):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_columns_go_back_to_their_chunks(data):
    X, y, w = data
    rows, there = rows_of(X, y, w), InMemoryRows(X, y, w)
    scores = rows.column(lambda block: block.X @ np.ones((4, 2)))
    (apart,) = rows.total(lambda block, s: (np.abs(s - block.X @ np.ones((4, 2))).sum(),), scores)
    assert apart == 0.0
    np.testing.assert_allclose(
        rows.entries(scores), there.column(lambda block: block.X @ np.ones((4, 2))), rtol=1e-13
    )
    sign, (n,) = rows.column_and_total(
        lambda block, s: (np.sign(s[:, 0]).astype(np.int8), (block.n_rows,)), scores
    )
    assert n == rows.n_rows
    assert rows.entries(sign).dtype == np.int8
    kept = rows.keep(lambda block, s: s > 0, sign)
    expected = there.keep(lambda block: block.X @ np.ones(4) > 0)
    np.testing.assert_array_equal(kept.X, expected.X)
    np.testing.assert_array_equal(kept.y, expected.y)
    np.testing.assert_array_equal(kept.weight, expected.weight)


def test_entries_from_elsewhere_are_cut_like_the_chunks(data):
    X, y, w = data
    rows, there = rows_of(X, y, w), InMemoryRows(X, y, w)
    numbers = np.arange(rows.n_rows, dtype=float)
    (mine,) = rows.total(lambda block, a: (a @ block.y,), numbers)
    (theirs,) = there.total(lambda block, a: (a @ block.y,), numbers)
    assert mine == pytest.approx(theirs, rel=1e-12)
    assert rows.entries(numbers) is numbers


@pytest.mark.parametrize("m", [3, 512, 600, 1000, 5000])
def test_samples_are_those_of_rows_in_memory(data, m):
    X, y, w = data
    for weight in (None, w):
        mine, theirs = rows_of(X, y, weight).sample(m), InMemoryRows(X, y, weight).sample(m)
        np.testing.assert_array_equal(mine.y, theirs.y if weight is None else mine.y)
        assert mine.n_rows == theirs.n_rows
        there = w > 0.0 if weight is not None else slice(None)
        if m >= 1000:
            np.testing.assert_array_equal(mine.X, X[there])
        else:
            np.testing.assert_array_equal(mine.X, theirs.X)


def test_what_travels_with_a_function_are_numbers(data):
    rows = rows_of(*data)
    arrived = pickle.loads(pickle.dumps(rows))
    assert (arrived.n_rows, arrived.n_columns) == (rows.n_rows, rows.n_columns)
    assert len(pickle.dumps(rows)) < 500


def test_a_pass_is_one_graph_that_ends_in_one_sum(data):
    X, y, _ = data
    rows = rows_of(X, y, chunks=20)
    sizes = []

    class Watch(dask.callbacks.Callback):
        def _start(self, dsk):
            sizes.append(len(dsk))

    with Watch():
        rows.total(moments)
    n_chunks = 50
    assert len(sizes) == 1
    assert sizes[0] <= 3 * n_chunks + 2 * n_chunks // FAN_IN + 3


def test_the_error_state_of_the_caller_holds_in_tasks(data):
    rows = rows_of(*data)

    def divides(block):
        return (float((1.0 / (0.0 * block.y)).size),)

    with np.errstate(divide="ignore", invalid="ignore"):
        assert rows.total(divides) == (rows.n_rows,)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        rows.total(divides)


def test_only_data_that_are_computed_again_count_as_read_again(data):
    X, y, _ = data
    held = rows_of(X, y)
    held.total(moments)
    assert held.reread() == 0
    lazy = dask_checks.rows_for_regression(
        MLERegressor(),
        da.from_array(X, chunks=100) + 0.0,
        da.from_array(y, chunks=100),
        None,
        reset=True,
    )
    lazy.total(moments)
    assert lazy.reread() == 2
    (kept,) = dask.persist(da.from_array(X, chunks=100) + 0.0)
    again = dask_checks.rows_for_regression(
        MLERegressor(), kept, da.from_array(y, chunks=100), None, reset=True
    )
    again.total(moments)
    assert again.reread() == 0


def test_the_threads_of_blas_are_as_before(data):
    def allowed():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = allowed()
    MLERegressor("laplace").fit(*(da.from_array(a, chunks=100) for a in data[:2]))
    assert allowed() == before
    with threadpool_limits(1, user_api="blas"):
        assert set(allowed()) == {1}


def test_a_table_is_made_once_a_pass_for_features_and_target(data):
    made = []

    def make(i):
        made.append(i)
        return np.column_stack([data[0], data[1]])[250 * i : 250 * (i + 1)]

    parts = [da.from_delayed(dask.delayed(make)(i), (250, 5), float) for i in range(4)]
    table = da.concatenate(parts)
    rows = dask_checks.rows_for_regression(
        MLERegressor(), table[:, :4], table[:, 4], abs(table[:, 3]), reset=True
    )
    assert sorted(made) == [0, 1, 2, 3]
    rows.total(moments)
    assert len(made) == 8
    assert rows.reread() == 2
