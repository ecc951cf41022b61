"""Arrays that need no conversion, and whether all their entries are finite.

Most tables are arrays of floats: for them scikit-learn's own validation asks a dozen questions to
which the answer is known, and looks for entries that are not finite with one core.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sklearn_mle.rows.in_memory import BLOCK_BYTES
from sklearn_mle.rows.matrix import row_sums
from sklearn_mle.rows.threads import blocks_share_cores, in_order

LARGE = 2**23
"""Bytes from which on a second core pays."""


def is_plain(X: Any) -> bool:
    """Whether X is an array that is taken as it is."""
    right = type(X) is np.ndarray and X.ndim == 2 and X.size > 0
    return bool(right and X.dtype in (np.float64, np.float32))


def is_plain_target(y: Any, n_rows: int) -> bool:
    """Whether y is an array of finite numbers, one for each of the rows."""
    right = type(y) is np.ndarray and y.shape == (n_rows,) and y.dtype.kind in "biuf"
    if not right or y.dtype.kind != "f":
        return bool(right)
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(y.sum())


def is_large(X: Any) -> bool:
    """Whether X is an array in which entries are worth looking for with more than one core."""
    taken = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype in (np.float64, np.float32)
    return taken and X.nbytes >= LARGE


def surely_finite(X: Any) -> bool:
    """Whether a sum of all entries is finite, so that every entry is; no copy is made."""
    if not is_large(X):
        with np.errstate(over="ignore", invalid="ignore"):
            return math.isfinite(X.sum())
    step = max(1, BLOCK_BYTES // max(1, X.shape[1] * X.itemsize))
    sums: list[float] = []

    def add(i: int) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            part = X[i * step : (i + 1) * step]
            # of rows that do not lie side by side BLAS is four times as fast as a sum
            return float((part if part.flags.c_contiguous else row_sums(part)).sum())

    with blocks_share_cores(0):
        in_order(add, -(-X.shape[0] // step), sums.append)
    return all(map(math.isfinite, sums))
