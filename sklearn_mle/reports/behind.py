"""The estimator behind pipelines and searches, with X and names as it gets them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn.base import MetaEstimatorMixin
from sklearn.pipeline import Pipeline


def estimator_behind(estimator: Any, X: Any) -> tuple[Any, Any]:
    """The estimator that has the likelihood, and X as it gets it.

    X may be None where only the estimator is wanted.
    """
    while True:
        if isinstance(estimator, Pipeline):
            if X is not None and len(estimator) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
        elif isinstance(estimator, MetaEstimatorMixin) and hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return estimator, X


def feature_names(estimator: Any) -> Sequence[str]:
    """Names of the features that the last estimator gets; ``x0, x1, ...`` where there are none."""
    names = _names(estimator, None)
    while isinstance(estimator, (Pipeline, MetaEstimatorMixin)):
        behind = getattr(estimator, "best_estimator_", None)
        estimator = estimator[-1] if isinstance(estimator, Pipeline) else behind
    if names is not None and len(names) == estimator.n_features_in_:
        return [str(name) for name in names]
    return [f"x{j}" for j in range(estimator.n_features_in_)]


def _names(estimator: Any, names: Any) -> Any:
    if isinstance(estimator, Pipeline):
        if len(estimator) > 1:
            try:
                names = estimator[:-1].get_feature_names_out(names)
            except (AttributeError, ValueError, NotImplementedError):
                names = None
        return _names(estimator[-1], names)
    if hasattr(estimator, "best_estimator_"):
        return _names(estimator.best_estimator_, names)
    return getattr(estimator, "feature_names_in_", names)
