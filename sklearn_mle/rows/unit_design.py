"""Columns of an array in other units, beside a few more, without a copy of the array.

A copy of a block costs as much as a product with it; fresh memory for it, page by page from the
system, several times that. Units go to the vectors that the columns are multiplied with.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sklearn_mle.rows.design import signed_gram, weighted_gram
from sklearn_mle.rows.rows import FloatArray


class UnitDesign:
    """``[X * unit, extra]``; takes part in products with vectors, from both sides.

    Parameters
    ----------
    X : ndarray of shape (m, p)
    unit : ndarray of shape (p,)
    extra : sequence of float or ndarray of shape (m,)
        Columns beside those of X.
    """

    __array_ufunc__ = None

    def __init__(self, X: FloatArray, unit: FloatArray, extra: Sequence[FloatArray | float]):
        self.X = X
        self.unit = unit
        self.extra = extra
        self.shape = (X.shape[0], X.shape[1] + len(extra))

    def __matmul__(self, b: FloatArray) -> FloatArray:
        p = self.X.shape[1]
        made: FloatArray = np.dot(self.X, self.unit * b[:p])
        for share, column in zip(b[p:], self.extra):
            made += share * column
        return made

    def __rmatmul__(self, v: FloatArray) -> FloatArray:
        p = self.X.shape[1]
        made = np.empty(self.shape[1])
        np.multiply(np.dot(v, self.X), self.unit, out=made[:p])
        for k, column in enumerate(self.extra, start=p):
            both = isinstance(column, np.ndarray)
            made[k] = np.dot(v, column) if both else column * v.sum()
        return made

    def weighted_gram(self, weight: FloatArray) -> FloatArray:
        """``Z' diag(weight) Z`` for weights of any sign, shape (q, q)."""
        q, p = self.shape[1], self.X.shape[1]
        gram = np.empty((q, q))
        signed = weight.shape[0] > 0 and float(weight.min()) < 0.0
        inner = signed_gram(self.X, weight) if signed else weighted_gram(self.X, weight)
        inner *= self.unit
        inner *= self.unit[:, None]
        gram[:p, :p] = inner
        for k, column in enumerate(self.extra):
            weighted = weight * column
            gram[:p, p + k] = gram[p + k, :p] = np.dot(weighted, self.X) * self.unit
            for j, other in enumerate(self.extra[: k + 1]):
                both = isinstance(other, np.ndarray)
                product = np.dot(weighted, other) if both else other * weighted.sum()
                gram[p + k, p + j] = gram[p + j, p + k] = product
        return gram

    def column_squares(self, weight: FloatArray) -> FloatArray:
        """The weighted sum of squares of each column, shape (q,)."""
        p = self.X.shape[1]
        made = np.empty(self.shape[1])
        np.multiply(np.dot(weight, np.square(self.X)), np.square(self.unit), out=made[:p])
        for k, column in enumerate(self.extra, start=p):
            made[k] = np.dot(weight, np.broadcast_to(np.square(column), weight.shape))
        return made
