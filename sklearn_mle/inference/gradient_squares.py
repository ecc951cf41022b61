"""Sums of ``w g g'`` over rows, g being a row's gradient in weights of columns and in extras."""

from __future__ import annotations

import numpy as np

from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import PIECE_BYTES
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.rows import Block


def gradient_squares(
    valley: Valley, block: Block, D: Design, of_score: FloatArray, of_extra: FloatArray
) -> FloatArray:
    """Those of a block, from slopes in scores and in extras.

    In the order of sums: columns, score by score, then the ones of all scores, then extras.

    Parameters
    ----------
    D : Design of shape (m, k)
    of_score : ndarray of shape (m, s)
    of_extra : ndarray of shape (m, e)
    """
    if isinstance(D, np.ndarray):
        return _written_out(valley, block, D, of_score, of_extra)
    order = valley.order_of_sums()
    of_g, of_e = block.weigh(of_score), block.weigh(of_extra)
    second = (of_g[:, :, None] * of_score[:, None], of_g[:, :, None] * of_extra[:, None])
    made = valley.second(D, (*second, of_e[:, :, None] * of_extra[:, None]), definite=True)
    ordered = np.empty_like(made)
    ordered[np.ix_(order, order)] = made
    return ordered


def _written_out(
    valley: Valley, block: Block, D: FloatArray, of_score: FloatArray, of_extra: FloatArray
) -> FloatArray:
    """A column times a slope is written once, for as many rows as stay near, and met by all."""
    (m, k), s, one = D.shape, of_score.shape[1], int(valley.terms.intercept)
    root = np.ones(1) if block.weight is None else np.sqrt(block.weight)
    g, e = of_score.T * root, of_extra.T * root
    alone = np.concatenate([g, e]) if one else np.ascontiguousarray(e)
    pairs, crossed = np.zeros((s, k, s, k)), np.zeros((s, k, alone.shape[0]))
    step = min(m, max(PIECE_BYTES // (8 * max(1, s * k)), s * k))
    room = np.empty((s, step, k))
    for first in range(0, m, step):
        some = slice(first, min(first + step, m))
        R = room[:, : some.stop - first]
        for a in range(s):
            np.multiply(D[some], g[a, some, None], out=R[a])
            for b in range(a + 1):
                pairs[a, :, b] += np.dot(R[a].T, R[b])
            for j, values in enumerate(alone):
                crossed[a, :, j] += np.dot(values[some], R[a])
    for a in range(s):
        for b in range(a):
            pairs[b, :, a] = pairs[a, :, b].T
    q = s * k
    made = np.empty((q + alone.shape[0],) * 2)
    made[:q, :q] = pairs.reshape(q, q)
    made[:q, q:] = crossed.reshape(q, -1)
    made[q:, :q] = made[:q, q:].T
    made[q:, q:] = np.dot(alone, alone.T)
    return made
