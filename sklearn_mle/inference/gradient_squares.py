"""Sums of ``w g g'`` over rows, g being a row's gradient in weights of columns and in extras."""

from __future__ import annotations

import numpy as np

from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.implicit_design import Design


def gradient_squares(
    valley: Valley,
    weight: FloatArray | None,
    D: Design,
    of_score: FloatArray,
    of_extra: FloatArray,
) -> FloatArray:
    """Those of m rows, from slopes in scores and in extras.

    In the order of sums: columns, score by score, then the ones of all scores, then extras.

    Parameters
    ----------
    weight : ndarray of shape (m,) or None
    D : Design of shape (m, k)
    of_score : ndarray of shape (m, s)
    of_extra : ndarray of shape (m, e)
    """
    if isinstance(D, np.ndarray):
        g, e = of_score.T, of_extra.T
        if weight is not None:
            root = np.sqrt(weight)
            g, e = g * root, e * root
        return _written_out(D, g, e, valley.terms.intercept)
    order = valley.order_of_sums()
    w = np.ones((D.shape[0], 1)) if weight is None else weight[:, None]
    of_g, of_e = w * of_score, w * of_extra
    second = (of_g[:, :, None] * of_score[:, None], of_g[:, :, None] * of_extra[:, None])
    made = valley.second(D, (*second, of_e[:, :, None] * of_extra[:, None]), definite=True)
    ordered = np.empty_like(made)
    ordered[np.ix_(order, order)] = made
    return ordered


def _written_out(D: FloatArray, g: FloatArray, e: FloatArray, intercept: bool) -> FloatArray:
    """A column times a slope is written once, and met by all."""
    (m, k), s = D.shape, g.shape[0]
    alone = np.concatenate([g, e]) if intercept else np.ascontiguousarray(e)
    R = np.empty((s, m, k)) if D.flags.c_contiguous else np.empty((s, k, m)).transpose(0, 2, 1)
    q = s * k
    made = np.empty((q + alone.shape[0],) * 2)
    pairs, crossed = made[:q, :q].reshape(s, k, s, k), made[:q, q:].reshape(s, k, -1)
    for a in range(s):
        np.einsum("mk,m->mk", D, g[a], out=R[a])
        for b in range(a + 1):
            pairs[a, :, b] = np.dot(R[a].T, R[b])
            pairs[b, :, a] = pairs[a, :, b].T
        for j, values in enumerate(alone):
            crossed[a, :, j] = np.dot(values, R[a])
    made[q:, :q] = made[:q, q:].T
    made[q:, q:] = np.dot(alone, alone.T)
    return made
