"""Units in which columns of any size are equally easy to fit."""

from __future__ import annotations

import numpy as np

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.rows import Rows

FAR = 10.0
"""Mean of a column, in units of its spread, beyond which it is shifted before it is multiplied."""
SAMPLE_ROWS = 1000
"""Rows that the units of the columns are taken from."""


def standard_units(rows: Rows, fit_intercept: bool) -> tuple[FloatArray | None, FloatArray]:
    """What to take off each column, if anything, and the size of what remains, from a sample.

    Newton's method does not depend on either; they only keep rounding errors small. A column need
    not be shifted unless it is far from zero for its spread: with means up to `FAR` times the
    spread the Hessian's condition is worse by less than the square of that. Columns that are
    constant in the sample get the unit 1, and are shifted to exactly zero.
    """
    X = rows.sample(SAMPLE_ROWS).X
    if not fit_intercept:
        unit = np.sqrt(np.mean(np.square(X), axis=0))
        return None, np.where(unit > 0.0, unit, 1.0)
    mean = X.mean(axis=0)
    spread = np.sqrt(np.mean(np.square(X - mean), axis=0))
    constant = np.ptp(X, axis=0) == 0.0
    shift = np.where(constant, X[0], mean)
    unit = np.where(constant | (spread == 0.0), 1.0, spread)
    far = (np.abs(shift) > FAR * unit) | (constant & (shift != 0.0))
    return shift if far.any() else None, unit
