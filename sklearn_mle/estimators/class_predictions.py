"""What a fitted classifier says of rows: scores, classes, probabilities."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_mle.estimators import checks, rooms
from sklearn_mle.estimators.lazily import lazy_on_dask
from sklearn_mle.estimators.speak import frames_inside
from sklearn_mle.likelihoods.class_laws import log_probabilities, probabilities
from sklearn_mle.likelihoods.class_sums import log_likelihood, share_right
from sklearn_mle.rows.kinds import is_dask
from sklearn_mle.rows.rows import FloatArray


def _classes(estimator: Any) -> list[Any]:
    return estimator.classes_.tolist()


class ClassPredictions(ClassifierMixin):
    """Predictions from linear scores, ``X @ coef_.T + intercept_``."""

    classes_: NDArray[Any]
    coef_: FloatArray
    intercept_: FloatArray

    @lazy_on_dask(names=_classes)
    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Linear scores.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            The log-odds of the second of two classes; or a score for each class.
        """
        scores = self._scores(X)
        return scores[:, 0] if self.classes_.size == 2 else scores

    @lazy_on_dask()
    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        scores = self.decision_function(X)
        best = (scores > 0.0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[best]

    @lazy_on_dask(names=_classes)
    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Probabilities of the classes, in the order of ``classes_``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return probabilities(self._scores(X))

    @lazy_on_dask(names=_classes)
    def predict_log_proba(self, X: ArrayLike) -> FloatArray:
        """Natural logarithms of `predict_proba`, exact where probabilities are tiny.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return log_probabilities(self._scores(X))

    @lazy_on_dask(with_y=True)
    def log_prob(self, X: ArrayLike, y: ArrayLike) -> FloatArray:
        """Log-probability of each row's label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        ndarray of shape (n_samples,)
            Minus infinity, with a warning, for labels that `fit` has not seen.
        """
        check_is_fitted(self)
        X, y, _ = checks.labelled_features(self, X, y, None, reset=False)
        return self._log_prob(X, y)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """The share of rows whose class is predicted.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
        """
        if not is_dask(X):
            return float(super().score(X, y, sample_weight))
        check_is_fitted(self)
        found = rooms.labelled_rows(self, X, y, sample_weight, reset=False)
        rows = found.rows(np.ones(found.classes.size))
        return share_right(rows, self._places(found.classes), self.coef_, self.intercept_)

    def _scores(self, X: ArrayLike) -> FloatArray:
        check_is_fitted(self)
        return checks.features(self, X) @ self.coef_.T + self.intercept_

    def _log_prob(self, X: NDArray[np.floating], y: NDArray[Any]) -> FloatArray:
        places = self._places(y)
        logs = log_probabilities(X @ self.coef_.T + self.intercept_)
        chosen, unseen = logs[np.arange(places.size), places], places < 0
        if unseen.any():
            _warn_of_unseen(np.unique(y[unseen]))
            chosen[unseen] = -np.inf
        return chosen

    def _likelihood_of(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[float, float]:
        found = rooms.labelled_rows(self, X, y, sample_weight, reset=False)
        places, n = self._places(found.classes), float(found.mass.sum())
        if np.any(places < 0):
            _warn_of_unseen(found.classes[places < 0])
            return -np.inf, n
        rows = found.rows(np.ones(found.classes.size))
        return log_likelihood(rows, places, self.coef_, self.intercept_), n

    def _places(self, labels: NDArray[Any]) -> NDArray[np.intp]:
        """The place of each label among the classes of the fit; -1 for others."""
        places = np.searchsorted(self.classes_, labels).clip(0, self.classes_.size - 1)
        return np.where(self.classes_[places] == labels, places, -1)


def _warn_of_unseen(labels: NDArray[Any]) -> None:
    """Labels whose log-probability is minus infinity."""
    warnings.warn(
        f"y holds labels that fit has not seen: {labels.tolist()}. Their probability is 0 and "
        "their log-probability minus infinity; fit on rows of every class (for cross-validation, "
        "stratified splits).",
        UserWarning,
        stacklevel=1 + frames_inside(),
    )
