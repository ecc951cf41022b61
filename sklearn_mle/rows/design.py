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

from sklearn_mle.rows import matrix
from sklearn_mle.rows.implicit_design import Design, ImplicitDesign
from sklearn_mle.rows.matrix import (
    FloatArray,
    Matrix,
    entries,
    is_sparse,
    per_column,
    with_entries,
)

PIECE_BYTES = 2**20
"""Size of the rows that are weighted at a time, so that they are still near when multiplied."""
FAR = 4.0
"""Mean of a sparse column, in units of its spread, beyond which it is shifted by itself: at least
16 of 17 of its entries are stored."""


def design(
    X: Matrix,
    shift: FloatArray | None = None,
    unit: FloatArray | None = None,
    extra: Sequence[FloatArray | float] = (),
    far: tuple[int, ...] = (),
    leading: bool = False,
    kind: type = np.float64,
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
    kind : type
        Of the entries of a new array; numbers too large for it become infinite.

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
    Z = np.empty((X.shape[0], p + e), kind)
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
    first, beside = (e, 0) if leading else (0, p)
    level, unit = np.zeros(p + e), np.ones(p) if unit is None else unit
    if shift is not None:
        np.divide(shift, -unit, out=level[first : first + p])
    dense, places = np.empty((m, 0)), np.array(far, dtype=np.intp)
    if far:
        away = 0.0 if shift is None else shift[places]
        dense = (matrix.in_full(X[:, places]) - away) / unit[places]
        near = np.ones(p)
        near[places] = 0.0
        X = with_entries(X, entries(X) * per_column(X, near))
        level[first + places] = 0.0
    varying = [k for k in range(e) if isinstance(extra[k], np.ndarray)]
    for k in set(range(e)) - set(varying):
        level[beside + k] = extra[k]
    if varying:
        dense = np.column_stack([dense, *(extra[k] for k in varying)])
    places = np.concatenate([first + places, beside + np.array(varying, dtype=np.intp)])
    return ImplicitDesign(X, None, level, unit, dense, places, first)


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


def weighted_gram(Z: Design, weight: FloatArray, *, single: bool = False) -> FloatArray:
    """``Z' diag(weight) Z`` for weights that are not negative, shape (q, q).

    The product of an array with its own transpose costs half of one of two arrays, and in single
    precision half of that; numbers that are too large for it become infinite.
    """
    if not isinstance(Z, np.ndarray):
        return Z.weighted_gram(weight)
    if single:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return _gram_in_pieces(Z, np.sqrt(weight), own=True, kind=np.float32)
    return _gram_in_pieces(Z, np.sqrt(weight), own=True)


def signed_gram(Z: Design, weight: FloatArray) -> FloatArray:
    """``Z' diag(weight) Z`` for weights of any sign, shape (q, q)."""
    if not isinstance(Z, np.ndarray):
        return Z.weighted_gram(weight)
    return _gram_in_pieces(Z, weight, own=False)


def _gram_in_pieces(Z: FloatArray, factor: FloatArray, own: bool, kind: Any = None) -> FloatArray:
    """Rows times a factor, multiplied with themselves or with the rows as they are."""
    m, q = Z.shape
    step = max(PIECE_BYTES // (8 * max(1, q)), q)
    precision = np.result_type(Z, factor)
    order: Any = "C" if Z.flags.c_contiguous else "F"
    room = np.empty((min(step, m), q), kind or precision, order)
    gram = np.zeros((q, q), dtype=precision)
    for first in range(0, m, step):
        piece = Z[first : first + step]
        share, made = factor[first : first + step, None], room[: piece.shape[0]]
        R = np.multiply(piece, share, out=made, casting="same_kind")
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
