"""What both estimators say of data by their likelihood."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_mle.estimators.criteria import akaike, bayesian


class ByLikelihoodMixin:
    """Log-likelihood and information criteria, wherever the data are.

    An estimator says how likely data are by ``_likelihood_of(X, y, sample_weight)``, which returns
    the total log-likelihood and the number of rows, and has ``_n_parameters``.
    """

    _likelihood_of: Any
    _n_parameters: Any

    def log_likelihood(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Total log-likelihood of data at the fitted parameters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
            How many times each row counts; ``class_weight`` has no part in it.

        Returns
        -------
        float
        """
        check_is_fitted(self)
        return float(self._likelihood_of(X, y, sample_weight)[0])

    def aic(self, X: ArrayLike, y: ArrayLike) -> float:
        """Akaike's information criterion on data; lower is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        float
            ``2 k - 2 log L`` with k parameters: identified coefficients and intercepts, and where
            there are any, the scale and estimated shapes.
        """
        return akaike(self.log_likelihood(X, y), self._n_parameters)

    def bic(self, X: ArrayLike, y: ArrayLike) -> float:
        """The Bayesian (Schwarz) information criterion on data; lower is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        float
            ``k log(n) - 2 log L`` with k parameters as in `aic`.
        """
        check_is_fitted(self)
        log_likelihood, n = self._likelihood_of(X, y, None)
        return bayesian(log_likelihood, self._n_parameters, n)
