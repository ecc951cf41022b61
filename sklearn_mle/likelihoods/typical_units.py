"""What most entries of a column are like, whatever a few of them are.

A few entries far above all others make mean and spread their own: measured in these the others are
all alike, and what they say of the column is lost to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.matrix import is_sparse
from sklearn_mle.rows.rows import Rows

SAMPLE_ROWS = 2000
"""Rows that tell."""


@dataclass(frozen=True)
class Typical:
    """The middle of each column, and how far from it an entry is that is not there.

    Parameters
    ----------
    middle : ndarray of shape (p,)
        The median; zero for sparse columns, and where the middle is fixed there.
    size : ndarray of shape (p,)
        The median distance from it of entries that differ from it; 1 where none does.
    """

    middle: FloatArray
    size: FloatArray


def typical_units(rows: Rows, centred: bool) -> Typical:
    """Middle and size of columns, from a sample of rows.

    Parameters
    ----------
    rows : Rows
    centred : bool
        Whether the middle need not be zero.
    """
    X = rows.sample(SAMPLE_ROWS).X
    p = rows.n_columns
    middle, size = np.zeros(p), np.ones(p)
    if is_sparse(X):
        columns = X.tocsc()
        parts = [columns.data[columns.indptr[j] : columns.indptr[j + 1]] for j in range(p)]
    else:
        middle = np.median(X, axis=0) if centred and X.shape[0] else middle
        parts = list(X.T)
    for j, part in enumerate(parts):
        away = np.abs(part - middle[j])
        away = away[away > 0.0]
        if away.shape[0]:
            size[j] = np.partition(away, away.shape[0] // 2)[away.shape[0] // 2]
    return Typical(middle, size)
