"""Where data are looked at: rows in memory by `checks`, collections of Dask by `dask_checks`.

The one place that knows of several rooms. Dask's is entered, and Dask imported, only with a
collection of Dask at hand.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_mle.rows.kinds import is_dask
from sklearn_mle.rows.rows import GivenRows, Rows


def rows_for_regression(
    estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool
) -> GivenRows:
    """Checked rows with a numeric target, where X is; as `checks.rows_for_regression`."""
    return _room(X).rows_for_regression(estimator, X, y, sample_weight, reset=reset)


def labelled_rows(
    estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool
) -> Any:
    """Checked rows with labels, where X is; as `checks.labelled_rows`."""
    return _room(X).labelled_rows(estimator, X, y, sample_weight, reset=reset)


def present(rows: Rows, sample_weight: ArrayLike | None) -> NDArray[np.bool_]:
    """Which rows are there, those of weight zero not: shape (n,)."""
    if sample_weight is None or np.ndim(sample_weight) == 0:
        return np.ones(rows.n_rows, dtype=bool)
    return np.asarray(sample_weight).ravel() > 0.0


def how_many(y: ArrayLike, sample_weight: ArrayLike | None) -> float:
    """The rows that there are, weights counted as repeats."""
    if sample_weight is not None:
        return float(np.sum(np.asarray(sample_weight)))
    if is_dask(y):
        return float(importlib.import_module("sklearn_mle.rows.dask_chunks").count_rows(y))
    return float(np.shape(y)[0])


def _room(X: Any) -> Any:
    name = "dask_checks" if is_dask(X) else "checks"
    return importlib.import_module(f"sklearn_mle.estimators.{name}")
