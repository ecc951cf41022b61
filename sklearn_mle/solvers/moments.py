"""Sums of squares and products that can be added to, and from which least squares is exact.

What least squares needs of the rows are the products ``A' W A`` of the columns ``A = [x, y, 1]``.
In double precision they square the condition and lose what a refit of all rows would keep. Kept to
twice that precision (`exact_products`), they lose nothing that a double could show: with columns of
condition 1e8 the coefficients of a refit come out to the last few digits, in whatever order rows
came.

The columns are shifted to near their means, or the products of far columns would hide their spread
even so. Each batch has its own shift; two batches are added in a frame near their common mean, and
a change of frame is exact but for the last bits of the extended precision (in one column, Chan,
Golub and LeVeque 1983).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_mle.rows.matrix import in_full, row_range
from sklearn_mle.rows.rows import Block, FloatArray, Rows
from sklearn_mle.solvers.exact_products import cross, over, row_sums, times
from sklearn_mle.solvers.extended_precision import Extended, dot, exactly, sum_of, two_sum
from sklearn_mle.solvers.gram import Frame, estimate_frame
from sklearn_mle.solvers.refinement import Evaluation

AT_A_TIME = 2**16
"""Numbers of a block whose slices are multiplied at once, so that the cache holds them."""
FAR = 0.5
"""Share of a mean square that may be due to the mean, before the frame moves there."""


@dataclass(frozen=True)
class Moments:
    """Products of the columns ``[z, v, 1]`` of all rows so far, z and v in a frame.

    Parameters
    ----------
    frame : Frame
    products : Extended, shape (p + 2, p + 2)
    sizes : ndarray of shape (p + 2, p + 2)
        The same of ``[abs(x), abs(y), 1]``, neither shifted nor to more than double precision.
    """

    frame: Frame
    products: Extended
    sizes: FloatArray

    @property
    def weight(self) -> Extended:
        """Total weight of the rows."""
        return Extended(self.products.hi[-1, -1], self.products.lo[-1, -1])

    def mean(self) -> Extended:
        """Means of z and v, shape (p + 1,)."""
        sums = Extended(self.products.hi[-1, :-1], self.products.lo[-1, :-1])
        return over(sums, self.weight)

    def column_means(self) -> Extended:
        """Means of the columns of X as they came, shape (p,)."""
        mean, unit = self.mean(), self.frame.unit[:-1]
        return exactly(self.frame.shift[:-1]) + Extended(mean.hi[:-1] / unit, mean.lo[:-1] / unit)

    def __add__(self, other: Moments) -> Moments:
        """All rows of both, which have the same units."""
        both = _sum(self, other.shifted(self.frame.shift))
        mean = both.mean().hi
        squares = both.products.hi.diagonal()[:-1] / both.weight.hi
        if (mean**2 <= FAR * squares).all():
            return both
        shift = both.frame.shift + mean / both.frame.unit
        return _sum(self.shifted(shift), other.shifted(shift))

    def shifted(self, shift: FloatArray) -> Moments:
        """The same rows in a frame with another shift."""
        unit = self.frame.unit
        hi, lo = two_sum(shift, -self.frame.shift)
        if not (hi.any() or lo.any()):
            return self
        move = Extended(np.append(hi * unit, 0.0), np.append(lo * unit, 0.0))
        column, row = _column(move), _row(move)
        M = self.products
        with_ones = Extended(M.hi[-1:], M.lo[-1:])
        with_ones_too = Extended(M.hi[:, -1:], M.lo[:, -1:])
        both = times(times(column, row), self.weight)
        moved = M + -times(column, with_ones) + -times(with_ones_too, row) + both
        return replace(self, frame=Frame(shift, unit), products=moved)

    def centred(self, fit_intercept: bool) -> Extended:
        """Products of z and v about their means, or about zero; shape (p + 1, p + 1)."""
        inner = Extended(self.products.hi[:-1, :-1], self.products.lo[:-1, :-1])
        if not fit_intercept:
            return inner
        sums = Extended(self.products.hi[-1, :-1], self.products.lo[-1, :-1])
        return inner + -times(_column(sums), _row(self.mean()))

    def evaluate(self, coef: Extended, intercept: Extended) -> Evaluation:
        """Residual sums at a point, as `refinement.evaluate` finds them in the rows."""
        shift, unit = self.frame.shift, self.frame.unit
        y_unit = float(unit[-1])
        at_shift = sum_of([float(intercept.hi), -float(shift[-1])], intercept.lo)
        at_shift = at_shift + dot(shift[:-1], coef)
        scaled = [-coef.hi * (y_unit / unit[:-1]), -coef.lo * (y_unit / unit[:-1])]
        tail = ([1.0, -y_unit * at_shift.hi], [0.0, -y_unit * at_shift.lo])
        c = Extended(*(np.append(part, rest) for part, rest in zip(scaled, tail)))
        sums = row_sums(times(self.products, _row(c)))
        rss = row_sums(times(sums, c))
        total = Extended(sums.hi[-1] / y_unit, sums.lo[-1] / y_unit)
        back = y_unit * unit[:-1]
        inner = Extended(sums.hi[:-2] / back, sums.lo[:-2] / back)
        gradient = inner + times(exactly(shift[:-1]), total)
        y_size = float(self.sizes[-2, -2]) / y_unit**2
        return Evaluation(gradient, total, max(float(rss.hi), 0.0) / y_unit**2, y_size)

    def terms_squared(self, coef: FloatArray, intercept: float) -> float:
        """Weighted sum of ``(abs(y) + abs(x)' abs(coef) + abs(intercept))**2``."""
        y_unit = float(self.frame.unit[-1])
        size = np.abs(coef) * (y_unit / self.frame.unit[:-1])
        c = np.concatenate([size, [1.0, y_unit * abs(intercept)]])
        return float(c @ self.sizes @ c) / y_unit**2


def accumulated(before: Moments | None, rows: Rows) -> Moments:
    """The moments of these rows and of all before them."""
    frame = estimate_frame(rows, True)
    if before is not None:
        frame = Frame(frame.shift, before.frame.unit)
    added = moments(rows, frame)
    return added if before is None else before + added


def moments(rows: Rows, frame: Frame) -> Moments:
    """One pass over the rows."""
    p = rows.n_columns
    step = max(64, AT_A_TIME // (p + 2))

    def per_block(block: Block) -> tuple[Any, ...]:
        parts = [_of_few(block, first, step, frame) for first in range(0, block.n_rows, step)]
        products, sizes = parts[0]
        for more, more_sizes in parts[1:]:
            products, sizes = products + more, sizes + more_sizes
        return products, sizes

    return Moments(frame, *rows.total(per_block))


def _of_few(block: Block, first: int, step: int, frame: Frame) -> tuple[Extended, FloatArray]:
    """Products and sizes of some rows of a block."""
    last = min(first + step, block.n_rows)
    X, y = in_full(row_range(block.X, first, last)), block.y[first:last]
    columns = np.column_stack([X, y])
    ones = np.ones((last - first, 1))
    hi, lo = two_sum(columns, -frame.shift)
    A = Extended(np.hstack([hi * frame.unit, ones]), np.hstack([lo * frame.unit, 0.0 * ones]))
    size = np.abs(np.hstack([columns * frame.unit, ones]))
    if block.weight is None:
        return cross(A, A), size.T @ size
    weight = block.weight[first:last, None]
    return cross(A, times(exactly(weight), A)), size.T @ (weight * size)


def _sum(one: Moments, other: Moments) -> Moments:
    """The sum of two in one frame."""
    products = one.products + other.products
    return Moments(one.frame, products, one.sizes + other.sizes)


def _row(v: Extended) -> Extended:
    return Extended(v.hi[None, :], v.lo[None, :])


def _column(v: Extended) -> Extended:
    return Extended(v.hi[:, None], v.lo[:, None])
