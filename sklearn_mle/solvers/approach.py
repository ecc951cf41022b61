"""From least squares of a sample to the rows in doubt, where a pass costs no more than a sample.

A fit of absolute deviations to a sample takes many small steps, and its band is what the sampling
error makes it. Where a pass over all rows is cheap, least squares of the sample is enough: its
predictions have a standard error of ``sqrt(q / m)`` times the size of the residuals, and one Newton
step of all rows, on the cost that is smoothed over that width (`smoothed_newton`), takes most of
the error away: what is left is the smoothing error of all rows, and the part of the step that a
Hessian of so many active rows may be wrong by. Nothing rests on it but the number of rows in doubt;
all signs are verified in the end.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg.lapack import dpotrs

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.chunk import joined
from sklearn_mle.rows.rows import Block, Rows
from sklearn_mle.solvers.band_sampling import Band
from sklearn_mle.solvers.reduced_problem import Reduced, factor_positive, weighted_gram
from sklearn_mle.solvers.sign_passes import Level, residuals, taken
from sklearn_mle.solvers.sign_prediction import WIDEST, safety
from sklearn_mle.solvers.smoothed_newton import SLACK_WIDTH, crowd

LARGE_SAMPLE = 16
"""All rows are at most so many times those of a sample that would tell signs as well."""
NEAR = 5_000_000
"""Numbers in X up to which passes find most of them near the processor."""
STEPS = 4
FEWEST = 6
"""Active rows a column: with fewer a Hessian tells too little."""
MOST = 0.5
"""Share of active rows from which on the width says that least squares was far off."""
CROWD = 2.0
"""Rows in the band, over what the density of active rows says, that are too many."""
FAR_QUANTILE = 3.0
"""Distance from the mean to the quantile, in standard errors of a prediction, that is made up for
at once."""


@dataclass(frozen=True)
class Approach:
    """Where the steps on all rows ended.

    Parameters
    ----------
    b : ndarray of shape (q,)
    steps : int
    band : Band or None
        The rows in doubt; None if the steps were ended before.
    """

    b: FloatArray
    steps: int
    band: Band | None


def pays(rows: Rows, m: int) -> bool:
    """Whether a pass over all rows is as cheap as the fit of a sample of m."""
    stored = rows.n_rows * rows.n_columns * rows.density
    return rows.at_hand and stored <= NEAR and rows.n_rows <= LARGE_SAMPLE * m


def approach(
    level: Level, sample: Reduced, b: FloatArray, tally: Counter[str], budget: int, *, warm: bool
) -> Approach | None:
    """At most ``budget`` Newton steps on all rows, from least squares of the sample.

    Or from another b, if it is warm.

    None where those say that the rows are not ordinary: least squares is far off, or residuals
    crowd around zero.
    """
    n, q, total = level.rows.n_rows, level.frame.size, float(sample.w.sum())
    b, error = _beginning(level, sample, b, warm)
    for step in range(1, STEPS + 1):
        width = SLACK_WIDTH * error
        if not 0.0 < width < math.inf:
            return None
        g, near = _within(level, b, width)
        tally["passes"] += 1
        active = near.y.shape[0]
        if not FEWEST * q <= active <= MOST * n:
            return None
        factor = factor_positive(weighted_gram(near.Z, near.w))
        move = width * dpotrs(factor, g, lower=True)[0]
        moved = math.sqrt(float(move @ sample.gram @ move) / total)
        at, b = b, b + move
        tally["newton_steps"] += 1
        if level.stops(b) or step >= budget:
            return Approach(b, step, None)
        if moved <= width:
            if crowd(near.Z, near.w, near.y - near.Z @ at, factor, width):
                return None
            noise = q * float(near.w @ near.w) / float(near.w.sum()) ** 2
            error = math.sqrt(noise * (width * width / 3.0 + moved * moved))
            half_width = safety(n) * error
            doubted = half_width / width * active
            within = np.count_nonzero(np.abs(near.y - near.Z @ b) <= half_width)
            if doubted > WIDEST * n or within > CROWD * doubted + q:
                return None
            return Approach(b, step, Band(b, half_width, error, doubted))
        error = moved
    return None


def _beginning(
    level: Level, sample: Reduced, b: FloatArray, warm: bool
) -> tuple[FloatArray, float]:
    """Where steps begin, and the standard error of a prediction there.

    Least squares is moved to the quantile of the sample's residuals, if it is far from their mean.
    That has a standard error of about half the distance between the quantiles ``sqrt(tau * (1 -
    tau) / m)`` above and below.
    """
    w, q = sample.w, sample.c.shape[0]
    r = sample.y - sample.Z @ b
    total = float(w.sum())
    error = math.sqrt(float(w @ (r * r)) / total * q * float(w @ w)) / total
    if warm or not level.frame.intercept:
        return b, error
    r.sort()
    m, tau = r.shape[0], 0.5 * (1.0 + level.tilt)
    apart = math.sqrt(tau * (1.0 - tau) / m)
    low, shift, high = (
        float(r[min(m - 1, max(0, int(m * share)))]) for share in (tau - apart, tau, tau + apart)
    )
    if abs(shift) <= FAR_QUANTILE * error:
        return b, error
    b = b.copy()
    b[0] += shift
    return b, math.hypot(error, 0.5 * (high - low))


def _within(level: Level, b: FloatArray, width: float) -> tuple[FloatArray, Reduced]:
    """The negated gradient of the smoothed cost, and the active rows."""
    coef, intercept = level.frame.raw(b)

    def sums(block: Block) -> tuple[FloatArray, list[Any]]:
        psi = residuals(block, coef, intercept)
        psi *= 1.0 / width
        active = (np.abs(psi) < 1.0).nonzero()[0]
        np.minimum(psi, 1.0, out=psi)
        np.maximum(psi, -1.0, out=psi)
        if level.tilt:
            psi += level.tilt
        return level.frame.gather(block.X, block.weigh(psi)), [taken(block, active)]

    g, parts = level.rows.total(sums)
    return g + level.c, level.reduced(joined(parts), level.c)
