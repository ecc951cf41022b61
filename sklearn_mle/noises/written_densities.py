"""Densities of scipy.stats that are written out here: laws whose fits are many descents.

A fit of a law with corners that move asks for its density thousands of times, for a few hundred
rows at once; what scipy.stats then does beside the arithmetic takes four times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def _triang(z: FloatArray, c: Any) -> FloatArray:
    """``2 z / c`` up to c, ``2 (1 - z) / (1 - c)`` from there."""
    rising = (z < c) | (c == 1.0)
    return np.where(rising, 2.0 * z / c, 2.0 * (1.0 - z) / (1.0 - c))


def _trapezoid(z: FloatArray, c: Any, d: Any) -> FloatArray:
    """``z / c`` up to c, 1, and ``(1 - z) / (1 - d)`` from d, times ``2 / (1 + d - c)``."""
    side = np.where(z < c, z / c, np.where(z > d, (1.0 - z) / (1.0 - d), 1.0))
    return side * 2.0 / (1.0 + d - c)


WRITTEN: dict[str, Callable[..., FloatArray]] = {"triang": _triang, "trapezoid": _trapezoid}
"""Densities between 0 and 1, by the name of the law."""


def written_corners(shapes: tuple[float, ...]) -> tuple[float, ...]:
    """Where such a density has corners inside: at each of its shapes."""
    return tuple(sorted({float(c) for c in shapes if 0.0 < c < 1.0}))


def log_density(law: Any, z: FloatArray, shapes: tuple[Any, ...]) -> FloatArray:
    """The log density of a law that is written out; NaN where shapes make no law.

    Parameters
    ----------
    law : rv_continuous
    z : ndarray of shape (m,)
    shapes : tuple
        Numbers, or arrays of shape (t, 1) for t values at once.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        density = WRITTEN[law.name](z, *map(np.asarray, shapes))
        logs = np.where((z >= 0.0) & (z <= 1.0), np.log(density), -np.inf)
    return np.where(law._argcheck(*shapes), logs, np.nan)
