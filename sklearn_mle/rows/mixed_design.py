"""A design whose columns are combined with each other.

Columns that nearly depend on each other are told apart by combinations of them. Those of sparse
rows would fill them in, so that products go through the columns themselves; only the product of a
design with itself, in which the digits of nearly dependent columns cancel, is made of combined
rows, a few at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_mle.rows.design import FloatArray
from sklearn_mle.rows.implicit_design import ImplicitDesign, TransposedDesign

ROWS = 1024
"""Rows that are combined at a time."""


class MixedDesign:
    """``Z @ mix``, never formed.

    Parameters
    ----------
    Z : ImplicitDesign of shape (m, q)
    mix : ndarray of shape (q, r)
    """

    __array_ufunc__ = None

    def __init__(self, Z: ImplicitDesign, mix: FloatArray) -> None:
        self.Z = Z
        self.mix = mix
        self.shape = (Z.shape[0], mix.shape[1])

    def __matmul__(self, B: FloatArray) -> FloatArray:
        return self.Z @ (self.mix @ B)

    def __rmatmul__(self, V: FloatArray) -> FloatArray:
        return (V @ self.Z) @ self.mix

    @property
    def T(self) -> TransposedDesign:  # noqa: N802
        return TransposedDesign(self)

    def __abs__(self) -> MixedDesign:
        """A design whose entries are at least as large as the sizes of these."""
        return MixedDesign(abs(self.Z), np.abs(self.mix))

    def __getitem__(self, rows: Any) -> Any:
        some = self.Z[rows]
        return some @ self.mix if isinstance(some, np.ndarray) else MixedDesign(some, self.mix)

    def take(self, rows: Any, axis: int = 0) -> MixedDesign:
        """The rows at these places, as of an array."""
        return MixedDesign(self.Z.take(rows), self.mix)

    def times_rows(self, factor: FloatArray) -> MixedDesign:
        """Each row times a number."""
        return MixedDesign(self.Z.times_rows(factor), self.mix)

    def above(self, below: MixedDesign) -> MixedDesign:
        """These rows and other rows of the same columns."""
        return MixedDesign(self.Z.above(below.Z), self.mix)

    def weighted_gram(self, weight: FloatArray) -> FloatArray:
        """``Z' diag(weight) Z``, shape (r, r)."""
        gram = np.zeros((self.shape[1], self.shape[1]))
        for first in range(0, self.shape[0], ROWS):
            part = slice(first, first + ROWS)
            rows = self[part].in_full()
            gram += np.dot(rows.T, rows * weight[part, None])
        return gram

    def row_squares(self) -> FloatArray:
        """The sum of squares of each row, shape (m,)."""
        return np.concatenate([np.empty(0), *(np.square(P).sum(axis=1) for P in self._parts())])

    def column_squares(self, weight: FloatArray) -> FloatArray:
        """The weighted sum of squares of each column, shape (r,)."""
        return self.times_rows(np.sqrt(weight)).weighted_gram(np.ones(self.shape[0])).diagonal()

    def _parts(self) -> Any:
        """The rows in full, a few at a time."""
        for first in range(0, self.shape[0], ROWS):
            yield self[first : first + ROWS].in_full()

    def in_full(self) -> FloatArray:
        """The array itself; for few rows."""
        return self.Z.in_full() @ self.mix
