"""The likelihood of classes: P(class | x) is the softmax of linear scores."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from sklearn_mle.likelihoods.class_images import image_products
from sklearn_mle.likelihoods.class_laws import probabilities, without_excluded
from sklearn_mle.likelihoods.class_products import FEW_TERMS, stacked_products
from sklearn_mle.likelihoods.class_scores import ClassScores
from sklearn_mle.likelihoods.objective import Derivatives, MatrixFree
from sklearn_mle.noises.noise import Fact, FloatArray
from sklearn_mle.rows.design import column_squares, design, dot, times_rows
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.rows import Block, Rows

ROWS_OF_A_CALL = 5000
"""Rows whose gradient costs as much as the calls of any pass; a Hessian takes half as many more."""
SINGLE_TERMS = 32
"""Terms from which the Hessian for a step is made in single precision (50: 0.7 of the time)."""
SINGLE_LARGEST = 1e30
"""Size of sums, and one over the least, that single precision holds with room to spare."""
FREQUENCY_ROWS = 1000
"""Rows that tell how frequent classes are."""


@dataclass(frozen=True)
class Softmax:
    """A categorical law over ``n_classes`` classes; ``y`` holds their codes, 0 to n_classes - 1."""

    n_classes: int
    facts = Fact.SMOOTH | Fact.LOG_CONCAVE

    @property
    def n_scores(self) -> int:
        """Free scores a row: one less than classes."""
        return self.n_classes - 1

    def objective(self, rows: Rows, fit_intercept: bool) -> SoftmaxObjective:
        """The cost of these rows as a function of flat parameters."""
        return SoftmaxObjective(rows, self.n_classes, fit_intercept)


class SoftmaxObjective(ClassScores, MatrixFree):
    """The cost of classes as a function of ``theta``, coefficients of standardised columns.

    Parameters and attributes are those of `ClassScores`, and

    Attributes
    ----------
    lower_bound : float
        No probability is above 1, so no cost is below 0.
    """

    lower_bound = 0.0

    @property
    def hessian_cost(self) -> float:
        # exponentials make the other passes the dearer (measured, 3 to 10 classes)
        full = super().hessian_cost if self.n_scores == 1 else 1.0 + self.size / 30.0
        n = self.rows.n_rows
        return (0.5 * ROWS_OF_A_CALL + full * n) / (ROWS_OF_A_CALL + n)

    def on(self, rows: Rows) -> Self:
        other = copy(self)
        other.rows = rows
        return other

    def start(self) -> FloatArray:
        return np.zeros(self.size)

    def value(self, theta: FloatArray) -> float:
        def per_block(block: Block) -> tuple[float]:
            return (self._law(block, self._scores(block, theta)).cost(),)

        return float(self.rows.total(per_block)[0])

    def value_of(self, scores: Callable[[Block], FloatArray]) -> float:
        """The cost of scores of blocks, shape (m, K), or (m, 1) for two classes."""

        def per_block(block: Block) -> tuple[float]:
            return (self._law(block, scores(block)).cost(),)

        return float(self.rows.total(per_block)[0])

    def value_and_gradient(self, theta: FloatArray) -> tuple[float, FloatArray]:
        per_term = self._per_term(theta)

        def per_block(block: Block) -> tuple[float, FloatArray]:
            Z = self._columns(block)
            law = self._law(block, self._linear(Z, per_term))
            return law.cost(), self._moments(Z, law.surplus)

        value, gradient = self.rows.total(per_block)
        return float(value), self._from_terms(gradient.T)

    def gradient(self, theta: FloatArray) -> FloatArray:
        per_term = self._per_term(theta)

        def per_block(block: Block) -> tuple[FloatArray]:
            Z = self._columns(block)
            return (self._moments(Z, self._law(block, self._linear(Z, per_term)).surplus),)

        (gradient,) = self.rows.total(per_block)
        return self._from_terms(gradient.T)

    def derivatives(self, theta: FloatArray) -> Derivatives:
        return self._derivatives(theta, single=False)

    def rough_derivatives(self, theta: FloatArray) -> tuple[Derivatives, bool]:
        if self.n_terms < SINGLE_TERMS or self.rows.density < 1.0:
            return self.derivatives(theta), False
        found = self._derivatives(theta, single=True)
        sizes = found.hessian.diagonal() * np.tile(np.square(self.term_unit), self.n_scores)
        seen = bool(np.all((sizes > 1.0 / SINGLE_LARGEST) & (sizes < SINGLE_LARGEST)))
        return (found, True) if seen else (self.derivatives(theta), False)

    def _derivatives(self, theta: FloatArray, single: bool) -> Derivatives:
        per_term = self._per_term(theta)

        def per_block(block: Block) -> tuple[float, FloatArray, FloatArray]:
            Z = self._columns(block)
            scores = self._linear(Z, per_term)
            law = self._law(block, scores)
            if self.n_classes > 2 and self.n_terms <= FEW_TERMS and isinstance(Z, np.ndarray):
                P = probabilities(scores)
                products = stacked_products(Z, P, block.weight, self.fit_intercept)
            else:
                grams = [self._weighted_gram(Z, each, single) for each in law.curvatures()]
                products = np.array(grams)
            return law.cost(), self._moments(Z, law.surplus), products

        value, gradient, products = self.rows.total(per_block)
        return Derivatives(float(value), self._from_terms(gradient.T), self._assemble(products))

    def along(self, theta: FloatArray, step: FloatArray) -> Callable[[float], float]:
        here = self.rows.column(lambda block: self._scores(block, theta))
        ahead = self.rows.column(lambda block: self._scores(block, step))

        def per_block(block: Block, s: FloatArray, d: FloatArray, t: float) -> tuple[float]:
            return (self._law(block, s + t * d).cost(),)

        return lambda t: float(self.rows.total(partial(per_block, t=t), here, ahead)[0])

    def across_scores(self) -> FloatArray:
        """As if scores said nothing but how frequent each class is."""
        rows = self.rows.sample(FREQUENCY_ROWS)
        seen = np.bincount(rows.y.astype(np.intp), rows.weight, self.n_classes) + 1.0
        often = seen / seen.sum()
        across = np.diag(often) - np.outer(often, often)
        return across[1:, 1:] if self.n_classes == 2 else self.basis.T @ across @ self.basis

    def terms(self, m: int, kind: type = np.float64) -> Design:
        rows = self.rows.sample(m)
        Z = design(rows.X, self.shift, self.unit, self._ones, self.far, kind=kind)
        share = np.ones(rows.n_rows) if rows.weight is None else np.sqrt(rows.weight)
        return times_rows(Z, share / np.sqrt(rows.total_weight), out=Z)

    def mean_gram(self, m: int | None = None) -> FloatArray:
        def per_block(block: Block) -> tuple[FloatArray]:
            weight = np.ones(block.n_rows) if block.weight is None else block.weight
            return (self._weighted_gram(self._columns(block), weight),)

        rows = self.rows if m is None else self.rows.sample(m)
        (gram,) = rows.total(per_block)
        gram /= self.term_unit * rows.total_weight
        gram /= self.term_unit[:, None]
        return np.asarray(gram)

    def gram_product(self, v: FloatArray) -> FloatArray:
        per_term = v / self.term_unit

        def per_block(block: Block) -> tuple[FloatArray]:
            Z = design(block.X, self.shift, None, self._ones, self.far)
            return (dot(block.weigh(Z @ per_term), Z),)

        (product,) = self.rows.total(per_block)
        return product / (self.term_unit * self.rows.total_weight)

    def hessian_diagonal(self, theta: FloatArray) -> FloatArray:
        per_term, basis = self._per_term(theta), self.basis

        def per_block(block: Block) -> tuple[FloatArray]:
            scores = self._linear(self._columns(block), per_term)
            P = probabilities(without_excluded(block, scores))
            if self.n_classes == 2:
                bends = P[:, :1] * P[:, 1:]
            else:
                bends = P @ np.square(basis) - np.square(P @ basis)
            Z = design(block.X, self.shift, None, self._ones, self.far)
            return (np.array([column_squares(Z, bend) for bend in block.weigh(bends).T]),)

        (sums,) = self.rows.total(per_block)
        return (sums / np.square(self.term_unit)).ravel()

    def hessian_product(self, theta: FloatArray) -> Callable[[FloatArray], FloatArray]:
        return self._product_with(
            self.rows.column(lambda block: self._bends(block, self._scores(block, theta)))
        )

    def curvature_along(self, theta: FloatArray, V: FloatArray) -> tuple[FloatArray, FloatArray]:
        r, per_term = V.shape[1], self._per_term(theta)
        lines = np.array([self._per_term(v).T for v in V.T])
        p = self.rows.n_columns
        levels = lines[:, :, p] if self.fit_intercept else np.zeros(lines.shape[:2])

        def per_block(block: Block) -> tuple[FloatArray, ...]:
            Z = self._columns(block)
            P = probabilities(without_excluded(block, self._linear(Z, per_term)))
            weight = np.ones(block.n_rows) if block.weight is None else block.weight
            return image_products(Z, P, weight, lines[:, :, :p], levels)

        of_terms, of_ones, own = self.rows.total(per_block)
        if self.fit_intercept:
            of_terms = np.concatenate([of_terms, of_ones[:, :, None]], axis=2)
        back = [self._from_terms(each) for each in of_terms]
        return np.array(back).reshape(r, -1).T, own

    def model(
        self, theta: FloatArray
    ) -> tuple[float, FloatArray, Callable[[FloatArray], FloatArray]]:
        per_term = self._per_term(theta)

        def per_block(block: Block) -> tuple[FloatArray, tuple[float, FloatArray]]:
            Z = self._columns(block)
            scores = self._linear(Z, per_term)
            law = self._law(block, scores)
            return self._bends(block, scores), (law.cost(), self._moments(Z, law.surplus))

        known, (value, gradient) = self.rows.column_and_total(per_block)
        return float(value), self._from_terms(gradient.T), self._product_with(known)

    def _bends(self, block: Block, scores: FloatArray) -> FloatArray:
        """Weighted curvatures of one logit, or probabilities: what `_product_with` needs."""
        P = probabilities(without_excluded(block, scores))
        return block.weigh(P[:, :1] * P[:, 1:]) if self.n_classes == 2 else P

    def _product_with(self, known: Any) -> Callable[[FloatArray], FloatArray]:
        """The Hessian times a vector, from a column of bends."""

        def per_block(block: Block, bends: FloatArray, ahead: FloatArray) -> tuple[FloatArray]:
            Z = self._columns(block)
            moves = self._linear(Z, ahead)
            if self.n_classes > 2:
                moves -= np.einsum("ik,ik->i", bends, moves)[:, None]
                moves = block.weigh(moves)
            moves *= bends
            return (self._moments(Z, moves),)

        def product(vector: FloatArray) -> FloatArray:
            ahead = self._per_term(vector)
            (moments,) = self.rows.total(lambda block, part: per_block(block, part, ahead), known)
            return self._from_terms(moments.T)

        return product
