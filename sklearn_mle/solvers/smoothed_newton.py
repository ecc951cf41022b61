"""Newton's method on the smoothed absolute value (Huber's), with a width that shrinks.

For a width gamma, ``|r|`` becomes ``r**2 / (2 * gamma) + gamma / 2`` where ``|r| <= gamma``. The
cost has the gradient ``-(psi Z + c)`` with ``psi_i = w_i * clip(r_i / gamma, -1, 1)``, and the
Hessian ``Z_A' W_A Z_A / gamma`` of the active rows A, those within the width (Madsen
and Nielsen 1993).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg.lapack import dpotrs

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.solvers.reduced_problem import (
    IntArray,
    Reduced,
    factor_positive,
    solve_positive,
    weighted_gram,
)
from sklearn_mle.solvers.watch import never

SHRINK = 0.35
"""Factor from one width to the next where a path of widths is followed from afar."""
DAMPING = 1e-5
"""Part of the Gram matrix of all rows, estimated from a stride, that is added where few rows
are active."""
CROWD = 8.0
"""With a density at zero an eighth of the active residuals is within an eighth of the width."""
HESSIAN_ROWS = 60
"""Active rows a column that tell the Hessian well enough, as long as full steps are taken: the
error of a step is about ``sqrt(1 / 60)`` of it."""
SPENT = 0.2
"""Square of the last Newton step at a width, relative to a third of that of the smoothing error."""
NARROWEST = 1e-13
"""Width, over the mean absolute response, at which rounding errors of residuals are near."""
LEAST_WIDTH = 1e-150
SLACK_WIDTH = 1.5
"""Width in errors of the start: rows of the right sign are mostly beyond, and two steps suffice."""


@dataclass(frozen=True)
class Smoothed:
    """Where the smoothed problem was left.

    Parameters
    ----------
    b : ndarray of shape (q,)
    residuals : ndarray of shape (m,)
    width : float
    steps, phases : int
        Newton steps, and widths visited.
    ray : ndarray of shape (q,) or None
        A direction in which the cost falls for ever, if one was met.
    stopped : bool
        Whether a watch ended a path of widths.
    factor : ndarray of shape (q, q) or None
        Lower Cholesky factor of ``Z_A' W_A Z_A``, per unit of weight, at the last step.
    """

    b: FloatArray
    residuals: FloatArray
    width: float
    steps: int = 0
    phases: int = 0
    ray: FloatArray | None = None
    stopped: bool = False
    factor: FloatArray | None = None


def minimise_smoothed(problem: Reduced, at: Smoothed, width: float, max_steps: int) -> Smoothed:
    """At most ``max_steps`` Newton steps at one width; fewer if the gradient is spent.

    A step of decrement ``fall`` moves the predictions of active rows by
    ``sqrt(fall * width / w_A)`` in the mean. It is the last one if that is little beside the
    smoothing error (`smoothing_error`).
    """
    Z, c = problem.Z, problem.c
    w = None if problem.even else problem.w
    b, r = at.b, at.residuals
    q = c.shape[0]
    total = float(r.shape[0]) if w is None else float(w.sum())
    least = 1e-13 * total * width
    psi = _bounded(r * (1.0 / width), w)
    few = HESSIAN_ROWS * max(1, q)
    steps, factor, by_weight, ray = 0, at.factor, 0.0, None
    while steps < max_steps:
        g = psi @ Z + c
        active = (np.abs(r) < width).nonzero()[0]
        weight = float(active.shape[0]) if w is None else float(w.take(active).sum())
        factor, by_weight = factor_positive(active_gram(problem, active, few)), weight
        step = width * dpotrs(factor, g, lower=True)[0]
        fall = float(g @ step)
        if not fall > least:
            break
        u = Z @ step
        t, r_then, psi = _along(r, u, w, float(c @ step), width, fall)
        if t is None:
            ray = step if float(problem.w @ np.abs(u)) < float(c @ step) else None
            break
        b = b + t * step
        r = r_then
        steps += 1
        few = few if t == 1.0 else r.shape[0]
        if t == 1.0 and fall * active.shape[0] < SPENT * q * width * weight:
            break
    if factor is not None and by_weight > 0.0:
        factor = factor * (1.0 / math.sqrt(by_weight))
    return Smoothed(b, r, width, at.steps + steps, at.phases + 1, ray, factor=factor)


def follow(problem: Reduced, at: Smoothed, width: float) -> Smoothed:
    """Along the path of solutions to a narrower width, as far as the active rows stay the same.

    While they do, ``Z_A' W (y - Z_A b) / width`` is constant, so that b moves on a line which ends
    at the least squares fit of the active rows as the width goes to zero.
    """
    active = (np.abs(at.residuals) < at.width).nonzero()[0]
    r = at.residuals.take(active) * problem.w.take(active)
    H = active_gram(problem, active, active.shape[0])
    step = solve_positive(H, r @ problem.Z.take(active, axis=0))
    b = at.b + (1.0 - width / at.width) * step
    return replace(at, b=b, residuals=problem.y - problem.Z @ b)


def active_gram(problem: Reduced, active: IntArray, few: int) -> FloatArray:
    """``Z_A' W_A Z_A``, with a little of the Gram matrix of all rows where few are active.

    Where many are, it is estimated from a stride of them that leaves at least ``few``.
    """
    stride = max(1, active.shape[0] // max(1, few))
    some = active[::stride] if stride > 1 else active
    w = None if problem.even else problem.w.take(some)
    H = weighted_gram(problem.Z.take(some, axis=0), w)
    if stride > 1:
        H *= active.shape[0] / some.shape[0]
    if active.shape[0] < 4 * H.shape[0]:
        H = H + (DAMPING * active.shape[0] / problem.y.shape[0]) * problem.background
    return H


def _bounded(ratio: FloatArray, w: FloatArray | None) -> FloatArray:
    """``w * clip(ratio, -1, 1)`` in place; no weights stand for ones."""
    np.minimum(ratio, 1.0, out=ratio)
    np.maximum(ratio, -1.0, out=ratio)
    return ratio if w is None else np.multiply(ratio, w, out=ratio)


def _along(
    r: FloatArray, u: FloatArray, w: FloatArray | None, drift: float, width: float, fall: float
) -> tuple[float | None, FloatArray, FloatArray]:
    """A step length at which the slope along the line fell to half; residuals and psi there.

    None if there is no such step. The negated slope at t is ``psi(r - t * u)'u + c'step``, a
    decreasing function of t: its root is bracketed and found by regula falsi with the Illinois
    halving, without which one end of the bracket can stay for ever (Dahlquist & Bjorck 1974).
    """
    per_width = 1.0 / width

    def slope(t: float) -> tuple[float, FloatArray, FloatArray]:
        there = r - u if t == 1.0 else r - t * u
        psi = _bounded(there * per_width, w)
        return float(psi @ u) + drift, there, psi

    low, at_low, t = 0.0, fall, 1.0
    at_t, there, psi = slope(t)
    while at_t > 0.5 * fall:
        if t > 1e12:
            return None, there, psi
        low, at_low = t, at_t
        t *= 4.0
        at_t, there, psi = slope(t)
    high, at_high = t, at_t
    side = 0
    for _ in range(60):
        if abs(at_t) <= 0.5 * fall:
            return t, there, psi
        t = (low * at_high - high * at_low) / (at_high - at_low)
        at_t, there, psi = slope(t)
        if at_t > 0.0:
            low, at_low = t, at_t
            at_high = at_high * 0.5 if side == 1 else at_high
            side = 1
        else:
            high, at_high = t, at_t
            at_low = at_low * 0.5 if side == -1 else at_low
            side = -1
    t = low if low > 0.0 else t
    return t, *slope(t)[1:]


def smoothing_error(problem: Reduced, at: Smoothed) -> float:
    """How far, in the mean, the predictions are from those of the exact solution.

    At the minimum for a width the exact gradient is left with ``sum_A w_i (sign r_i - r_i / width)
    z_i``, of covariance ``sum_A w_i**2 z_i z_i' / 3``. Through the inverse Hessian, with all
    weights alike, this is ``width * sqrt(q / (3 |A|))``.
    """
    if problem.even:
        noise = 1.0 / max(1, active_count(at))
    else:
        w = problem.w[np.abs(at.residuals) <= at.width]
        noise = float(w @ w) / max(float(w.sum()) ** 2, LEAST_WIDTH)
    return at.width * min(1.0, math.sqrt(problem.c.shape[0] * noise / 3.0))


def active_count(at: Smoothed) -> int:
    """How many residuals are within the width."""
    return int(np.count_nonzero(np.abs(at.residuals) <= at.width))


def strides_of(m: int, q: int) -> list[int]:
    """Strides 1, 4, 16, ... that leave at least 600 rows, and 15 for each of the q columns."""
    strides = [1]
    while m // (4 * strides[-1]) > max(600, 15 * q):
        strides.append(4 * strides[-1])
    return strides


def predict_from_afar(
    problem: Reduced,
    max_phases: int,
    b: FloatArray,
    stops: Callable[[FloatArray], bool] = never,
) -> Smoothed:
    """A solution whose smoothing error is below the sampling error, from any b.

    A coarse stride of the rows is solved at a width that suits the error of least squares,
    ``sqrt(q / m)`` times the size of the residuals, if that is less than their median; otherwise
    at that first. Strides four times finer follow, each at the width that suits the sampling
    error of the one before: ``sqrt(q / m)`` over twice the density at zero, which the share of
    active rows tells.
    """
    m, q = problem.Z.shape
    strides = strides_of(m, q)
    part = problem.every(strides.pop())
    at = Smoothed(b, part.y - part.Z @ b, 0.0)
    size = np.abs(at.residuals)
    floor = max(NARROWEST * float(np.abs(part.y).mean()), LEAST_WIDTH)
    median = float(np.partition(size, size.shape[0] // 2)[size.shape[0] // 2]) or float(size.mean())
    width = SLACK_WIDTH * float(np.sqrt(q * (size @ size))) / size.shape[0]
    if width > median:
        at = minimise_smoothed(part, at, max(median, floor), 6)
        if stops(at.b):
            at = replace(at, stopped=True)
        width = SLACK_WIDTH * sampling_error(part, at)
    while at.phases < max_phases and at.ray is None and not at.stopped:
        at = minimise_smoothed(part, at, max(width, floor), 6)
        if stops(at.b):
            at = replace(at, stopped=True)
        width = SLACK_WIDTH * sampling_error(part, at)
        if max(width, floor) < 0.3 * at.width:
            continue
        if not strides:
            break
        part = problem.every(strides.pop())
        at = replace(at, residuals=part.y - part.Z @ at.b)
    if at.residuals.shape[0] != m:
        at = replace(at, residuals=problem.y - problem.Z @ at.b)
    return at


def sharpen(problem: Reduced, at: Smoothed) -> Smoothed:
    """The smoothed path, for as long as residuals crowd around zero."""
    floor = max(NARROWEST * float(np.abs(problem.y).mean()), LEAST_WIDTH)
    while crowded(problem, at) and at.width > floor and at.ray is None:
        width = min(SLACK_WIDTH * smoothing_error(problem, at), at.width / CROWD)
        at = minimise_smoothed(problem, at, max(width, floor), 6)
    return at


def crowded(problem: Reduced, at: Smoothed) -> bool:
    """Whether active residuals crowd around a plane, as those of rows do that are fitted exactly.

    At a width they are not zero but their share of the dual times it, a linear function of the
    columns; what is left beside that function is uniform where rows have a density.
    """
    active = (np.abs(at.residuals) < at.width).nonzero()[0]
    Z, w, r = problem.Z.take(active, axis=0), problem.w.take(active), at.residuals.take(active)
    return crowd(Z, w, r, factor_positive(active_gram(problem, active, active.shape[0])), at.width)


def crowd(Z: Design, w: FloatArray, r: FloatArray, factor: FloatArray, width: float) -> bool:
    """Whether these active residuals crowd around a plane; the factor is that of ``Z'WZ``."""
    r = r - Z @ dpotrs(factor, (w * r) @ Z, lower=True)[0]
    return bool(2 * np.count_nonzero(np.abs(r) <= width / CROWD) > r.shape[0])


def sampling_error(sample: Reduced, at: Smoothed) -> float:
    """Standard error of a prediction: ``sqrt(q * v * sum w**2) / (sum w * 2 * f(0))``.

    v is the variance of a sign, and the active share of the weight over the width is ``2 f(0)``.
    """
    w = sample.w
    spread = 1.0 - (float(np.sign(at.residuals).sum()) / at.residuals.shape[0]) ** 2
    share = float(w[np.abs(at.residuals) <= at.width].sum())
    noise = sample.c.shape[0] * max(spread, 0.01) * float(w @ w)
    return at.width * float(np.sqrt(noise) / max(share, np.sqrt(noise), LEAST_WIDTH))
