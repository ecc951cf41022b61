"""Location and scale in one cost, jointly convex for every log-concave noise.

With ``tau = 1 / scale`` and ``gamma = coef / scale`` the standardised residual
``z = tau * y - X @ gamma`` is linear in both (Olsen 1978; Burridge 1981). The scale is one more
column, y itself, and the cost is ``sum w cost(z) - W log(tau)``. Shapes that are left open are
further parameters, stretched to the whole line.

Columns and y are shifted and scaled inside, so that any units are equally easy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.likelihoods.column_units import SAMPLE_ROWS, standard_units
from sklearn_mle.likelihoods.objective import Derivatives, Objective
from sklearn_mle.likelihoods.saddles import is_valley, without_saddle
from sklearn_mle.noises.noise import Fact, FloatArray, Noise
from sklearn_mle.noises.open_shapes import OpenShapes
from sklearn_mle.rows.design import design, dot, signed_gram, weighted_gram
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.matrix import is_sparse
from sklearn_mle.rows.rows import Block, Rows
from sklearn_mle.rows.unit_design import UnitDesign


class JointObjective(Objective):
    """The cost of coefficients, intercept, scale and open shapes, as a function of theta.

    ``theta`` holds the gamma of standardised columns, that of the intercept, tau, and the places
    of open shapes on the line. Where tau is not positive, or a residual is where the law has no
    density, the cost is infinite.

    Parameters
    ----------
    rows : Rows
    noise : Noise
        Shapes that it leaves open are parameters.
    fit_intercept : bool
    """

    n_scores = 1

    def __init__(self, rows: Rows, noise: Noise, fit_intercept: bool) -> None:
        self.rows = rows
        self.fit_intercept = fit_intercept
        sampled = rows.sample(SAMPLE_ROWS)
        units = standard_units(rows, fit_intercept, sampled.X)
        self.shift, self.unit, self.far = units.shift, units.unit, units.far
        y = sampled.y
        self.y_shift = float(np.median(y)) if fit_intercept else 0.0
        self.y_unit = float(np.mean(np.abs(y - self.y_shift))) or 1.0
        self.n_linear = rows.n_columns + int(fit_intercept) + 1
        self._take(noise)

    def _take(self, noise: Noise) -> None:
        self.open = OpenShapes.of(noise)
        self.size = self.n_linear + self.open.size
        self.convex = Fact.LOG_CONCAVE in noise.facts and not self.open.size

    def on(self, rows: Rows) -> Self:
        other = copy(self)
        other.rows = rows
        return other

    def of(self, noise: Noise) -> Self:
        """The same with another noise."""
        other = copy(self)
        other._take(noise)
        return other

    def held(self, theta: FloatArray) -> Self:
        """The same with the shapes that theta holds; whether the cost is convex is not asked."""
        other = copy(self)
        other.open = OpenShapes.of(self.noise(theta))
        other.size, other.convex = self.n_linear, False
        return other

    def start(self) -> FloatArray:
        return np.concatenate([np.zeros(self.n_linear - 1), [1.0], self.open.start()])

    def pack(self, coef: FloatArray, intercept: Any, scale: float = 1.0) -> FloatArray:
        """``theta``, without shapes, from coefficients of raw columns, intercept and scale."""
        gamma = coef * self.unit / scale
        level = (float(intercept) + self._shifted(coef) - self.y_shift) / scale
        return np.array([*gamma, *([level] if self.fit_intercept else []), self.y_unit / scale])

    def unpack(self, theta: FloatArray) -> tuple[FloatArray, float]:
        scale = self.scale(theta)
        coef = theta[: self.rows.n_columns] / self.unit * scale
        if not self.fit_intercept:
            return coef, 0.0
        level = float(theta[self.n_linear - 2]) * scale
        return coef, level + self.y_shift - self._shifted(coef)

    def tau(self, theta: FloatArray) -> float:
        """One over the scale, in units of y that are standardised."""
        return float(theta[self.n_linear - 1])

    def scale(self, theta: FloatArray) -> float:
        """The scale, in units of y."""
        return self.y_unit / self.tau(theta)

    def noise(self, theta: FloatArray) -> Noise:
        """The noise, with the shapes that theta holds."""
        return self.open.filled(theta[self.n_linear :])

    def residuals(self, theta: FloatArray) -> Any:
        """z of every row, a column."""
        return self.rows.column(lambda block: self._z(block, theta))

    def moved(self, theta: FloatArray, factor: float, shift: float) -> FloatArray:
        """Where every residual z is ``factor * z + shift``; the shift needs an intercept."""
        there = theta.copy()
        there[: self.n_linear] *= factor
        if self.fit_intercept:
            there[self.n_linear - 2] -= shift
        return there

    def _shifted(self, coef: FloatArray) -> float:
        return 0.0 if self.shift is None else float(coef @ self.shift)

    def _law(self, theta: FloatArray) -> Noise | None:
        """The noise at theta; None where it has no scale or no bounded density."""
        noise = self.noise(theta) if self.tau(theta) > 0.0 else None
        return noise if noise is not None and noise.bounded else None

    def value(self, theta: FloatArray) -> float:
        noise = self._law(theta)
        if noise is None:
            return math.inf

        def per_block(block: Block) -> tuple[float]:
            return (float(block.weigh(noise.cost(self._z(block, theta))).sum()),)

        return float(self.rows.total(per_block)[0]) + self._log_scale(theta)

    def value_and_gradient(self, theta: FloatArray) -> tuple[float, FloatArray]:
        u, n = theta[self.n_linear :], self.n_linear
        if self._law(theta) is None:
            return math.inf, np.zeros(self.size)

        def per_block(block: Block) -> tuple[float, FloatArray, FloatArray]:
            A = self._columns(block)
            z = A @ theta[:n]
            cost, slope, turned = self.open.with_slopes(u, z)
            sums = float(block.weigh(cost).sum()), dot(block.weigh(slope), A)
            return *sums, block.weigh(turned).sum(axis=0)

        with np.errstate(invalid="ignore", over="ignore"):
            value, linear, shapes = self.rows.total(per_block)
        linear[-1] -= self.rows.total_weight / self.tau(theta)
        gradient = np.concatenate([linear, shapes])
        if not (math.isfinite(value) and np.isfinite(gradient).all()):
            return math.inf, np.zeros(self.size)
        if u.size:
            gradient[self._held(theta, gradient)] = 0.0
        return float(value) + self._log_scale(theta), gradient

    def derivatives(self, theta: FloatArray) -> Derivatives:
        if self._law(theta) is None:
            return self._nowhere()
        found = self._derivatives(theta, true=True)
        if not self.convex and not is_valley(found.hessian):
            if self.open.size:
                found = found._replace(hessian=without_saddle(found.hessian))
            else:
                found = self._derivatives(theta, true=False)
        if math.isfinite(found.value) and np.isfinite(found.hessian).all():
            return found
        return self._nowhere()

    def true_derivatives(self, theta: FloatArray) -> Derivatives:
        """Cost, gradient, and the Hessian whatever its sign."""
        return self._derivatives(theta, true=True)

    def true_hessian(self, theta: FloatArray) -> FloatArray:
        """The Hessian, whatever its sign, shape (size, size)."""
        return self.true_derivatives(theta).hessian

    def _nowhere(self) -> Derivatives:
        return Derivatives(math.inf, np.zeros(self.size), np.eye(self.size))

    def _derivatives(self, theta: FloatArray, *, true: bool) -> Derivatives:
        """With the true curvatures, or with those of parabolas that touch the cost from above.

        A symmetric cost that grows ever less steeply is below the parabola of curvature
        ``slope / z`` (De Leeuw and Lange 2009), which makes the step one of iterated weighted
        least squares; elsewhere curvatures count without their sign.
        """
        u, n = theta[self.n_linear :], self.n_linear

        def per_block(block: Block) -> tuple[Any, ...]:
            A = self._columns(block)
            z = A @ theta[:n]
            cost, slope, curvature, shapes = self.open.with_derivatives(u, z)
            if not true:
                curvature = np.maximum(np.abs(curvature), slope / np.where(z == 0.0, np.inf, z))
            elif self.convex:
                curvature = np.maximum(curvature, 0.0)
            gram = weighted_gram if self.convex or not true else signed_gram
            product = gram(A, block.weigh(curvature))
            sums = float(block.weigh(cost).sum()), dot(block.weigh(slope), A), product
            if not u.size:
                return sums
            bend = block.weigh(shapes.bend.reshape(z.shape[0], -1)).sum(axis=0)
            turned = block.weigh(shapes.slope)
            cross = np.column_stack([dot(part, A) for part in turned.T])
            return *sums, block.weigh(shapes.cost).sum(axis=0), cross, bend

        with np.errstate(invalid="ignore", over="ignore"):
            value, gradient, hessian, *shapes = self.rows.total(per_block)
        weight, tau = self.rows.total_weight, self.tau(theta)
        gradient[-1] -= weight / tau
        hessian[-1, -1] += weight / tau**2
        if shapes:
            gradient = np.concatenate([gradient, shapes[0]])
            hessian = _bordered(hessian, shapes[1], shapes[2])
            held = self._held(theta, gradient)
            if held.size:
                gradient[held] = 0.0
                hessian[held] = hessian[:, held] = 0.0
                hessian[held, held] = weight
        return Derivatives(float(value) + self._log_scale(theta), gradient, hessian)

    def _held(self, theta: FloatArray, gradient: FloatArray) -> NDArray[np.intp]:
        """Shapes at an end of what is searched, beyond which the cost would fall."""
        u, downhill = theta[self.n_linear :], gradient[self.n_linear :]
        low, high = self.open.reach
        if np.all((low < u) & (u < high)):
            return np.empty(0, dtype=np.intp)
        stopped = (u > high) | (u < low) | ((u == high) & (downhill < 0.0))
        stopped |= (u == low) & (downhill > 0.0)
        return self.n_linear + np.flatnonzero(stopped)

    def along(self, theta: FloatArray, step: FloatArray) -> Callable[[float], float]:
        here, ahead = self.residuals(theta), self.residuals(step)

        def per_block(
            block: Block, z: FloatArray, d: FloatArray, t: float, noise: Noise
        ) -> tuple[float]:
            return (float(block.weigh(noise.cost(z + t * d)).sum()),)

        def cost(t: float) -> float:
            there = theta + t * step
            noise = self.noise(there) if self.tau(there) > 0.0 else None
            if noise is None or not noise.bounded:
                return math.inf
            price = partial(per_block, t=t, noise=noise)
            value = float(self.rows.total(price, here, ahead)[0])
            return value + self._log_scale(there)

        return cost

    def _log_scale(self, theta: FloatArray) -> float:
        return self.rows.total_weight * math.log(self.scale(theta))

    def _columns(self, block: Block) -> Design:
        """What theta multiplies to give z: minus the columns, minus one, y."""
        y = (block.y - self.y_shift) / self.y_unit
        beside: list[Any] = [-1.0, y] if self.fit_intercept else [y]
        if self.shift is None and not is_sparse(block.X):
            return UnitDesign(block.X, -1.0 / self.unit, beside)
        return design(block.X, self.shift, -self.unit, beside, self.far)

    def _z(self, block: Block, theta: FloatArray) -> FloatArray:
        return self._columns(block) @ theta[: self.n_linear]


def _bordered(inner: FloatArray, beside: FloatArray, corner: FloatArray) -> FloatArray:
    """The symmetric matrix of these parts, shape (n + k, n + k)."""
    n, k = beside.shape
    made = np.empty((n + k, n + k))
    made[:n, :n], made[:n, n:], made[n:, :n] = inner, beside, beside.T
    made[n:, n:] = corner.reshape(k, k)
    return made
