"""The coefficients of a limit: of all that give it, those of least norm.

Where classes are separated the limit leaves much of the coefficients open. Along the directions
that move no undecided pair, the space S, the likelihood says nothing more than that every decided
pair shall be far ahead; how far, and along which direction, depends on the way that a solver came.
What is asked for here depends on the rows alone:

    least |B|^2  with  m_ik(B) >= EXCLUDED  for the decided pairs,  B - P_S B  as fitted,

the norm being that of the terms, so that the units of columns do not matter. It is unique, and for
classes that are completely separated the plane of widest margin, which is where the fits of ever
smaller ridge penalties go as well (Rosset, Zhu and Hastie 2004).

In the coordinates of S it is a least distance problem, ``least |c|^2 with G c >= h``, which
nonnegative least squares solves (Lawson and Hanson 1974, chapter 23). Few pairs hold the answer:
those that fall shortest enter, until no other one does.

References
----------
Lawson, C. L. and Hanson, R. J. (1974). Solving Least Squares Problems. Prentice-Hall.

Rosset, S., Zhu, J. and Hastie, T. (2004). Margin maximizing loss functions. Advances in Neural
Information Processing Systems 16.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from scipy import optimize

from sklearn_mle.rows.rows import FloatArray
from sklearn_mle.solvers.margins import BoolArray, Margins
from sklearn_mle.solvers.overlap import still_space
from sklearn_mle.solvers.separation import EXCLUDED, Recession

MOST_TERMS = 1000
"""Coordinates of coefficients up to which S is computed."""
MOST_OPEN = 100
"""Dimensions of S up to which the problem takes less time than a fit; beyond, what is is kept."""
ENTER = 100
"""Pairs that enter at a time, beside two for each dimension."""
ROUNDS = 100
SHORT = 1e-10 * EXCLUDED
"""What a margin may lack by rounding."""
ROUNDED = 1e-6 * EXCLUDED
"""What it may lack where rounding keeps it there, the pair being among those asked."""
FAILED = 1e-6
"""What a solution may lack, relative to the largest that is asked for."""
SAME = 1e-13
"""Change of the cost, relative to it, that is only rounding."""

Reached = TypeVar("Reached", bound=Any)


def in_least_form(objective: Any, found: Recession, end: Reached) -> Reached:
    """The end of a descent in a limit, at the coefficients of least norm.

    Parameters
    ----------
    objective : Objective
        The cost of what is left undecided.
    found : Recession
    end : Descent or End
        With ``theta``, ``value`` and ``decrement``; it is kept if the cost at the others is not the
        same.
    """
    at_hand = found.margins
    if at_hand.size > MOST_TERMS:
        return end
    # those at hand may not be shifted, and do not count repeats; what is least depends on both
    margins = Margins.of(at_hand.rows, at_hand.n_classes, at_hand.intercept, weighted=True)
    least = least_of_limit(margins, found.decided, *objective.unpack(end.theta))
    if least is None:
        return end
    theta = objective.pack(*least)
    value = objective.value(theta)
    if not abs(value - end.value) <= SAME * max(1.0, abs(end.value)):
        return end
    rise = max(0.0, value - end.value)
    made: Reached = replace(end, theta=theta, decrement=end.decrement + rise)
    return made


def least_of_limit(
    margins: Margins, decided: BoolArray, coef: FloatArray, intercept: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    """The coefficients of least norm that give the same limit; None if they are too many to tell.

    Parameters
    ----------
    margins : Margins
        Columns shifted and scaled.
    decided : ndarray of shape (n, K), bool
        All pairs that some direction separates.
    coef : ndarray of shape (1, p) or (K, p)
        Coefficients of raw columns that fit what is left undecided.
    intercept : ndarray of shape (1,) or (K,)

    Returns
    -------
    coef, intercept
        Of raw columns.
    """
    space = still_space(margins, margins.others() & ~decided)
    if not 0 < space.shape[0] <= MOST_OPEN:
        return None
    B = margins.from_raw(coef, intercept)
    for _ in range(2):  # what a first projection rounds off is as large as what it takes off
        B = B - np.tensordot(np.einsum("rkt,kt->r", space, B), space, axes=1)
    found = _Nearest(margins, decided, space, B).found()
    return None if found is None else margins.to_raw(found)


@dataclass(frozen=True)
class _Nearest:
    """The problem of the least norm.

    Parameters
    ----------
    margins : Margins
    decided : ndarray of shape (n, K), bool
    space : ndarray of shape (r, K, t)
        Orthonormal.
    fixed : ndarray of shape (K, t)
        Coefficients that are orthogonal to it.
    """

    margins: Margins
    decided: BoolArray
    space: FloatArray
    fixed: FloatArray

    def found(self) -> FloatArray | None:
        """Its solution, shape (K, t)."""
        share = np.broadcast_to(self.margins.shares()[:, None], self.decided.shape)
        wanted = EXCLUDED * share - self.margins.margins(self.fixed)
        many = ENTER + 2 * self.space.shape[0]
        working, short = np.zeros_like(self.decided), wanted
        for _ in range(ROUNDS):
            places = np.flatnonzero(self.decided & ~working)
            if places.size > many:
                places = places[np.argpartition(-short.ravel()[places], many)[:many]]
            working.ravel()[places] = True
            c = least_beyond(self.margins.lines(working, self.space), wanted[working])
            if c is None:
                return None
            D = np.tensordot(c, self.space, axes=1)
            short = wanted - self.margins.margins(D)
            if not np.any(short[self.decided & ~working] > SHORT):
                B = self.fixed + D
                return B if np.all(short[self.decided] <= ROUNDED) else None
        return None


def least_beyond(G: FloatArray, h: FloatArray) -> FloatArray | None:
    """The least c with ``G c >= h``, or None if there is none or it is not found.

    Parameters
    ----------
    G : ndarray of shape (m, r)
    h : ndarray of shape (m,)
        Some of them positive.

    Returns
    -------
    ndarray of shape (r,)
    """
    length = np.linalg.norm(G, axis=1)
    G, h = G / length[:, None], h / length
    target = np.append(np.zeros(G.shape[1]), 1.0)
    size = float(h.max())
    for _ in range(3):  # the multipliers are well known where c is about one
        lines = np.column_stack([G, h / size]).T
        try:
            multipliers, _ = optimize.nnls(lines, target, maxiter=30 * G.shape[0])
        except RuntimeError:
            return None
        left = target - lines @ multipliers
        if not left[-1] > 0.0:
            return None
        c = -left[:-1] / left[-1]
        if 0.1 <= np.linalg.norm(c) <= 10.0:
            break
        size *= float(np.linalg.norm(c))
    held = multipliers > 0.0
    c = np.asarray(np.linalg.lstsq(G[held], h[held], rcond=1e-13)[0])
    return c if np.all(G @ c >= h - FAILED * h.max()) else None
