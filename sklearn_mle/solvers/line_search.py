"""How far to go along a step: backtracking with interpolation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SUFFICIENT = 1e-4
"""Share of the decrease that the slope promises that a step must deliver (Armijo 1966)."""
SHORTEST = 1e-10


def sufficient(t: float, trial: float, value: float, slope: float) -> bool:
    """Whether the cost fell enough from ``value`` to ``trial`` at step length t.

    A step that promises less than the cost's own rounding error is taken on trust.
    """
    rounding = 64.0 * np.finfo(float).eps * max(1.0, abs(value))
    return trial <= value + SUFFICIENT * t * slope + (rounding if -slope <= rounding else 0.0)


def backtrack(cost: Callable[[float], float], value: float, slope: float) -> float:
    """A step length along a descent direction.

    As long as the decrease is not sufficient, the length moves to the minimum of the parabola
    through what is known, kept between a tenth and a half of the last.

    Parameters
    ----------
    cost : callable
        The cost as a function of the step length.
    value, slope : float
        The cost at length 0 and its derivative there, which is negative.

    Returns
    -------
    float
        0.0 where no length above `SHORTEST` helps.
    """
    t = 1.0
    while t > SHORTEST:
        trial = cost(t)
        if sufficient(t, trial, value, slope):
            return t
        curve = trial - value - slope * t
        best = -slope * t * t / (2.0 * curve) if np.isfinite(curve) and curve > 0.0 else 0.0
        t = float(np.clip(best, 0.1 * t, 0.5 * t))
    return 0.0
