"""The passes over all rows that screening is made of: signs, their sum, their verification.

Each works on blocks and returns sums, or a column with one entry a row, so that the rows may live
anywhere.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.chunk import joined
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.matrix import in_float64, is_sparse, stack_rows, take_rows
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
    level: Level,
    b: FloatArray,
    kappa: float,
    reach: tuple[Column, ...],
    tally: Counter[str],
    gathers: bool,
) -> tuple[Column, FloatArray, InMemoryRows | None]:
    """Signs beyond the band, c with their rows set aside, and the band, in one pass.

    The band is copied while the cache holds the block, and only if ``gathers``.
    """
    coef, intercept = level.frame.raw(b)
    kappa = max(kappa, rounding_of(level.frame, coef, intercept), float(np.finfo(float).tiny))
    tilt = level.tilt

    def signs(block: Block, *reach: FloatArray) -> tuple[np.ndarray, tuple[FloatArray, list[Any]]]:
        r = residuals(block, coef, intercept)
        width = kappa * np.abs(reach[0]) if reach else kappa
        s = (r > width).view(np.int8)
        s -= (r < -width).view(np.int8)
        c = level.frame.gather(block.X, block.weigh(s + tilt))
        return s, (c, [taken(block, np.flatnonzero(s == 0))] if gathers else [])

    column, (c, parts) = level.rows.column_and_total(signs, *reach)
    tally["passes"] += 1
    return column, level.c + c, joined(parts) if gathers else None


def taken(block: Block, places: NDArray[np.intp]) -> tuple[Any, ...]:
    """These rows of a block, as `joined` joins them."""
    weight = None if block.weight is None else block.weight.take(places)
    return take_rows(block.X, places), block.y.take(places), weight


@dataclass(frozen=True)
class Returned:
    """Rows set aside that return to the band.

    Parameters
    ----------
    rows : InMemoryRows
    signs : ndarray of shape (rows,), of int8
        Those that they had.
    inside : ndarray of shape (rows in the new band,), of bool
        Their places in it.
    """

    rows: InMemoryRows
    signs: NDArray[np.int8]
    inside: NDArray[np.bool_]

    def among(self, band: InMemoryRows) -> InMemoryRows:
        """The band with these rows, in order."""
        places = np.empty(self.inside.shape[0], dtype=np.intp)
        places[~self.inside] = np.arange(band.n_rows)
        places[self.inside] = np.arange(band.n_rows, places.shape[0])
        weight = None
        if band.weight is not None and self.rows.weight is not None:
            weight = np.concatenate([band.weight, self.rows.weight])[places]
        X = take_rows(stack_rows([band.X, self.rows.X]), places)
        return InMemoryRows(X, np.concatenate([band.y, self.rows.y])[places], weight)

    def taken_from(self, level: Level, c: FloatArray) -> FloatArray:
        """c without what these rows added to it."""
        v = self.signs if self.rows.weight is None else self.signs * self.rows.weight
        return c - level.frame.gather(self.rows.X, v.astype(np.float64))

    def size(self, level: Level, b: FloatArray) -> float:
        """The mean size of their residuals."""
        block = Block(self.rows.X, self.rows.y, None)
        return float(np.abs(residuals(block, *level.frame.raw(b))).mean())


def verify(level: Level, b: FloatArray, signs: Column) -> tuple[Check, Column, Returned | None]:
    """Whether the rows set aside have the signs they were given, in one pass.

    Those that do not come back with it; the second of the results are the signs without theirs.
    """
    coef, intercept = level.frame.raw(b)
    rounding = rounding_of(level.frame, coef, intercept)
    residuals_of = accurate_residuals if level.frame.delicate else residuals

    def sums(block: Block, s: NDArray[np.int8]) -> tuple[NDArray[np.int8], tuple[Any, ...]]:
        product = residuals_of(block, coef, intercept)
        product *= s
        weighted = block.weigh(product)
        loss = float(weighted.sum())
        if level.tilt:
            loss += level.tilt * float(weighted @ s)
        wrong, gap = None, 0.0
        if product.shape[0] and float(product.min()) < 0.0:
            gap = -2.0 * float(np.minimum(weighted, 0.0).sum())
            wrong = product < -rounding
        s, back = _sent_back(block, s, wrong)
        return s, (gap, loss + gap, *back)

    column, (gap, loss, *back) = level.rows.column_and_total(sums, signs)
    returned = _returned(*back)
    count = 0 if returned is None else returned.rows.n_rows
    return Check(count, gap, loss), column, returned


def return_hit(
    level: Level, signs: Column, b: FloatArray, ray: FloatArray, limit: float
) -> tuple[Column, Returned | None]:
    """Rows whose sign changes before ``b + limit * ray`` return; the signs without theirs."""
    coef, intercept = level.frame.raw(b)
    matrix, row = level.frame.directions(ray[:, None])
    rounding = rounding_of(level.frame, coef, intercept)

    def hit(block: Block, s: NDArray[np.int8]) -> tuple[NDArray[np.int8], tuple[Any, ...]]:
        r = block.y - (block.X @ coef + intercept)
        u = s * (block.X @ matrix[:, 0] + row[0])
        ahead = (u > 1e-12) & (s * r <= limit * np.maximum(u, 1e-12) + rounding)
        return _sent_back(block, s, ahead)

    column, back = level.rows.column_and_total(hit, signs)
    return column, _returned(*back)


def _sent_back(
    block: Block, s: NDArray[np.int8], back: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int8], tuple[list[Any], list[Any], list[Any]]]:
    """Signs without those of the rows that return, and what `_returned` makes of these rows."""
    places = np.empty(0, dtype=np.intp) if back is None else back.nonzero()[0]
    if back is None or not places.shape[0]:
        return s, ([], [], [np.zeros(s.shape[0] - np.count_nonzero(s), dtype=np.bool_)])
    without = np.where(back, np.int8(0), s)
    return without, ([taken(block, places)], [s.take(places)], [back[without == 0]])


def _returned(parts: list[Any], signs: list[Any], inside: list[Any]) -> Returned | None:
    if not parts:
        return None
    return Returned(joined(parts), np.concatenate(signs), np.concatenate(inside))


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


def nowhere(block: Block, s: np.ndarray) -> np.ndarray:
    return np.zeros(s.shape, dtype=np.bool_)


def is_heavy(block: Block, reach: np.ndarray) -> np.ndarray:
    return reach < 0.0
