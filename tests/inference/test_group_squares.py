"""Squares of sums over groups that follow one another, and rows fetched so that they do."""

import functools
import itertools
import operator

import dask.array as da
import numpy as np
import pytest

from sklearn_mle import MLERegressor, infer
from sklearn_mle.inference import row_slopes
from sklearn_mle.inference.group_squares import GroupSquares, by_group, in_order
from sklearn_mle.inference.group_sums import GroupSums
from sklearn_mle.rows.gathered import Gathered
from sklearn_mle.rows.in_memory import InMemoryRows


@pytest.mark.parametrize("sizes", [[1] * 30, [30], [1, 28, 1], [3, 1, 1, 7, 2, 16], [15, 15]])
@pytest.mark.parametrize("cuts", [[], [1], [3], [1, 2, 3, 4, 5], [14, 15, 16, 29], range(1, 30)])
@pytest.mark.parametrize("left_first", [True, False])
def test_however_rows_are_cut(sizes, cuts, left_first):
    rng = np.random.default_rng(len(sizes))
    codes, D = np.repeat(np.arange(len(sizes)), sizes), rng.normal(size=(30, 2))
    g, e = rng.normal(size=(30, 1)), rng.normal(size=(30, 1))
    edges = itertools.pairwise([0, *cuts, 30])
    parts = [GroupSquares.of(codes[i:j], D[i:j], g[i:j], e[i:j]) for i, j in edges]
    if left_first:
        made = functools.reduce(operator.add, parts)
    else:
        made = functools.reduce(lambda right, left: left + right, reversed(parts))
    assert made.sums.shape[0] <= 2
    sums = np.zeros((len(sizes), 3))
    np.add.at(sums, codes, np.hstack([D * g, e]))
    np.testing.assert_allclose(made.whole(), sums.T @ sums, rtol=1e-12, atol=1e-12)


def test_rows_by_group_keep_their_order_within():
    codes = np.array([2, 0, 1, 0, 2, 2, 1])
    assert not in_order(codes)
    places, groups = by_group(codes, 3)
    assert places.tolist() == [1, 3, 2, 6, 0, 4, 5]
    assert groups.tolist() == [0, 0, 1, 1, 2, 2, 2] and in_order(groups)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [True, False])
def test_rows_in_another_order(order, dtype, weighted):
    rng = np.random.default_rng(0)
    X = np.array(rng.normal(size=(50, 3)), dtype=dtype, order=order)
    y, weight = rng.normal(size=50), rng.integers(0, 3, 50).astype(float) if weighted else None
    there = np.arange(50) if weight is None else np.flatnonzero(weight)
    rows = InMemoryRows(X, y, weight, block_rows=8)
    places = rng.permutation(rows.n_rows)
    other = Gathered(rows, places)
    at = there[places]
    seen = other.column(lambda block: np.column_stack([block.X, block.y]))
    assert seen.tolist() == np.column_stack([X, y])[at].tolist()
    assert (other.n_rows, other.n_columns) == (at.size, 3)
    assert other.total_weight == rows.total_weight
    total, count = other.total(lambda block: (block.weigh(block.y).sum(), 1))
    assert total == pytest.approx((y if weight is None else y * weight).sum()) and count >= 4
    kept = other.keep(lambda block, column: column > 0.0, seen[:, 3])
    assert kept.y.tolist() == y[at][y[at] > 0.0].tolist()
    assert other.sample(rows.n_rows).y.tolist() == y[at].tolist()
    assert other.entries(seen) is seen


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("weighted", [True, False])
def test_many_groups_make_no_table(order, weighted, monkeypatch):
    rng = np.random.default_rng(3)
    X = np.array(rng.normal(size=(3000, 4)), order=order)
    groups = rng.integers(0, 700, 3000)
    y = X[:, 0] + rng.normal(size=700)[groups] + rng.normal(size=3000)
    weight = rng.integers(0, 3, 3000).astype(float) if weighted else None
    model = MLERegressor("logistic").fit(X, y, weight)
    how = {"cov": "cluster", "groups": groups, "sample_weight": weight}
    plain = infer(model, X, y, **how).covariance
    tables, of = [], GroupSums.of.__func__

    def counted(cls, codes, D, factors, beside, count):
        tables.append((count, codes.shape[0]))
        return of(cls, codes, D, factors, beside, count)

    monkeypatch.setattr(row_slopes, "SCATTERED", 100)
    monkeypatch.setattr(InMemoryRows.__init__, "__kwdefaults__", {"block_rows": 200})
    monkeypatch.setattr(GroupSums, "of", classmethod(counted))
    np.testing.assert_allclose(infer(model, X, y, **how).covariance, plain, rtol=1e-9, atol=1e-18)
    assert len(tables) >= 10
    assert all(count <= rows for count, rows in tables)


def test_groups_in_order_are_closed_one_after_the_other(monkeypatch):
    rng = np.random.default_rng(4)
    X, groups = rng.normal(size=(3000, 4)), np.arange(3000) // 7
    y = X[:, 0] + rng.normal(size=3000)
    model = MLERegressor().fit(X, y)
    shuffled = rng.permutation(3000)
    scattered = infer(model, X[shuffled], y[shuffled], cov="cluster", groups=groups[shuffled])
    monkeypatch.setattr(GroupSums, "__add__", None)
    found = infer(model, X, y, cov="cluster", groups=groups)
    np.testing.assert_allclose(found.covariance, scattered.covariance, rtol=1e-9, atol=1e-18)


def test_groups_in_order_over_chunks():
    rng = np.random.default_rng(5)
    X, groups = rng.normal(size=(900, 3)), np.arange(900) // 7
    y = X[:, 0] + rng.normal(size=900)
    plain = infer(MLERegressor().fit(X, y), X, y, cov="cluster", groups=groups).covariance
    there = da.from_array(X, chunks=(53, 3)), da.from_array(y, chunks=53)
    found = infer(MLERegressor().fit(*there), *there, cov="cluster", groups=groups).covariance
    np.testing.assert_allclose(found, plain, rtol=1e-9, atol=1e-18)
