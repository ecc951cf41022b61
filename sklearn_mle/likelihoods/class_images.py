"""Curvature along few directions, from what these make of each row.

A Hessian is a sum over rows, and rounding errors of its large entries hide what is smaller by 16
digits. What a direction makes of a row, its image, is known to 16 digits of its own terms, so that
the curvature along a direction that hardly moves any row, the weighted square of its images, is
known to nearly as many digits of itself.
"""

from __future__ import annotations

import numpy as np

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.implicit_design import Design

PIECE_BYTES = 2**21
"""Size of the images that are held at a time."""


def image_products(
    Z: Design, P: FloatArray, weight: FloatArray, slopes: FloatArray, levels: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Images times terms, times the intercept's one, and times each other, with their curvature.

    Parameters
    ----------
    Z : Design of shape (m, p)
    P : ndarray of shape (m, K)
        Probabilities.
    weight : ndarray of shape (m,)
    slopes, levels : ndarray of shape (r, s, p) and (r, s)
        The directions: s is K, or 1 for the only logit of two classes.

    Returns
    -------
    ndarray of shape (r, s, p), (r, s) and (r, r)
    """
    r, s, p = slopes.shape
    columns = slopes.reshape(r * s, p).T
    of_terms, of_ones, own = np.zeros((r * s, p)), np.zeros((r, s)), np.zeros((r, r))
    step = max(1, PIECE_BYTES // (8 * r * s))
    for first in range(0, P.shape[0], step):
        part = slice(first, min(first + step, P.shape[0]))
        some, chances = Z[part], P[part]
        moves = np.asarray(some @ columns).reshape(-1, r, s) + levels
        if s == 1:
            bent = moves * (chances[:, 0] * chances[:, 1] * weight[part])[:, None, None]
        else:
            moves -= np.einsum("irk,ik->ir", moves, chances)[:, :, None]
            bent = moves * (chances * weight[part, None])[:, None, :]
        of_terms += np.asarray(bent.reshape(-1, r * s).T @ some)
        of_ones += bent.sum(axis=0)
        own += np.einsum("irk,iqk->rq", moves, bent, optimize=True)
    return of_terms.reshape(r, s, p), of_ones, own
