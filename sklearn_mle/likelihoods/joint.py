"""Location and scale in one cost, jointly convex for every log-concave noise.

With ``tau = 1 / scale`` and ``gamma = coef / scale`` the standardised residual
``z = tau * y - X @ gamma`` is linear in both (Olsen 1978; Burridge 1981). The scale is one more
column, y itself, and the cost is ``sum w cost(z) - W log(tau)``.

Columns and y are shifted and scaled inside, so that any units are equally easy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any, Self

import numpy as np
from scipy import linalg

from sklearn_mle.likelihoods.column_units import standard_units
from sklearn_mle.likelihoods.objective import Derivatives, Objective
from sklearn_mle.noises.noise import Fact, FloatArray, Noise
from sklearn_mle.rows.design import Design, design, dot, signed_gram, weighted_gram
from sklearn_mle.rows.rows import Block, Rows

SAMPLE_ROWS = 1000
FLAT = 1e-12
"""Curvature, relative to the largest, that rounding errors can make of none."""


class JointObjective(Objective):
    """The cost of coefficients, intercept and scale, as a function of theta.

    ``theta`` holds the gamma of standardised columns, that of the intercept, and tau. Where tau is
    not positive the cost is infinite.

    Parameters
    ----------
    rows : Rows
    noise : Noise
        With all shapes filled in.
    fit_intercept : bool
    """

    n_scores = 1

    def __init__(self, rows: Rows, noise: Noise, fit_intercept: bool) -> None:
        self.rows = rows
        self.noise = noise
        self.fit_intercept = fit_intercept
        units = standard_units(rows, fit_intercept)
        self.shift, self.unit, self.far = units.shift, units.unit, units.far
        y = rows.sample(SAMPLE_ROWS).y
        self.y_shift = float(np.median(y)) if fit_intercept else 0.0
        self.y_unit = float(np.mean(np.abs(y - self.y_shift))) or 1.0
        self.size = rows.n_columns + int(fit_intercept) + 1
        self.origin = np.append(np.zeros(self.size - 1), 1.0)
        self.convex = Fact.LOG_CONCAVE in noise.facts

    def on(self, rows: Rows) -> Self:
        other = copy(self)
        other.rows = rows
        return other

    def of(self, noise: Noise) -> Self:
        """The same with another noise."""
        other = copy(self)
        other.noise = noise
        other.convex = Fact.LOG_CONCAVE in noise.facts
        return other

    def start(self) -> FloatArray:
        return self.origin

    def pack(self, coef: FloatArray, intercept: Any, scale: float = 1.0) -> FloatArray:
        """``theta`` from coefficients of raw columns, intercept and scale."""
        gamma = coef * self.unit / scale
        level = (float(intercept) + self._shifted(coef) - self.y_shift) / scale
        return np.array([*gamma, *([level] if self.fit_intercept else []), self.y_unit / scale])

    def unpack(self, theta: FloatArray) -> tuple[FloatArray, float]:
        scale = self.scale(theta)
        coef = theta[: self.rows.n_columns] / self.unit * scale
        if not self.fit_intercept:
            return coef, 0.0
        return coef, float(theta[-2] * scale + self.y_shift - self._shifted(coef))

    def scale(self, theta: FloatArray) -> float:
        """The scale, in units of y."""
        return self.y_unit / float(theta[-1])

    def _shifted(self, coef: FloatArray) -> float:
        return 0.0 if self.shift is None else float(coef @ self.shift)

    def value(self, theta: FloatArray) -> float:
        if not theta[-1] > 0.0:
            return math.inf

        def per_block(block: Block) -> tuple[float]:
            return (float(block.weigh(self.noise.cost(self._z(block, theta))).sum()),)

        return float(self.rows.total(per_block)[0]) + self._log_scale(theta)

    def value_and_gradient(self, theta: FloatArray) -> tuple[float, FloatArray]:
        if not theta[-1] > 0.0:
            return math.inf, np.zeros(self.size)

        def per_block(block: Block) -> tuple[float, FloatArray]:
            A = self._columns(block)
            z = A @ theta
            slope = block.weigh(self.noise.slope(z))
            return float(block.weigh(self.noise.cost(z)).sum()), dot(slope, A)

        value, gradient = self.rows.total(per_block)
        gradient[-1] -= self.rows.total_weight / theta[-1]
        return float(value) + self._log_scale(theta), gradient

    def derivatives(self, theta: FloatArray) -> Derivatives:
        if not theta[-1] > 0.0:
            return Derivatives(math.inf, np.zeros(self.size), np.eye(self.size))
        found = self._derivatives(theta, np.asarray)
        if not self.convex and not _is_valley(found.hessian):
            found = self._derivatives(theta, None)
        if math.isfinite(found.value) and np.isfinite(found.hessian).all():
            return found
        return Derivatives(math.inf, np.zeros(self.size), np.eye(self.size))

    def _derivatives(self, theta: FloatArray, keep: Callable[..., Any] | None) -> Derivatives:
        """With the true curvatures, or with those of parabolas that touch the cost from above.

        A symmetric cost that grows ever less steeply is below the parabola of curvature
        ``slope / z`` (De Leeuw and Lange 2009), which makes the step one of iterated weighted
        least squares; elsewhere curvatures count without their sign.
        """

        def per_block(block: Block) -> tuple[float, FloatArray, FloatArray]:
            A = self._columns(block)
            z = A @ theta
            cost, slope, curvature = self.noise.derivatives(z)
            if keep is None:
                curvature = np.maximum(np.abs(curvature), slope / np.where(z == 0.0, np.inf, z))
            elif self.convex:
                curvature = np.maximum(curvature, 0.0)
            gram = weighted_gram if self.convex or keep is None else signed_gram
            product = gram(A, block.weigh(curvature))
            return float(block.weigh(cost).sum()), dot(block.weigh(slope), A), product

        with np.errstate(invalid="ignore", over="ignore"):
            value, gradient, hessian = self.rows.total(per_block)
        weight, tau = self.rows.total_weight, float(theta[-1])
        gradient[-1] -= weight / tau
        hessian[-1, -1] += weight / tau**2
        return Derivatives(float(value) + self._log_scale(theta), gradient, hessian)

    def along(self, theta: FloatArray, step: FloatArray) -> Callable[[float], float]:
        here = self.rows.column(lambda block: self._z(block, theta))
        ahead = self.rows.column(lambda block: self._z(block, step))

        def per_block(block: Block, z: FloatArray, d: FloatArray, t: float) -> tuple[float]:
            return (float(block.weigh(self.noise.cost(z + t * d)).sum()),)

        def cost(t: float) -> float:
            there = theta + t * step
            if not there[-1] > 0.0:
                return math.inf
            value = float(self.rows.total(partial(per_block, t=t), here, ahead)[0])
            return value + self._log_scale(there)

        return cost

    def _log_scale(self, theta: FloatArray) -> float:
        return self.rows.total_weight * math.log(self.scale(theta))

    def _columns(self, block: Block) -> Design:
        """What theta multiplies to give z: minus the columns, minus one, y."""
        y = (block.y - self.y_shift) / self.y_unit
        beside: list[Any] = [-1.0, y] if self.fit_intercept else [y]
        return design(block.X, self.shift, -self.unit, beside, self.far)

    def _z(self, block: Block, theta: FloatArray) -> FloatArray:
        return self._columns(block) @ theta


def _is_valley(hessian: FloatArray) -> bool:
    """Whether no direction bends downwards by more than rounding."""
    if not np.isfinite(hessian).all():
        return False
    if not linalg.lapack.dpotrf(hessian)[1]:
        return True
    diagonal = np.diag(hessian)
    if diagonal.min() < 0.0:
        return False
    unit = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    values = np.linalg.eigvalsh(hessian / np.outer(unit, unit))
    return bool(values[0] >= -FLAT * values[-1])
