"""The Hessian of several classes, from products of probabilities and terms.

In the scores the Hessian of a row has entries ``p_k (delta_kl - p_l)``, and each row of them sums
to zero: all follows from ``S_kl = sum_i w_i p_ik p_il z_i z_i'`` of pairs of different classes.
With many terms each S_kl is best made by itself, a product of the columns of X with their own
transpose. With few these are too small to be fast, and there can be thousands of pairs: all are
then made at once, as the product of ``sqrt(w_i) p_ik z_ia``, a column for each class and term, with
itself.
"""

from __future__ import annotations

import numpy as np

from sklearn_mle.likelihoods.class_laws import class_pairs
from sklearn_mle.noises.noise import FloatArray

FEW_TERMS = 16
"""Terms up to which all pairs at once are faster (10,000 x 3, 100 classes: 7 times)."""
STACK_BYTES = 2**21
"""Size of the columns that are made at a time."""


def stacked_products(
    Z: FloatArray, P: FloatArray, weight: FloatArray | None, intercept: bool
) -> FloatArray:
    """S of all pairs of classes, shape (K * t, K * t), classes before terms.

    Parameters
    ----------
    Z : ndarray of shape (m, p)
    P : ndarray of shape (m, K)
        Probabilities.
    weight : ndarray of shape (m,) or None
    intercept : bool
        Whether a one is the last term.
    """
    (m, p), K = Z.shape, P.shape[1]
    t = p + int(intercept)
    step = max(STACK_BYTES // (8 * K * t), K * t)
    sums = np.zeros((K * t, K * t))
    stack = np.empty((min(step, m), K, t))
    for first in range(0, m, step):
        rows = slice(first, min(first + step, m))
        chances = P[rows] if weight is None else P[rows] * np.sqrt(weight[rows])[:, None]
        made = stack[: chances.shape[0]]
        np.multiply(chances[:, :, None], Z[rows, None, :], out=made[:, :, :p])
        if intercept:
            made[:, :, p] = chances
        columns = made.reshape(-1, K * t)
        sums += np.dot(columns.T, columns)
    return sums


def in_basis(products: FloatArray, basis: FloatArray) -> FloatArray:
    """The Hessian in coordinates of a basis of the scores, shape (d * t, d * t).

    Parameters
    ----------
    products : ndarray
        S of all pairs, as `from_stacked` or `from_pairs` takes it.
    basis : ndarray of shape (n_classes, d)
    """
    n_classes, d = basis.shape
    full = (from_stacked if products.ndim == 2 else from_pairs)(products, n_classes)
    reduced = np.einsum("ka,klst,lb->asbt", basis, full, basis, optimize=True)
    return np.asarray(reduced.reshape(d * full.shape[2], -1))


def from_stacked(products: FloatArray, n_classes: int) -> FloatArray:
    """The Hessian in the scores' coefficients, shape (K, K, t, t), from `stacked_products`."""
    t = products.shape[0] // n_classes
    full = -products.reshape(n_classes, t, n_classes, t).transpose(0, 2, 1, 3)
    return _with_diagonal(full)


def from_pairs(products: FloatArray, n_classes: int) -> FloatArray:
    """The same from S of each of `class_pairs`, shape (K * (K - 1) / 2, t, t)."""
    t = products.shape[1]
    full = np.zeros((n_classes, n_classes, t, t))
    for product, (k, j) in zip(products, class_pairs(n_classes)):
        full[k, j] = full[j, k] = -product
    return _with_diagonal(full)


def _with_diagonal(full: FloatArray) -> FloatArray:
    """Diagonal blocks that make each row of blocks sum to zero; no digits cancel."""
    own = np.arange(full.shape[0])
    full[own, own] = 0.0
    full[own, own] = -full.sum(axis=1)
    return full


def sum_to_zero_basis(n_classes: int) -> FloatArray:
    """Orthonormal columns that span the vectors of length K whose entries sum to zero.

    Column k contrasts class k + 1 with the mean of those before it (Helmert). Shape (K, K - 1).
    """
    basis = np.zeros((n_classes, n_classes - 1))
    for k in range(1, n_classes):
        basis[:k, k - 1] = -1.0 / np.sqrt(k * (k + 1.0))
        basis[k, k - 1] = np.sqrt(k / (k + 1.0))
    return basis
