"""Iterative refinement of least squares on the rows as they were given.

A step computes the residuals ``r = y - b0 - X b`` and the gradients ``X'Wr`` and ``1'Wr`` to twice
the working precision and solves the normal equations for a correction with a factor R that is at
hand; b itself is kept to twice the precision. An error e of b becomes ``(I - (R'R)^-1 Z'Z) e``,
which is smaller by a factor of about

    eps * condition     with R from a QR factorisation    (Bjoerck 1996, section 2.9)
    eps * condition**2  with R from the Gram matrix

until b is correct to the last place, whatever was lost on the way to its first value. X and y enter
unshifted, hence exactly: centring is done on the gradient, ``Z'Wr = X'Wr - m * 1'Wr``, where any
double near the mean will do for m, as it only changes the basis. That m is not the mean by ``eps``
of it couples coefficients and intercept, though, as much as the columns are far and dependent; the
mean to twice the precision then takes its place.

In the end every coefficient is rounded to its nearest double, unless it shows in the loss: then
all are rounded together (`rounded_together`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows.rows import Block, FloatArray, Rows
from sklearn_mle.solvers.exact_products import over, times
from sklearn_mle.solvers.extended_precision import (
    Extended,
    dot,
    exactly,
    product,
    residuals,
    slices,
    sum_of,
    total_of,
)
from sklearn_mle.solvers.gram import EPS
from sklearn_mle.solvers.normal_inverse import NormalInverse
from sklearn_mle.solvers.rounded_together import BASIS_ROWS, rounded_together
from sklearn_mle.solvers.watch import NOBODY, Place, Watch

NEGLIGIBLE = 0.25 * EPS
"""Relative size of a correction that does not change a rounded coefficient."""
SMALLEST_SHARE = 1e-8
"""Coefficients below this share of the largest, in units of their columns, need not be correct in
every digit: the exact answer may be zero."""
COUPLED = 1e-3
"""Coupling above which means are computed to twice the precision."""
SHOWS = 1e-12
"""Share of the residual sum of squares that rounding of coefficients may add to it."""
CLEAR_SHARE = 1e-4
"""A difference of sums that leaves this share of them is good to 11 digits, as they are to 15."""


@dataclass(frozen=True)
class Factored:
    """A factor of the normal matrix, with what belongs to it.

    Parameters
    ----------
    inverse : NormalInverse
        Of the columns that vary.
    h : ndarray of shape (rank,)
        What the inverse's ``step`` turns into coefficients.
    varies : ndarray of shape (p,), bool
        Columns that are not constant; the others get the coefficient zero.
    centre : ndarray of shape (p,)
        Near the means of the columns; zero without an intercept.
    y_centre : float
    contraction : float
        A bound on the factor by which a refinement step reduces the error.
    """

    inverse: NormalInverse
    h: FloatArray
    varies: NDArray[np.bool_]
    centre: FloatArray
    y_centre: float
    contraction: float

    def spread_out(self, step: FloatArray) -> FloatArray:
        """Zeros for constant columns, shape (p,)."""
        if step.shape == self.centre.shape:
            return step
        full = np.zeros_like(self.centre)
        full[self.varies] = step
        return full


@dataclass(frozen=True)
class Evaluation:
    """Residual sums at a point.

    Parameters
    ----------
    gradient : Extended, shape (p,)
        ``X'W r``.
    total : Extended, float
        ``1'W r``.
    rss, y_size : float
        Weighted sums of squares of r and of y.
    """

    gradient: Extended
    total: Extended
    rss: float
    y_size: float


@dataclass(frozen=True)
class Refined:
    """Coefficients rounded to double, and what is known of them.

    Parameters
    ----------
    coef : ndarray of shape (p,)
    intercept : float
    rss : float
        Weighted residual sum of squares.
    y_size : float
        Weighted sum of squares of y.
    clear : bool
        Whether rss is good to 11 digits; else it is a difference of larger sums.
    excess : float
        A bound on ``rss - least rss``.
    steps : int
    stopped : bool
        Whether a watch ended the refinement.
    """

    coef: FloatArray
    intercept: float
    rss: float
    y_size: float
    clear: bool
    excess: float
    steps: int
    stopped: bool = False


def evaluate(rows: Rows, coef: Extended, intercept: Extended) -> Evaluation:
    """Residuals and gradients to twice the working precision, in one pass."""

    def per_block(block: Block) -> tuple[Any, ...]:
        X, y = slices(block.X), block.y
        r = residuals(X, y, coef, intercept)
        v = r if block.weight is None else product(block.weight, r)
        rss = float(v.hi @ r.hi)
        return X.transposed_times(v), total_of(v), rss, float(block.weigh(y) @ y)

    return Evaluation(*rows.total(per_block))


def exact_means(rows: Rows) -> Extended:
    """Means of the columns to twice the working precision, in one pass; shape (p,)."""

    def per_block(block: Block) -> tuple[Extended, Extended]:
        w = exactly(block.weigh(np.ones(block.n_rows)))
        return slices(block.X).transposed_times(w), total_of(w)

    return over(*rows.total(per_block))


def refine(
    evaluate_at: Callable[[Extended, Extended], Evaluation],
    weight: float,
    factored: Factored,
    fit_intercept: bool,
    max_steps: int,
    watch: Watch = NOBODY,
    means: Callable[[], Extended] | None = None,
) -> Refined:
    """Steps until every coefficient is correct to its last place, or ``max_steps`` are used up.

    The error after a step is predicted, not measured, so that no pass is spent on finding that
    nothing is left to do: errors fall by a factor that two steps show, or the first step beside
    the coefficients themselves.
    """
    inverse, varies = factored.inverse, factored.varies
    root_weight = math.sqrt(weight)
    centre = exactly(factored.centre)
    if fit_intercept and means is not None and _coupling(factored, root_weight) > COUPLED:
        centre = means()
    first = factored.spread_out(inverse.step(factored.h))
    coef, intercept = exactly(first), exactly(0.0)
    if fit_intercept:
        intercept = sum_of([factored.y_centre]) + -dot(factored.centre, coef)
    steps, before = 0, math.inf
    rate = factored.contraction
    stop = watch.stops(partial(_place, coef, intercept))
    while True:
        at = evaluate_at(coef, intercept)
        h, offset = _descent(at, factored, centre, fit_intercept, weight)
        left, rss = (float(np.linalg.norm(h)), abs(offset) * root_weight), at.rss
        if steps >= max_steps or stop:
            break
        step = inverse.step(h)
        size = np.abs(step * inverse.size).max(initial=0.0)
        if size > 0.5 * before:
            break
        large = np.abs(coef.hi[varies] * inverse.size)
        largest = large.max(initial=0.0)
        rate = size / (before if steps else largest) if largest > 0.0 else 0.0
        step = factored.spread_out(step)
        coef = coef + exactly(step)
        if fit_intercept:
            moved = exactly(offset) + -dot(step, centre)
            intercept = intercept + moved
        steps, before = steps + 1, size
        wanted = np.maximum(large, SMALLEST_SHARE * largest).min(initial=math.inf)
        wanted0 = max(abs(intercept.hi), SMALLEST_SHARE * float(np.abs(centre.hi * coef.hi).sum()))
        error0 = abs(offset) + float(np.abs(centre.hi * step).sum()) if fit_intercept else 0.0
        stop = watch.stops(partial(_place, coef, intercept))
        if rate * size <= NEGLIGIBLE * wanted and rate * error0 <= NEGLIGIBLE * wanted0:
            reduced = max(factored.contraction, rate)
            rss = at.rss - left[0] ** 2 - left[1] ** 2
            left = (reduced * left[0], reduced * left[1])
            stop = False
            break
    found, found0, rounding, rounding0 = _rounded(
        coef, intercept, factored, centre.hi if fit_intercept else None, root_weight, rss
    )
    slack = max(1e-3, 1.0 - factored.contraction)
    excess = ((left[0] + rounding) ** 2 + (left[1] + rounding0) ** 2) / slack**2
    clear = rss > CLEAR_SHARE * at.rss
    return Refined(found, found0, rss, at.y_size, clear, excess, steps, stop)


def _place(coef: Extended, intercept: Extended) -> Place:
    return Place(coef.hi, float(intercept.hi))


def _coupling(factored: Factored, root_weight: float) -> float:
    """By how much an error of the intercept, from means in double precision, may enter others."""
    inverse = factored.inverse
    offset = np.abs(factored.centre[factored.varies]) * root_weight / inverse.size
    return float(EPS * offset.max(initial=0.0) * math.sqrt(offset.shape[0]) / inverse.rcond)


def _rounded(
    coef: Extended,
    intercept: Extended,
    factored: Factored,
    centre: FloatArray | None,
    root_weight: float,
    rss: float,
) -> tuple[FloatArray, float, float, float]:
    """Coefficients and intercept as doubles, and what rounding them adds to fit and mean.

    Both as root sums of squares over rows; the second is that of a shift of all. Where columns
    depend on each other nothing would hold doubles that are rounded together near the shortest.
    """
    varies, image = factored.varies, factored.inverse.image

    def lost(numbers: FloatArray) -> tuple[FloatArray, float]:
        """Of the fit and of the mean, for coefficients that vary and the intercept."""
        rest = (coef.hi[varies] - numbers[:-1]) + coef.lo[varies]
        if centre is None:
            return image(rest), 0.0
        shift = (float(intercept.hi) - numbers[-1]) + float(intercept.lo)
        return image(rest), root_weight * (shift + float(centre[varies] @ rest))

    numbers = np.append(coef.hi[varies], float(intercept.hi))
    fit, mean = lost(numbers)
    enough = SHOWS * rss
    held = factored.inverse.rank == numbers.shape[0] - 1 < BASIS_ROWS
    if held and float(fit @ fit) + mean**2 > enough:
        effects = np.zeros((fit.shape[0] + 1, numbers.shape[0]))
        effects[:-1, :-1] = image(np.eye(numbers.shape[0] - 1))
        if centre is not None:
            effects[-1] = root_weight * np.append(centre[varies], 1.0)
        numbers = rounded_together(numbers, effects, lambda each: np.append(*lost(each)), enough)
        fit, mean = lost(numbers)
    together = factored.spread_out(numbers[:-1])
    return together, float(numbers[-1]), float(np.linalg.norm(fit)), abs(mean)


def _descent(
    at: Evaluation, factored: Factored, centre: Extended, fit_intercept: bool, weight: float
) -> tuple[FloatArray, float]:
    """The h of the correction, and the correction of the value at the centre."""
    gradient, offset = at.gradient, 0.0
    if fit_intercept:
        gradient = gradient + -times(centre, at.total)
        offset = float(at.total.hi) / weight
    return factored.inverse.half(gradient.hi[factored.varies]), offset
