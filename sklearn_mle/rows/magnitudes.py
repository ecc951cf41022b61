"""How large the numbers of rows are, and rows divided by powers of two, which loses no digit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows.matrix import column_sizes, is_sparse
from sklearn_mle.rows.rows import FloatArray

LOOKED_AT = 64
"""Rows of an array that tell the sizes of its columns."""


@dataclass(frozen=True)
class Magnitudes:
    """About the largest sizes among some rows; `+` is that of more rows.

    Parameters
    ----------
    of_columns : ndarray of shape (n_columns,)
    of_y : float
    """

    of_columns: FloatArray
    of_y: float

    def __add__(self, other: Magnitudes) -> Magnitudes:
        return Magnitudes(np.maximum(self.of_columns, other.of_columns), max(self.of_y, other.of_y))


@dataclass(frozen=True)
class PowersOfTwo:
    """Binary exponents that rows are divided by.

    Parameters
    ----------
    of_columns : ndarray of shape (n_columns,), of int
    of_y, of_weight : int
    """

    of_columns: NDArray[np.intp]
    of_y: int
    of_weight: int

    def out_of(self, X: Any, y: FloatArray, weight: FloatArray | None) -> tuple[Any, ...]:
        """X, y and weights of rows, in float64, divided by these powers."""
        return (
            _scaled_columns(X, -self.of_columns),
            np.ldexp(y, -self.of_y),
            None if weight is None else np.ldexp(weight, -self.of_weight),
        )

    def of_sizes(self, sizes: Magnitudes) -> Magnitudes:
        """What is left of the sizes of rows."""
        of_columns = np.ldexp(sizes.of_columns, -self.of_columns)
        return Magnitudes(of_columns, float(np.ldexp(sizes.of_y, -self.of_y)))


def magnitudes(X: Any, y: FloatArray, block_rows: int) -> Magnitudes:
    """Of sparse rows and of y all entries tell; of an array a few rows, and where these have
    nothing but zeros in a column, all of that column."""
    of_y = max(float(y.max(initial=0.0)), -float(y.min(initial=0.0)))
    if is_sparse(X):
        return Magnitudes(column_sizes(X), of_y)
    sizes = column_sizes(X[:: max(1, X.shape[0] // LOOKED_AT)]).astype(np.float64)
    unseen = np.flatnonzero(sizes == 0.0)
    if unseen.shape[0]:
        for first in range(0, X.shape[0], block_rows):
            part = X[first : first + block_rows][:, unseen]
            sizes[unseen] = np.maximum(sizes[unseen], column_sizes(part))
    return Magnitudes(sizes, of_y)


def _scaled_columns(X: Any, exponents: NDArray[np.intp]) -> Any:
    """X in float64 with each column times a power of two."""
    if not is_sparse(X):
        return np.ldexp(np.asarray(X, dtype=np.float64), exponents)
    made = X.tocsc(copy=True).astype(np.float64)
    made.data = np.ldexp(made.data, np.repeat(exponents, np.diff(made.indptr)))
    return made.asformat(X.format)
