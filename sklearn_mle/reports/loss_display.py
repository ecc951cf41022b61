"""Losses of noises on one axis."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_mle.noises.catalogue import find_noise
from sklearn_mle.noises.noise import FloatArray, Noise
from sklearn_mle.reports.drawing import COLOURS, DASHES, drawing_axes, fitted_regressor

FEW = 3
"""Noises beyond which a picture of its own has its legend beside the lines."""
WITH_LEGEND = 9.5
"""Its width in inches."""
STEEP = 2.0
"""How far a line may reach, over the middle reach of all, before it leaves the picture."""


class LossDisplay:
    """Losses of several noises and their slopes: what a residual costs, and how hard it pulls.

    Parameters
    ----------
    noises : dict of str to Noise
    z : ndarray of shape (n_points,)
        Standardised residuals.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    lines_ : list of matplotlib Line2D
        Loss and slope of each noise in turn.

    Examples
    --------
    >>> from sklearn_mle import LossDisplay
    >>> display = LossDisplay.from_noises(["gaussian", "laplace"])
    """

    def __init__(self, noises: dict[str, Noise], z: FloatArray) -> None:
        self.noises = noises
        self.z = z

    @classmethod
    def from_noises(
        cls, noises: Iterable[Any], *, z: ArrayLike | None = None, ax: Any = None
    ) -> LossDisplay:
        """Draw the losses of some noises.

        Parameters
        ----------
        noises : iterable of str or noise objects
        z : array-like of shape (n_points,), optional
            Standardised residuals; 401 points from -4 to 4 by default.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        LossDisplay
        """
        named = {one if isinstance(one, str) else _short(one): find_noise(one) for one in noises}
        points = np.linspace(-4.0, 4.0, 401) if z is None else np.asarray(z, dtype=np.float64)
        return cls(named, points).plot(ax=ax)

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> LossDisplay:
        """Draw the loss of a fitted regressor's noise, its shapes filled in.

        Parameters
        ----------
        estimator : MLERegressor, or a Pipeline or search that ends in one
            Fitted.
        ax : matplotlib Axes, optional

        Returns
        -------
        LossDisplay
        """
        return cls.from_noises([fitted_regressor(estimator).noise_], ax=ax)

    def plot(self, ax: Any = None) -> LossDisplay:
        """Draw losses as thick lines and their slopes as thin ones.

        A line that grows far beyond most others leaves the picture.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        LossDisplay
        """
        own = ax is None
        self.ax_, self.figure_ = drawing_axes(ax)
        self.lines_ = []
        for i, (name, noise) in enumerate(self.noises.items()):
            style = {"color": COLOURS[i % len(COLOURS)], "linestyle": DASHES[i % len(DASHES)]}
            label = f"{name}: {noise.loss_name}"
            self.lines_ += self.ax_.plot(self.z, noise.loss(self.z), lw=2.2, label=label, **style)
            self.lines_ += self.ax_.plot(self.z, noise.slope(self.z), lw=0.9, **style)
        self.ax_.axhline(0.0, color="0.8", lw=0.8, zorder=0)
        self.ax_.set_ylim(*_limits([line.get_ydata() for line in self.lines_]))
        self.ax_.set(
            xlabel="standardised residual", ylabel="loss (thick), slope (thin)", title="Losses"
        )
        if own and len(self.noises) > FEW:
            self.figure_.set_figwidth(WITH_LEGEND)
            self.ax_.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        else:
            self.ax_.legend(frameon=False)
        return self


def _short(noise: Any) -> str:
    """The repr of a noise with numbers of four digits."""
    return re.sub(r"\d+\.\d+(e[+-]?\d+)?", lambda number: f"{float(number[0]):.4g}", repr(noise))


def _limits(lines: list[FloatArray]) -> tuple[float, float]:
    """Ends of an axis that shows nearly all of most lines."""
    ends = []
    for sign in (-1.0, 1.0):
        reach = np.array([max(0.0, float(np.max(sign * line))) for line in lines])
        reached = reach[reach > 0.0]
        most = STEEP * float(np.median(reached)) if reached.size else 0.0
        ends.append(sign * 1.05 * min(most, float(reach.max(initial=0.0))))
    low, high = ends
    return (low, high) if high > low else (-1.0, 1.0)
