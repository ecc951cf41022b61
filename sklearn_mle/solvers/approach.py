"""From least squares on all rows to the rows in doubt, where a pass costs no more than a sample.

Of few rows a sample that tells signs would be a large part, and a fit of it takes many small steps.
Least squares on all of them needs one pass. Its predictions have a standard error of
``sqrt(q / n)`` times the size of the residuals, and one Newton step on the cost that is smoothed
over that width (`smoothed_newton`) takes most of the error away: what is left is the smoothing
error of all rows, and the part of the step that a Hessian of so few active rows may be wrong by.
Nothing rests on it but the number of rows in doubt; all signs are verified in the end.
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
from sklearn_mle.rows.design import dot
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.matrix import Matrix, in_float64, is_sparse
from sklearn_mle.rows.rows import Block, Rows
from sklearn_mle.solvers.band_sampling import Band
from sklearn_mle.solvers.column_frame import FAR, LEAST_SQUARE, Frame
from sklearn_mle.solvers.reduced_problem import (
    Reduced,
    factor_positive,
    solve_positive,
    weighted_gram,
)
from sklearn_mle.solvers.sign_passes import Level, residuals, taken
from sklearn_mle.solvers.sign_prediction import WIDEST, safety
from sklearn_mle.solvers.smoothed_newton import SLACK_WIDTH, crowd

LARGE_SAMPLE = 16
"""All rows are at most so many times those of a sample that would tell signs as well."""
NEAR = 3_000_000
"""Numbers in X up to which passes find most of them near the processor."""
STEPS = 4
FEWEST = 6
"""Active rows a column: with fewer a Hessian tells too little."""
MOST = 0.5
"""Share of active rows from which on the width says that least squares was far off."""
FRAME_ROWS, FRAME_ROWS_A_COLUMN = 1000, 20
"""Rows that tell units, rank, and whether some have great influence."""
FAR_QUANTILE = 3.0
"""Distance from the mean to the quantile, in standard errors of a prediction, that is made up for
at once."""
ROUNDING = 1e-12
"""Share of the squares of y that may be left by rounding."""


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
    """Whether passes over all rows are as cheap as the fit of a sample of m."""
    stored = rows.n_rows * rows.n_columns * rows.density
    return rows.at_hand and stored <= NEAR and rows.n_rows <= LARGE_SAMPLE * m


def rows_for_frame(rows: Rows) -> InMemoryRows:
    """A sample for the frame of the columns alone."""
    return rows.sample(max(FRAME_ROWS, FRAME_ROWS_A_COLUMN * rows.n_columns))


def approach(
    level: Level, sample: Reduced, b: FloatArray | None, tally: Counter[str], budget: int
) -> Approach | None:
    """At most ``budget`` Newton steps on all rows, from b or from least squares.

    The sample tells how far the quantile is from the mean.

    None where those say that the rows are not ordinary: least squares is far off or goes through
    all rows, or residuals crowd around zero.
    """
    n, q, total = level.rows.n_rows, level.frame.size, level.rows.total_weight
    gram, found, error = _least_squares(level, b)
    tally["passes"] += 1
    b, error = _to_quantile(level, sample, found, error) if b is None else (found, error)
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
        moved = math.sqrt(float(move @ gram @ move) / total)
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
            band = Band(b, half_width, error, doubted)
            return Approach(b, step, band) if doubted <= WIDEST * n else None
        error = moved
    return None


def _least_squares(level: Level, b: FloatArray | None) -> tuple[FloatArray, FloatArray, float]:
    """``Z'WZ``, least squares or the b given, and the standard error of a prediction.

    The error is zero where the residuals may be nothing but rounding, or sums overflow.
    """
    frame = level.frame

    def sums(block: Block) -> tuple[Any, ...]:
        w = np.ones(block.n_rows) if block.weight is None else block.weight
        y = block.y - frame.y_centre
        return *normal_equations(frame, block.X, y, w), float(w @ (y * y)), float(w @ w)

    with np.errstate(over="ignore", invalid="ignore"):
        gram, zy, yy, ww = level.rows.total(sums)
    if not (np.isfinite(gram).all() and np.isfinite(zy).all()):
        return gram, np.zeros(frame.size), 0.0
    b = solve_positive(gram, zy) if b is None else b
    left = yy - float(b @ (2.0 * zy - gram @ b))
    if not left > ROUNDING * yy:
        return gram, b, 0.0
    total = level.rows.total_weight
    return gram, b, math.sqrt(left / total * frame.size * ww) / total


def _to_quantile(
    level: Level, sample: Reduced, b: FloatArray, error: float
) -> tuple[FloatArray, float]:
    """Predictions moved to the quantile of the sample's residuals, if it is far from their mean.

    Its standard error is about half the distance between the quantiles ``sqrt(tau * (1 - tau) /
    m)`` above and below.
    """
    if not level.frame.intercept or not error > 0.0:
        return b, error
    r = np.sort(sample.y - sample.Z @ b)
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


def normal_equations(
    frame: Frame, X: Matrix, y: FloatArray, w: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """``Z'WZ`` and ``Z'Wy``; Z is not formed unless columns are far from zero, or sparse."""
    square = np.square(frame.spread)
    plain = square.min(initial=1.0) > LEAST_SQUARE and square.max(initial=1.0) < 1.0 / LEAST_SQUARE
    if frame.delicate or frame.blur > FAR or not plain or is_sparse(X) or not X.shape[1]:
        Z = frame.scaled(in_float64(X))
        return weighted_gram(Z, w), dot(w * y, Z)
    matrix, row = frame.directions(np.eye(frame.size))
    lifted = np.multiply.outer(dot(w, X) @ matrix, row)
    gram = matrix.T @ weighted_gram(X, w) @ matrix + lifted + lifted.T
    gram += float(w.sum()) * np.multiply.outer(row, row)
    return gram, dot(w * y, X) @ matrix + float(w @ y) * row


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
