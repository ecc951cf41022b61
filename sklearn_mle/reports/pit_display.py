"""Where each y falls in its own predictive distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.reports.behind import estimator_behind
from sklearn_mle.reports.drawing import (
    COLOURS,
    INFINITELY_LIKELY,
    as_weights,
    drawing_axes,
    fitted_regressor,
)


class PITDisplay:
    """Probability integral transform: where each y falls in its own predictive distribution.

    The values are uniform, and the histogram flat, when the law is right. A U says that the law is
    too narrow, a hump that it is too wide, a slope that it is off to one side.

    Parameters
    ----------
    pit : ndarray of shape (n,)
        The predictive distribution function of each row at its y.
    sample_weight : ndarray of shape (n,), optional

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.

    References
    ----------
    Dawid, A. P. (1984). Statistical theory: the prequential approach. Journal of the Royal
    Statistical Society A 147, 278-292.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_mle import MLERegressor, PITDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> display = PITDisplay.from_estimator(MLERegressor().fit(X, y), X, y)
    """

    def __init__(self, pit: FloatArray, *, sample_weight: FloatArray | None = None) -> None:
        self.pit = pit
        self.sample_weight = sample_weight

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        n_bins: int | None = None,
        ax: Any = None,
    ) -> PITDisplay:
        """Draw the transform of rows under a fitted regressor.

        Parameters
        ----------
        estimator : MLERegressor, or a Pipeline or search that ends in one
            Fitted.
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
            How many times each row counts.
        n_bins : int, optional
            20 by default, or fewer where few rows would leave fewer than ten a bar, down to 5.
        ax : matplotlib Axes, optional

        Returns
        -------
        PITDisplay

        Raises
        ------
        ValueError
            If the fit goes through every row.
        """
        model, features = fitted_regressor(estimator), estimator_behind(estimator, X)[1]
        if not model.scale_ > 0.0:
            raise ValueError(INFINITELY_LIKELY)
        law = model.noise_.distribution(model.predict(features), model.scale_)
        return cls.from_predictions(y, law, sample_weight=sample_weight, n_bins=n_bins, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        distribution: Any,
        *,
        sample_weight: ArrayLike | None = None,
        n_bins: int | None = None,
        ax: Any = None,
    ) -> PITDisplay:
        """Draw the transform of rows under predictive distributions.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
        distribution : frozen scipy.stats distribution
            One element a row.
        sample_weight : array-like of shape (n_samples,), optional
        n_bins : int, optional
            20 by default, or fewer where few rows would leave fewer than ten a bar, down to 5.
        ax : matplotlib Axes, optional

        Returns
        -------
        PITDisplay
        """
        pit = distribution.cdf(np.asarray(y_true, dtype=np.float64))
        return cls(pit, sample_weight=as_weights(sample_weight)).plot(n_bins=n_bins, ax=ax)

    def plot(self, n_bins: int | None = None, ax: Any = None) -> PITDisplay:
        """Draw the histogram, with the band that holds 95 % of the bars of a uniform sample.

        Parameters
        ----------
        n_bins : int, optional
            20 by default, or fewer where few rows would leave fewer than ten a bar, down to 5.
        ax : matplotlib Axes, optional

        Returns
        -------
        PITDisplay
        """
        self.ax_, self.figure_ = drawing_axes(ax)
        total = float(len(self.pit) if self.sample_weight is None else self.sample_weight.sum())
        if n_bins is None:
            n_bins = int(np.clip(total // 10, 5, 20))
        low, high = binom.ppf([0.025, 0.975], round(total), 1.0 / n_bins) * n_bins / total
        label = "95 % of bars, if the law is right"
        self.ax_.axhspan(low, high, color=COLOURS[5], alpha=0.35, lw=0, label=label)
        self.ax_.axhline(1.0, color="0.4", lw=1)
        self.ax_.hist(
            self.pit,
            bins=n_bins,
            range=(0.0, 1.0),
            weights=self.sample_weight,
            density=True,
            histtype="step",
            color=COLOURS[0],
            lw=1.6,
        )
        self.ax_.set(
            xlim=(0.0, 1.0),
            xlabel="predictive distribution function at y",
            ylabel="density",
            title="Probability integral transform",
        )
        self.ax_.set_ylim(bottom=0.0, top=1.25 * self.ax_.get_ylim()[1])
        self.ax_.legend(frameon=False)
        return self
