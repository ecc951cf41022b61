"""The laws of one row's class: Bernoulli for two, categorical for more, from linear scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit, log_softmax

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.narrowed import NarrowedBlock
from sklearn_mle.rows.rows import Block

STEEPEST = 700.0
"""Score beyond which its exponential would overflow; a wrong class is certain long before."""
FACTORS = 8
"""Numbers whose product is taken before the logarithm."""
LOG_LOSS_SEEN = 1e-3
"""Mean cost of a row below which the rounding errors of plain logarithms could be seen."""


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


def without_excluded(block: Block, scores: FloatArray) -> FloatArray:
    """The scores, written over: those of classes that a block rules out are minus infinity."""
    if not isinstance(block, NarrowedBlock):
        return scores
    if scores.shape[1] == 1:
        sure = block.excluded.any(axis=1)
        scores[sure, 0] = np.where(block.y[sure] > 0.0, np.inf, -np.inf)
    else:
        scores[block.excluded] = -np.inf
    return scores


@dataclass(frozen=True)
class Law:
    """What a block of scores costs, and how the cost changes with them.

    Parameters
    ----------
    cost : callable
        Gives the total cost; a pass that asks for slopes alone need not take logarithms.
    surplus : ndarray of shape (m, K), or (m, 1) for two classes
        Weighted probability less indicator: the slope of the cost in the scores.
    curvatures : callable
        Gives weighted ``p_k * p_l`` for each pair of classes, each of shape (m,).
    """

    cost: Callable[[], float]
    surplus: FloatArray
    curvatures: Callable[[], Iterable[FloatArray]]


def bernoulli(block: Block, scores: FloatArray) -> Law:
    """Two classes: one exponential a row gives everything. The scores are written over.

    With t the score of the wrong class over the right one and ``e = exp(t)`` the wrong class has
    the probability ``e / (1 + e)``, to full relative accuracy however small, and the cost is
    ``log(1 + e)``. Beyond `STEEPEST` the exponential would overflow.
    """
    sign = np.multiply(block.y, -2.0)
    sign += 1.0
    t = np.multiply(scores[:, 0], sign, out=scores[:, 0])
    top = float(t.max())
    e = np.exp(np.minimum(t, STEEPEST) if top > STEEPEST else t)
    one_more = e + 1.0
    wrong = np.divide(e, one_more, out=e)
    surplus = block.weigh(np.multiply(wrong, sign, out=sign))
    return Law(
        lambda: _sum_of_costs(block, one_more, t, top),
        surplus[:, None],
        lambda: [block.weigh(wrong / one_more)],
    )


def _sum_of_costs(block: Block, one_more: FloatArray, t: FloatArray, top: float) -> float:
    """The weighted sum of ``log(1 + exp(t))``, given ``1 + exp(t)`` where t is not beyond reason.

    The plain logarithm rounds away what tiny exponentials add, up to 1e-16 a row; where that could
    be seen in the sum, each term is computed to full relative accuracy.
    """
    if block.weight is None and top < STEEPEST / FACTORS - 1.0:
        cost = sum_of_logs(one_more)
    else:
        cost = total_cost(block, np.log(one_more))
    if np.isfinite(cost) and cost > LOG_LOSS_SEEN * block.n_rows and top < STEEPEST:
        return cost
    return total_cost(block, np.logaddexp(0.0, t))


def sum_of_logs(values: FloatArray) -> float:
    """The sum of the logarithms of numbers from one on, whose products of `FACTORS` are finite.

    A logarithm of a product costs as much as one of a factor, thirteen multiplications; rounding
    adds as little to each as the factors' own.
    """
    m = values.shape[0] - values.shape[0] % FACTORS
    products = np.multiply.reduce(values[:m].reshape(FACTORS, -1), axis=0)
    return float(np.log(products, out=products).sum() + np.log(values[m:]).sum())


def categorical(block: Block, scores: FloatArray) -> Law:
    """Three classes or more: one exponential an entry gives everything.

    The probabilities of all classes but the one that was seen are added up by themselves, so that
    what a nearly certain class lacks to one keeps its full relative accuracy, and so does its cost.
    """
    seen = (np.arange(block.n_rows), block.y.astype(np.intp))
    s = scores - scores.max(axis=1)[:, None]
    s_seen = s[seen]
    e = np.exp(s, out=s)
    e_seen = e[seen]
    e[seen] = 0.0
    others = e.sum(axis=1)
    total = others + e_seen
    e /= total[:, None]
    surplus = e.copy(order="K")
    surplus[seen] = -others / total

    def cost() -> float:
        logs = np.where(s_seen == 0.0, np.log1p(others), np.log(total) - s_seen)
        return total_cost(block, logs)

    def curvatures() -> Iterable[FloatArray]:
        e[seen] = e_seen / total
        return (block.weigh(e[:, k] * e[:, j]) for k, j in class_pairs(e.shape[1]))

    return Law(cost, block.weigh(surplus), curvatures)


def total_cost(block: Block, values: FloatArray) -> float:
    return float(block.weigh(values).sum())


def class_pairs(n_classes: int) -> list[tuple[int, int]]:
    """All pairs of classes, the first of each before the second."""
    return [(k, j) for k in range(n_classes) for j in range(k + 1, n_classes)]
