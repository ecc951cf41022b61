"""Pairs of which Newton's step proves that no direction separates them.

Let s be the Newton step of the cost of some pairs, ``H s = -g``, with p the probabilities at hand,
restricted to the classes of these pairs, and let D be a direction along which no margin of theirs
falls, ``m_ik(D) >= 0``. Then ``g'D = -sum w_i p_ik m_ik(D)`` and ``D'H s`` is the sum over the rows
of a covariance, so that ``D'(H s + g) = 0`` reads

    sum_ik  w_i p_ik m_ik(D) (1 - (m_ik(s) - mean_i)) = 0,    mean_i = sum_k p_ik m_ik(s).

If the last factor is positive for every pair, every ``m_ik(D)`` must be zero. So, **where a Newton
step moves every margin by less than one, relative to its row's mean, nothing separates these
pairs**: along a direction of separation the scores level off like ``exp(-t)``, and Newton's method
moves them by one or more at every step. The test is exact at any coefficients, not only near the
maximum; at the maximum the step is zero and the probabilities are the positive multipliers of
Stiemke's theorem of the alternative.

Where some pairs do move by one, they and all that are less probable are set aside, and the rest is
asked again. What is proven leaves little undecided: directions that move no proven pair.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.special import log_softmax

from sklearn_mle.rows.design import own_gram, weighted_gram
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.rows import Block, FloatArray
from sklearn_mle.solvers.margins import BoolArray, Margins, codes, lead

WILD = 0.5
"""A move that sets a pair aside; one would be enough but for rounding."""
SURE = 1e-6
"""Probability below which a pair is not asked: its curvature drowns in rounding errors."""
ROUNDS = 30
FLAT = 1e-14
"""Eigenvalue of a scaled Hessian, relative to the largest, that rounding can make of zero."""
UNEXPLAINED = 1e-9
"""Share of the gradient that a step may leave; more is no proof."""
SMALL = 1e-8
"""Eigenvalue of a Gram matrix below which its direction is computed anew from the rows."""
NOTHING = 1e-11
"""Length, relative to the largest, of what such a direction makes of all rows if it is none."""


def proven(margins: Margins, B: FloatArray) -> BoolArray:
    """Pairs that no direction separates, by Newton steps from B; shape (n, K).

    Parameters
    ----------
    margins : Margins
    B : ndarray of shape (K, t)
        Best near the maximum; anything is allowed, and then little may be proven.
    """
    rows = margins.rows
    made = rows.column(lambda block: np.exp(log_softmax(margins.directions(block) @ B.T, axis=1)))
    P = rows.entries(made)
    pairs = margins.others() & (P > SURE)
    for _ in range(ROUNDS):
        if not pairs.any():
            break
        step, explained = _newton_step(margins, B, pairs)
        if explained:
            wild = pairs & (newton_moves(margins, B, step, pairs) >= WILD)
            if not wild.any():
                return pairs
            pairs = pairs & (float(P[wild].max()) < P)
        else:
            pairs = pairs & (100.0 * float(P[pairs].min()) < P)
    return np.zeros_like(pairs)


def still_space(margins: Margins, pairs: BoolArray) -> FloatArray:
    """Orthonormal coefficients that change no margin of these pairs, shape (r, K, t).

    Eigenvectors of the pairs' Gram matrix lose half of the digits. Those of small eigenvalues are
    therefore multiplied with the rows themselves, freed of what the other eigenvectors explain, and
    judged by their own Gram matrix, whose rounding errors are relative to it.
    """
    if not pairs.any():
        return _as_coefficients(margins, np.eye(margins.size))
    gram = _gram(margins, pairs)
    unit = _units(margins, gram)
    values, vectors = linalg.eigh(gram / np.outer(unit, unit))
    small = values <= SMALL * values[-1]
    rest, large = vectors[:, small], vectors[:, ~small]
    for _ in range(2):
        if not rest.shape[1]:
            break
        back, _ = _images(margins, pairs, _as_coefficients(margins, rest / unit[:, None]))
        rest = rest - large @ ((large.T @ (back / unit[:, None])) / values[~small][:, None])
        _, own_gram = _images(margins, pairs, _as_coefficients(margins, rest / unit[:, None]))
        squares, turn = linalg.eigh(own_gram)
        rest = rest @ turn[:, squares <= NOTHING**2 * values[-1]]
    flat, _ = np.linalg.qr(rest / unit[:, None])
    return _as_coefficients(margins, flat)


def _gram(margins: Margins, pairs: BoolArray) -> FloatArray:
    """The Gram matrix of the lines of these pairs, in coordinates."""

    def per_block(block: Block, there: BoolArray) -> tuple[FloatArray]:
        Z, c = margins.directions(block), codes(block)
        chosen = [
            Z[((c == k) & there[:, j]) | ((c == j) & there[:, k])] for k, j in margins.class_pairs
        ]
        return (np.array([own_gram(part) for part in chosen]),)

    return _assemble(margins, margins.rows.total(per_block, pairs)[0])


def _images(margins: Margins, pairs: BoolArray, N: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What coefficients make of these pairs, ``A N``, as ``A'A N`` and ``N'A'A N``.

    Parameters
    ----------
    N : ndarray of shape (r, K, t)

    Returns
    -------
    ndarray of shape (size, r), ndarray of shape (r, r)
    """
    if not N.shape[0]:
        return np.empty((margins.size, 0)), np.empty((0, 0))

    def per_block(block: Block, there: BoolArray) -> tuple[FloatArray, FloatArray]:
        r, K, t = N.shape
        back, own_gram = np.zeros((K * r, t)), np.zeros((r, r))
        others, own_class = margins.other_classes(block), codes(block)
        asked = np.take_along_axis(there, others, axis=1)
        for part, Z, M in margins.in_pieces(block, N):
            M *= asked[part, :, None]
            moved = M.reshape(-1, r)
            own_gram += np.dot(moved.T, moved)
            if K == 2:
                second = (moved * (2.0 * own_class[part] - 1.0)[:, None]).T @ Z
                back[:r] -= second
                back[r:] += second
                continue
            places = np.arange(M.shape[0])
            pull = np.zeros((M.shape[0], K, r))
            pull[places[:, None], others[part]] = -M
            pull[places, own_class[part]] = M.sum(axis=1)
            back += pull.reshape(-1, K * r).T @ Z
        return back.reshape(K, r, t).transpose(1, 0, 2), own_gram

    back, own_gram = margins.rows.total(per_block, pairs)
    reduced = np.einsum("ka,rkt->atr", margins.basis, back).reshape(margins.size, -1)
    return reduced, own_gram


def _as_coefficients(margins: Margins, columns: FloatArray) -> FloatArray:
    """Coordinates, one vector a column, as coefficients: shape (r, K, t)."""
    shaped = columns.T.reshape(columns.shape[1], margins.n_classes - 1, margins.n_terms)
    return np.asarray(np.einsum("ka,rat->rkt", margins.basis, shaped))


def _assemble(margins: Margins, products: FloatArray) -> FloatArray:
    """A form in coordinates from one Gram matrix of terms for each pair of classes."""
    K, t = margins.n_classes, margins.n_terms
    full = np.zeros((K, K, t, t))
    for product, (k, j) in zip(products, margins.class_pairs):
        full[k, j] = full[j, k] = -product
        full[k, k] += product
        full[j, j] += product
    basis = margins.basis
    reduced = np.einsum("ka,klst,lb->asbt", basis, full, basis, optimize=True)
    return np.asarray(reduced.reshape(margins.size, margins.size))


def _units(margins: Margins, form: FloatArray) -> FloatArray:
    """What scales a form in coordinates so that every term is about one: the same for all classes,
    as a coordinate of its own may be nothing but the rounding error of the others."""
    largest = np.diag(form).reshape(margins.n_classes - 1, -1).max(axis=0)
    unit = np.sqrt(np.where(largest > 0.0, largest, 1.0))
    return np.tile(unit, margins.n_classes - 1)


def restricted(
    margins: Margins, block: Block, there: BoolArray, B: FloatArray
) -> tuple[Design, FloatArray]:
    """Terms, and probabilities of the rows' own classes and those of their pairs."""
    Z, c = margins.directions(block), codes(block)
    allowed = there.copy()
    allowed[np.arange(block.n_rows), c] = True
    return Z, np.exp(log_softmax(np.where(allowed, Z @ B.T, -np.inf), axis=1))


def _newton_step(margins: Margins, B: FloatArray, pairs: BoolArray) -> tuple[FloatArray, bool]:
    """The Newton step of the cost of these pairs, and whether it explains the gradient."""

    def per_block(block: Block, there: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        Z, P = restricted(margins, block, there, B)
        products = []
        for k, j in margins.class_pairs:
            products.append(weighted_gram(Z, block.weigh(P[:, k] * P[:, j])))
        surplus = P
        index = (np.arange(block.n_rows), codes(block))
        surplus[index] = 0.0
        surplus[index] = -surplus.sum(axis=1)
        surplus = block.weigh(surplus)
        return surplus.T @ Z, np.abs(surplus).T @ abs(Z), np.array(products)

    gradient, bulk, products = margins.rows.total(per_block, pairs)
    hessian, g = _assemble(margins, products), (margins.basis.T @ gradient).ravel()
    unit = _units(margins, hessian)
    values, vectors = linalg.eigh(hessian / np.outer(unit, unit))
    there = values > FLAT * values.size * values[-1]
    root = vectors[:, there]
    step = -(root @ ((root.T @ (g / unit)) / values[there])) / unit
    left = np.abs(hessian @ step + g)
    size = (np.abs(margins.basis).T @ bulk).ravel()
    explained = bool(np.all(left <= UNEXPLAINED * size))
    return margins.basis @ step.reshape(margins.n_classes - 1, -1), explained


def newton_moves(margins: Margins, B: FloatArray, step: FloatArray, pairs: BoolArray) -> FloatArray:
    """How far a step moves each margin, less the mean of its row: shape (n, K)."""

    def per_block(block: Block, there: BoolArray) -> FloatArray:
        Z, P = restricted(margins, block, there, B)
        M = lead(block, Z @ step.T)
        return M - np.einsum("ik,ik->i", P, M)[:, None]

    return margins.rows.entries(margins.rows.column(per_block, pairs))
