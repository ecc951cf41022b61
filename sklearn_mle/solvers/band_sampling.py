"""A band of rows in doubt that is too large to be brought together becomes a narrower one.

The rows of the band are all that is left of the problem: the others enter it as an exact sum. A
part of them, each chosen row standing for ``1 / share`` of its kind, therefore tells more than as
many rows of the whole: with B of n rows in the band, the sum of sampled signs has the variance
``B / share`` instead of ``n / share``, and the error of a prediction falls by about B / n. All
rows are then screened again, with a band narrower by as much; whatever the part said, signs are
verified on all rows in the end.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import stacked
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Block, Column
from sklearn_mle.solvers.reduced_problem import Reduced
from sklearn_mle.solvers.sign_passes import Level, screen
from sklearn_mle.solvers.smoothed_newton import (
    SLACK_WIDTH,
    Smoothed,
    minimise_smoothed,
    sampling_error,
)

FEWEST = 40
"""Rows a column that are brought together however large they are: with fewer a fit says nothing."""
STEPS = 8
SHRINKS = 0.3
"""A width is worth another if it is this part of the one before."""
WORTHWHILE = 0.7
"""Part of the band from which on a narrower one is not worth its passes."""


@dataclass(frozen=True)
class Band:
    """Where the rows in doubt are.

    Parameters
    ----------
    b : ndarray of shape (q,)
    half_width : float
    error : float
        Standard error of a prediction.
    n_rows : float
        Rows within, about.
    """

    b: FloatArray
    half_width: float
    error: float
    n_rows: float

    def scaled(self, b: FloatArray, factor: float) -> Band:
        """Around another b, with an error that is this factor of it."""
        return Band(b, self.half_width * factor, self.error * factor, self.n_rows * factor)


def most_rows(handful: int, q: int) -> int:
    """Rows of q columns that are brought together at most."""
    return max(handful, FEWEST * q)


def screen_within_reach(
    level: Level, band: Band, reach: tuple[Column, ...], tally: Counter[str]
) -> tuple[Band, Column, FloatArray, InMemoryRows]:
    """Signs beyond a band whose rows can be brought together, c with the others set aside.

    The last of the results are these rows.

    Two passes for each time that the band is narrowed, three where some rows are heavy.
    """
    most = most_rows(level.rows.handful, band.b.shape[0])
    while True:
        within = band.n_rows <= most
        signs, c, rows = screen(level, band.b, band.half_width, reach, tally, gathers=within)
        if rows is not None:
            return band, signs, c, rows
        narrower = _narrower(level, band, signs, c, reach, most / band.n_rows)
        tally["passes"] += 1 + len(reach)
        if narrower is None:
            tally["passes"] += 1
            return band, signs, c, level.rows.keep(_in_band, signs)
        tally["narrowed"] += 1
        band, signs = narrower, None  # as large as a column


def _narrower(
    level: Level,
    band: Band,
    signs: Column,
    c: FloatArray,
    reach: tuple[Column, ...],
    share: float,
) -> Band | None:
    """A narrower band, from a share of the rows in this one; None where that tells too little."""
    problem = _thinned(level, signs, c, reach, share)
    at = Smoothed(band.b, problem.y - problem.Z @ band.b, 0.0)
    width = SLACK_WIDTH * band.error
    while width > 0.0:
        at = minimise_smoothed(problem, at, width, STEPS)
        if at.ray is not None:
            return None
        error = sampling_error(problem, at)
        width = SLACK_WIDTH * error
        if width > SHRINKS * at.width:
            break
    else:
        return None
    factor = error * math.sqrt(1.0 - share) / band.error
    return band.scaled(at.b, factor) if factor <= WORTHWHILE else None


def _thinned(
    level: Level, signs: Column, c: FloatArray, reach: tuple[Column, ...], share: float
) -> Reduced:
    """A share of the rows in the band, with weights in proportion, and all that are heavy."""

    def some(block: Block, s: np.ndarray, *reach: FloatArray) -> np.ndarray:
        light = (s == 0) & (reach[0] >= 0.0) if reach else s == 0
        return light & (_random_for(block).random(s.shape[0]) < share)

    light = level.reduced(level.rows.keep(some, signs, *reach), c)
    light = Reduced(light.Z, light.y, light.w / share, c)
    if not reach:
        return light
    heavy = level.reduced(level.rows.keep(_is_heavy, signs, *reach), c)
    return Reduced(
        stacked(light.Z, heavy.Z),
        np.concatenate([light.y, heavy.y]),
        np.concatenate([light.w, heavy.w]),
        c,
    )


def _in_band(block: Block, s: np.ndarray) -> np.ndarray:
    return s == 0


def _is_heavy(block: Block, s: np.ndarray, reach: np.ndarray) -> np.ndarray:
    return (s == 0) & (reach < 0.0)


def _random_for(block: Block) -> np.random.Generator:
    """Random numbers that are the same on every call, and unlike those of other blocks."""
    return np.random.default_rng(block.y[:16].view(np.uint64) if block.n_rows else 0)
