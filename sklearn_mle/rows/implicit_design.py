"""Sparse rows shifted and scaled without being filled in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows import matrix
from sklearn_mle.rows.matrix import (
    FloatArray,
    Matrix,
    entries,
    per_row,
    squares,
    stack_rows,
    transposed,
    with_entries,
)

Design = Any
"""An array of shape (m, q), or an `ImplicitDesign` of that shape."""


class ImplicitDesign:
    """``(X - base shift') / unit`` among zeros, plus dense columns at their places; never formed.

    Takes part in products with ``@`` from both sides, and in the functions of `design`.

    Parameters
    ----------
    X : csr_array of shape (m, p)
    base : ndarray of shape (m,)
        Ones, or what the rows have been multiplied with.
    shift, unit : ndarray of shape (p,)
    dense : ndarray of shape (m, d)
    places : ndarray of shape (d,)
        Which columns of the design these are; where those of X are, X and shift are zero.
    n_columns : int
    first : int
        Where the columns of X begin.
    """

    __array_ufunc__ = None

    def __init__(
        self,
        X: Matrix,
        base: FloatArray,
        shift: FloatArray,
        unit: FloatArray,
        dense: FloatArray,
        places: NDArray[np.intp],
        n_columns: int,
        first: int,
    ) -> None:
        self.X = X
        self.base = base
        self.shift = shift
        self.unit = unit
        self.dense = dense
        self.places = places
        self.shape = (X.shape[0], n_columns)
        self.inner = slice(first, first + X.shape[1])

    def _like(self, X: Matrix, base: FloatArray, dense: FloatArray) -> ImplicitDesign:
        """The same columns of other rows."""
        parts = (self.shift, self.unit, dense, self.places, self.shape[1], self.inner.start)
        return ImplicitDesign(X, base, *parts)

    def __matmul__(self, B: FloatArray) -> FloatArray:
        inner = B[self.inner] / (self.unit if B.ndim == 1 else self.unit[:, None])
        made: FloatArray = self.X @ inner
        made -= np.multiply.outer(self.base, self.shift @ inner)
        if self.places.shape[0]:
            made += self.dense @ B[self.places]
        return made

    def __rmatmul__(self, V: FloatArray) -> FloatArray:
        made = np.zeros((*V.shape[:-1], self.shape[1]))
        inner = made[..., self.inner]
        inner[:] = (transposed(self.X) @ V.T).T
        inner -= np.multiply.outer(V @ self.base, self.shift)
        inner /= self.unit
        if self.places.shape[0]:
            made[..., self.places] += V @ self.dense
        return made

    @property
    def T(self) -> TransposedDesign:  # noqa: N802
        return TransposedDesign(self)

    def __abs__(self) -> ImplicitDesign:
        """A design whose entries are at least as large as the sizes of these."""
        shift, unit, dense = -np.abs(self.shift), np.abs(self.unit), np.abs(self.dense)
        parts = (shift, unit, dense, self.places, self.shape[1], self.inner.start)
        return ImplicitDesign(abs(self.X), np.abs(self.base), *parts)

    def __getitem__(self, rows: Any) -> Any:
        """One row in full, shape (q,), or some rows as a design."""
        if isinstance(rows, (int, np.integer)):
            return self._row(int(rows))
        return self._like(self.X[rows], self.base[rows], self.dense[rows])

    def _row(self, i: int) -> FloatArray:
        made = np.zeros(self.shape[1])
        stored = slice(self.X.indptr[i], self.X.indptr[i + 1])
        inner = made[self.inner]
        np.multiply(self.shift, -self.base[i], out=inner)
        inner[self.X.indices[stored]] += self.X.data[stored]
        inner /= self.unit
        made[self.places] += self.dense[i]
        return made

    def take(self, rows: NDArray[np.intp], axis: int = 0) -> ImplicitDesign:
        """The rows at these places, as of an array."""
        return self._like(self.X[rows], self.base[rows], self.dense[rows])

    def above(self, below: ImplicitDesign) -> ImplicitDesign:
        """These rows and other rows of the same columns."""
        base = np.concatenate([self.base, below.base])
        return self._like(stack_rows([self.X, below.X]), base, np.vstack([self.dense, below.dense]))

    def times_rows(self, factor: FloatArray) -> ImplicitDesign:
        """Each row times a number."""
        X = with_entries(self.X, entries(self.X) * per_row(self.X, factor))
        return self._like(X, self.base * factor, self.dense * factor[:, None])

    def weighted_gram(self, weight: FloatArray) -> FloatArray:
        """``Z' diag(weight) Z``, shape (q, q)."""
        X, base, shift = self.X, self.base, self.shift
        q = self.shape[1]
        weighted = with_entries(X, entries(X) * per_row(X, weight))
        gram = np.zeros((q, q))
        inner = gram[self.inner, self.inner]
        inner[:] = (transposed(X) @ weighted).toarray()
        pull = transposed(weighted) @ base - 0.5 * float(weight @ np.square(base)) * shift
        shifted = np.multiply.outer(pull, shift)
        inner -= shifted
        inner -= shifted.T
        inner /= self.unit
        inner /= self.unit[:, None]
        if self.places.shape[0]:
            D = self.dense * weight[:, None]
            beside = np.zeros((self.places.shape[0], q))
            beside[:, self.inner] = (transposed(weighted) @ self.dense).T - np.multiply.outer(
                base @ D, shift
            )
            beside[:, self.inner] /= self.unit
            gram[self.places] += beside
            gram[:, self.places] += beside.T
            gram[np.ix_(self.places, self.places)] += D.T @ self.dense
        return gram

    def row_squares(self) -> FloatArray:
        """The sum of squares of each row, shape (m,)."""
        inner = self.shift / self.unit
        sums = squares(self.X) @ (1.0 / np.square(self.unit))
        sums -= self.base * (2.0 * (self.X @ (inner / self.unit)) - self.base * (inner @ inner))
        return np.maximum(sums, 0.0) + np.square(self.dense).sum(axis=1)

    def column_squares(self, weight: FloatArray) -> FloatArray:
        """The weighted sum of squares of each column, shape (q,)."""
        X, base, shift = self.X, self.base, self.shift
        made = np.zeros(self.shape[1])
        sums = transposed(squares(X)) @ weight
        sums -= shift * (
            2.0 * (transposed(X) @ (weight * base)) - (weight @ np.square(base)) * shift
        )
        made[self.inner] = np.maximum(sums, 0.0) / np.square(self.unit)
        made[self.places] += weight @ np.square(self.dense)
        return made

    def in_full(self) -> FloatArray:
        """The array itself; for few rows."""
        made = np.zeros(self.shape)
        inner = made[:, self.inner]
        inner[:] = matrix.in_full(self.X)
        inner -= np.multiply.outer(self.base, self.shift)
        inner /= self.unit
        made[:, self.places] += self.dense
        return made


class TransposedDesign:
    """The transpose of a design that is no array, in products."""

    __array_ufunc__ = None

    def __init__(self, design: Design) -> None:
        self.T = design
        self.shape = design.shape[::-1]

    def __matmul__(self, B: FloatArray) -> FloatArray:
        return (B.T @ self.T).T

    def __rmatmul__(self, V: FloatArray) -> FloatArray:
        return (self.T @ V.T).T
