"""The likelihood of classes: P(class | x) is the softmax of linear scores.

Scores are only defined up to a number common to all classes. With more than two classes the
coefficients are made to sum to zero over the classes, by writing them as ``Q @ theta`` with an
orthonormal basis Q of that space: ``theta`` is then unconstrained, and what is shortest in theta is
shortest, and treats all classes alike, in the coefficients. Two classes are one logit, the score of
the second class over the first: the Bernoulli law.

Inside, columns are shifted and scaled, so that columns in any units are equally easy to fit, and
the intercept is one more column of ones, made block by block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import expit, log_expit, log_softmax

from sklearn_mle.likelihoods.objective import Derivatives, Objective
from sklearn_mle.noises.noise import Fact, FloatArray
from sklearn_mle.rows.rows import Block, Rows


@dataclass(frozen=True)
class Softmax:
    """A categorical law over ``n_classes`` classes; ``y`` holds their codes, 0 to n_classes - 1."""

    n_classes: int
    facts = Fact.SMOOTH | Fact.LOG_CONCAVE

    def objective(self, rows: Rows, fit_intercept: bool) -> SoftmaxObjective:
        """The cost of these rows as a function of flat parameters."""
        return SoftmaxObjective(rows, self.n_classes, fit_intercept)


def log_probabilities(scores: FloatArray) -> FloatArray:
    """Log-probabilities of all classes, shape (m, K), from scores (m, K), or (m, 1) for two."""
    if scores.shape[1] == 1:
        return np.hstack([log_expit(-scores), log_expit(scores)])
    return log_softmax(scores, axis=1)


def probabilities(scores: FloatArray) -> FloatArray:
    """Probabilities of all classes, shape (m, K), from scores (m, K), or (m, 1) for two."""
    if scores.shape[1] == 1:
        return np.hstack([expit(-scores), expit(scores)])
    return np.exp(log_softmax(scores, axis=1))


def sum_to_zero_basis(n_classes: int) -> FloatArray:
    """Orthonormal columns that span the vectors of length K whose entries sum to zero.

    Column k contrasts class k + 1 with the mean of those before it (Helmert). Shape (K, K - 1).
    """
    basis = np.zeros((n_classes, n_classes - 1))
    for k in range(1, n_classes):
        basis[:k, k - 1] = -1.0 / np.sqrt(k * (k + 1.0))
        basis[k, k - 1] = np.sqrt(k / (k + 1.0))
    return basis


class SoftmaxObjective(Objective):
    """The cost of classes as a function of ``theta``, coefficients of standardised columns.

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
    lower_bound : float
        No probability is above 1, so no cost is below 0.
    """

    lower_bound = 0.0

    def __init__(self, rows: Rows, n_classes: int, fit_intercept: bool) -> None:
        self.rows = rows
        self.n_classes = n_classes
        self.fit_intercept = fit_intercept
        self.shift, self.unit = _standard_units(rows, fit_intercept)
        self.basis = np.ones((1, 1)) if n_classes == 2 else sum_to_zero_basis(n_classes)
        self.n_scores = n_classes - 1
        self.n_terms = rows.n_columns + int(fit_intercept)
        self.size = self.n_scores * self.n_terms
        self.term_unit = np.append(self.unit, np.ones(int(fit_intercept)))

    def start(self) -> FloatArray:
        return np.zeros(self.size)

    def pack(self, coef: FloatArray, intercept: FloatArray) -> FloatArray:
        """``theta`` from coefficients of raw columns, shapes (K or 1, p) and (K or 1,)."""
        terms = coef * self.unit
        if self.fit_intercept:
            level = intercept + coef @ self.shift
            terms = np.column_stack([terms, level])
        return (self.basis.T @ terms).ravel()

    def unpack(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Coefficients (K or 1, p) and intercepts (K or 1,) of raw columns from ``theta``."""
        terms = self.basis @ theta.reshape(self.n_scores, self.n_terms)
        if not self.fit_intercept:
            return terms / self.unit, np.zeros(terms.shape[0])
        coef = terms[:, :-1] / self.unit
        return coef, terms[:, -1] - coef @ self.shift

    def value(self, theta: FloatArray) -> float:
        def per_block(block: Block) -> tuple[float]:
            return (self._price(block, self._scores(block, theta)),)

        return float(self.rows.total(per_block)[0])

    def value_and_gradient(self, theta: FloatArray) -> tuple[float, FloatArray]:
        def per_block(block: Block) -> tuple[float, FloatArray]:
            Z = self._terms(block)
            law = self._law(block, Z @ self._per_term(theta))
            return law.cost, law.surplus.T @ Z

        value, gradient = self.rows.total(per_block)
        return float(value), self._from_terms(gradient)

    def derivatives(self, theta: FloatArray) -> Derivatives:
        def per_block(block: Block) -> tuple[float, FloatArray, FloatArray]:
            Z = self._terms(block)
            law = self._law(block, Z @ self._per_term(theta))
            products = [_weighted_gram(Z, curvature) for curvature in law.curvatures]
            return law.cost, law.surplus.T @ Z, np.array(products)

        value, gradient, products = self.rows.total(per_block)
        return Derivatives(float(value), self._from_terms(gradient), self._assemble(products))

    def along(self, theta: FloatArray, step: FloatArray) -> Callable[[float], float]:
        here = self.rows.column(lambda block: self._scores(block, theta))
        ahead = self.rows.column(lambda block: self._scores(block, step))

        def per_block(block: Block, s: FloatArray, d: FloatArray, t: float) -> tuple[float]:
            return (self._price(block, s + t * d),)

        return lambda t: float(self.rows.total(partial(per_block, t=t), here, ahead)[0])

    def _terms(self, block: Block) -> FloatArray:
        """Shifted columns, and one of ones for the intercept, shape (m, n_terms)."""
        p = block.X.shape[1]
        Z = np.empty((block.n_rows, self.n_terms))
        np.subtract(block.X, self.shift, out=Z[:, :p])
        Z[:, p:] = 1.0
        return Z

    def _per_term(self, theta: FloatArray) -> FloatArray:
        """What shifted columns are multiplied with to give scores, shape (n_terms, K or 1)."""
        return (self.basis @ theta.reshape(self.n_scores, self.n_terms) / self.term_unit).T

    def _from_terms(self, gradient: FloatArray) -> FloatArray:
        """The gradient in theta from that in the coefficients of shifted columns."""
        return (self.basis.T @ gradient / self.term_unit).ravel()

    def _scores(self, block: Block, theta: FloatArray) -> FloatArray:
        return self._terms(block) @ self._per_term(theta)

    def _law(self, block: Block, scores: FloatArray) -> _Law:
        return _bernoulli(block, scores) if self.n_classes == 2 else _categorical(block, scores)

    def _price(self, block: Block, scores: FloatArray) -> float:
        """Minus the weighted log-probability of the classes that were seen."""
        if self.n_classes == 2:
            return _total(block, _softplus(scores[:, 0]) - block.y * scores[:, 0])
        logs = log_softmax(scores, axis=1)
        return -_total(block, logs[np.arange(block.n_rows), block.y.astype(np.intp)])

    def _assemble(self, products: FloatArray) -> FloatArray:
        """The Hessian in theta from the products of pairs.

        In the scores the Hessian has blocks ``p_k (delta_kl - p_l)``, and each row of blocks sums
        to zero: the diagonal blocks are the sums of the others.
        """
        if self.n_classes == 2:
            return products[0] / self._unit_products()
        K, t = self.n_classes, self.n_terms
        full = np.zeros((K, K, t, t))
        for product, (k, j) in zip(products, class_pairs(K)):
            full[k, j] = full[j, k] = -product
            full[k, k] += product
            full[j, j] += product
        reduced = np.einsum("ka,klst,lb->asbt", self.basis, full, self.basis, optimize=True)
        return reduced.reshape(self.size, self.size) / self._unit_products()

    def _unit_products(self) -> FloatArray:
        unit = np.tile(self.term_unit, self.n_scores)
        return np.outer(unit, unit)


@dataclass(frozen=True)
class _Law:
    """What a block of scores costs, and how the cost changes with them.

    Parameters
    ----------
    cost : float
    surplus : ndarray of shape (m, K), or (m, 1) for two classes
        Weighted probability less indicator: the slope of the cost in the scores.
    curvatures : list of ndarray of shape (m,)
        Weighted ``p_k * p_l`` for each pair of classes.
    """

    cost: float
    surplus: FloatArray
    curvatures: list[FloatArray]


def _bernoulli(block: Block, scores: FloatArray) -> _Law:
    """Two classes, with one exponential a row: ``e = exp(-|s|)`` gives everything else."""
    s = scores[:, 0]
    e = np.exp(-np.abs(s))
    unlikely = e / (1.0 + e)
    p = np.where(s >= 0.0, 1.0 - unlikely, unlikely)
    cost = _total(block, np.maximum(s, 0.0) + np.log1p(e) - block.y * s)
    # 1 - p loses digits where p is near 1; for rows of the second class -(1 - p) is needed exactly
    short = np.where((s >= 0.0) & (block.y == 1.0), -unlikely, p - block.y)
    return _Law(cost, block.weigh(short)[:, None], [block.weigh(unlikely * (1.0 - unlikely))])


def _categorical(block: Block, scores: FloatArray) -> _Law:
    """Three classes or more."""
    logs = log_softmax(scores, axis=1)
    seen = (np.arange(block.n_rows), block.y.astype(np.intp))
    cost = -_total(block, logs[seen])
    P = np.exp(logs)
    curvatures = [block.weigh(P[:, k] * P[:, j]) for k, j in class_pairs(P.shape[1])]
    P[seen] = np.expm1(logs[seen])
    return _Law(cost, block.weigh(P), curvatures)


def _softplus(s: FloatArray) -> FloatArray:
    """``log(1 + exp(s))`` without overflow."""
    return np.maximum(s, 0.0) + np.log1p(np.exp(-np.abs(s)))


def _total(block: Block, values: FloatArray) -> float:
    return float(block.weigh(values).sum())


def _weighted_gram(Z: FloatArray, weight: FloatArray) -> FloatArray:
    """``sum_i weight_i z_i z_i'``; a product of a matrix with itself costs half of another."""
    R = Z * np.sqrt(weight)[:, None]
    return R.T @ R


def class_pairs(n_classes: int) -> list[tuple[int, int]]:
    """All pairs of classes, the first of each before the second."""
    return [(k, j) for k in range(n_classes) for j in range(k + 1, n_classes)]


def _standard_units(rows: Rows, fit_intercept: bool) -> tuple[FloatArray, FloatArray]:
    """The mean of each column and its root mean square around it, in one pass.

    The mean of a sample goes first, so that little cancels when the sums are corrected; weights
    count as repeats. Without an intercept columns are not shifted. Constant columns get the unit 1.
    """
    p = rows.n_columns
    guess = rows.sample(1000).X.mean(axis=0) if fit_intercept else np.zeros(p)

    def per_block(block: Block) -> tuple[FloatArray, FloatArray]:
        Z = block.X - guess
        weighted = block.weigh(Z)
        return weighted.sum(axis=0), np.einsum("ij,ij->j", weighted, Z)

    sums, squares = rows.total(per_block)
    off = sums / rows.total_weight if fit_intercept else np.zeros(p)
    shift = guess + off
    unit = np.sqrt(np.maximum(squares / rows.total_weight - off**2, 0.0))
    constant = unit <= 8.0 * np.finfo(float).eps * np.abs(shift)
    return shift, np.where(constant, 1.0, unit)
