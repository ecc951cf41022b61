"""The normal equations from one pass over the rows.

With an intercept the sums are taken of ``z = x - shift``, where the shift is close to the mean: a
column whose mean is far larger than its spread would otherwise lose the digits of its spread. The
shift need not be the mean, since ``sum w (z - m)(z - m)' = sum w z z' - s s' / W`` with
``s = sum w z = W m`` corrects it exactly; it must only leave ``m`` no larger than the spread, which
the mean of a small sample does. ``x - shift`` is rounded relative to itself, so this perturbs the
shifted columns by no more than half a unit in the last place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_mle.rows.design import design, dot, far_columns, own_gram, times_rows
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.matrix import entries, is_sparse, per_column, squares, with_entries
from sklearn_mle.rows.rows import Block, FloatArray, Rows

EPS = float(np.finfo(float).eps)
SAMPLE_ROWS = 512
"""Rows from which means are estimated: the error is a twentieth of the spread."""
CONSTANT_UNITS = 8.0
"""A column whose spread is below this many units in the last place of its entries is constant."""
ORDINARY = 1e60
"""Columns of this size or its inverse are brought near 1 before they are squared."""
NEAR = 0.7
"""Mean over root mean square up to which squares lose less than a digit if they are not shifted."""
STRIP_NUMBERS = 512
"""Numbers to which a shift is repeated, so that short rows are shifted in long strips."""
PRODUCT_ROWS = 1024
"""Rows that are worth a product of their own: below, writing a matrix of many columns costs more
than computing it."""


@dataclass(frozen=True)
class Frame:
    """Coordinates in which sums do not cancel or overflow: ``z = (x - shift) * unit``.

    Parameters
    ----------
    shift : ndarray of shape (p + 1,)
        For the columns of X and, last, for y; zero without an intercept.
    unit : ndarray of shape (p + 1,)
        Powers of two; all 1 unless a column is extremely large or small.
    far : tuple of int
        Columns of sparse rows that are shifted by themselves.
    """

    shift: FloatArray
    unit: FloatArray
    far: tuple[int, ...] = ()

    @property
    def plain_units(self) -> bool:
        return bool((self.unit == 1.0).all())


@dataclass(frozen=True)
class Gram:
    """Centred sums of squares and products, in the coordinates of a frame.

    Parameters
    ----------
    frame : Frame
    mean : ndarray of shape (p + 1,)
        Means of the shifted columns and of the shifted y.
    cross : ndarray of shape (p, p)
    with_y : ndarray of shape (p,)
    y_squared : float
        Centred.
    y_size : float
        Sum of w * y**2 as given, neither shifted nor centred.
    growth : float
        How much larger the sums were before they were centred; 1 without an intercept.
    rounding : float
        A bound on the relative rounding error of a sum, ``(rows a block + blocks) * eps``.
    """

    frame: Frame
    mean: FloatArray
    cross: FloatArray
    with_y: FloatArray
    y_squared: float
    y_size: float
    growth: float
    rounding: float


@dataclass(frozen=True)
class CrossProducts:
    """``Z'Z`` of the rows added so far: a matrix for most, and rows too few to be worth one.

    Parameters
    ----------
    waiting : tuple of ndarray of shape (m_k, p)
    matrix : ndarray of shape (p, p), or None for zero
    """

    waiting: tuple[FloatArray, ...]
    matrix: FloatArray | None = None

    @classmethod
    def of(cls, Z: Design) -> CrossProducts:
        few = isinstance(Z, np.ndarray) and Z.shape[0] < PRODUCT_ROWS
        return cls((Z,)) if few else cls((), own_gram(Z))

    def __add__(self, other: CrossProducts) -> CrossProducts:
        waiting = self.waiting + other.waiting
        matrix = self.matrix if other.matrix is None else other.matrix
        if self.matrix is not None and other.matrix is not None:
            matrix = self.matrix + other.matrix
        both = CrossProducts(waiting, matrix)
        if sum(Z.shape[0] for Z in waiting) < PRODUCT_ROWS:
            return both
        return CrossProducts((), both.whole())

    def whole(self) -> FloatArray:
        """All of it; an array that nobody else holds."""
        if not self.waiting:
            assert self.matrix is not None
            return self.matrix
        Z = self.waiting[0] if len(self.waiting) == 1 else np.concatenate(self.waiting)
        product = np.dot(Z.T, Z)
        if self.matrix is not None:
            product += self.matrix
        return product


def weighted_sums(block: Block) -> tuple[FloatArray, FloatArray, float, bool]:
    """Sums of columns and of squares, y last; the total weight; whether rows are sparse."""
    X, y = block.X, block.y
    w = np.ones(block.n_rows) if block.weight is None else block.weight
    if is_sparse(X):
        squared = w @ squares(X)
    elif block.weight is None:
        squared = np.einsum("ij,ij->j", X, X)
    else:
        squared = np.einsum("i,ij,ij->j", w, X, X)
    sums, squared = np.append(dot(w, X), w @ y), np.append(squared, w @ (y * y))
    return sums, squared, float(w.sum()), is_sparse(X)


def estimate_frame(rows: Rows, fit_intercept: bool) -> Frame:
    """A frame from a sample, or from all rows if they are few.

    Where no column is far from zero for its spread, none of X is shifted.
    """
    few = rows if rows.n_rows <= 2 * SAMPLE_ROWS else rows.sample(SAMPLE_ROWS)
    with np.errstate(over="ignore"):
        sums, squared, weight, sparse = few.total(weighted_sums)
    spread, unit = np.sqrt(squared / weight), np.ones_like(sums)
    ordinary = bool((spread < ORDINARY).all() and (spread > 1.0 / ORDINARY).all())
    if not ordinary:
        unit = units(few.total(_sizes)[0] / weight)
        spread = np.sqrt(few.total(_squares_in(unit))[0] / weight)
    if not fit_intercept:
        return Frame(np.zeros_like(sums), unit)
    mean = sums / weight
    small, spread = np.abs(mean * unit)[:-1], spread[:-1]
    if ordinary and (small < NEAR * spread).all():
        mean[:-1] = 0.0
        return Frame(mean, unit)
    if not sparse:
        return Frame(mean, unit)
    deviation = np.sqrt(np.maximum(np.square(spread) - np.square(small), 0.0))
    return Frame(mean, unit, far_columns(small, deviation))


def _sizes(block: Block) -> tuple[FloatArray]:
    """Sums of absolute values, y last."""
    w = np.ones(block.n_rows) if block.weight is None else block.weight
    return (np.append(dot(w, abs(block.X)), w @ np.abs(block.y)),)


def _squares_in(unit: FloatArray) -> Callable[[Block], tuple[FloatArray]]:
    """Sums of squares in these units, y last."""

    def per_block(block: Block) -> tuple[FloatArray]:
        w = np.ones(block.n_rows) if block.weight is None else block.weight
        Z = with_entries(block.X, entries(block.X) * per_column(block.X, unit[:-1]))
        return (np.append(w @ squares(Z), w @ np.square(block.y * unit[-1])),)

    return per_block


def units(size: FloatArray) -> FloatArray:
    """One, or the power of two that brings an extreme size near one."""
    extreme = (size > ORDINARY) | ((size < 1.0 / ORDINARY) & (size > 0.0))
    if not extreme.any():
        return np.ones_like(size)
    exponent = np.where(extreme, np.frexp(size)[1], 0)
    return np.ldexp(1.0, -exponent)


def shifted_columns(frame: Frame) -> Callable[[Block], Design]:
    """A function that gives the columns of X of a block in a frame, shape (m, p).

    Rows of few columns in C order are shifted many at a time, since numpy's loops over the last
    axis are slow where it is short.
    """
    p = frame.shift.shape[0] - 1
    shift = frame.shift[:p]
    unit = None if frame.plain_units else frame.unit[:p]
    repeats = max(1, STRIP_NUMBERS // max(1, p))
    strip = np.tile(shift, repeats)

    def columns(block: Block) -> Design:
        X = block.X
        if is_sparse(X):
            return design(X, shift, None if unit is None else 1.0 / unit, far=frame.far)
        if X.flags.c_contiguous and X.shape[0] >= repeats:
            Z = np.empty(X.shape)
            whole = X.shape[0] // repeats * repeats
            long = (whole // repeats, repeats * p)
            np.subtract(X[:whole].reshape(long), strip, out=Z[:whole].reshape(long))
            np.subtract(X[whole:], shift, out=Z[whole:])
        else:
            Z = X - shift
        if unit is not None:
            Z *= unit
        return Z

    return columns


def gram(rows: Rows, frame: Frame, fit_intercept: bool, *, target: bool = True) -> Gram:
    """One pass over the rows, then the exact correction of the shift.

    Without the target y is not looked at, and what the result has of it is zero.
    """
    columns = shifted_columns(frame)
    y_shift, y_unit = float(frame.shift[-1]), float(frame.unit[-1])
    unshifted = not frame.shift[:-1].any() and frame.plain_units

    def per_block(block: Block) -> tuple[Any, ...]:
        bare = unshifted and not is_sparse(block.X)
        Z = block.X if bare else columns(block)
        w = np.ones(block.n_rows) if block.weight is None else block.weight
        sums = dot(w, Z) if fit_intercept else 0.0
        if block.weight is not None:
            Z = times_rows(Z, np.sqrt(block.weight), out=None if bare else Z)
        of_y = of_target(block, Z) if target else (np.zeros(rows.n_columns), 0.0, 0.0, 0.0)
        return CrossProducts.of(Z), sums, *of_y, 1

    def of_target(block: Block, Z: Design) -> tuple[Any, ...]:
        """Products with weighted columns, squares of the shifted y, its sum, squares of y."""
        y, w = block.y, block.weight
        v = (y - y_shift) * y_unit
        if w is None:
            return dot(v, Z), float(v @ v), float(v.sum()), float(y @ y)
        y_sum, y_size = float(w @ v), float(w @ (y * y))
        v *= np.sqrt(w)
        return dot(v, Z), float(v @ v), y_sum, y_size

    products, sums, with_y, y_squared, y_sum, y_size, blocks = rows.total(per_block)
    cross = products.whole()
    rounding = EPS * (rows.n_rows / blocks + blocks)
    if not fit_intercept:
        mean = np.zeros_like(frame.shift)
        return Gram(frame, mean, cross, with_y, y_squared, y_size, 1.0, rounding)
    mean = np.append(sums, y_sum) / rows.total_weight
    before = cross.diagonal().copy()
    cross -= np.multiply.outer(sums, mean[:-1])
    after = cross.diagonal()
    varies = (before > 0.0) & (after > EPS * before)
    growth = float((before[varies] / after[varies]).max(initial=1.0))
    with_y = with_y - sums * mean[-1]
    y_squared = float(np.maximum(0.0, y_squared - y_sum * mean[-1]))
    return Gram(frame, mean, cross, with_y, y_squared, y_size, growth, rounding)


def varying(spread: FloatArray, centre: FloatArray) -> Any:
    """Which columns vary by more than the rounding of their entries.

    Parameters
    ----------
    spread, centre : ndarray of shape (p,)
        Root mean square about the centre, and the centre; in one unit.
    """
    return spread > CONSTANT_UNITS * EPS * np.abs(centre)
