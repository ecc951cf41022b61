"""What a fitted regressor says of rows: locations, quantiles, whole distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_mle.estimators import checks, rooms, settings
from sklearn_mle.estimators.lazily import lazy_on_dask
from sklearn_mle.likelihoods.location_scale import (
    log_likelihood,
    log_prob,
    share_explained,
)
from sklearn_mle.noises.noise import Noise
from sklearn_mle.rows.kinds import is_dask
from sklearn_mle.rows.rows import FloatArray


def _probabilities(estimator: Any, q: ArrayLike) -> list[float]:
    return [float(level) for level in np.atleast_1d(np.asarray(q))]


def _ends(estimator: Any, coverage: float = 0.9) -> list[str]:
    return ["lower", "upper"]


class LocationPredictions(RegressorMixin):
    """Predictions from a location, ``X @ coef_ + intercept_``, and the law around it."""

    coef_: FloatArray
    intercept_: float
    scale_: float
    noise_: Noise

    @lazy_on_dask()
    def predict(self, X: ArrayLike) -> FloatArray:
        """The value that the derived loss estimates.

        The mean for Gaussian noise, the median for Laplace, the quantile for asymmetric Laplace,
        the location otherwise.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            In units of y.
        """
        check_is_fitted(self)
        return checks.features(self, X) @ self.coef_ + self.intercept_

    def predict_dist(self, X: ArrayLike) -> Any:
        """The predictive distribution of each row, parameters taken as known.

        In a `Pipeline` the last step answers: ``pipe[-1].predict_dist(pipe[:-1].transform(X))``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        scipy.stats frozen distribution
            One element a row: ``pdf``, ``logpdf``, ``cdf``, ``ppf``, ``interval``, ``rvs``,
            ``mean`` and ``std`` work on all rows at once.

        Raises
        ------
        ValueError
            If the scale is zero, because the model goes through every row, or through so many that
            the likelihood has no bound.
        """
        if is_dask(X):
            raise TypeError(
                "predict_dist needs rows in memory, as scipy.stats computes there; got a Dask "
                f"{type(X).__name__}. Use predict_quantile, predict_interval or log_prob, which "
                "are lazy, or pass X.compute()."
            )
        location = self.predict(X)
        if not self.scale_ > 0.0:
            raise ValueError(
                "A distribution needs a positive scale; got scale_=0, because the model goes "
                "through every row of the training data, or so many that the likelihood has no "
                "bound. Use predict, or fit to more rows or with lighter tails."
            )
        return self.noise_.distribution(loc=location, scale=self.scale_)

    @lazy_on_dask(names=_probabilities)
    def predict_quantile(self, X: ArrayLike, q: ArrayLike) -> FloatArray:
        """Quantiles of the predictive distributions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        q : float or array-like of shape (n_quantiles,)
            Probabilities, strictly between 0 and 1.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_quantiles)
            In units of y.
        """
        probabilities = settings.check_probabilities("q", q)
        location = self.predict(X)
        z = self.noise_.distribution().ppf(probabilities)
        if probabilities.ndim == 0:
            return location + self.scale_ * float(z)
        return location[:, None] + self.scale_ * z

    @lazy_on_dask(names=_ends)
    def predict_interval(self, X: ArrayLike, coverage: float = 0.9) -> FloatArray:
        """Intervals that a new y lies in with this probability, parameters taken as known.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        coverage : float, default=0.9
            Between 0 and 1; both tails get half of the rest.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            Lower and upper ends, in units of y.
        """
        share = float(settings.check_probabilities("coverage", coverage))
        tails = [0.5 * (1.0 - share), 0.5 * (1.0 + share)]
        return self.predict_quantile(X, tails)

    @lazy_on_dask(with_y=True)
    def log_prob(self, X: ArrayLike, y: ArrayLike) -> FloatArray:
        """Log density of each row's y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        ndarray of shape (n_samples,)
            Natural logarithms of densities in one over the units of y.
        """
        check_is_fitted(self)
        rows = checks.rows_for_regression(self, X, y, None, reset=False)
        return log_prob(self.noise_, rows.X, rows.y, self.coef_, self.intercept_, self.scale_)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """R2: one less the residual sum of squares over that about the mean of y.

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
        rows = rooms.rows_for_regression(self, X, y, sample_weight, reset=False)
        return share_explained(rows, self.coef_, self.intercept_)

    def _likelihood_of(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[float, float]:
        rows = rooms.rows_for_regression(self, X, y, sample_weight, reset=False)
        law = (self.noise_, self.coef_, self.intercept_, self.scale_)
        return log_likelihood(rows, *law), rows.total_weight
