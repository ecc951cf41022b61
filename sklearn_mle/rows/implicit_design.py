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
    """``X / unit`` among zeros, plus ``base level'``, plus dense columns; never formed.

    The level of a column of X is what its shift adds to each of its entries, that of another column
    a constant. Takes part in products with ``@`` from both sides, and in the functions of `design`.

    Parameters
    ----------
    X : csr_array of shape (m, p)
    base : ndarray of shape (m,) or None
        What the rows have been multiplied with; None stands for one.
    level : ndarray of shape (q,)
    unit : ndarray of shape (p,)
    dense : ndarray of shape (m, d)
    places : ndarray of shape (d,)
        Which columns of the design these are; where those of X are, X and level are zero.
    first : int
        Where the columns of X begin.
    """

    __array_ufunc__ = None

    def __init__(
        self,
        X: Matrix,
        base: FloatArray | None,
        level: FloatArray,
        unit: FloatArray,
        dense: FloatArray,
        places: NDArray[np.intp],
        first: int,
    ) -> None:
        self.X = X
        self.base = base
        self.level = level
        self.unit = unit
        self.dense = dense
        self.places = places
        self.shape = (X.shape[0], level.shape[0])
        self.inner = slice(first, first + X.shape[1])

    def _like(self, X: Matrix, base: FloatArray | None, dense: FloatArray) -> ImplicitDesign:
        """The same columns of other rows."""
        first = self.inner.start
        return ImplicitDesign(X, base, self.level, self.unit, dense, self.places, first)

    @property
    def _base(self) -> FloatArray:
        return np.ones(self.shape[0]) if self.base is None else self.base

    def __matmul__(self, B: FloatArray) -> FloatArray:
        made: FloatArray = self.X @ (B[self.inner].T / self.unit).T
        level = self.level @ B
        made += level if self.base is None else np.multiply.outer(self.base, level)
        if self.places.shape[0]:
            made += self.dense @ B[self.places]
        return made

    def __rmatmul__(self, V: FloatArray) -> FloatArray:
        total = V.sum(axis=-1) if self.base is None else V @ self.base
        made: FloatArray = np.multiply.outer(total, self.level)
        sums = (transposed(self.X) @ V.T).T
        sums /= self.unit
        made[..., self.inner] += sums
        if self.places.shape[0]:
            made[..., self.places] += V @ self.dense
        return made

    @property
    def T(self) -> TransposedDesign:  # noqa: N802
        return TransposedDesign(self)

    def __abs__(self) -> ImplicitDesign:
        """A design whose entries are at least as large as the sizes of these."""
        base = None if self.base is None else np.abs(self.base)
        level, unit, dense = np.abs(self.level), np.abs(self.unit), np.abs(self.dense)
        first = self.inner.start
        return ImplicitDesign(abs(self.X), base, level, unit, dense, self.places, first)

    def __getitem__(self, rows: Any) -> Any:
        """One row in full, shape (q,), or some rows as a design."""
        if isinstance(rows, (int, np.integer)):
            return self._row(int(rows))
        base = None if self.base is None else self.base[rows]
        return self._like(self.X[rows], base, self.dense[rows])

    def _row(self, i: int) -> FloatArray:
        made = self.level * (1.0 if self.base is None else self.base[i])
        stored = slice(self.X.indptr[i], self.X.indptr[i + 1])
        columns = self.X.indices[stored]
        made[self.inner][columns] += self.X.data[stored] / self.unit[columns]
        made[self.places] += self.dense[i]
        return made

    def take(self, rows: NDArray[np.intp], axis: int = 0) -> ImplicitDesign:
        """The rows at these places, as of an array."""
        taken: ImplicitDesign = self[rows]
        return taken

    def above(self, below: ImplicitDesign) -> ImplicitDesign:
        """These rows and other rows of the same columns."""
        base = np.concatenate([self._base, below._base])
        return self._like(stack_rows([self.X, below.X]), base, np.vstack([self.dense, below.dense]))

    def times_rows(self, factor: FloatArray) -> ImplicitDesign:
        """Each row times a number."""
        X = with_entries(self.X, entries(self.X) * per_row(self.X, factor))
        base = factor if self.base is None else self.base * factor
        return self._like(X, base, self.dense * factor[:, None])

    def weighted_gram(self, weight: FloatArray) -> FloatArray:
        """``Z' diag(weight) Z``, shape (q, q)."""
        X, base, level = self.X, self._base, self.level
        q = self.shape[1]
        weighted = with_entries(X, entries(X) * per_row(X, weight))
        gram = np.zeros((q, q))
        inner = gram[self.inner, self.inner]
        inner[:] = (transposed(X) @ weighted).toarray()
        inner /= self.unit
        inner /= self.unit[:, None]
        pull = 0.5 * float(weight @ np.square(base)) * level
        pull[self.inner] += (transposed(weighted) @ base) / self.unit
        lifted = np.multiply.outer(pull, level)
        gram += lifted
        gram += lifted.T
        if self.places.shape[0]:
            D = self.dense * weight[:, None]
            beside = np.multiply.outer(base @ D, level)
            beside[:, self.inner] += (transposed(weighted) @ self.dense).T / self.unit
            gram[self.places] += beside
            gram[:, self.places] += beside.T
            gram[np.ix_(self.places, self.places)] += D.T @ self.dense
        return gram

    def row_squares(self) -> FloatArray:
        """The sum of squares of each row, shape (m,)."""
        level, base = self.level[self.inner], self._base
        sums: FloatArray = squares(self.X) @ (1.0 / np.square(self.unit))
        sums += base * (2.0 * (self.X @ (level / self.unit)) + base * (self.level @ self.level))
        return np.maximum(sums, 0.0) + np.square(self.dense).sum(axis=1)

    def column_squares(self, weight: FloatArray) -> FloatArray:
        """The weighted sum of squares of each column, shape (q,)."""
        X, level = self.X, self.level
        weighted = weight if self.base is None else weight * self.base
        mass = float(weighted.sum() if self.base is None else weighted @ self.base)
        made: FloatArray = mass * np.square(level)
        sums = (transposed(squares(X)) @ weight) / self.unit
        sums += 2.0 * level[self.inner] * (transposed(X) @ weighted)
        made[self.inner] += sums / self.unit
        np.maximum(made, 0.0, out=made)
        made[self.places] += weight @ np.square(self.dense)
        return made

    def in_full(self) -> FloatArray:
        """The array itself; for few rows."""
        made: FloatArray = np.multiply.outer(self._base, self.level)
        made[:, self.inner] += matrix.in_full(self.X) / self.unit
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
