"""The likelihood ratio test of nested fits."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_mle.inference.hypotheses import TestResult, likelihood_ratio
from sklearn_mle.reports.behind import estimator_behind

WORSE = 1e-6
"""How much less likely, relative to the log-likelihood, a larger model may be by its tolerance."""


def likelihood_ratio_test(
    small: Any, large: Any, X: Any, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> TestResult:
    """Whether the data ask for the larger of two nested models.

    Twice the difference of the log-likelihoods is chi-squared, with as many degrees of freedom as
    the larger model has parameters more, where the smaller model holds (Wilks 1938).

    Parameters
    ----------
    small, large : MLERegressor or MLEClassifier
        Fitted to the same rows, or pipelines that end in one. Every fit of the small model must
        be one of the large model: fewer features, or a noise that is a case of the other.
    X : array-like of shape (n_samples, n_features), data frame, or pair (X_small, X_large)
        The data of the fits. From a data frame each model takes the columns that it was fitted to;
        arrays are passed as a pair where they differ.
    y : array-like of shape (n_samples,)
    sample_weight : array-like of shape (n_samples,), optional
        As in the fits.

    Returns
    -------
    TestResult
        ``statistic``, ``df``, ``p_value``.

    Raises
    ------
    ValueError
        If the larger model has no more parameters, or is less likely, so that they are not nested.

    Notes
    -----
    Where the small model lies on the edge of the large one, as Gaussian noise is the limit of
    Student's t, the p-value is up to twice too large (Self and Liang 1987).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_mle import MLERegressor, likelihood_ratio_test
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> small = MLERegressor().fit(X[["bmi", "bp"]], y)
    >>> large = MLERegressor().fit(X, y)
    >>> likelihood_ratio_test(small, large, X, y).df
    8
    """
    pair = X if isinstance(X, tuple) and len(X) == 2 else (X, X)
    (less, n_less), (more, n_more) = (
        _log_likelihood(model, table, y, sample_weight)
        for model, table in zip((small, large), pair)
    )
    if n_more <= n_less:
        raise ValueError(
            f"large must have more parameters than small; got {n_more} and {n_less}. Pass the "
            "smaller model first; to compare models that are not nested, use AIC."
        )
    if more - less < -WORSE * max(1.0, abs(less)):
        raise ValueError(
            "large must be at least as likely as small, which is a case of it; got log-likelihoods "
            f"{more:.6g} and {less:.6g}. Fit both to these rows with nested models; to compare "
            "others, use AIC."
        )
    return likelihood_ratio(less, more, n_more - n_less)


def _log_likelihood(
    estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[float, int]:
    """Log-likelihood and number of parameters of a fitted model."""
    check_is_fitted(estimator)
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None and hasattr(X, "columns") and len(X.columns) != len(names):
        X = X[list(names)]
    model, table = estimator_behind(estimator, X)
    if not hasattr(model, "_n_parameters"):
        raise TypeError(
            "likelihood_ratio_test needs fitted MLERegressor or MLEClassifier models, alone or as "
            f"the last step of a Pipeline; got {type(model).__name__}. Fit one of these."
        )
    total = model.log_likelihood(table, y, sample_weight=sample_weight)
    return float(total), int(model._n_parameters)
