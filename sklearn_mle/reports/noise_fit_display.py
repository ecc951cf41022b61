"""Residuals beside the law that was fitted to them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import _safe_indexing, check_random_state

from sklearn_mle.noises.catalogue import find_noise
from sklearn_mle.noises.noise import FloatArray, Noise
from sklearn_mle.reports.behind import estimator_behind
from sklearn_mle.reports.drawing import (
    COLOURS,
    INFINITELY_LIKELY,
    as_weights,
    drawing_axes,
    fitted_regressor,
)


class NoiseFitDisplay:
    """Does the noise fit? Residuals beside the fitted law, as densities or as quantiles.

    Parameters
    ----------
    residuals : ndarray of shape (n,)
        Standardised: ``(y - prediction) / scale``.
    noise : Noise
    sample_weight : ndarray of shape (n,), optional
    simulated : ndarray of shape (n_simulations, n), optional
        Sorted standardised residuals of refits to simulated responses.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.

    References
    ----------
    Atkinson, A. C. (1981). Two graphical displays for outlying and influential observations in
    regression. Biometrika 68, 13-20. (The simulation envelope.)

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_mle import MLERegressor, NoiseFitDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLERegressor().fit(X, y)
    >>> display = NoiseFitDisplay.from_estimator(model, X, y, kind="qq", random_state=0)
    """

    def __init__(
        self,
        residuals: FloatArray,
        noise: Noise,
        *,
        sample_weight: FloatArray | None = None,
        simulated: FloatArray | None = None,
    ) -> None:
        self.residuals = residuals
        self.noise = noise
        self.sample_weight = sample_weight
        self.simulated = simulated

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        kind: str = "density",
        n_simulations: int = 99,
        random_state: Any = None,
        ax: Any = None,
    ) -> NoiseFitDisplay:
        """Draw the residuals of a fit.

        Parameters
        ----------
        estimator : MLERegressor, or a Pipeline or search that ends in one
            Fitted.
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
            How many times each row counts in the histogram; the Q-Q plot shows rows of positive
            weight once.
        kind : {"density", "qq"}, default="density"
            A histogram under the fitted density, or quantiles against quantiles, with an envelope
            that nearly all points should lie in: at each rank, the middle 95 of 100 refits to
            responses that are simulated from the fit.
        n_simulations : int, default=99
            Refits for the envelope; 0 draws none.
        random_state : int, RandomState instance or None, default=None
            For the simulation.
        ax : matplotlib Axes, optional

        Returns
        -------
        NoiseFitDisplay

        Raises
        ------
        ValueError
            If ``kind`` is neither, or the fit goes through every row.
        """
        _check_kind(kind)
        model, features = fitted_regressor(estimator), estimator_behind(estimator, X)[1]
        location, weight = model.predict(features), as_weights(sample_weight)
        simulated = None
        if kind == "qq" and n_simulations > 0 and model.scale_ > 0.0:
            there = np.flatnonzero(np.ones(len(location)) if weight is None else weight)
            some = features if weight is None else _safe_indexing(features, there)
            simulated = _refits(model, some, location[there], n_simulations, random_state)
        display = cls.from_predictions(
            y, location, noise=model.noise_, scale=model.scale_, sample_weight=weight, kind=None
        )
        display.simulated = simulated
        return display.plot(kind=kind, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        noise: Any,
        scale: float,
        sample_weight: ArrayLike | None = None,
        kind: str | None = "density",
        ax: Any = None,
    ) -> NoiseFitDisplay:
        """Draw residuals of predictions beside a law.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
        noise : str or noise object
        scale : float
            In units of y.
        sample_weight : array-like of shape (n_samples,), optional
        kind : {"density", "qq"} or None, default="density"
            None draws nothing yet.
        ax : matplotlib Axes, optional

        Returns
        -------
        NoiseFitDisplay

        Raises
        ------
        ValueError
            If the scale is not above zero.
        """
        if not scale > 0.0:
            raise ValueError(INFINITELY_LIKELY)
        residuals = (np.asarray(y_true, dtype=np.float64) - np.asarray(y_pred)) / scale
        display = cls(residuals, find_noise(noise), sample_weight=as_weights(sample_weight))
        return display if kind is None else display.plot(kind=kind, ax=ax)

    def plot(self, kind: str = "density", ax: Any = None) -> NoiseFitDisplay:
        """Draw.

        Parameters
        ----------
        kind : {"density", "qq"}, default="density"
        ax : matplotlib Axes, optional

        Returns
        -------
        NoiseFitDisplay
        """
        _check_kind(kind)
        self.ax_, self.figure_ = drawing_axes(ax)
        (self._density if kind == "density" else self._quantiles)()
        self.ax_.legend(frameon=False)
        return self

    def _density(self) -> None:
        low, high = _weighted_range(self.residuals, self.sample_weight)
        margin = 0.1 * (high - low)
        z = np.linspace(low - margin, high + margin, 801)
        self.ax_.hist(
            self.residuals,
            bins="auto" if self.sample_weight is None else 40,
            range=(low, high),
            weights=self.sample_weight,
            density=True,
            color="0.8",
            label="residuals",
        )
        name = self.noise.name
        self.ax_.plot(z, np.exp(-self.noise.cost(z)), color=COLOURS[0], lw=2, label=name)
        self.ax_.set(xlabel="standardised residual", ylabel="density", title=f"{name} fit")

    def _quantiles(self) -> None:
        seen = (
            self.residuals if self.sample_weight is None else self.residuals[self.sample_weight > 0]
        )
        seen = np.sort(seen)
        ranks = np.unique(np.linspace(0, len(seen) - 1, 1000).astype(int))
        expected = self.noise.distribution().ppf((ranks + 0.5) / len(seen))
        if self.simulated is not None:
            low, high = np.quantile(self.simulated[:, ranks], [0.025, 0.975], axis=0)
            label = "envelope, 95 % a rank"
            self.ax_.fill_between(
                expected, low, high, color=COLOURS[5], alpha=0.35, lw=0, label=label
            )
        self.ax_.plot(expected, expected, color="0.4", lw=1)
        self.ax_.plot(expected, seen[ranks], ".", color=COLOURS[0], ms=4, label="residuals")
        name = self.noise.name
        self.ax_.set(
            xlabel=f"quantile of {name}", ylabel="standardised residual", title=f"{name} Q-Q"
        )


def _refits(
    model: Any, features: Any, location: FloatArray, n_simulations: int, random_state: Any
) -> FloatArray:
    """Sorted standardised residuals of refits to responses simulated from the fit."""
    rng = check_random_state(random_state)
    law = model.noise_.distribution(location, model.scale_)
    simulated = np.empty((n_simulations, len(location)))
    for i in range(n_simulations):
        y = law.rvs(random_state=rng)
        refit = clone(model).set_params(noise=model.noise_, warm_start=False).fit(features, y)
        simulated[i] = np.sort((y - refit.predict(features)) / refit.scale_)
    return simulated


def _check_kind(kind: str) -> None:
    if kind not in ("density", "qq"):
        raise ValueError(f"kind must be 'density' or 'qq'; got {kind!r}. Pass kind='density'.")


def _weighted_range(values: FloatArray, weight: FloatArray | None) -> tuple[float, float]:
    """An interval with all but the most extreme rows, so that one outlier leaves bars to see."""
    seen = values if weight is None else values[weight > 0.0]
    quartiles = np.quantile(seen, [0.25, 0.75])
    reach = 5.0 * max(float(np.diff(quartiles)[0]), np.finfo(float).tiny)
    return max(seen.min(), quartiles[0] - reach), min(seen.max(), quartiles[1] + reach)
