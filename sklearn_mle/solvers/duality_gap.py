"""The gap between a quantile fit and its dual: the proof that the fit is exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.matrix import (
    Matrix,
    in_float64,
    in_full,
    row_range,
    take_rows,
)
from sklearn_mle.rows.rows import Block
from sklearn_mle.solvers.column_frame import EPS
from sklearn_mle.solvers.reduced_problem import Answer, solve_positive, weighted_gram
from sklearn_mle.solvers.row_screening import Screened
from sklearn_mle.solvers.sign_passes import Level, accurate_residuals, residuals, rounding_of
from sklearn_mle.solvers.smoothed_dual import smoothed_gap

ROUNDING = 1024.0 * EPS
"""Allowance for the rounding of a dual against its box."""
MANY_ROWS = 5000
"""Rows up to which residuals are computed in extended precision."""
EXTENDED_ROWS = 1024
"""Rows that are written out in extended precision at a time."""
CANCELLED = 1e9
"""Mean absolute residual, in rounding errors, below which their sum is worth extended precision."""
NEARLY_EXACT = 1e-10
"""Mean absolute residual, relative to the terms it comes from, that may be nothing but rounding."""


def prove(
    level: Level, screened: Screened, coef: FloatArray, intercept: float
) -> tuple[float, float]:
    """Twice the total pinball loss, nan where it may be nothing but rounding; its relative gap.

    A dual that has to move by ``slack`` of its symmetric box to satisfy its equations moves by at
    most ``s = slack / (1 - abs(tilt))`` of the box from ``w * (tau - 1)`` to ``w * tau``. The move
    and the shrinking by ``1 + s`` that puts it back into the box take at most s of the loss each.
    """
    answer, band, check = screened.answer, screened.band, screened.check
    if not screened.finished:
        r = band.y - (band.X @ coef + intercept)
        width = float(np.median(np.abs(r))) + np.finfo(float).tiny
        return float("nan"), smoothed_gap(level, answer.b, width)
    loss, gap = complementarity(level, band, answer, coef, intercept)
    if check is None:
        slack = ROUNDING + _slack(level, band, answer)
    else:
        slack = ROUNDING + answer.slack
        slack += 8.0 * EPS * np.sqrt(level.rows.n_rows) + 16.0 * level.frame.rounding
        loss, gap = loss + check.loss, gap + check.gap
    gap = (gap / loss if loss > 0.0 else 0.0) + 2.0 * slack / (1.0 - abs(level.tilt))
    terms = rounding_of(level.frame, coef, intercept) / EPS * level.rows.total_weight
    if loss <= NEARLY_EXACT * terms:
        loss = float("nan")
    return loss, gap


def _slack(level: Level, rows: InMemoryRows, answer: Answer) -> float:
    """The slack of a dual of all rows, measured in extended precision where columns need it."""
    frame = level.frame
    if frame.mix is None:
        return answer.slack
    w = np.ones(rows.n_rows) if rows.weight is None else rows.weight
    v = answer.dual + np.longdouble(level.tilt) * w
    inner = _shifted_product(v, rows.X, frame.centre)
    e = (inner / frame.spread)[frame.kept] @ frame.mix
    e = np.concatenate(([v.sum()], e)) if frame.intercept else e
    Z = frame.scaled(in_float64(rows.X))
    move = Z @ solve_positive(weighted_gram(Z, w), e.astype(np.float64))
    return float(max(answer.slack, np.abs(move).max()))


def _shifted_product(
    v: NDArray[np.longdouble], X: Matrix, centre: FloatArray
) -> NDArray[np.longdouble]:
    """``v'(X - centre)`` in extended precision, shape (p,), a few rows at a time."""
    sums = np.zeros(centre.shape[0], dtype=np.longdouble)
    for first in range(0, X.shape[0], EXTENDED_ROWS):
        part = in_full(row_range(X, first, min(first + EXTENDED_ROWS, X.shape[0])))
        sums += v[first : first + EXTENDED_ROWS] @ (part.astype(np.longdouble) - centre)
    return sums


def complementarity(
    level: Level, band: InMemoryRows, answer: Answer, coef: FloatArray, intercept: float
) -> tuple[float, float]:
    """The loss of these rows and what they add to the duality gap, ``sum w_i |r_i| - a_i r_i``.

    Residuals are those of the coefficients that are handed out. Where they are nothing but
    rounding, as in the basis, extended precision tells how much.
    """
    w = np.ones(band.n_rows) if band.weight is None else band.weight
    block = Block(in_float64(band.X), band.y, None)
    r = residuals(block, coef, intercept)
    rounding = rounding_of(level.frame, coef, intercept)
    if level.frame.delicate or 0.0 < w @ np.abs(r) <= CANCELLED * rounding * w.sum():
        r = accurate_residuals(block, coef, intercept)
    loss = float(w @ np.abs(r) + level.tilt * (w @ r))
    tiny = 16.0 * rounding
    inside = np.flatnonzero((np.abs(answer.dual) < w) | (np.abs(r) <= tiny))
    allowance = 0.0
    if inside.shape[0] <= MANY_ROWS:
        there = Block(take_rows(block.X, inside), block.y[inside], None)
        r[inside] = accurate_residuals(there, coef, intercept)
    else:
        allowance = float(np.sum(w[inside] - np.abs(answer.dual[inside]))) * rounding
    return loss, max(0.0, float(np.sum(w * np.abs(r) - answer.dual * r))) + allowance
