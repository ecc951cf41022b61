"""Half the sum of squares, as an objective that is known by products: for many sparse columns.

Columns and y are shifted and scaled inside, and the intercept is one more column of ones.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, Self

import numpy as np

from sklearn_mle.likelihoods.column_units import standard_units
from sklearn_mle.likelihoods.objective import Derivatives, Products
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import Design, column_squares, design, dot, weighted_gram
from sklearn_mle.rows.rows import Block, Rows


class SquaresObjective(Products):
    """``sum w r**2 / 2`` of the residuals in units of y, as a function of theta.

    Theta holds the coefficients of standardised columns, and then that of the intercept.

    Parameters
    ----------
    rows : Rows
    fit_intercept : bool
    """

    n_scores = 1
    lower_bound = 0.0

    def __init__(self, rows: Rows, fit_intercept: bool) -> None:
        self.rows = rows
        units = standard_units(rows, fit_intercept)
        self.shift = np.zeros(rows.n_columns) if units.shift is None else units.shift
        self.unit, self.far = units.unit, units.far
        self.ones = [1.0] if fit_intercept else []
        self.size = self.n_terms = rows.n_columns + len(self.ones)
        self.y_shift, self.y_unit = _moments_of_y(rows, fit_intercept)

    def on(self, rows: Rows) -> Self:
        other = copy(self)
        other.rows = rows
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
        return self._total(theta, lambda Z, r: ())[0]

    def value_and_gradient(self, theta: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = self._total(theta, lambda Z, r: (-dot(r, Z),))
        return value, gradient

    def derivatives(self, theta: FloatArray) -> Derivatives:
        def per_block(block: Block) -> tuple[FloatArray]:
            return (weighted_gram(self._columns(block), block.weigh(np.ones(block.n_rows))),)

        value, gradient = self.value_and_gradient(theta)
        return Derivatives(value, gradient, self.rows.total(per_block)[0])

    def along(self, theta: FloatArray, step: FloatArray) -> Callable[[float], float]:
        value, gradient = self.value_and_gradient(theta)
        slope, bend = float(gradient @ step), float(step @ self._product(step))
        return lambda t: value + t * slope + 0.5 * t * t * bend

    def across_scores(self) -> FloatArray:
        return np.ones((1, 1))

    def gram_product(self, v: FloatArray) -> FloatArray:
        return self._product(v) / self.rows.total_weight

    def hessian_diagonal(self, theta: FloatArray) -> FloatArray:
        def per_block(block: Block) -> tuple[FloatArray]:
            weight = block.weigh(np.ones(block.n_rows))
            return (column_squares(self._columns(block), weight),)

        return self.rows.total(per_block)[0]

    def hessian_product(self, theta: FloatArray) -> Callable[[FloatArray], FloatArray]:
        return self._product

    def _product(self, v: FloatArray) -> FloatArray:
        def per_block(block: Block) -> tuple[FloatArray]:
            Z = self._columns(block)
            return (dot(block.weigh(Z @ v), Z),)

        return self.rows.total(per_block)[0]

    def _columns(self, block: Block) -> Design:
        return design(block.X, self.shift, self.unit, self.ones, self.far)

    def _total(
        self, theta: FloatArray, beside: Callable[[Design, FloatArray], tuple[Any, ...]]
    ) -> tuple[Any, ...]:
        """The value, and sums made of the columns and weighted residuals."""

        def per_block(block: Block) -> tuple[Any, ...]:
            Z = self._columns(block)
            r = (block.y - self.y_shift) / self.y_unit - Z @ theta
            weighted = block.weigh(r)
            return 0.5 * float(weighted @ r), *beside(Z, weighted)

        return self.rows.total(per_block)


def _moments_of_y(rows: Rows, fit_intercept: bool) -> tuple[float, float]:
    """The mean of y, if there is an intercept, and its root mean square about that."""

    def first(block: Block) -> tuple[float]:
        return (float(block.weigh(block.y).sum()),)

    shift = rows.total(first)[0] / rows.total_weight if fit_intercept else 0.0

    def second(block: Block) -> tuple[float]:
        return (float(block.weigh(np.square(block.y - shift)).sum()),)

    return shift, float(np.sqrt(rows.total(second)[0] / rows.total_weight)) or 1.0
