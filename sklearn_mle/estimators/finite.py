"""Whether a large table is finite, with all cores; scikit-learn's own check uses one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sklearn_mle.rows.in_memory import BLOCK_BYTES
from sklearn_mle.rows.threads import blocks_share_cores, in_order

LARGE = 2**23
"""Bytes from which on a second core pays."""


def is_large(X: Any) -> bool:
    """Whether X is an array that is taken as it is, and worth more than one core."""
    taken = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype in (np.float64, np.float32)
    return taken and X.nbytes >= LARGE


def surely_finite(X: Any) -> bool:
    """Whether a sum of all entries is finite, so that every entry is; no copy is made."""
    step = max(1, BLOCK_BYTES // max(1, X.shape[1] * X.itemsize))
    sums: list[float] = []

    def add(i: int) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.sum(X[i * step : (i + 1) * step]))

    with blocks_share_cores(0):
        in_order(add, -(-X.shape[0] // step), sums.append)
    return all(map(math.isfinite, sums))
