"""Sparse rows as `boxed_dual` wants them: independent columns of size one, stored as they are.

Shifting columns would fill them in, and with an intercept changes nothing but its meaning: only
columns far from zero, which are nearly full, are shifted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import qr

from sklearn_mle.likelihoods.residual_products import ResidualProducts
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.matrix import Matrix, in_full, is_sparse, with_entries
from sklearn_mle.solvers.boxed_dual import Followed, follow
from sklearn_mle.solvers.sparse_normal import SparseNormal


def follow_sparse(
    squares: ResidualProducts,
    flat: FloatArray,
    tilt: float,
    most: int,
    stops: Callable[[FloatArray], bool],
) -> Followed | None:
    """The quantile fit of sparse rows by `boxed_dual`, as a theta; None where it is not affordable.

    Parameters
    ----------
    squares : ResidualProducts
        Knows the rows and the units of theta.
    flat : ndarray of shape (n_terms, k)
        Directions of theta that change nothing.
    tilt : float
    most : int
        Steps.
    stops : callable
        Takes a theta; says whether to stop.
    """
    if squares.rows.handful < squares.rows.n_rows:
        return None
    rows = squares.rows.sample(squares.rows.n_rows)
    if not is_sparse(rows.X):
        return None
    order = _independent(rows.X, flat, squares.far)
    Z = _columns(rows.X, squares, order)
    normal = SparseNormal(Z)
    if not normal.affordable:
        return None

    def theta_of(b: FloatArray) -> FloatArray:
        coef = np.zeros(rows.n_columns)
        coef[order] = b[: order.shape[0]]
        coef *= squares.y_unit / squares.unit
        far = np.array(squares.far, dtype=np.intp)
        level = squares.y_shift - float(coef[far] @ squares.shift[far])
        if squares.ones:
            level += float(b[-1]) * squares.y_unit
        return squares.pack(coef, level)

    y = (rows.y - squares.y_shift) / squares.y_unit
    w = np.ones(rows.n_rows) if rows.weight is None else rows.weight
    found = follow(Z, y, w, tilt, normal, most, lambda b: stops(theta_of(b)))
    return None if found is None else replace(found, b=theta_of(found.b))


def _independent(X: Matrix, flat: FloatArray, far: tuple[int, ...]) -> NDArray[np.intp]:
    """Columns of X that are left when as many are dropped as depend on others; far ones last."""
    p = X.shape[1]
    kept = np.bincount(X.indices[X.data != 0.0], minlength=p) > 0
    if flat.shape[1]:
        _, order = qr(flat[:p].T, mode="r", pivoting=True)
        kept[order[: flat.shape[1]]] = False
    places = np.flatnonzero(kept)
    at_end = np.isin(places, np.array(far, dtype=np.intp))
    return np.concatenate([places[~at_end], places[at_end]])


def _columns(X: Matrix, squares: ResidualProducts, order: NDArray[np.intp]) -> sparse.csr_array:
    """These columns in their units, those far from zero shifted, and the ones."""
    scaled = with_entries(X, X.data / squares.unit[X.indices])
    far = order[np.isin(order, np.array(squares.far, dtype=np.intp))]
    parts = [scaled[:, order[: order.shape[0] - far.shape[0]]]]
    if far.shape[0]:
        away = (in_full(X[:, far]) - squares.shift[far]) / squares.unit[far]
        parts.append(sparse.csr_array(away))
    if squares.ones:
        parts.append(sparse.csr_array(np.ones((X.shape[0], 1))))
    return sparse.csr_array(sparse.hstack(parts, format="csr"))
