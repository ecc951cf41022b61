"""A direction of separation within a space of few dimensions, by linear programs over open pairs.

Each program takes the pairs that are hardest to please. What it proves impossible shrinks the
space; what it finds is checked on all rows, and pairs that it violates enter the next program. A
direction that passes is kept, the pairs that it decides need no further care (a little of any later
direction may be added to it), and the search goes on with those still open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse

from sklearn_mle.rows.rows import FloatArray
from sklearn_mle.solvers.margins import BoolArray, Margins

ENOUGH = 500
"""Pairs that enter a program at a time, beside ten for each dimension."""
BOXES = (1e5, 1e3, 1e7)
"""Largest coordinate of a direction: margins that differ by more than that are not told apart."""
GAIN = 1e-4
"""z above which a pair is separated; the program's own tolerance is 1e-9."""


@dataclass(frozen=True)
class Widest:
    """The direction that separates all pairs which can be.

    Parameters
    ----------
    direction : ndarray of shape (K, t)
    decided : ndarray of shape (n, K), bool
        The pairs that it separates.
    space : ndarray of shape (r, K, t)
        Holds all directions; nothing in it moves an undecided pair.
    """

    direction: FloatArray
    decided: BoolArray
    space: FloatArray


def projected(
    margins: Margins, open_pairs: BoolArray, space: FloatArray, B: FloatArray
) -> Widest | None:
    """The projection of coefficients at hand on a space, if it separates all open pairs.

    Parameters
    ----------
    margins : Margins
    open_pairs : ndarray of shape (n, K), bool
        All pairs whose margins some direction in the space moves.
    space : ndarray of shape (r, K, t)
        Orthonormal coefficients that span the space.
    B : ndarray of shape (K, t)
    """
    D = _combine(space, np.einsum("rkt,kt->r", space, B))
    ahead = margins.margins(D)
    passed = np.all(ahead[open_pairs] > 0.0) and np.all(ahead >= 0.0)
    return Widest(D, open_pairs, space) if passed else None


def searched(
    margins: Margins, open_pairs: BoolArray, space: FloatArray, reach: FloatArray
) -> Widest | None:
    """The direction that linear programs find, or None if nothing separates."""
    search = _Search(margins, open_pairs, space, reach)
    search.run()
    if not search.decided.any():
        return None
    return Widest(search.found, search.decided, search.space)


class _Search:
    """The state of a search: open, decided and working pairs, the space, the direction found."""

    def __init__(
        self, margins: Margins, open_pairs: BoolArray, space: FloatArray, reach: FloatArray
    ) -> None:
        self.margins, self.space, self.reach = margins, space, reach
        self.open = open_pairs
        self.decided = np.zeros_like(open_pairs)
        self.found = np.zeros(space.shape[1:])
        self.working = np.zeros_like(open_pairs)

    def run(self) -> None:
        """Programs until no pair is open."""
        ahead = self.reach
        while self.open.any():
            self._take(ahead, self.open & ~self.working)
            G = self.margins.lines(self.working, self.space)
            c, z = best_combination(G / np.linalg.norm(G, axis=1, keepdims=True))
            stuck = z <= GAIN
            if stuck.any():
                turn = self._close(G, stuck)
                c = np.zeros(0) if stuck.all() else turn.T @ c
            if not c.any():
                continue
            D = _combine(self.space, c)
            ahead = self.margins.margins(D)
            if np.any(self.open & (ahead < 0.0)):
                if not np.any(self.open & (ahead < 0.0) & ~self.working):
                    self._give_up()
                continue
            self._keep(D, ahead)

    def _take(self, ahead: FloatArray, candidates: BoolArray) -> None:
        """Move the candidates that are least ahead into the working set."""
        places = np.flatnonzero(candidates)
        many = ENOUGH + 10 * self.space.shape[0]
        if places.size > many:
            order = (ahead.ravel()[places] / self.reach.ravel()[places]).argpartition(many)
            places = places[order[:many]]
        self.working.ravel()[places] = True

    def _close(self, G: FloatArray, stuck: BoolArray) -> FloatArray:
        """Working pairs that nothing separates leave, and with them what moves them.

        Returns the coordinates of the space that is left in the old one, shape (r, r').
        """
        turn = _still(G[stuck] / np.linalg.norm(G[stuck], axis=1, keepdims=True))
        self.space = np.tensordot(turn.T, self.space, axes=1)
        closed = np.zeros_like(self.working)
        closed.ravel()[np.flatnonzero(self.working)[stuck]] = True
        self.reach = self.margins.reach(self.space)
        self.open &= ~closed & (self.reach > 0.0)
        self.working &= self.open
        return turn

    def _keep(self, D: FloatArray, ahead: FloatArray) -> None:
        """Add a direction that passed, as much of it as leaves decided pairs ahead."""
        gained = self.open & (ahead > 0.0)
        if not gained.any():
            self._give_up()
            return
        share, lost = 1.0, self.decided & (ahead < 0.0)
        if lost.any():
            before = self.margins.margins(self.found)[lost]
            share = min(1.0, 0.5 * float((before / -ahead[lost]).min()))
        both = self.found + share * D
        if not np.all(self.margins.margins(both)[self.decided | gained] > 0.0):
            self._give_up()
            return
        self.found = both
        self.decided |= gained
        self.open &= ~gained
        self.working &= self.open

    def _give_up(self) -> None:
        """Rounding hides what the working pairs would decide: they count as undecided."""
        self.open &= ~self.working
        self.working[:] = False


def best_combination(G: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The linear program over pairs with these lines.

    Boxes of other sizes are tried where the multipliers of one do not pass as a proof.

    Parameters
    ----------
    G : ndarray of shape (m, r)
        Margins as a function of r coordinates.

    Returns
    -------
    c : ndarray of shape (r,)
    z : ndarray of shape (m,)
        Between 0 and 1; 0 for pairs that nothing separates.
    """
    m, r = G.shape
    c, z = np.zeros(r), np.zeros(m)
    for box in BOXES:
        answer = optimize.linprog(
            np.concatenate([np.zeros(r), -np.ones(m)]),
            A_ub=sparse.hstack([sparse.csr_array(-G), sparse.eye_array(m)], format="csr"),
            b_ub=np.zeros(m),
            bounds=[(-box, box)] * r + [(0.0, 1.0)] * m,
            method="highs",
            options={"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9},
        )
        if answer.status == 0:
            c, z = answer.x[:r], answer.x[r:]
            stuck = z <= GAIN
            if cancels(G[stuck], -answer.ineqlin.marginals[stuck]):
                break
    return c, z


def cancels(G: FloatArray, multipliers: FloatArray) -> bool:
    """Whether positive numbers near these make ``sum multiplier * line`` zero (Stiemke 1915).

    What is left of the sum is taken out by the least change of the multipliers.
    """
    change = np.linalg.lstsq(G.T, G.T @ multipliers, rcond=1e-12)[0] if G.size else np.zeros(0)
    exact = multipliers - change
    left = np.abs(G.T @ exact).max(initial=0.0)
    return bool(np.all(exact > 0.0) and left <= 1e-10 * exact.sum())


def _combine(space: FloatArray, c: FloatArray) -> FloatArray:
    return np.asarray(np.tensordot(c, space, axes=1))


def _still(G: FloatArray) -> FloatArray:
    """Orthonormal columns that the lines make nothing of: shape (r, r')."""
    _, sizes, right = np.linalg.svd(G, full_matrices=G.shape[0] < G.shape[1])
    rank = int(np.count_nonzero(sizes > 1e-9 * sizes[0]))
    return right[rank:].T
