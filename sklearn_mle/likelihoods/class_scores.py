"""Parameters of classes, and the scores that they give the rows of a block.

Scores are only defined up to a number common to all classes. With more than two classes the
coefficients are made to sum to zero over the classes, by writing them as ``Q @ theta`` with an
orthonormal basis Q of that space: ``theta`` is then unconstrained, and what is shortest in theta is
shortest, and treats all classes alike, in the coefficients. Two classes are one logit, the score of
the second class over the first: the Bernoulli law.

Inside, columns are shifted and scaled, so that columns in any units are equally easy to fit, and
the intercept is one more column of ones, made block by block.
"""

from __future__ import annotations

import numpy as np

from sklearn_mle.likelihoods.class_laws import Law, bernoulli, categorical, without_excluded
from sklearn_mle.likelihoods.class_products import in_basis, sum_to_zero_basis
from sklearn_mle.likelihoods.column_units import standard_units
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import design, dot, weighted_gram
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.rows import Block, Rows

EPS = float(np.finfo(float).eps)


class ClassScores:
    """What the flat parameters ``theta`` of classes are, and what they say of rows.

    Parameters
    ----------
    rows : Rows
        ``y`` holds class codes.
    n_classes : int
        At least 2.
    fit_intercept : bool

    Attributes
    ----------
    size : int
        ``(n_classes - 1) * (n_columns + fit_intercept)``; theta runs over classes, then columns.
    """

    def __init__(self, rows: Rows, n_classes: int, fit_intercept: bool) -> None:
        self.rows = rows
        self.n_classes = n_classes
        self.fit_intercept = fit_intercept
        units = standard_units(rows, fit_intercept)
        self.shift, self.unit, self.far = units.shift, units.unit, units.far
        self.basis = np.ones((1, 1)) if n_classes == 2 else sum_to_zero_basis(n_classes)
        self.n_scores = n_classes - 1
        self.n_terms = rows.n_columns + int(fit_intercept)
        self.size = self.n_scores * self.n_terms
        self.term_unit = np.append(self.unit, np.ones(int(fit_intercept)))

    @property
    def _ones(self) -> list[float]:
        """The column of the intercept, beside others."""
        return [1.0] if self.fit_intercept else []

    def pack(self, coef: FloatArray, intercept: FloatArray) -> FloatArray:
        """``theta`` from coefficients of raw columns, shapes (K or 1, p) and (K or 1,)."""
        terms = coef * self.unit
        if self.fit_intercept:
            level = intercept if self.shift is None else intercept + coef @ self.shift
            terms = np.column_stack([terms, level])
        return (self.basis.T @ terms).ravel()

    def unpack(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Coefficients (K or 1, p) and intercepts (K or 1,) of raw columns from ``theta``."""
        terms = self.basis @ theta.reshape(self.n_scores, self.n_terms)
        if not self.fit_intercept:
            return terms / self.unit, np.zeros(terms.shape[0])
        coef, level = terms[:, :-1] / self.unit, terms[:, -1]
        return coef, level if self.shift is None else level - coef @ self.shift

    def rounding(self, coef: FloatArray, intercept: FloatArray) -> float:
        """About what rounding of scores changes of the cost, relative to it.

        A score is off by its terms' last digits, which add up as their root sum of squares, and the
        slope of a row's cost in its scores is at most twice that cost itself. Coefficients of raw
        columns, shapes (K or 1, p) and (K or 1,).
        """
        away = 0.0 if self.shift is None else np.abs(self.shift)
        terms = np.column_stack([coef * (away + self.unit), intercept])
        return 2.0 * EPS * float(np.linalg.norm(terms, axis=1).max())

    def _columns(self, block: Block) -> Design:
        """The columns that theta multiplies, shifted only where they must be."""
        return design(block.X, self.shift, far=self.far)

    def _linear(self, Z: Design, per_term: FloatArray) -> FloatArray:
        """Scores of shape (m, K), or (m, 1) for two classes; each class contiguous."""
        p = Z.shape[1]
        one, several = self.n_scores == 1, per_term[:p]
        scores = (Z @ several[:, 0])[:, None] if one else (several.T @ Z.T).T
        if self.fit_intercept:
            scores += per_term[p]
        return scores

    def _moments(self, Z: Design, surplus: FloatArray) -> FloatArray:
        """``sum_i z_i surplus_i'`` over columns and intercept, shape (n_terms, K or 1)."""
        sums = dot(surplus[:, 0], Z)[:, None] if self.n_scores == 1 else dot(Z.T, surplus)
        return np.vstack([sums, surplus.sum(axis=0)]) if self.fit_intercept else sums

    def _weighted_gram(self, Z: Design, weight: FloatArray, single: bool = False) -> FloatArray:
        """``sum_i weight_i z_i z_i'`` over columns and intercept, shape (n_terms, n_terms)."""
        if not self.fit_intercept:
            return weighted_gram(Z, weight, single=single)
        p = Z.shape[1]
        gram = np.empty((p + 1, p + 1), dtype=weight.dtype)
        gram[:p, :p] = weighted_gram(Z, weight, single=single)
        gram[p, :p] = gram[:p, p] = dot(weight, Z)
        gram[p, p] = weight.sum()
        return gram

    def _per_term(self, theta: FloatArray) -> FloatArray:
        """What shifted columns are multiplied with to give scores, shape (n_terms, K or 1)."""
        return (self.basis @ theta.reshape(self.n_scores, self.n_terms) / self.term_unit).T

    def _from_terms(self, gradient: FloatArray) -> FloatArray:
        """The gradient in theta from that in the coefficients of shifted columns."""
        return (self.basis.T @ gradient / self.term_unit).ravel()

    def _scores(self, block: Block, theta: FloatArray) -> FloatArray:
        return self._linear(self._columns(block), self._per_term(theta))

    def _law(self, block: Block, scores: FloatArray) -> Law:
        """The law of these scores, which are written over."""
        scores = without_excluded(block, scores)
        return bernoulli(block, scores) if self.n_classes == 2 else categorical(block, scores)

    def _assemble(self, products: FloatArray) -> FloatArray:
        """The Hessian in theta from the products of pairs."""
        if self.n_classes == 2:
            return products[0] / self.term_unit / self.term_unit[:, None]
        reduced = in_basis(products, self.basis)
        unit = np.tile(self.term_unit, self.n_scores)
        return reduced / unit / unit[:, None]
