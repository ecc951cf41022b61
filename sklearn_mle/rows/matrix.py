"""X as an array or in sparse rows: the few operations whose spelling differs.

Products with ``@`` are spelt alike, and so is ``abs``. Sparse rows are a `scipy.sparse.csr_array`
in canonical form (columns of each row sorted, none twice): what it stores are the entries of X.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

FloatArray = NDArray[np.float64]
Matrix = Any
"""An array of shape (m, p), or a canonical `scipy.sparse.csr_array` of that shape."""
ENTRIES = 2**16
"""Stored entries that are looked at together, so that no copy of all is made."""


def is_sparse(X: Any) -> bool:
    """Whether X is stored in sparse rows, columns or any other sparse way."""
    return not isinstance(X, np.ndarray) and bool(sparse.issparse(X))


def canonical(X: Any) -> Matrix:
    """Sparse X of any kind as a canonical csr_array; it shares what is in that form already."""
    rows = sparse.csr_array(X)
    if not rows.has_canonical_format:
        rows = rows.copy() if sparse.issparse(X) and X.format == "csr" else rows
        rows.sum_duplicates()
    small = max(rows.shape[1], rows.nnz) <= np.iinfo(np.int32).max
    if small and rows.indices.dtype != np.int32:
        indices, indptr = rows.indices.astype(np.int32), rows.indptr.astype(np.int32)
        rows = sparse.csr_array((rows.data, indices, indptr), shape=rows.shape)
    return rows


def row_range(X: Matrix, first: int, last: int) -> Matrix:
    """Rows ``first`` to ``last``, in float64.

    Nothing is copied that is float64 already and whose rows or columns lie side by side: of others
    products and sums take ten times as long as the copy.
    """
    if not is_sparse(X):
        part = np.asarray(X[first:last], dtype=np.float64)
        side_by_side = part.flags.c_contiguous or part.strides[0] == part.itemsize
        return part if side_by_side else _closed_up(part)
    begin, end = X.indptr[first], X.indptr[last]
    data = np.asarray(X.data[begin:end], dtype=np.float64)
    return _csr(data, X.indices[begin:end], X.indptr[first : last + 1] - begin, X.shape[1])


def _closed_up(part: FloatArray) -> FloatArray:
    """A copy of an array in C order.

    Rows whose entries lie side by side are copied as items of their length: numpy's loops over a
    short last axis take three times as long.
    """
    m, p = part.shape
    if p < 2 or part.strides[1] != part.itemsize:
        return np.ascontiguousarray(part)
    whole = part.view(np.dtype((np.void, p * part.itemsize)))
    return np.ascontiguousarray(whole).view(np.float64).reshape(m, p)


def in_float64(X: Matrix) -> Matrix:
    """X in float64, not copied if it is that already."""
    return X.astype(np.float64, copy=False) if is_sparse(X) else np.asarray(X, dtype=np.float64)


def take_rows(X: Matrix, rows: NDArray[Any]) -> Matrix:
    """Rows at these places, or where this mask is true: a copy in float64 and C order."""
    if is_sparse(X):
        some = X[rows]
        return _csr(some.data.astype(np.float64, copy=False), some.indices, some.indptr, X.shape[1])
    # faster, but of what is not in C order it makes a copy first
    by_take = rows.dtype != np.bool_ and X.flags.c_contiguous
    some = X.take(rows, axis=0) if by_take else X[rows]
    return np.ascontiguousarray(some, dtype=np.float64)


def stack_rows(parts: list[Matrix]) -> Matrix:
    """The rows of all parts, one below the other."""
    if is_sparse(parts[0]):
        return sparse.csr_array(sparse.vstack(parts, format="csr"))
    return np.vstack(parts)


def transposed(X: Matrix) -> Matrix:
    """X', which shares the entries of X; that of sparse rows is made once."""
    if not is_sparse(X):
        return X.T
    if not hasattr(X, "sideways"):
        X.sideways = X.T
    return X.sideways


def lexical_order(X: Matrix, last: FloatArray) -> NDArray[np.intp]:
    """Places of the rows in order of ``last``, then of the first column, of the second, ..."""
    if not is_sparse(X):
        return np.lexsort((*X.T[::-1], last))
    columns = X.tocsc()
    order = np.arange(X.shape[0])
    for j in range(X.shape[1] - 1, -1, -1):
        stored = slice(columns.indptr[j], columns.indptr[j + 1])
        if stored.start < stored.stop:
            value = np.zeros(X.shape[0])
            value[columns.indices[stored]] = columns.data[stored]
            order = order[np.argsort(value[order], kind="stable")]
    return order[np.argsort(last[order], kind="stable")]


def repeats(X: Matrix) -> NDArray[np.bool_]:
    """Which rows but the first are equal to the row before, shape (m - 1,)."""
    if is_sparse(X):
        return np.asarray(abs(X[1:] - X[:-1]).sum(axis=1)).ravel() == 0.0
    return np.all(X[1:] == X[:-1], axis=1)


def row_sums(X: Matrix) -> NDArray[Any]:
    """The sum of the entries of each row, in the precision of X; shape (m,)."""
    if not is_sparse(X):
        # by BLAS in a quarter of the time, whatever the strides
        return X @ np.ones(X.shape[1], X.dtype)
    sums = np.zeros(X.shape[0], dtype=X.dtype)
    there = np.diff(X.indptr) > 0
    if there.any():
        sums[there] = np.add.reduceat(X.data, X.indptr[:-1][there])
    return sums


def column(X: Matrix, j: int) -> FloatArray:
    """One column in full, shape (m,)."""
    return X[:, [j]].toarray()[:, 0] if is_sparse(X) else X[:, j]


def without_column(X: Matrix, j: int) -> Matrix:
    """X with one column less."""
    if is_sparse(X):
        return canonical(X[:, np.delete(np.arange(X.shape[1]), j)])
    return np.delete(X, j, axis=1)


def entries(X: Matrix) -> NDArray[Any]:
    """The entries of an array, or those stored, to be changed one by one."""
    return X.data if is_sparse(X) else X


def with_entries(X: Matrix, values: NDArray[Any]) -> Matrix:
    """Other values at the places of `entries`."""
    return _csr(values, X.indices, X.indptr, X.shape[1]) if is_sparse(X) else values


def per_column(X: Matrix, values: NDArray[Any]) -> NDArray[Any]:
    """One value a column, beside `entries`: shape that of these, or one that broadcasts."""
    return values[X.indices] if is_sparse(X) else values


def per_row(X: Matrix, values: NDArray[Any]) -> NDArray[Any]:
    """One value a row, beside `entries`."""
    return np.repeat(values, np.diff(X.indptr)) if is_sparse(X) else values[:, None]


def squares(X: Matrix) -> Matrix:
    """Each entry times itself."""
    return with_entries(X, np.square(entries(X)))


def column_sizes(X: Matrix) -> FloatArray:
    """The largest size of the entries of each column, shape (p,)."""
    if not is_sparse(X):
        return np.maximum(X.max(axis=0, initial=0.0), -X.min(axis=0, initial=0.0))
    largest = np.zeros(X.shape[1])
    for first in range(0, X.data.shape[0], ENTRIES):
        some = slice(first, first + ENTRIES)
        np.maximum.at(largest, X.indices[some], np.abs(X.data[some]))
    return largest


def in_full(X: Matrix) -> FloatArray:
    """An array in any case; for few rows."""
    return X.toarray() if is_sparse(X) else X


def _csr(data: Any, indices: Any, indptr: Any, n_columns: int) -> Matrix:
    made = sparse.csr_array((indptr.shape[0] - 1, n_columns), dtype=data.dtype)
    # set, since the constructor would copy what is a small part of a larger array
    made.data, made.indices, made.indptr = data, indices, indptr
    made.has_canonical_format = True
    return made
