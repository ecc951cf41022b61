"""What parameters multiply: the columns of a block, shifted, scaled, and beside a few more.

For dense rows a design is an array. Shifting the columns of sparse rows would fill them in, so that
theirs is kept in parts, ``[(X - 1 shift') / unit, extra]``: products with vectors, and products
of the design with itself, follow from those of X.

Digits. In ``sum (x - s)**2 = sum x**2 - 2 s sum x + m s**2`` terms cancel only if the shift s is
large beside the spread of the column. With a share d of the entries stored, Cauchy and Schwarz say
``mean**2 <= d / (1 - d) * variance``: a column of which half is zero is not far from zero. Those
that are (a year, a price, in most rows) are few in sparse data, and nearly full; they are shifted
before they are multiplied, in dense columns that are hardly larger than what was stored of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows import matrix
from sklearn_mle.rows.matrix import (
    FloatArray,
    Matrix,
    entries,
    is_sparse,
    per_column,
    per_row,
    squares,
    stack_rows,
    transposed,
    with_entries,
)

Design = Any
"""An array of shape (m, q), or an `ImplicitDesign` of that shape."""

PIECE_BYTES = 2**20
"""Size of the rows that are weighted at a time, so that they are still near when multiplied."""
FAR = 4.0
"""Mean of a sparse column, in units of its spread, beyond which it is shifted by itself: at least
16 of 17 of its entries are stored."""


class ImplicitDesign:
    """``(X - base shift') / unit`` among zeros, plus dense columns at their places; never formed.

    Takes part in products with ``@`` from both sides, and in the functions of this file.

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


def design(
    X: Matrix,
    shift: FloatArray | None = None,
    unit: FloatArray | None = None,
    extra: Sequence[FloatArray | float] = (),
    far: tuple[int, ...] = (),
    leading: bool = False,
) -> Design:
    """``[(X - shift) / unit, extra]``, or with the extra columns first.

    Parameters
    ----------
    X : ndarray or csr_array of shape (m, p)
    shift, unit : ndarray of shape (p,), optional
        Nothing and one by default.
    extra : sequence of float or ndarray of shape (m,)
        Columns beside those of X.
    far : tuple of int
        Columns of sparse rows that are shifted by themselves, as `far_columns` says.
    leading : bool
        Whether the extra columns come before those of X.

    Returns
    -------
    ndarray of shape (m, p + len(extra)), or ImplicitDesign
        X itself where nothing is asked of it.
    """
    if is_sparse(X):
        return _implicit(X, shift, unit, extra, far, leading)
    if shift is None and unit is None and not extra:
        return X
    p, e = X.shape[1], len(extra)
    Z = np.empty((X.shape[0], p + e))
    inner = Z[:, e:] if leading else Z[:, :p]
    if shift is None:
        np.divide(X, 1.0 if unit is None else unit, out=inner)
    else:
        np.subtract(X, shift, out=inner)
        if unit is not None:
            inner /= unit
    for k, values in enumerate(extra):
        Z[:, k if leading else p + k] = values
    return Z


def _implicit(
    X: Matrix,
    shift: FloatArray | None,
    unit: FloatArray | None,
    extra: Sequence[FloatArray | float],
    far: tuple[int, ...],
    leading: bool,
) -> ImplicitDesign:
    (m, p), e = X.shape, len(extra)
    shift = np.zeros(p) if shift is None else shift
    unit = np.ones(p) if unit is None else unit
    f, far_places = len(far), np.array(far, dtype=np.intp)
    dense = np.empty((m, f + e))
    if f:
        columns = matrix.in_full(X[:, far_places])
        dense[:, :f] = (columns - shift[far_places]) / unit[far_places]
        near = np.ones(p)
        near[far_places] = 0.0
        X, shift = with_entries(X, entries(X) * per_column(X, near)), shift * near
    for k, values in enumerate(extra):
        dense[:, f + k] = values
    first = e if leading else 0
    beside = np.arange(e) + (0 if leading else p)
    places = np.concatenate([first + far_places, beside])
    return ImplicitDesign(X, np.ones(m), shift, unit, dense, places, p + e, first)


def far_columns(shift: FloatArray, spread: FloatArray) -> tuple[int, ...]:
    """Sparse columns that lose digits unless they are shifted by themselves."""
    return tuple(np.flatnonzero(np.abs(shift) > FAR * spread).tolist())


def dot(A: Design, B: Design) -> FloatArray:
    """``A @ B``, for two arrays by `numpy.dot`, which lets other threads run meanwhile."""
    if isinstance(A, np.ndarray) and isinstance(B, np.ndarray):
        return np.dot(A, B)
    return A @ B


def times_rows(Z: Design, factor: FloatArray, out: Design = None) -> Design:
    """Each row times a number; written to ``out`` if that is an array."""
    if not isinstance(Z, np.ndarray):
        return Z.times_rows(factor)
    return np.multiply(Z, factor[:, None], out=out)


def own_gram(Z: Design) -> FloatArray:
    """``Z'Z``, shape (q, q)."""
    if not isinstance(Z, np.ndarray):
        return Z.weighted_gram(np.ones(Z.shape[0]))
    return np.dot(Z.T, Z)


def weighted_gram(Z: Design, weight: FloatArray) -> FloatArray:
    """``Z' diag(weight) Z`` for weights that are not negative, shape (q, q).

    The product of an array with its own transpose costs half of one of two arrays.
    """
    if not isinstance(Z, np.ndarray):
        return Z.weighted_gram(weight)
    return _gram_in_pieces(Z, np.sqrt(weight), own=True)


def signed_gram(Z: Design, weight: FloatArray) -> FloatArray:
    """``Z' diag(weight) Z`` for weights of any sign, shape (q, q)."""
    if not isinstance(Z, np.ndarray):
        return Z.weighted_gram(weight)
    return _gram_in_pieces(Z, weight, own=False)


def _gram_in_pieces(Z: FloatArray, factor: FloatArray, own: bool) -> FloatArray:
    """Rows times a factor, multiplied with themselves or with the rows as they are."""
    m, q = Z.shape
    step = max(PIECE_BYTES // (8 * max(1, q)), q)
    room = np.empty((min(step, m), q), dtype=np.result_type(Z, factor))
    gram = np.zeros((q, q), dtype=room.dtype)
    for first in range(0, m, step):
        piece = Z[first : first + step]
        R = np.multiply(piece, factor[first : first + step, None], out=room[: piece.shape[0]])
        gram += np.dot((R if own else piece).T, R)
    return gram


def stacked(above: Design, below: Design) -> Design:
    """The rows of two designs of the same columns."""
    return np.vstack([above, below]) if isinstance(above, np.ndarray) else above.above(below)


def row_squares(Z: Design) -> FloatArray:
    """The sum of squares of each row, shape (m,)."""
    return np.einsum("ij,ij->i", Z, Z) if isinstance(Z, np.ndarray) else Z.row_squares()


def column_squares(Z: Design, weight: FloatArray) -> FloatArray:
    """The weighted sum of squares of each column, shape (q,)."""
    return np.dot(weight, np.square(Z)) if isinstance(Z, np.ndarray) else Z.column_squares(weight)


def in_full(Z: Design) -> FloatArray:
    """An array in any case; for few rows."""
    return Z if isinstance(Z, np.ndarray) else Z.in_full()
