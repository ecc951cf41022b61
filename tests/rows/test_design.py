"""Designs of sparse rows: the same numbers as those of arrays, with nothing filled in."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_mle.rows import design as design_file
from sklearn_mle.rows import matrix
from sklearn_mle.rows.design import (
    column_squares,
    design,
    dot,
    far_columns,
    in_full,
    row_squares,
    signed_gram,
    times_rows,
    weighted_gram,
)


@pytest.fixture(name="X")
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5)) * (rng.random((60, 5)) < 0.3)
    X[:, 1] = 1e6 + rng.integers(0, 3, 60)
    return X


@pytest.fixture(params=[False, True])
def pair(request, X):
    """The same design of an array and of sparse rows."""
    shift, unit = X.mean(axis=0), X.std(axis=0)
    far = far_columns(shift, unit)
    assert far == (1,)
    extra = [1.0, np.linspace(-1.0, 2.0, 60)]
    rows = matrix.canonical(sparse.csr_array(X))
    leading = request.param
    made = design(rows, shift, unit, extra, far, leading)
    assert not isinstance(made, np.ndarray)
    return design(X, shift, unit, extra, far, leading), made


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_products(pair):
    D, S = pair
    rng = np.random.default_rng(1)
    V, U = rng.normal(size=(7, 3)), rng.normal(size=(60, 3))
    close(S @ V, D @ V)
    close(S @ V[:, 0], D @ V[:, 0])
    close(dot(U[:, 0], S), U[:, 0] @ D)
    close(dot(U.T, S), U.T @ D)
    close(dot(S.T, U), D.T @ U)
    close(V.T @ S.T, V.T @ D.T)
    close(in_full(S), D)


def test_grams_and_sums_of_squares(pair):
    D, S = pair
    w = np.random.default_rng(2).random(60)
    close(weighted_gram(S, w), weighted_gram(D, w))
    close(signed_gram(S, w - 0.5), signed_gram(D, w - 0.5))
    close(row_squares(S), row_squares(D))
    close(column_squares(S, w), column_squares(D, w))
    close(weighted_gram(times_rows(S, w), w), weighted_gram(times_rows(D, w), w))
    close(row_squares(times_rows(S, w)), row_squares(times_rows(D, w)))


def test_rows(pair):
    D, S = pair
    places = np.array([3, 3, 50, 1])
    close(in_full(S[places]), D[places])
    close(in_full(S.take(places, axis=0)), D[places])
    close(in_full(S[::7]), D[::7])
    mask = D[:, 0] > 0.0
    close(in_full(S[mask]), D[mask])


def test_sizes_are_bounds(pair):
    D, S = pair
    assert np.all(in_full(abs(S)) >= np.abs(D) * (1.0 - 1e-12))


def test_an_array_of_which_nothing_is_asked_is_itself(X):
    assert design(X) is X


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "bsr", "lil"])
@pytest.mark.parametrize("interface", [sparse.csr_array, sparse.csr_matrix])
def test_every_kind_of_sparse_becomes_canonical_rows(X, kind, interface):
    given = interface(X).asformat(kind)
    made = matrix.canonical(given)
    assert isinstance(made, sparse.csr_array) and made.has_canonical_format
    np.testing.assert_array_equal(made.toarray(), X)


def test_unsorted_and_double_entries_are_put_in_order_on_a_copy():
    data, indices, indptr = np.array([1.0, 2.0, 4.0, 0.0]), [2, 0, 2, 1], [0, 3, 3, 4]
    for dtype in (np.int32, np.int64):
        given = sparse.csr_array((data, np.array(indices, dtype), np.array(indptr, dtype)), (3, 3))
        made = matrix.canonical(given)
        np.testing.assert_array_equal(made.toarray(), [[2, 0, 5], [0, 0, 0], [0, 0, 0]])
        np.testing.assert_array_equal(given.data, data)
        np.testing.assert_array_equal(given.indices, indices)


def test_a_range_of_rows_is_not_copied(X):
    rows = matrix.canonical(sparse.csr_array(X))
    part = matrix.row_range(rows, 10, 20)
    np.testing.assert_array_equal(part.toarray(), X[10:20])
    assert np.shares_memory(part.data, rows.data)
    single = matrix.row_range(matrix.canonical(sparse.csr_array(X.astype(np.float32))), 10, 20)
    assert single.dtype == np.float64


def test_entries_with_their_rows_and_columns(X):
    rows = matrix.canonical(sparse.csr_array(X))
    a, b = np.arange(60.0), np.arange(5.0)
    for kind in (X, rows):
        scaled = matrix.entries(kind) * matrix.per_row(kind, a) * matrix.per_column(kind, b)
        made = matrix.in_full(matrix.with_entries(kind, scaled))
        np.testing.assert_allclose(made, X * a[:, None] * b)
        np.testing.assert_allclose(matrix.column_sizes(kind), np.abs(X).max(axis=0))
        stacked = matrix.in_full(matrix.stack_rows([kind, kind]))
        np.testing.assert_array_equal(stacked, np.vstack([X, X]))


def test_weighted_rows_in_pieces_add_up(monkeypatch):
    rng = np.random.default_rng(0)
    Z, weight = rng.standard_normal((1000, 7)), rng.uniform(0.0, 2.0, 1000)
    expected = Z.T @ (Z * weight[:, None])
    for size in (1, 8 * 7 * 300, 2**20):
        monkeypatch.setattr(design_file, "PIECE_BYTES", size)
        np.testing.assert_allclose(weighted_gram(Z, weight), expected, rtol=1e-12)
        single = weighted_gram(Z.astype(np.float32), weight.astype(np.float32))
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, expected, rtol=1e-4, atol=1e-2)
