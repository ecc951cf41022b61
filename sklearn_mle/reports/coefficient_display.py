"""Estimates with their intervals, one line a parameter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_mle.inference.estimates import Estimates
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.reports.drawing import COLOURS, drawing_axes, shortened
from sklearn_mle.reports.infer import infer

PLOT_WIDTH, CHARACTER = 4.5, 0.085
"""Inches for the intervals, and for each character of a name."""


class CoefficientDisplay:
    """Coefficients as points, and what the data say about each as a line.

    Parameters
    ----------
    names : list of str
    estimate, lower, upper : ndarray of shape (k,)
    level : float
        Of the intervals.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    points_ : matplotlib Line2D
    intervals_ : matplotlib LineCollection

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_mle import CoefficientDisplay, MLERegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> display = CoefficientDisplay.from_estimator(MLERegressor().fit(X, y), X, y)
    """

    def __init__(
        self,
        names: list[str],
        estimate: FloatArray,
        lower: FloatArray,
        upper: FloatArray,
        level: float = 0.95,
    ) -> None:
        self.names = names
        self.estimate = estimate
        self.lower = lower
        self.upper = upper
        self.level = level

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        cov: str = "model",
        level: float = 0.95,
        ax: Any = None,
    ) -> CoefficientDisplay:
        """Draw the coefficients of a fitted estimator with intervals by `infer`.

        Parameters
        ----------
        estimator : MLERegressor or MLEClassifier, or a Pipeline or search that ends in one
            Fitted.
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
        cov : str, default="model"
            As in `infer`.
        level : float, default=0.95
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        CoefficientDisplay
        """
        found = infer(estimator, X, y, sample_weight=sample_weight, cov=cov, level=level)
        return cls.from_estimates(found, ax=ax)

    @classmethod
    def from_estimates(cls, estimates: Estimates, *, ax: Any = None) -> CoefficientDisplay:
        """Draw what `infer` found: coefficients without the intercept, scale and shapes.

        Parameters
        ----------
        estimates : Estimates
        ax : matplotlib Axes, optional

        Returns
        -------
        CoefficientDisplay
        """
        shown = [
            i
            for i, one in enumerate(estimates.parameters)
            if not one.is_extra and one.name != "intercept"
        ]
        table = estimates.table[shown]
        names = [estimates.names[i] for i in shown]
        made = cls(names, table["estimate"], table["lower"], table["upper"], estimates.level)
        return made.plot(ax=ax)

    def plot(self, ax: Any = None) -> CoefficientDisplay:
        """Draw one line a coefficient, the first on top; those not identified say so.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        CoefficientDisplay
        """
        own = ax is None
        self.ax_, self.figure_ = drawing_axes(ax)
        places = np.arange(len(self.names))[::-1]
        names = [shortened(name) for name in self.names]
        if own:
            longest = max(map(len, names), default=0)
            self.figure_.set_size_inches(
                max(6.4, PLOT_WIDTH + CHARACTER * longest), max(2.4, 1.2 + 0.3 * places.size)
            )
        self.intervals_ = self.ax_.hlines(
            places, self.lower, self.upper, color=COLOURS[0], lw=2.0, zorder=2
        )
        (self.points_,) = self.ax_.plot(
            self.estimate, places, "o", color=COLOURS[0], ms=6, mec="white", zorder=3
        )
        self.ax_.axvline(0.0, color="0.6", lw=0.9, zorder=1)
        for place in places[np.isnan(self.estimate)]:
            self.ax_.text(
                0.5,
                place,
                "not identified",
                color="0.4",
                ha="center",
                va="center",
                transform=self.ax_.get_yaxis_transform(),
                bbox={"color": "white", "pad": 1.0},
            )
        self.ax_.set_yticks(places, names)
        self.ax_.set_ylim(-0.7, places.size - 0.3)
        self.ax_.set(xlabel=f"estimate and {100 * self.level:g} % interval", title="Coefficients")
        return self
