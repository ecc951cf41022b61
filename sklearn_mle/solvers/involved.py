"""Which features take part in a separation: a direction that uses few of them.

Many directions separate the same pairs. Of those the one with the least sum over features of the
largest coefficient, in units of the columns, is again a linear program, and its solutions leave
many features out. Weights ``1 / (size + small)`` in a second and third program make it sparser
(Candes, Wakin and Boyd 2008); of few features that are left each is then left out by trial. Only
the pairs that are hardest to please enter a program, and every answer is checked on all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from sklearn_mle.rows.rows import FloatArray
from sklearn_mle.solvers.margins import BoolArray, Margins
from sklearn_mle.solvers.recession import Widest

LARGEST = 60
"""Coordinates up to which programs are tried; beyond, all features of the direction are named."""
PAIRS = 300
ROUNDS = 8
TRIALS = 12
"""Features up to which each is left out by trial."""
ROUNDING = 1e-14
"""Size of a coefficient, relative to the largest, that is nothing but rounding."""
TAKES_PART = 1e-7
"""Coefficient, relative to the largest, of a feature that takes part."""


def few_features(margins: Margins, found: Widest) -> tuple[FloatArray, NDArray[np.intp]]:
    """A direction that decides the same pairs with few features, and those features.

    Parameters
    ----------
    margins : Margins
    found : Widest
        A direction that decides them.
    """
    D, decided, space = found.direction, found.decided, found.space
    p = margins.centre.size
    slim = D
    if 1 < space.shape[0] <= LARGEST:
        weight = np.ones(p)
        for _ in range(3):
            trial = _least(margins, decided, space, slim, weight)
            if trial is None:
                break
            slim = trial
            size = sizes(slim)[:p]
            weight = 1.0 / (size / size.max() + 1e-3)
        slim = _without(margins, decided, space, slim)
    size = sizes(slim)[:p]
    slim = slim.copy()
    slim[:, :p][:, size <= ROUNDING * size.max()] = 0.0
    return slim, np.flatnonzero(size > TAKES_PART * size.max())


def _without(margins: Margins, decided: BoolArray, space: FloatArray, D: FloatArray) -> FloatArray:
    """The direction without those features that are not needed, the smallest tried first."""
    p = margins.centre.size
    size = sizes(D)[:p]
    takes_part = np.flatnonzero(size > TAKES_PART * size.max())
    if not 1 < takes_part.size <= TRIALS:
        return D
    space = _vanishing(space, np.setdiff1d(np.arange(p), takes_part))
    for j in takes_part[np.argsort(size[takes_part])]:
        smaller = _vanishing(space, np.array([j]))
        trial = _least(margins, decided, smaller, D, np.ones(p)) if smaller.shape[0] else None
        if trial is not None:
            D, space = trial, smaller
    return D


def _vanishing(space: FloatArray, out: NDArray[np.intp]) -> FloatArray:
    """The part of a space in which the coefficients of these features vanish."""
    if not out.size:
        return space
    lines = space[:, :, out].reshape(space.shape[0], -1).T
    _, lengths, right = np.linalg.svd(lines, full_matrices=True)
    part = np.tensordot(right[np.count_nonzero(lengths > 1e-9) :], space, axes=1)
    part[:, :, out] = 0.0
    return np.asarray(part)


def sizes(B: FloatArray) -> FloatArray:
    """Half the range over the classes of each term's coefficients: shape (t,)."""
    return np.asarray(0.5 * np.ptp(B, axis=0))


def _least(
    margins: Margins, decided: BoolArray, space: FloatArray, D: FloatArray, weight: FloatArray
) -> FloatArray | None:
    """The direction of least weighted size; None if no program's answer passes on all pairs.

    All margins may be as small as the least of D: D itself is a solution.
    """
    working = np.zeros_like(decided)
    ahead = margins.margins(D)
    least = float(ahead[decided].min())
    for _ in range(ROUNDS):
        places = np.flatnonzero(decided & ~working)
        if places.size > PAIRS:
            places = places[np.argpartition(ahead.ravel()[places], PAIRS)[:PAIRS]]
        working.ravel()[places] = True
        lines = margins.lines(working, space) / least
        c = _program(lines, space[:, :, : weight.size], weight)
        if c is None:
            return None
        trial = _zeros_made_exact(space, c, weight.size)
        ahead = margins.margins(trial)
        if np.all(ahead[decided] > 0.0) and np.all(ahead >= 0.0):
            return trial
        if not np.any(~working & decided & (ahead <= 0.0)):
            return None
    return None


def _program(lines: FloatArray, columns: FloatArray, weight: FloatArray) -> FloatArray | None:
    """Minimise ``sum weight * s`` with ``lines @ c >= 1`` and all classes' coefficients within s.

    Parameters
    ----------
    lines : ndarray of shape (m, r)
    columns : ndarray of shape (r, K, p)
        Coefficients of the features for each coordinate.
    weight : ndarray of shape (p,)
    """
    m, r = lines.shape
    K, p = columns.shape[1:]
    entries = columns.reshape(r, K * p).T
    s = sparse.csr_array(np.tile(np.eye(p), (K, 1)))
    A = sparse.vstack(
        [
            sparse.hstack([sparse.csr_array(-lines), sparse.csr_array((m, p))]),
            sparse.hstack([sparse.csr_array(entries), -s]),
            sparse.hstack([sparse.csr_array(-entries), -s]),
        ],
        format="csr",
    )
    answer = optimize.linprog(
        np.concatenate([np.zeros(r), weight]),
        A_ub=A,
        b_ub=np.concatenate([-np.ones(m), np.zeros(2 * K * p)]),
        bounds=[(None, None)] * r + [(0.0, None)] * p,
        method="highs",
    )
    return None if answer.x is None or answer.status != 0 else answer.x[:r]


def _zeros_made_exact(space: FloatArray, c: FloatArray, p: int) -> FloatArray:
    """The combination, moved to where the coefficients of features that are nearly out vanish."""
    B = np.asarray(np.tensordot(c, space, axes=1))
    size = sizes(B)[:p]
    out = np.flatnonzero(size <= TAKES_PART * size.max(initial=0.0))
    if not out.size:
        return B
    part = _vanishing(space, out)
    return np.asarray(np.tensordot(np.einsum("rkt,kt->r", part, B), part, axes=1))
