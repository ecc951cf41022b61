"""What a sample tells of all rows: which residuals may have either sign.

A fit of m rows predicts each residual up to a standard error. Rows whose residual is several of
those away from zero have a known sign; the others are in the *band*. Rows of great influence are
seen too seldom in a sample: all of them join it.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import stacked
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.rows import Block, Column
from sklearn_mle.solvers.band_sampling import Band, most_rows
from sklearn_mle.solvers.influence import Influence
from sklearn_mle.solvers.narrowing import SAFETY
from sklearn_mle.solvers.reduced_problem import Reduced
from sklearn_mle.solvers.sign_passes import Level, is_heavy
from sklearn_mle.solvers.smoothed_newton import Smoothed

BEYOND_NORMAL = 0.9
"""Half width of a band in standard errors, below the size of the largest of n normal errors."""
WIDEST = 0.6
"""Share of the rows in the band from which on screening is no gain; a copy of X is the price of
doing without."""
FEW = 20_000
"""Rows of a sample that tell how far along a ray so many residuals change their sign."""


def safety(n: int) -> float:
    """Half width of the band among n rows, in standard errors of a prediction.

    As many rows get the wrong sign, whatever n is, if it grows as the largest of n normal errors,
    about ``sqrt(2 log n)``: one fit of ten needs a second round.
    """
    return max(SAFETY, math.sqrt(2.0 * math.log(n)) - BEYOND_NORMAL)


def sample_size(n: int, q: int, handful: int) -> int:
    """The sample at which sample and band are in balance: ``(k**2 q / 4)**(1/3) * n**(2/3)``.

    The band has about ``k * n * sqrt(q / m)`` rows; the size above is where the sum of m and half
    of that is least. It is less where so many rows are too much to be brought together.
    """
    balanced = int((safety(n) ** 2 * q / 4.0) ** (1.0 / 3.0) * n ** (2.0 / 3.0)) + 1
    return min(n, balanced, most_rows(handful, q))


def pays(n: int, q: int, m: int) -> bool:
    """Whether a sample of m can tell the signs of many of n rows with weights alike."""
    return band_share(n, q, 1.0 / m, m / n) <= WIDEST


def band_share(n: int, q: int, noise: float, fraction: float) -> float:
    """Share of n rows in the band (see `band_of`)."""
    return safety(n) * math.sqrt(q * noise * (1.0 - fraction))


@dataclass(frozen=True)
class Sample:
    """A sample of a level, in its frame.

    Parameters
    ----------
    problem : Reduced
    light : int
        The first rows are an even sample; those after it are all rows of great influence, with
        weights in proportion.
    fraction : float
        Sampled rows over all rows.
    """

    problem: Reduced
    light: int
    fraction: float


def band_of(
    n: int, sample: Sample, at: Smoothed, influence: Influence | None, beside: np.ndarray
) -> tuple[float, float]:
    """Half width of the band and the share of rows within, from rows that are not fitted exactly.

    The sum of sampled signs has the variance ``v * sum w**2`` with v that of one sign; over the
    information ``sum w * f(0)`` this is the error of a prediction, and the density f(0) cancels
    when the width is read off as a quantile of the sample's own residuals: the share of rows in
    the band is ``k * sqrt(v * q * sum w**2 / (sum w)**2 * (1 - fraction))``.
    """
    q = sample.problem.Z.shape[1]
    beside = beside[: sample.light]
    r, w = at.residuals[: sample.light][beside], sample.problem.w[: sample.light][beside]
    if not r.shape[0]:
        return 0.0, 1.0
    size = np.abs(r)
    spread = 1.0 - (float(np.sign(r).sum()) / r.shape[0]) ** 2
    total = float(w.sum()) + float(sample.problem.w[sample.light :].sum())
    noise = float(w @ w) / total**2
    phi = band_share(n, q, max(spread, 0.01) * noise, sample.fraction)
    if influence is not None:
        size = size / influence.reach(sample.problem.Z[: sample.light][beside])
    place = min(size.shape[0] - 1, int(phi * size.shape[0]))
    return float(np.partition(size, place)[place]), phi


def with_heavy_rows(
    level: Level, sample: Sample, influence: Influence, tally: Counter[str]
) -> tuple[tuple[Column], Sample]:
    """How far the band reaches at each row, negative at heavy rows; the sample with all of those.

    Heavy rows decide directions that a sample hardly sees. All of them enter the sample, each for
    its fraction; those of high leverage are never set aside.
    """
    matrix, row = level.frame.directions(influence.whitening)

    def reach(block: Block) -> FloatArray:
        return influence.reach_of(block.X @ matrix + row, block.weight).astype(np.float32)

    column = level.rows.column(reach)
    tally["passes"] += 1
    heavy = level.reduced(level.rows.keep(is_heavy, column), sample.problem.c)
    problem = sample.problem
    drawn = influence.reach_of(problem.Z @ influence.whitening, problem.w)
    light = np.flatnonzero(drawn[: sample.light] > 0.0)
    merged = Reduced(
        stacked(problem.Z[light], heavy.Z),
        np.concatenate([problem.y[light], heavy.y]),
        np.concatenate([problem.w[light], heavy.w * sample.fraction]),
        problem.c,
    )
    if level.tilt:
        merged = replace(merged, c=level.tilt * (merged.w @ merged.Z))
    return (column,), Sample(merged, light.shape[0], sample.fraction)


@dataclass(frozen=True)
class Predicted:
    """What is left of a sample once it has told which rows are in doubt: little.

    Parameters
    ----------
    band : Band
    reach : tuple of Column
        How far the band reaches at each row; empty where that is the same for all.
    Z : ndarray of shape (m, q), or a design of sparse rows
    y : ndarray of shape (m,)
        A few rows of the sample.
    fraction : float
        Those over all rows.
    used : int
        Widths of the smoothed path.
    """

    band: Band
    reach: tuple[Column, ...]
    Z: Design
    y: FloatArray
    fraction: float
    used: int

    @classmethod
    def of(cls, sample: Sample, band: Band, reach: tuple[Column, ...], used: int) -> Predicted:
        """Without the rows of the sample, but for a few that are copied."""
        problem, light = sample.problem, sample.light
        places = np.arange(0, light, max(1, light // FEW))
        Z, y = problem.Z.take(places, axis=0), problem.y.take(places)
        return cls(band, reach, Z, y, sample.fraction * places.shape[0] / light, used)

    def first_hits(self, b: FloatArray, ray: FloatArray, wanted: int) -> float:
        """How far along the ray to go until about ``wanted`` rows change their sign."""
        r, u = self.y - self.Z @ b, self.Z @ ray
        ahead = r * u > 0.0
        hits = np.sort(r[ahead] / u[ahead])
        place = int(wanted * self.fraction)
        return float(hits[place]) if place < hits.shape[0] else float("inf")
