"""A convex cost of residuals that is known by products: for very many sparse columns.

Columns and y are shifted and scaled inside, and the intercept is one more column of ones.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from sklearn_mle.likelihoods.column_units import standard_units
from sklearn_mle.likelihoods.objective import Derivatives, Products
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import column_squares, design, dot, weighted_gram
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.rows import Block, Rows


class Price(Protocol):
    """What a residual costs, with its slope and its curvature, which is not negative."""

    def cost(self, r: FloatArray) -> FloatArray: ...

    def slope(self, r: FloatArray) -> FloatArray: ...

    def bend(self, r: FloatArray) -> FloatArray: ...


class HalfSquare:
    """``r**2 / 2``."""

    def cost(self, r: FloatArray) -> FloatArray:
        return 0.5 * np.square(r)

    def slope(self, r: FloatArray) -> FloatArray:
        return r

    def bend(self, r: FloatArray) -> FloatArray:
        return np.ones_like(r)


@dataclass(frozen=True)
class SmoothedAbsolute:
    """``|r| + tilt * r`` with the corner rounded: a parabola up to the width (Huber 1964).

    Parameters
    ----------
    width : float
    tilt : float
        Twice the quantile, less one.
    background : float
        Curvature beyond the width, over that within, that steps are taken with.
    """

    width: float
    tilt: float
    background: float = 1e-4

    def cost(self, r: FloatArray) -> FloatArray:
        size = np.abs(r)
        inner = 0.5 * (np.square(r) / self.width + self.width)
        return np.where(size < self.width, inner, size) + self.tilt * r

    def slope(self, r: FloatArray) -> FloatArray:
        return np.clip(r / self.width, -1.0, 1.0) + self.tilt

    def bend(self, r: FloatArray) -> FloatArray:
        return np.where(np.abs(r) < self.width, 1.0, self.background) / self.width


class ResidualProducts(Products):
    """The cost of residuals in units of y, as a function of theta.

    Theta holds the coefficients of standardised columns, and then that of the intercept.

    Parameters
    ----------
    rows : Rows
    fit_intercept : bool
    price : Price
    """

    n_scores = 1

    def __init__(self, rows: Rows, fit_intercept: bool, price: Price) -> None:
        self.rows = rows
        self.price = price
        units = standard_units(rows, fit_intercept)
        self.shift = np.zeros(rows.n_columns) if units.shift is None else units.shift
        self.unit, self.far = units.unit, units.far
        self.ones = [1.0] if fit_intercept else []
        self.size = self.n_terms = rows.n_columns + len(self.ones)
        self.y_shift, self.y_unit = _moments_of_y(rows, fit_intercept)

    @property
    def is_quadratic(self) -> bool:
        return isinstance(self.price, HalfSquare)

    def on(self, rows: Rows) -> Self:
        other = copy(self)
        other.rows = rows
        return other

    def of(self, price: Price) -> Self:
        """The same with another price."""
        other = copy(self)
        other.price = price
        return other

    def start(self) -> FloatArray:
        return np.zeros(self.size)

    def pack(self, coef: FloatArray, intercept: Any) -> FloatArray:
        level = float(intercept) + float(coef @ self.shift) - self.y_shift
        return np.array([*(coef * self.unit), *([level] if self.ones else [])]) / self.y_unit

    def unpack(self, theta: FloatArray) -> tuple[FloatArray, float]:
        coef = theta[: self.rows.n_columns] / self.unit * self.y_unit
        if not self.ones:
            return coef, 0.0
        return coef, float(theta[-1] * self.y_unit + self.y_shift - coef @ self.shift)

    def value(self, theta: FloatArray) -> float:
        def per_block(block: Block) -> tuple[float]:
            r = self.residuals(block, theta)
            return (float(block.weigh(self.price.cost(r)).sum()),)

        return float(self.rows.total(per_block)[0])

    def value_and_gradient(self, theta: FloatArray) -> tuple[float, FloatArray]:
        def per_block(block: Block) -> tuple[float, FloatArray]:
            Z = self.columns(block)
            r = self.residuals(block, theta, Z)
            slope = block.weigh(self.price.slope(r))
            return float(block.weigh(self.price.cost(r)).sum()), -dot(slope, Z)

        value, gradient = self.rows.total(per_block)
        return float(value), gradient

    def derivatives(self, theta: FloatArray) -> Derivatives:
        def per_block(block: Block) -> tuple[FloatArray]:
            Z = self.columns(block)
            bend = self.price.bend(self.residuals(block, theta, Z))
            return (weighted_gram(Z, block.weigh(bend)),)

        value, gradient = self.value_and_gradient(theta)
        return Derivatives(value, gradient, self.rows.total(per_block)[0])

    def along(self, theta: FloatArray, step: FloatArray) -> Callable[[float], float]:
        here = self.rows.column(lambda block: self.residuals(block, theta))
        ahead = self.rows.column(lambda block: self.columns(block) @ step)

        def cost(t: float) -> float:
            def per_block(block: Block, r: FloatArray, d: FloatArray) -> tuple[float]:
                return (float(block.weigh(self.price.cost(r - t * d)).sum()),)

            return float(self.rows.total(per_block, here, ahead)[0])

        return cost

    def across_scores(self) -> FloatArray:
        return np.ones((1, 1))

    def gram_product(self, v: FloatArray) -> FloatArray:
        def per_block(block: Block) -> tuple[FloatArray]:
            Z = self.columns(block)
            return (dot(block.weigh(Z @ v), Z),)

        product: FloatArray = self.rows.total(per_block)[0]
        return product / self.rows.total_weight

    def hessian_diagonal(self, theta: FloatArray) -> FloatArray:
        def per_block(block: Block) -> tuple[FloatArray]:
            Z = self.columns(block)
            bend = self.price.bend(self.residuals(block, theta, Z))
            return (column_squares(Z, block.weigh(bend)),)

        return self.rows.total(per_block)[0]

    def hessian_product(self, theta: FloatArray) -> Callable[[FloatArray], FloatArray]:
        if self.is_quadratic:
            return lambda v: self.gram_product(v) * self.rows.total_weight
        return self.product_with(
            self.rows.column(lambda block: self.price.bend(self.residuals(block, theta)))
        )

    def product_with(self, bends: Any) -> Callable[[FloatArray], FloatArray]:
        """``Z' diag(w * bends) Z`` times a vector, for a column of curvatures."""

        def product(v: FloatArray) -> FloatArray:
            def per_block(block: Block, bend: FloatArray) -> tuple[FloatArray]:
                Z = self.columns(block)
                return (dot(block.weigh(bend * (Z @ v)), Z),)

            return self.rows.total(per_block, bends)[0]

        return product

    def columns(self, block: Block) -> Design:
        """What theta multiplies."""
        return design(block.X, self.shift, self.unit, self.ones, self.far)

    def residuals(self, block: Block, theta: FloatArray, Z: Design = None) -> FloatArray:
        """In units of y, shape (m,)."""
        Z = self.columns(block) if Z is None else Z
        return (block.y - self.y_shift) / self.y_unit - Z @ theta


def _moments_of_y(rows: Rows, fit_intercept: bool) -> tuple[float, float]:
    """The mean of y, if there is an intercept, and its root mean square about that."""

    def first(block: Block) -> tuple[float]:
        return (float(block.weigh(block.y).sum()),)

    shift = rows.total(first)[0] / rows.total_weight if fit_intercept else 0.0

    def second(block: Block) -> tuple[float]:
        return (float(block.weigh(np.square(block.y - shift)).sum()),)

    return shift, float(np.sqrt(rows.total(second)[0] / rows.total_weight)) or 1.0
