"""Units in which columns of any size are equally easy to fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import far_columns
from sklearn_mle.rows.matrix import in_full, is_sparse, squares
from sklearn_mle.rows.rows import Block, Rows

FAR = 10.0
"""Mean of a column, in units of its spread, beyond which it is shifted before it is multiplied."""
SAMPLE_ROWS = 1000
"""Rows that the units of the columns are taken from."""
PIECE_BYTES = 2**21
"""Size of what is shifted at a time, so that no copy of a wide sample is made."""
ALIKE = 1e-9
"""Spread of a column, relative to its mean, below which it may be constant."""


@dataclass(frozen=True)
class Units:
    """What to take off each column, if anything, and the size of what remains.

    Parameters
    ----------
    shift : ndarray of shape (p,) or None
    unit : ndarray of shape (p,)
    far : tuple of int
        Columns of sparse rows that are shifted by themselves.
    """

    shift: FloatArray | None
    unit: FloatArray
    far: tuple[int, ...] = ()


def standard_units(rows: Rows, fit_intercept: bool, sampled: Any = None) -> Units:
    """Shift and size of the columns, from a sample.

    Newton's method does not depend on either; they only keep rounding errors small. A column need
    not be shifted unless it is far from zero for its spread: with means up to `FAR` times the
    spread the Hessian's condition is worse by less than the square of that. Columns that are
    constant in the sample get the unit 1, and are shifted to exactly zero.

    Of sparse columns a sample tells nothing where most entries are zero, and shifting them costs
    nothing: they are shifted by their mean, and units are those of all rows.

    Parameters
    ----------
    rows : Rows
    fit_intercept : bool
    sampled : ndarray or csr_array of shape (m, p), optional
        X of a sample of the rows; one of `SAMPLE_ROWS` is drawn by default.
    """
    X = rows.sample(SAMPLE_ROWS).X if sampled is None else sampled
    if is_sparse(X):
        return _units_of_all(rows, X, fit_intercept)
    if not fit_intercept:
        unit = np.sqrt(np.mean(np.square(X), axis=0))
        return Units(None, np.where(unit > 0.0, unit, 1.0))
    shift, unit, constant = _of_array(X)
    far = (np.abs(shift) > FAR * unit) | (constant & (shift != 0.0))
    return Units(shift if far.any() else None, unit)


def _of_array(X: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Mean and spread of columns, 1 for those that are constant; and which those are."""
    n, p = X.shape
    mean = np.add.reduce(X, axis=0) / n
    step = max(1, PIECE_BYTES // max(1, X[0].nbytes))
    squares = np.zeros(p)
    for first in range(0, n, step):
        away = X[first : first + step] - mean
        squares += np.einsum("ij,ij->j", away, away)
    spread = np.sqrt(squares / n)
    constant = spread <= ALIKE * np.abs(mean)
    if not constant.any():
        return mean, spread, constant
    places = np.flatnonzero(constant)
    constant[places] = np.ptp(X[:, places], axis=0) == 0.0
    shift = np.where(constant, X[0], mean)
    return shift, np.where(constant | (spread == 0.0), 1.0, spread), constant


def _units_of_all(rows: Rows, sampled: FloatArray, fit_intercept: bool) -> Units:
    """Mean and spread from sums of all rows; those of columns far from zero from the sample."""

    def sums(block: Block) -> tuple[FloatArray, FloatArray]:
        weight = block.weigh(np.ones(block.n_rows))
        return weight @ block.X, weight @ squares(block.X)

    total, square = (part / rows.total_weight for part in rows.total(sums))
    if not fit_intercept:
        return Units(None, np.sqrt(np.where(square > 0.0, square, 1.0)))
    variance = square - np.square(total)
    far = far_columns(total, np.sqrt(np.maximum(variance, 0.0)))
    shift = total.copy()
    unit = np.sqrt(np.where(square > 0.0, np.maximum(variance, 0.0), 1.0))
    places = np.array(far, dtype=np.intp)
    shift[places], unit[places], _ = _of_array(in_full(sampled[:, places]))
    return Units(shift, unit, far)
