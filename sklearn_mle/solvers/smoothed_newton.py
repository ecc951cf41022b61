"""Newton's method on the smoothed absolute value (Huber's), with a width that shrinks.

For a width gamma, ``|r|`` becomes ``r**2 / (2 * gamma) + gamma / 2`` where ``|r| <= gamma``. The
cost has the gradient ``-(psi Z + c)`` with ``psi_i = w_i * clip(r_i / gamma, -1, 1)``, and the
Hessian ``Z_A' W_A Z_A / gamma`` of the active rows A, those within the width (Madsen
and Nielsen 1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.solvers.reduced_problem import Reduced, solve_positive, weighted_gram

SHRINK = 0.35
"""Factor from one width to the next where a path of widths is followed from afar."""
DAMPING = 1e-3
"""Part of the Gram matrix of all rows, estimated from a stride, that is added where few rows
are active."""


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
    """

    b: FloatArray
    residuals: FloatArray
    width: float
    steps: int = 0
    phases: int = 0
    ray: FloatArray | None = None


def minimise_smoothed(problem: Reduced, at: Smoothed, width: float, max_steps: int) -> Smoothed:
    """At most ``max_steps`` Newton steps at one width; fewer if the gradient is spent."""
    Z, w, c = problem.Z, problem.w, problem.c
    b, r = at.b, at.residuals
    steps = 0
    scale = float(w.sum())
    while steps < max_steps:
        psi = np.clip(r * (1.0 / width), -1.0, 1.0)
        psi *= w
        g = psi @ Z + c
        active = np.flatnonzero(np.abs(r) < width)
        ZA = Z.take(active, axis=0)
        H = (ZA * w[active][:, None]).T @ ZA
        if len(active) < 4 * g.shape[0]:
            stride = max(1, r.shape[0] // (20 * g.shape[0]))
            share = DAMPING * len(active) * stride / r.shape[0]
            H = H + share * weighted_gram(Z[::stride], w[::stride])
        step = width * solve_positive(H, g)
        fall = float(g @ step)
        if not fall > 1e-13 * scale * width:
            break
        u = Z @ step
        t = _along(r, u, w, float(c @ step), width, fall)
        if t is None:
            if float(w @ np.abs(u)) < float(c @ step):
                return Smoothed(b, r, width, at.steps + steps, at.phases + 1, step)
            break
        b = b + t * step
        r = r - t * u
        steps += 1
        if fall < 1e-4 * width * float(np.sum(w[active])) and t == 1.0:
            break
    return Smoothed(b, r, width, at.steps + steps, at.phases + 1)


def _along(
    r: FloatArray, u: FloatArray, w: FloatArray, drift: float, width: float, fall: float
) -> float | None:
    """A step length at which the slope along the line fell to half; None if there is none.

    The negated slope at t is ``sum_i w_i * clip((r_i - t * u_i) / width, -1, 1) * u_i + c'step``, a
    decreasing function of t: its root is bracketed and found by regula falsi with the Illinois
    halving, without which one end of the bracket can stay for ever (Dahlquist & Bjorck 1974).
    """
    wu = w * u

    def slope(t: float) -> float:
        return float(np.clip((r - t * u) * (1.0 / width), -1.0, 1.0) @ wu) + drift

    low, at_low, t = 0.0, fall, 1.0
    at_t = slope(t)
    while at_t > 0.5 * fall:
        if t > 1e12:
            return None
        low, at_low = t, at_t
        t *= 4.0
        at_t = slope(t)
    high, at_high = t, at_t
    side = 0
    for _ in range(60):
        if abs(at_t) <= 0.5 * fall:
            return t
        t = (low * at_high - high * at_low) / (at_high - at_low)
        at_t = slope(t)
        if at_t > 0.0:
            low, at_low = t, at_t
            at_high = at_high * 0.5 if side == 1 else at_high
            side = 1
        else:
            high, at_high = t, at_t
            at_low = at_low * 0.5 if side == -1 else at_low
            side = -1
    return low if low > 0.0 else t


def follow(
    problem: Reduced, at: Smoothed, last: float, factor: float, max_steps: int, max_phases: int
) -> Smoothed:
    """Widths from ``at.width`` down to ``last``, each ``factor`` times the one before."""
    width = at.width
    for _ in range(max_phases):
        at = minimise_smoothed(problem, at, width, max_steps)
        if width <= last or at.ray is not None:
            break
        width = max(last, factor * width)
    return at


def active_count(at: Smoothed) -> int:
    """How many residuals are within the width."""
    return int(np.count_nonzero(np.abs(at.residuals) <= at.width))


def strides_of(m: int, q: int) -> list[int]:
    """Strides 1, 4, 16, ... that leave at least 600 rows, and 15 for each of the q columns."""
    strides = [1]
    while m // (4 * strides[-1]) > max(600, 15 * q):
        strides.append(4 * strides[-1])
    return strides


def predict_from_afar(problem: Reduced, max_phases: int, b: FloatArray) -> Smoothed:
    """A solution whose smoothing bias is below the sampling error, from any b.

    Widths shrink on a coarse stride of the rows until about ``2 * sqrt(q m)`` rows are active,
    since the optimum itself is that uncertain; each stride four times finer halves the width, as
    its sampling error is half as large, and takes a step or two.
    """
    m, q = problem.Z.shape
    strides = strides_of(m, q)
    coarse = problem.every(strides[-1])
    r = coarse.y - coarse.Z @ b
    at = Smoothed(b, r, float(np.median(np.abs(r))) or float(np.mean(np.abs(r))))
    enough = 2.0 * np.sqrt(q * coarse.y.shape[0])
    floor = 1e-10 * float(np.mean(np.abs(coarse.y))) + np.finfo(float).tiny
    while at.phases < max_phases and at.ray is None:
        at = minimise_smoothed(coarse, at, max(at.width, floor), 6)
        if active_count(at) <= enough or at.width <= floor:
            break
        at = Smoothed(at.b, at.residuals, SHRINK * at.width, at.steps, at.phases)
    for stride in strides[-2::-1]:
        if at.phases >= max_phases:
            break
        finer = problem.every(stride)
        on = Smoothed(at.b, finer.y - finer.Z @ at.b, at.width, at.steps, at.phases)
        at = minimise_smoothed(finer, on, max(0.5 * at.width, floor), 4)
    if at.residuals.shape[0] != m:
        at = Smoothed(at.b, problem.y - problem.Z @ at.b, at.width, at.steps, at.phases)
    return at
