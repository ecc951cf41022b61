"""From a good guess to an optimal vertex: the simplex method of Barrodale and Roberts (1973).

A vertex is the b that fits q independent rows, the basis B, exactly: ``Z_B b = y_B``. With signs s
for the other rows, the dual of the basis follows from ``Z'a + c = 0``::

    a_B = -(sum_{i not in B} s_i w_i z_i + c) Z_B^-1

and the vertex is optimal if ``|a_B| <= w_B``. Otherwise the row that violates its box leaves the
basis: b moves along a column of ``Z_B^-1``, on which the other basis rows stay fitted, and goes on
past every kink until the cost stops to fall (the long step).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import dger
from scipy.linalg.lapack import dgeqp3, dgetrf, dgetri, dgetrs

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import in_full
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.solvers.reduced_problem import IntArray, Reduced

REFACTOR = 40
"""Rank-one updates of the inverse before it is computed afresh; more where there are many columns,
in proportion to what that costs."""
FEW = 100
"""Columns up to which three rows a column are looked at for a basis; more for many columns would
take longer than the pivots it saves."""
TOLERANCE = 1e-11
"""Excess of a dual over its box, relative to the mean weight, that counts as none."""


@dataclass(frozen=True)
class Fitted:
    """What a basis fits.

    Parameters
    ----------
    inverse : ndarray of shape (q, q)
        Of the rows of the basis.
    b : ndarray of shape (q,)
    residuals : ndarray of shape (m,)
        Those of the basis zero.
    """

    inverse: FloatArray
    b: FloatArray
    residuals: FloatArray


@dataclass(frozen=True)
class Vertex:
    """A vertex and its dual.

    Parameters
    ----------
    b : ndarray of shape (q,)
    basis : ndarray of shape (q,)
        Rows that are fitted exactly.
    dual : ndarray of shape (m,)
        Signed weights; within the box up to `TOLERANCE` if the vertex is optimal.
    pivots : int
    optimal : bool
    ray : ndarray of shape (q,) or None
        A direction in which the cost falls for ever.
    residuals : ndarray of shape (m,) or None
        At an optimal vertex, those of the basis zero.
    inverse : ndarray of shape (q, q) or None
        Of the rows of the basis, at an optimal vertex.
    """

    b: FloatArray
    basis: IntArray
    dual: FloatArray
    pivots: int
    optimal: bool
    ray: FloatArray | None = None
    residuals: FloatArray | None = None
    inverse: FloatArray | None = None


def null_direction(Z: Design, basis: IntArray) -> FloatArray:
    """A direction on which too few independent rows of Z have no hold."""
    _, _, rows = np.linalg.svd(in_full(Z[basis]))
    return rows[-1]


def guess_basis(problem: Reduced, residuals: FloatArray, width: float) -> IntArray:
    """Independent rows, those of small residuals first; fewer than q if Z has a lower rank.

    QR with column pivoting of the rows as columns, each divided by its length and multiplied by a
    score that falls with the residual. The scores have a floor, so that they do not pass for a
    loss of rank; the pool of rows grows until the rank is full.
    """
    m, q = problem.Z.shape
    size = np.abs(residuals)
    active = min(max(q, int(np.count_nonzero(size < width))), 3 * q)
    pool = min(m, max(3 * min(q, FEW), active + q // 10) + 5)
    near = np.empty(0, dtype=np.intp)
    while True:
        places = np.argpartition(size, pool - 1)[:pool] if pool < m else np.arange(m)
        places.sort()
        x = size[places] / width
        score = np.where(x < 1.0, 1.0 - 0.99 * x, 0.01 / (1.0 + np.log1p(np.maximum(x, 1.0))))
        rows = in_full(problem.Z[places])
        length = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        score /= np.maximum(length, np.finfo(float).tiny)
        rows = rows * score[:, None]
        chosen = _by_elimination(rows) if q > FEW else None
        if chosen is not None:
            return places[chosen]
        R, order, *_ = dgeqp3(rows.T)
        diagonal = np.abs(R.diagonal())
        least = 1e-6 if pool < m else 1e-10
        near = places[order[: int(np.count_nonzero(diagonal > least * diagonal[0]))] - 1]
        if near.shape[0] >= q or pool == m:
            return near[:q]
        pool = min(m, 4 * pool)


def _by_elimination(rows: FloatArray) -> IntArray | None:
    """As many of the rows as there are columns, by Gaussian elimination; None if it nearly fails.

    Its partial pivoting looks at one entry a row where QR looks at lengths: a less careful choice,
    but of many columns twenty times faster, and pivots correct it.
    """
    q = rows.shape[1]
    if rows.shape[0] < q:
        return None
    lu, swaps, _ = dgetrf(rows)
    diagonal = np.abs(lu.diagonal())
    if not float(diagonal.min()) > 1e-6 * float(diagonal.max()):
        return None
    order = np.arange(rows.shape[0])
    for i, j in enumerate(swaps.tolist()):
        order[i], order[j] = order[j], order[i]
    return order[:q]


def descend(
    problem: Reduced,
    basis: IntArray,
    max_pivots: int,
    signs: FloatArray | None = None,
    fitted: Fitted | None = None,
) -> Vertex:
    """Pivots from a basis of q rows to an optimal vertex; from what they fit, if that is known.

    Zero residuals outside the basis count as positive or negative as ``signs`` or rounding say.
    """
    Z, w, q = problem.Z, problem.w, problem.c.shape[0]
    basis = basis.copy()
    mean_weight = float(w.mean())
    pivots = since = 0
    fitted = fit_of(problem, basis) if fitted is None else fitted
    inverse, b, r = fitted.inverse.copy(order="F"), fitted.b, fitted.residuals.copy()
    s = np.where(r >= 0.0, 1.0, -1.0) if signs is None else signs.copy()
    s[basis] = 0.0
    g = (s * w) @ Z + problem.c
    while True:
        a = -(g @ inverse)
        excess = np.abs(a) - w[basis]
        if float(excess.max()) <= TOLERANCE * mean_weight or pivots >= max_pivots:
            if since == 0 or pivots >= max_pivots:
                dual = s * w
                dual[basis] = a
                optimal = float(excess.max()) <= TOLERANCE * mean_weight
                return Vertex(b, basis, dual, pivots, optimal, residuals=r, inverse=inverse)
            fitted = fit_of(problem, basis)
            inverse, b, r = fitted.inverse, fitted.b, fitted.residuals
            g = (s * w) @ Z + problem.c
            since = 0
            continue
        j = int(np.argmax(excess / np.sqrt(np.einsum("ij,ij->j", inverse, inverse))))
        leaving = float(np.sign(a[j]))
        v = -leaving * inverse[:, j]
        u = Z @ v
        entering, t, passed = _long_step(r, s, u, w, float(excess[j]))
        if entering < 0:
            return Vertex(b, basis, s * w, pivots, False, v)
        if passed.shape[0]:
            s[passed] *= -1.0
            g = g + 2.0 * ((s[passed] * w[passed]) @ Z[passed])
        g = g + leaving * w[basis[j]] * Z[basis[j]] - s[entering] * w[entering] * Z[entering]
        r -= t * u
        b = b + t * v
        s[basis[j]], s[entering] = leaving, 0.0
        r[entering] = 0.0
        basis[j] = entering
        across = Z[entering] @ inverse
        column = inverse[:, j] / across[j]
        across[j] = 0.0
        inverse = dger(-1.0, column, across, a=inverse, overwrite_a=True)
        inverse[:, j] = column
        pivots += 1
        since += 1
        if since >= max(REFACTOR, q // 5):
            fitted = fit_of(problem, basis)
            inverse, b, r = fitted.inverse, fitted.b, fitted.residuals
            g = (s * w) @ Z + problem.c
            since = 0


def fit_of(problem: Reduced, basis: IntArray) -> Fitted:
    """Inverse of the basis, vertex (refined once) and residuals."""
    ZB, yB = in_full(problem.Z[basis]), problem.y[basis]
    lu, pivots, _ = dgetrf(ZB)
    b = dgetrs(lu, pivots, yB)[0]
    b += dgetrs(lu, pivots, yB - ZB @ b)[0]
    r = problem.y - problem.Z @ b
    r[basis] = 0.0
    return Fitted(dgetri(lu, pivots)[0], b, r)


def _long_step(
    r: FloatArray, s: FloatArray, u: FloatArray, w: FloatArray, fall: float
) -> tuple[int, float, IntArray]:
    """The row that enters, the step, and the rows passed before; -1 if the cost falls for ever.

    Row i is reached at ``r_i / u_i`` where that is positive, and passing it takes ``2 w_i |u_i|``
    off the rate of descent, which begins as ``fall``.
    """
    su = s * u
    ahead = (su > 1e-11 * float(np.abs(u).max())).nonzero()[0]
    if not ahead.shape[0]:
        return -1, 0.0, ahead
    su = su.take(ahead)
    reached = (s.take(ahead) * r.take(ahead)).clip(0.0) / su
    spend = w.take(ahead) * su
    soonest = int(reached.argmin())
    if float(spend[soonest]) >= 0.5 * fall:
        return int(ahead[soonest]), float(reached[soonest]), ahead[:0]
    first = 32
    while True:
        whole = first >= ahead.shape[0]
        if whole:
            nearest = reached.argsort(kind="stable")
        else:
            nearest = reached.argpartition(first)[:first]
            nearest = nearest[reached[nearest].argsort(kind="stable")]
        rows = ahead[nearest]
        spent = spend.take(nearest).cumsum()
        k = int(spent.searchsorted(0.5 * fall))
        if k < rows.shape[0]:
            return int(rows[k]), float(reached[nearest[k]]), rows[:k]
        if whole:
            return -1, 0.0, rows
        first *= 8
