"""The likelihood of rows that a fit has not seen, over the splits of scikit-learn.

Rows in memory are taken out of the table. Rows of Dask collections stay where they are and get
weight zero, which is their absence; every split reads all chunks, a few times for its fit and once
for the rows that were held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from sklearn_mle.reports.behind import estimator_behind
from sklearn_mle.rows.kinds import is_dask
from sklearn_mle.rows.rows import FloatArray

Split = tuple[NDArray[np.intp], NDArray[np.intp]]


def fitted_clone(estimator: Any, X: Any, y: Any, sample_weight: Any) -> Any:
    """A clone, fitted; weights find the last step of a pipeline."""
    estimator = clone(estimator)
    if sample_weight is None:
        return estimator.fit(X, y)
    key, last = "sample_weight", estimator
    if not get_config()["enable_metadata_routing"]:
        while isinstance(last, Pipeline):
            key, last = f"{last.steps[-1][0]}__{key}", last[-1]
    return estimator.fit(X, y, **{key: sample_weight})


def splits_of(cv: Any, X: Any, y: Any, *, classifier: bool) -> list[Split]:
    """Places of the rows to fit and of those to hold out, the same for every candidate.

    Of Dask collections the target alone is looked at here.
    """
    if is_dask(X):
        y = np.asarray(y).ravel()
        X = np.zeros((y.shape[0], 1))
    return list(check_cv(cv, y, classifier=classifier).split(X, y))


def held_out_score(
    estimator: Any, X: Any, y: Any, sample_weight: Any, splits: Sequence[Split]
) -> tuple[float, float]:
    """Mean log-likelihood of held-out rows, and the standard error of that mean.

    Parameters
    ----------
    estimator : estimator
    X, y, sample_weight : array-like
    splits : sequence of (places to fit, places to hold out)

    Returns
    -------
    mean, standard_error : float

    Raises
    ------
    ValueError
        For steps before the likelihood, where rows cannot be taken from X.
    """
    logs, weights = [], []
    w = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64).ravel()
    labels = np.asarray(y)
    for train, test in splits:
        if is_dask(X):
            log = _apart(estimator, X, y, np.ones(len(labels)) if w is None else w, train, test)
        else:
            log = _taken(estimator, X, labels, w, train, test)
        logs.append(log)
        weights.append(np.ones(len(test)) if w is None else w[test])
    log, weight = np.concatenate(logs), np.concatenate(weights)
    log, weight = log[weight > 0.0], weight[weight > 0.0]
    mean, total = float(np.average(log, weights=weight)), float(weight.sum())
    if not np.isfinite(mean):
        return mean, np.nan
    return mean, float(np.sqrt(weight @ (log - mean) ** 2 / (total * max(total - 1.0, 1.0))))


def _taken(
    estimator: Any, X: Any, labels: NDArray[Any], w: FloatArray | None, train: Any, test: Any
) -> FloatArray:
    """Log-probabilities of held-out rows, from a table of the others."""
    weight = None if w is None else w[train]
    fitted = fitted_clone(estimator, _safe_indexing(X, train), labels[train], weight)
    last, features = estimator_behind(fitted, _safe_indexing(X, test))
    return np.asarray(last.log_prob(features, labels[test]))


def _apart(estimator: Any, X: Any, y: Any, w: FloatArray, train: Any, test: Any) -> FloatArray:
    """The same, with all rows where they are and weight zero for those held out."""
    if not hasattr(estimator, "log_prob"):
        raise ValueError(
            "cv on Dask collections needs estimators without steps before the likelihood, which "
            f"would see rows that are held out; got {type(estimator).__name__}. Transform X first, "
            "or leave cv out: BIC charges for parameters without a split."
        )
    fitted = fitted_clone(estimator, X, y, w * np.bincount(train, minlength=w.shape[0]))
    return np.asarray(fitted.log_prob(X, y))[test]
