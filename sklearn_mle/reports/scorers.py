"""Scores of held-out data by likelihood."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils.metadata_routing import MetadataRequest

from sklearn_mle.estimators import rooms
from sklearn_mle.reports.behind import estimator_behind


class LogLikelihoodScorer:
    """Mean log-likelihood a row, greater is better.

    Works as ``scoring=`` wherever scikit-learn takes one, for `MLERegressor`, `MLEClassifier`, and
    pipelines and searches that end in one. Densities are in one over the units of y, so that scores
    compare models of the same y.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    sample_weight : array-like of shape (n_samples,), optional
        How many times each row counts.

    Returns
    -------
    float

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn_mle import MLERegressor, log_likelihood_scorer
    >>> X, y = load_diabetes(return_X_y=True)
    >>> cross_val_score(MLERegressor(), X, y, scoring=log_likelihood_scorer).shape
    (5,)
    """

    def __init__(self, score_request: Any = None) -> None:
        self._score_request = score_request

    def __call__(
        self, estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        estimator, X = estimator_behind(estimator, X)
        if not hasattr(estimator, "log_likelihood"):
            raise TypeError(
                "log_likelihood_scorer needs an estimator with a log_likelihood method; got "
                f"{type(estimator).__name__}. Use MLERegressor or MLEClassifier, alone or as the "
                "last step of a Pipeline."
            )
        total = estimator.log_likelihood(X, y, sample_weight=sample_weight)
        return float(total / rooms.how_many(y, sample_weight))

    def set_score_request(self, *, sample_weight: bool | str | None) -> LogLikelihoodScorer:
        """A scorer that asks for ``sample_weight`` under metadata routing.

        Parameters
        ----------
        sample_weight : bool, str or None
            As in scikit-learn's ``set_score_request``.

        Returns
        -------
        LogLikelihoodScorer
            A new scorer; the one that everybody shares stays as it is.
        """
        return LogLikelihoodScorer(score_request=sample_weight)

    def get_metadata_routing(self) -> MetadataRequest:
        """What the scorer asks for under metadata routing.

        Returns
        -------
        MetadataRequest
        """
        request = MetadataRequest(owner=self)
        request.score.add_request(param="sample_weight", alias=self._score_request)
        return request

    def _accept_sample_weight(self) -> bool:
        """What scikit-learn asks one of several scorers before it hands weights on."""
        return True

    def __repr__(self) -> str:
        return "log_likelihood_scorer"


log_likelihood_scorer = LogLikelihoodScorer()
