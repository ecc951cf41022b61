"""The passes over all rows that screening is made of: signs, their sum, their verification.

Each works on blocks and returns sums, or a column with one entry a row, so that the rows may live
anywhere.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.matrix import in_float64, is_sparse, take_rows
from sklearn_mle.rows.rows import Block, Column, Rows
from sklearn_mle.solvers import extended_precision
from sklearn_mle.solvers.column_frame import Frame
from sklearn_mle.solvers.reduced_problem import Reduced
from sklearn_mle.solvers.watch import NOBODY, Place, Watch

FEW_NUMBERS = 1000
"""Numbers in X up to which adding up row by row is faster than cutting X into slices."""


@dataclass(frozen=True)
class Level:
    """A problem whose rows may live anywhere.

    Its cost is that of `Reduced` with ``c + tilt * sum_i w_i z_i`` for c. The watch is that of the
    problem.
    """

    rows: Rows
    frame: Frame
    c: FloatArray
    tilt: float = 0.0
    watch: Watch = NOBODY

    def stops(self, b: FloatArray) -> bool:
        """Shows the watch one more iteration."""
        return self.watch.stops(lambda: Place(*self.frame.least_norm(*self.frame.raw(b))))

    def reduced(self, rows: InMemoryRows, c: FloatArray) -> Reduced:
        """Some rows in memory, in the frame."""
        w = np.ones(rows.n_rows) if rows.weight is None else rows.weight
        return Reduced(
            self.frame.scaled(in_float64(rows.X)),
            rows.y - self.frame.y_centre,
            w,
            c,
        )


@dataclass(frozen=True)
class Check:
    """Sums over all rows at one b.

    Parameters
    ----------
    wrong : int
        Rows set aside with the wrong sign, beyond rounding.
    gap : float
        What they add to the duality gap, rounding included.
    loss : float
        Weighted sum of ``|r| + tilt * r`` over the rows set aside.
    """

    wrong: int
    gap: float
    loss: float


def screen(
    level: Level, b: FloatArray, kappa: float, reach: tuple[Column, ...], tally: Counter[str]
) -> tuple[Column, FloatArray]:
    """Signs beyond the band, and c with their rows set aside, in one pass."""
    coef, intercept = level.frame.raw(b)
    kappa = max(kappa, rounding_of(level.frame, coef, intercept), float(np.finfo(float).tiny))
    tilt = level.tilt

    def signs(block: Block, *reach: FloatArray) -> tuple[np.ndarray, tuple[FloatArray]]:
        r = residuals(block, coef, intercept)
        width = kappa * np.abs(reach[0]) if reach else kappa
        s = (r > width).view(np.int8)
        s -= (r < -width).view(np.int8)
        return s, (level.frame.gather(block.X, block.weigh(s + tilt)),)

    column, (c,) = level.rows.column_and_total(signs, *reach)
    tally["passes"] += 1
    return column, level.c + c


def verify(level: Level, b: FloatArray, signs: Column) -> tuple[Check, Column]:
    """Whether the rows set aside have the signs they were given, and which do not, in one pass."""
    coef, intercept = level.frame.raw(b)
    rounding = rounding_of(level.frame, coef, intercept)
    residuals_of = accurate_residuals if level.frame.delicate else residuals

    def sums(block: Block, s: np.ndarray) -> tuple[np.ndarray, tuple[int, float, float]]:
        product = residuals_of(block, coef, intercept)
        product *= s
        weighted = block.weigh(product)
        loss = float(weighted.sum())
        if level.tilt:
            loss += level.tilt * float(weighted @ s)
        if not product.shape[0] or float(product.min()) >= 0.0:
            return nowhere(block, s), (0, 0.0, loss)
        gap = -2.0 * float(np.minimum(weighted, 0.0).sum())
        wrong = product < -rounding
        return wrong, (int(np.count_nonzero(wrong)), gap, loss + gap)

    wrong, sums_of = level.rows.column_and_total(sums, signs)
    return Check(*sums_of), wrong


def residuals(block: Block, coef: FloatArray, intercept: float) -> FloatArray:
    r = block.X @ coef
    r += intercept
    return np.subtract(block.y, r, out=r)


def accurate_residuals(block: Block, coef: FloatArray, intercept: float) -> FloatArray:
    """Residuals that are rounded once: exact sums of few rows, slices of many."""
    X, y = block.X, block.y
    if X.size <= FEW_NUMBERS and not is_sparse(X):
        products, errors = extended_precision.two_product(X, -coef)
        terms = np.column_stack([y, np.full(y.shape[0], -intercept), products, errors])
        return np.array([math.fsum(row) for row in terms.tolist()])
    cut = extended_precision.slices(X)
    b, b0 = extended_precision.exactly(coef), extended_precision.exactly(intercept)
    return extended_precision.residuals(cut, y, b, b0).hi


def rounding_of(frame: Frame, coef: FloatArray, intercept: float) -> float:
    """Rounding error of a residual of ordinary size."""
    terms = np.abs(coef) @ (np.abs(frame.centre) + frame.spread)
    return 8.0 * float(np.finfo(float).eps) * (float(terms) + abs(intercept))


def growth(level: Level, ray: FloatArray) -> float:
    """The slope of the level's cost far out along the ray."""
    matrix, row = level.frame.directions(ray[:, None])

    def slope(block: Block) -> tuple[float]:
        u = block.X @ matrix[:, 0] + row[0]
        return (float(block.weigh(np.abs(u) - level.tilt * u).sum()),)

    return float(level.rows.total(slope)[0]) - float(level.c @ ray)


def hit_rows(level: Level, signs: Column, b: FloatArray, ray: FloatArray, limit: float) -> Column:
    """Rows set aside whose sign changes before ``b + limit * ray``."""
    coef, intercept = level.frame.raw(b)
    matrix, row = level.frame.directions(ray[:, None])
    rounding = rounding_of(level.frame, coef, intercept)

    def hit(block: Block, s: np.ndarray) -> np.ndarray:
        r = block.y - (block.X @ coef + intercept)
        u = s * (block.X @ matrix[:, 0] + row[0])
        return (u > 1e-12) & (s * r <= limit * np.maximum(u, 1e-12) + rounding)

    return level.rows.column(hit, signs)


def return_rows(
    level: Level, signs: Column, back: Column, b: FloatArray, c: FloatArray
) -> tuple[FloatArray, float, NDArray[np.bool_]]:
    """c without the rows that return to the band, the size of their residuals, and their places.

    These are places in the band that they return to, shape (rows in the band,).
    """
    coef, intercept = level.frame.raw(b)

    def gather(
        block: Block, s: np.ndarray, back: np.ndarray
    ) -> tuple[FloatArray, int, float, list[NDArray[np.bool_]]]:
        places = np.flatnonzero(back)
        X = take_rows(block.X, places)
        v = s[places] * (1.0 if block.weight is None else block.weight[places])
        r = np.abs(block.y[places] - (X @ coef + intercept))
        inside = back[(s == 0) | back]
        return level.frame.gather(X, v), places.shape[0], float(r.sum()), [inside]

    lost, count, size, inside = level.rows.total(gather, signs, back)
    return c - lost, size / max(1, count), np.concatenate(inside)


def in_band(block: Block, s: np.ndarray) -> np.ndarray:
    return s == 0


def nowhere(block: Block, s: np.ndarray) -> np.ndarray:
    return np.zeros(s.shape, dtype=np.bool_)


def is_heavy(block: Block, reach: np.ndarray) -> np.ndarray:
    return reach < 0.0


def without(block: Block, s: np.ndarray, back: np.ndarray) -> np.ndarray:
    return np.where(back, np.int8(0), s)
