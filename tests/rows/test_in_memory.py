"""Rows in memory: sums over blocks that do not depend on the blocks, and no large temporaries."""

import tracemalloc

import numpy as np
import pytest

from sklearn_mle.rows.in_memory import InMemoryRows, spread


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 3, size=1000).astype(float)
    return rng.normal(size=(1000, 4)), rng.normal(size=1000), weight


def moments(block):
    X = block.weigh(block.X)
    return X.sum(axis=0), X.T @ block.X, float(block.weigh(block.y).sum())


@pytest.mark.parametrize("block_rows", [1, 7, 999, 1000, 5000])
def test_totals_do_not_depend_on_the_blocks(data, block_rows):
    X, y, w = data
    sums, products, total = InMemoryRows(X, y, w, block_rows=block_rows).total(moments)
    np.testing.assert_allclose(sums, w @ X, rtol=1e-12)
    np.testing.assert_allclose(products, (X * w[:, None]).T @ X, rtol=1e-12)
    assert total == pytest.approx(w @ y, rel=1e-12)


def test_order_and_precision_of_the_array_do_not_matter(data):
    X, y, w = data
    X = X.astype(np.float32).astype(np.float64)
    plain = InMemoryRows(X, y, w, block_rows=64).total(moments)
    for other in (np.asfortranarray(X), X.astype(np.float32), X[::-1][::-1]):
        for a, b in zip(InMemoryRows(other, y, w, block_rows=64).total(moments), plain):
            np.testing.assert_allclose(a, b, rtol=1e-12)


def test_rows_of_weight_zero_are_absent(data):
    X, y, w = data
    X = X.copy()
    X[w == 0.0] = 1e300
    rows = InMemoryRows(X, y, w, block_rows=10)
    there = w > 0.0
    assert rows.n_rows == there.sum()
    assert rows.total_weight == w.sum()
    np.testing.assert_array_equal(rows.column(lambda block: block.y), y[there])
    kept = rows.keep(lambda block: block.y > 0.0)
    np.testing.assert_array_equal(kept.X, X[there & (y > 0.0)])
    np.testing.assert_array_equal(kept.weight, w[there & (y > 0.0)])
    assert rows.sample(50).X.max() < 1e300


def test_blocks_without_any_row_are_skipped():
    w = np.repeat([0.0, 1.0, 0.0], 10)
    rows = InMemoryRows(np.ones((30, 2)), np.arange(30.0), w, block_rows=5)
    assert rows.total(lambda block: (block.n_rows,)) == (10,)


def test_columns_go_back_to_their_blocks(data):
    X, y, w = data
    rows = InMemoryRows(X, y, w, block_rows=13)
    scores = rows.column(lambda block: block.X @ np.ones((4, 2)))
    (apart,) = rows.total(lambda block, s: (np.abs(s - block.X @ np.ones((4, 2))).sum(),), scores)
    assert scores.shape == (rows.n_rows, 2)
    assert apart == 0.0
    sign = rows.column(lambda block, s: np.sign(s[:, 0]).astype(np.int8), scores)
    assert sign.dtype == np.int8
    assert rows.keep(lambda block, s: s > 0, sign).n_rows == (sign > 0).sum()


@pytest.mark.parametrize(("n", "m"), [(10, 3), (10, 9), (10, 10), (10, 50), (10_000, 77), (3, 2)])
def test_a_sample_is_evenly_spread_sorted_and_the_same_every_time(n, m):
    places = spread(n, m)
    assert places.size == min(n, m)
    assert np.all(np.diff(places) > 0)
    assert places[0] >= 0 and places[-1] < n
    assert np.diff(places).max(initial=1) <= 2 * np.ceil(n / m)
    np.testing.assert_array_equal(places, spread(n, m))


def test_a_pass_never_holds_a_temporary_as_large_as_the_data():
    n, p = 200_000, 20
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    w = rng.integers(0, 3, size=n).astype(float)
    for table in (X, np.asfortranarray(X), X.astype(np.float32)):
        rows = InMemoryRows(table, X[:, 0], w)
        tracemalloc.start()
        rows.total(moments)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 0.2 * X.nbytes


@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_samples_and_passes_copy_only_what_they_take(order):
    rng = np.random.default_rng(0)
    wide = rng.random((400_000, 11))
    X = {"C": wide.copy(), "F": np.asfortranarray(wide), "strided": wide[:, :10]}[order]
    rows = InMemoryRows(X, np.zeros(X.shape[0]))
    tracemalloc.start()
    few = rows.sample(1000)
    (sums,) = rows.total(lambda block: (block.X.T @ block.X,))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.3 * X.nbytes
    np.testing.assert_allclose(sums, X.T @ X, rtol=1e-12)
    assert few.X.flags.c_contiguous


def test_blocks_lie_side_by_side():
    wide = np.random.default_rng(0).random((300, 8))
    for X in (wide[:, :5], wide[:, ::2], wide[::2], wide[::-1]):
        rows = InMemoryRows(X, np.zeros(X.shape[0]), block_rows=64)
        seen = []
        rows.total(lambda block, seen=seen: (float(seen.append(block.X) is None),))
        assert all(part.flags.c_contiguous for part in seen)
        assert np.array_equal(np.vstack(seen), X)


@pytest.mark.parametrize(
    "n, p, count", [(6250, 50, 2), (100_000, 50, 6), (6250, 5, 1), (50_000, 500, 49)]
)
def test_few_large_blocks_are_shared_evenly_and_wide_ones_are_not_short(n, p, count):
    rows = InMemoryRows(np.broadcast_to(0.0, (n, p)), np.zeros(n))
    assert -(-n // rows.block_rows) == count
