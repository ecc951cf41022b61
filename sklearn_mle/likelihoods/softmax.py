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
            return (self._cost(block, self._scores(block, theta)),)

        return float(self.rows.total(per_block)[0])

    def gradient(self, theta: FloatArray) -> FloatArray:
        def per_block(block: Block) -> tuple[FloatArray]:
            Z = self._terms(block)
            surplus = self._surplus(block, probabilities(self._scores_of(Z, theta)))
            return (surplus.T @ Z,)

        return (self.basis.T @ self.rows.total(per_block)[0]).ravel()

    def derivatives(self, theta: FloatArray) -> Derivatives:
        def per_block(block: Block) -> tuple[float, FloatArray, FloatArray]:
            Z = self._terms(block)
            scores = self._scores_of(Z, theta)
            P = probabilities(scores)
            surplus = self._surplus(block, P)
            return self._cost(block, scores), surplus.T @ Z, self._curvature(block, Z, P)

        value, gradient, hessian = self.rows.total(per_block)
        return Derivatives(float(value), (self.basis.T @ gradient).ravel(), self._assemble(hessian))

    def along(self, theta: FloatArray, step: FloatArray) -> Callable[[float], float]:
        here = self.rows.column(lambda block: self._scores(block, theta))
        ahead = self.rows.column(lambda block: self._scores(block, step))

        def cost(t: float) -> float:
            return float(
                self.rows.total(lambda block, s, d: (self._cost(block, s + t * d),), here, ahead)[0]
            )

        return cost

    def _terms(self, block: Block) -> FloatArray:
        """Standardised columns, and one of ones for the intercept, shape (m, n_terms)."""
        Z = np.empty((block.n_rows, self.n_terms))
        p = block.X.shape[1]
        np.subtract(block.X, self.shift, out=Z[:, :p])
        Z[:, :p] /= self.unit
        Z[:, p:] = 1.0
        return Z

    def _scores_of(self, Z: FloatArray, theta: FloatArray) -> FloatArray:
        return Z @ (self.basis @ theta.reshape(self.n_scores, self.n_terms)).T

    def _scores(self, block: Block, theta: FloatArray) -> FloatArray:
        return self._scores_of(self._terms(block), theta)

    def _cost(self, block: Block, scores: FloatArray) -> float:
        """Minus the weighted log-probability of the classes that were seen."""
        codes = block.y.astype(np.intp)
        if self.n_classes == 2:
            chosen = log_expit(np.where(codes == 1, scores[:, 0], -scores[:, 0]))
        else:
            chosen = log_softmax(scores, axis=1)[np.arange(codes.size), codes]
        return -float(block.weigh(chosen).sum())

    def _surplus(self, block: Block, P: FloatArray) -> FloatArray:
        """Weighted probability less indicator, (m, K); the second class alone where K is 2."""
        codes = block.y.astype(np.intp)
        if self.n_classes == 2:
            return block.weigh(np.where(codes == 1, -P[:, 0], P[:, 1]))[:, None]
        surplus = P.copy()
        surplus[np.arange(codes.size), codes] -= 1.0
        return block.weigh(surplus)

    def _curvature(self, block: Block, Z: FloatArray, P: FloatArray) -> FloatArray:
        """``sum_i w_i p_ik p_il z_i z_i'`` for each pair of classes k < l, shape (pairs, t, t)."""
        pairs = class_pairs(self.n_classes)
        made = np.empty((len(pairs), self.n_terms, self.n_terms))
        for place, (k, j) in enumerate(pairs):
            made[place] = Z.T @ (Z * block.weigh(P[:, k] * P[:, j])[:, None])
        return made

    def _assemble(self, products: FloatArray) -> FloatArray:
        """The Hessian in theta from the products of pairs.

        In the scores the Hessian has blocks ``p_k (delta_kl - p_l)``, and each row of blocks sums
        to zero: the diagonal blocks are the sums of the others.
        """
        if self.n_classes == 2:
            return products[0]
        K, t = self.n_classes, self.n_terms
        full = np.zeros((K, K, t, t))
        for product, (k, j) in zip(products, class_pairs(K)):
            full[k, j] = full[j, k] = -product
            full[k, k] += product
            full[j, j] += product
        reduced = np.einsum("ka,klst,lb->asbt", self.basis, full, self.basis, optimize=True)
        return reduced.reshape(self.size, self.size)


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
