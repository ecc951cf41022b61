"""How far to go along a step: backtracking with interpolation, or further than the step itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SUFFICIENT = 1e-4
"""Share of the decrease that the slope promises that a step must deliver (Armijo 1966)."""
SHORTEST = 1e-10
LONGEST = 16.0


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


def lengthen(cost: Callable[[float], float], value: float) -> float:
    """A step length doubled as long as the cost falls, for steps that were too short before.

    Where the cost levels off like ``exp(-t)`` Newton's step is about one, however far there is to
    go.

    Parameters
    ----------
    cost : callable
        The cost as a function of the step length.
    value : float
        The cost at length 0.

    Returns
    -------
    float
        At least 1 and at most `LONGEST`; 1 where the cost at 1 is not below that at 0.
    """
    t, least = 1.0, cost(1.0)
    rounding = 64.0 * np.finfo(float).eps * max(1.0, abs(value))
    while t < LONGEST and least < value:
        trial = cost(2.0 * t)
        if not trial < least - rounding:
            break
        t, least = 2.0 * t, trial
    return t
