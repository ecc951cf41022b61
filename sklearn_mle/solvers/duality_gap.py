"""The gap between a quantile fit and its dual: the proof that the fit is exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.matrix import (
    Matrix,
    in_float64,
    row_range,
    take_rows,
)
from sklearn_mle.rows.rows import Block
from sklearn_mle.solvers.column_frame import EPS
from sklearn_mle.solvers.extended_precision import (
    exactly,
    slices,
    sum_of,
    total_of,
    two_product,
)
from sklearn_mle.solvers.extended_precision import product as product_of
from sklearn_mle.solvers.reduced_problem import Answer, solve_positive, weighted_gram
from sklearn_mle.solvers.row_screening import Screened
from sklearn_mle.solvers.sign_passes import Level, accurate_residuals, residuals, rounding_of
from sklearn_mle.solvers.smoothed_dual import smoothed_gap

ROUNDING = 1024.0 * EPS
"""Allowance for the rounding of a dual against its box."""
MANY_ROWS = 5000
"""Rows up to which residuals are computed in extended precision."""
WORTH_MEASURING = 1e-11
"""A slack above this is measured in extended precision."""
EXTENDED_ROWS = 1024
"""Rows that are cut into slices at a time."""
CANCELLED = 1e9
"""Mean absolute residual, in rounding errors, below which their sum is worth extended precision."""


@dataclass(frozen=True)
class Proof:
    """What the dual says of coefficients.

    Parameters
    ----------
    loss : float
        Twice the total pinball loss; nan if the fit is unfinished.
    gap : float
        A bound on its relative gap.
    by_rounding : float
        The part that is due to rows whose residuals should be zero.
    """

    loss: float
    gap: float
    by_rounding: float


def prove(level: Level, screened: Screened, coef: FloatArray, intercept: float) -> Proof:
    """A bound on the relative gap of a fit.

    A dual that has to move by ``slack`` of its symmetric box to satisfy its equations moves by at
    most ``s = slack / (1 - abs(tilt))`` of the box from ``w * (tau - 1)`` to ``w * tau``. The move
    and the shrinking by ``1 + s`` that puts it back into the box take at most s of the loss each.
    Where that is not next to nothing, the dual is moved and shrunk, and its value taken.
    """
    answer, band, check = screened.answer, screened.band, screened.check
    if not screened.finished:
        r = band.y - (band.X @ coef + intercept)
        width = float(np.median(np.abs(r))) + np.finfo(float).tiny
        return Proof(float("nan"), smoothed_gap(level, answer.b, width), 0.0)
    r, loss, gap = complementarity(level, band, answer, coef, intercept)
    frame, upright = level.frame, 1.0 - abs(level.tilt)
    moves: FloatArray | None = None
    slack = ROUNDING + answer.slack
    if check is not None:
        slack += 8.0 * EPS * np.sqrt(level.rows.n_rows) + 16.0 * frame.rounding
        loss, gap = loss + check.loss, gap + check.gap
    elif frame.mix is not None or frame.dropped.shape[0] or slack > WORTH_MEASURING * upright:
        w = np.ones(band.n_rows) if band.weight is None else band.weight
        moves = _moves(level, band, answer, w)
        slack = ROUNDING + float(max(answer.slack, np.abs(moves).max(initial=0.0)))
    left = gap / loss if loss > 0.0 else 0.0
    relative = left + 2.0 * slack / upright
    if moves is not None and loss > 0.0 and slack > WORTH_MEASURING * upright:
        moved = _moved_and_shrunk(level, answer.dual / w, moves, w * r, loss, gap)
        relative = min(relative, moved)
    return Proof(loss, relative, left)


def _moved_and_shrunk(
    level: Level, share: FloatArray, moves: FloatArray, wr: FloatArray, loss: float, gap: float
) -> float:
    """The relative gap of the worst of these moves of a dual, once back in its box."""
    share = share[:, None]
    above = (moves - (1.0 - share)) / (1.0 + level.tilt)
    below = (-moves - (1.0 + share)) / (1.0 - level.tilt)
    over = np.maximum(above, below).max(axis=0, initial=0.0)
    over += 8.0 * EPS / (1.0 - abs(level.tilt))
    lost = np.maximum(0.0, gap - wr @ moves) / loss
    return float(((lost + over) / (1.0 + over)).max()) + 8.0 * EPS


def _moves(level: Level, rows: InMemoryRows, answer: Answer, w: FloatArray) -> FloatArray:
    """By what part of w the dual of all rows must move to satisfy its equations, shape (m, k).

    A column that was dropped is what others say up to the rounding of its entries, and any of
    them might have been dropped in its place: there is one move for each such choice.
    """
    frame = level.frame
    inner, total = _unbalanced(rows.X, answer.dual, level.tilt, w, frame.centre)
    inner = inner / frame.spread
    errors = [inner[frame.kept]]
    for beside, relation in zip(inner[frame.dropped], frame.relation.T):
        if relation.any():
            k = int(np.argmax(np.abs(relation)))
            instead = errors[0].copy()
            instead[k] += (beside - relation @ errors[0]) / relation[k]
            errors.append(instead)
    E = np.column_stack(errors)
    E = E if frame.mix is None else frame.mix.T @ E
    if frame.intercept:
        E = np.vstack([np.full(E.shape[1], total), E])
    Z = frame.scaled(in_float64(rows.X))
    moves: FloatArray = -(Z @ solve_positive(weighted_gram(Z, w), E))
    return moves


def _unbalanced(
    X: Matrix, dual: FloatArray, tilt: float, w: FloatArray, centre: FloatArray
) -> tuple[FloatArray, float]:
    """``(a + tilt * w)'(X - centre)`` and the sum of ``a + tilt * w``, rounded once.

    A few rows at a time are cut into slices.
    """
    inner, total = exactly(np.zeros(centre.shape[0])), exactly(0.0)
    for first in range(0, X.shape[0], EXTENDED_ROWS):
        part = slice(first, first + EXTENDED_ROWS)
        product, error = two_product(tilt, w[part])
        v = sum_of([dual[part], product], error)
        cut = slices(row_range(X, first, min(first + EXTENDED_ROWS, X.shape[0])))
        inner, total = inner + cut.transposed_times(v), total + total_of(v)
    return (inner + -product_of(centre, total)).hi, float(total.hi)


def complementarity(
    level: Level, band: InMemoryRows, answer: Answer, coef: FloatArray, intercept: float
) -> tuple[FloatArray, float, float]:
    """Residuals and loss of these rows, and what they add to the gap, ``sum w_i |r_i| - a_i r_i``.

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
    return r, loss, float(np.maximum(0.0, np.sum(w * np.abs(r) - answer.dual * r))) + allowance
