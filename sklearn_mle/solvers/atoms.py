"""Fits that go exactly through many rows: far more than there are coefficients.

Where a share of the rows lies on one plane (rounded data, structural zeros, copies) no sample can
tell the signs of these rows, for their residuals are zero. But they can take any dual in their box,
and the one of least norm is within it unless the plane is not the best: two passes prove the fit.
Where the rows leave some directions open, the band holds them all, and `narrowing` solves for those
directions alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.matrix import take_rows
from sklearn_mle.rows.rows import Block, Column
from sklearn_mle.solvers.reduced_problem import (
    Answer,
    Reduced,
    least_squares,
    solve_positive,
    weighted_gram,
)
from sklearn_mle.solvers.sign_passes import Check, Level, residuals, rounding_of
from sklearn_mle.solvers.smoothed_newton import Smoothed

FEASIBLE = 1e-12


@dataclass(frozen=True)
class OnPlane:
    """A fit through many rows.

    Parameters
    ----------
    answer : Answer
        Of no rows; only b and the slack mean anything.
    signs : Column
        Entries 1, -1, and 0 on the plane.
    shares : Column
        The dual of the rows on the plane, over their weight; 0 elsewhere.
    check : Check
        Sums over all rows.
    """

    answer: Answer
    signs: Column
    shares: Column
    check: Check


def solve_on_plane(
    level: Level, sample: Reduced, at: Smoothed, tally: Counter[str]
) -> OnPlane | None:
    """The fit through the rows that a sample fits exactly, if their dual is within its box.

    With g the sum that the other rows leave, the dual of least weighted norm on the plane is
    ``a_i = -w_i z_i'G^-1 g``, ``G = Z_0' W Z_0``.
    """
    on = np.abs(at.residuals) <= at.width
    if np.count_nonzero(on) <= 3 * sample.c.shape[0] + 5:
        return None
    b = at.b
    Z, w = sample.Z[on], sample.w[on]
    for _ in range(2):
        b = b + least_squares(Z, sample.y[on] - Z @ b, w)
    coef, intercept = level.frame.raw(b)
    near = rounding_of(level.frame, coef, intercept)
    signs, g, gram = _sums_beside_plane(level, b, near)
    tally["passes"] += 2
    if not np.all(gram.diagonal() > 0.0):
        return None
    x = solve_positive(gram, g)
    x = x + solve_positive(gram, g - gram @ x)
    shares, check, slack = _shares(level, b, signs, x, solve_positive(gram, g - gram @ x))
    if check.wrong:
        return None
    tally["atoms"] += 1
    return OnPlane(Answer(b, np.empty(0), slack), signs, shares, check)


def _sums_beside_plane(
    level: Level, b: FloatArray, near: float
) -> tuple[Column, FloatArray, FloatArray]:
    """Signs, 0 on the plane; ``Z'a + c`` of the rows beside it; Gram matrix of those on it."""
    coef, intercept = level.frame.raw(b)
    tilt, frame = level.tilt, level.frame

    def sums(block: Block) -> tuple[np.ndarray, tuple[FloatArray, FloatArray]]:
        r = residuals(block, coef, intercept)
        s = (r > near).view(np.int8)
        s -= (r < -near).view(np.int8)
        on = (s == 0).nonzero()[0]
        w = np.ones(on.shape[0]) if block.weight is None else block.weight[on]
        Z = frame.scaled(take_rows(block.X, on))
        return s, (frame.gather(block.X, block.weigh(s + tilt)), weighted_gram(Z, w))

    signs, (g, gram) = level.rows.column_and_total(sums)
    return signs, level.c + g, gram


def _shares(
    level: Level, b: FloatArray, signs: Column, x: FloatArray, left: FloatArray
) -> tuple[Column, Check, float]:
    """The dual of the rows on the plane over their weight, what it leaves of the gap, its slack.

    Rows whose dual is outside its box, or has to move by more than `FEASIBLE`, count as wrong.
    """
    coef, intercept = level.frame.raw(b)
    matrix, row = level.frame.directions(np.column_stack([x, left]))

    def sums(block: Block, s: np.ndarray) -> tuple[FloatArray, tuple[int, float, float]]:
        r = residuals(block, coef, intercept)
        move = block.X @ matrix + row
        on = s == 0
        share = np.where(on, -move[:, 0], 0.0)
        outside = np.abs(share) > 1.0
        outside |= on & (np.abs(move[:, 1]) > FEASIBLE)
        gap = float(block.weigh(np.abs(r) - (share + s) * r).sum())
        loss = float(block.weigh(np.abs(r) + level.tilt * r).sum())
        return share, (int(np.count_nonzero(outside)), gap, loss)

    shares, sums_of = level.rows.column_and_total(sums, signs)
    return shares, Check(*sums_of), FEASIBLE
