"""Separation of classes by very many sparse columns: the same proof, without a matrix of them.

`separation` says what is to be proven. Here, too, three steps, of which each only costs products:

1. Columns that separate alone are found by counting signs (`peeling`): what makes nearly all
   separations of rare levels, words and events. What they decide is left out of the rest.
2. A Newton step, by conjugate gradients, proves of most pairs that nothing separates them
   (`overlap`). It is known up to an error of bounded energy, and the energy of an error that moves
   the margin of a pair with probability p by one is w p at least: so small that no margin moves by
   a quarter, it changes no verdict.
3. A direction must keep the margins of these pairs at zero. The projections of two random vectors
   on that space (`null_space`) show which other pairs move at all in it (with probability one, all
   that can), and which columns take part. If none of the pairs moves: overlap. If the projection of
   the coefficients at hand puts all that move ahead: separated. If neither, and the columns that
   take part are few, they alone are asked (`separation`), as all others are zero in any direction.

What is left is undecided, and said to be: many columns that separate only together, and that the
way of Newton's method does not yet show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from sklearn_mle.rows.design import column_squares
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Block, FloatArray, Rows
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers import conjugate_gradients
from sklearn_mle.solvers.margins import BoolArray, Margins, codes, lead
from sklearn_mle.solvers.null_space import Rest, out_of_range
from sklearn_mle.solvers.overlap import ROUNDS, WILD, newton_moves, restricted, still_space
from sklearn_mle.solvers.peeling import peeled, with_little
from sklearn_mle.solvers.recession import Widest, projected, searched
from sklearn_mle.solvers.separation import Recession, recession_along

SURE = 1e-9
"""Probability below which a pair is not asked: it takes part in nothing that is near the end."""
UNMOVED = 0.25
"""Move of a margin that an inexact step may be wrong by."""
MOST_PRODUCTS = 2000
SEEN = 1e-7
"""Margin of a random direction, relative to the sizes of its terms, that is not rounding; and size
of a coefficient, relative to the largest, of a column that takes part."""
NOISE = 1e-9
"""Coordinate of a projection, relative to the largest, that is only rounding."""
FEW = 1500
"""Columns that are asked alone if they are all that takes part."""
SEED = 1988


@dataclass(frozen=True)
class Verdict:
    """What is known of a separation.

    Parameters
    ----------
    found : Recession or None
        A direction, if there is one.
    known : bool
        Whether the direction decides all pairs that can be, or there is none.
    """

    found: Recession | None
    known: bool


@blocks_share_cores(0)
def judge_separation(
    rows: Rows, n_classes: int, fit_intercept: bool, coef: FloatArray, intercept: FloatArray
) -> Verdict:
    """A direction that separates all pairs which can be, a proof that there is none, or neither.

    Parameters
    ----------
    rows : Rows
        ``y`` holds class codes.
    n_classes : int
    fit_intercept : bool
    coef : ndarray of shape (1, p) or (K, p)
        Coefficients of raw columns near the maximum, or far on the way to where there is none.
    intercept : ndarray of shape (1,) or (K,)
    """
    margins = _unshifted(Margins.of(rows, n_classes, fit_intercept))
    B = margins.from_raw(coef, intercept)
    others, here = margins.others(), margins.margins(B)
    if np.all(here[others] > 0.0):
        return Verdict(recession_along(margins, _widest(B, others), B, here), True)
    D, decided = peeled(margins)
    rest, known = others & ~decided, True
    if rest.any():
        step, gained, known = _of_the_rest(margins, rest, B)
        both = with_little(margins, D, step, decided) if decided.any() else step
        if gained.any() and np.all(margins.margins(both)[decided | gained] > 0.0):
            D, decided = both, decided | gained
        else:
            known = known and not gained.any()
    if not decided.any():
        return Verdict(None, known)
    return Verdict(recession_along(margins, _widest(D, decided), B, here), known)


def _of_the_rest(
    margins: Margins, rest: BoolArray, B: FloatArray
) -> tuple[FloatArray, BoolArray, bool]:
    """Steps 2 and 3: a direction, what it decides, and whether nothing else can be decided."""
    nothing = np.zeros_like(B), np.zeros_like(rest)
    closed = _proven(margins, rest, B)
    if not np.any(rest & ~closed):
        return *nothing, True
    still = _Still(margins, closed)
    random = np.random.default_rng(SEED).standard_normal((2, margins.size))
    parts = [still.part(b) for b in random]
    if not all(part.known for part in parts):
        return *nothing, False
    some = [still.coefficients(part.vector) for part in parts if part.vector is not None]
    open_pairs = np.zeros_like(rest)
    for D in some:
        open_pairs |= (_moves(margins, D) != 0) & rest & ~closed
    if not open_pairs.any():
        return *nothing, True
    part = still.part(still.coordinates(B)).vector
    if part is not None:
        D = still.coefficients(part)
        if np.all(_moves(margins, D)[open_pairs] > 0):
            return D, open_pairs, True
    size = np.max([np.abs(D).max(axis=0) for D in some], axis=0)
    used = np.flatnonzero(size > SEEN * size.max())
    if used.size * (margins.n_classes - 1) > FEW:
        return *nothing, False
    return *_by_few(margins, rest, closed, B, used), True


def _unshifted(margins: Margins) -> Margins:
    """The same with columns as they are, so that few entries are other than zero; but for those
    that are far from zero, which are full."""
    centre = np.zeros_like(margins.centre)
    far = list(margins.far)
    centre[far] = margins.centre[far]
    return replace(margins, centre=centre)


def _widest(D: FloatArray, decided: BoolArray) -> Widest:
    return Widest(D, decided, np.empty((0, *D.shape)))


def _proven(margins: Margins, rest: BoolArray, B: FloatArray) -> BoolArray:
    """Pairs of the rest that no direction separates, by Newton steps from B."""
    rows = margins.rows
    made = rows.column(lambda block: np.exp(log_softmax(margins.directions(block) @ B.T, axis=1)))
    P = rows.entries(made)
    pairs = rest & (P > SURE)
    for _ in range(ROUNDS):
        if not pairs.any():
            break
        step, sure = _newton_step(margins, B, pairs)
        wild = pairs & (newton_moves(margins, B, step, pairs) >= WILD)
        if not wild.any():
            if sure:
                return pairs
            pairs = pairs & (100.0 * float(P[pairs].min()) < P)
        else:
            pairs = pairs & (float(P[wild].max()) < P)
    return np.zeros_like(pairs)


def _newton_step(margins: Margins, B: FloatArray, pairs: BoolArray) -> tuple[FloatArray, bool]:
    """The Newton step of the cost of these pairs, and whether its error moves no margin."""
    basis = margins.basis

    def slopes(block: Block, there: BoolArray) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
        Z, P = restricted(margins, block, there, B)
        own = np.arange(block.n_rows), codes(block)
        surplus = P.copy()
        surplus[own] = 0.0
        surplus[own] = -surplus.sum(axis=1)
        bends = block.weigh(P @ np.square(basis) - np.square(P @ basis))
        squares = np.array([column_squares(Z, bend) for bend in bends.T])
        return P, (block.weigh(surplus).T @ Z, squares)

    known, (gradient, squares) = margins.rows.column_and_total(slopes, pairs)

    weighed = margins.rows.column(lambda block, P: block.weigh(P), known)
    mass = margins.rows.entries(weighed)[pairs]

    def bend(block: Block, P: FloatArray, step: FloatArray) -> tuple[FloatArray]:
        Z = margins.directions(block)
        moves = Z @ step.T
        moves -= np.einsum("ik,ik->i", P, moves)[:, None]
        return (block.weigh(P * moves).T @ Z,)

    def product(v: FloatArray) -> FloatArray:
        step = basis @ v.reshape(margins.n_classes - 1, -1)
        (image,) = margins.rows.total(lambda block, P: bend(block, P, step), known)
        return np.asarray((basis.T @ image).ravel())

    allowed = UNMOVED**2 * float(mass.min())
    found = conjugate_gradients.solve(
        product,
        _roots(squares),
        -(basis.T @ gradient).ravel(),
        lambda energy, left: left <= allowed,
        MOST_PRODUCTS,
    )
    step = basis @ found.x.reshape(margins.n_classes - 1, -1)
    return np.asarray(step), found.left <= allowed


def _roots(squares: FloatArray) -> FloatArray:
    """Units of coordinates: one for those that no pair moves."""
    return np.sqrt(np.where(squares > 0.0, squares, 1.0)).ravel()


class _Still:
    """The space of coefficients that change no margin of some pairs, in scaled coordinates."""

    def __init__(self, margins: Margins, pairs: BoolArray) -> None:
        self.margins, self.pairs = margins, pairs
        self.unit = _roots(margins.rows.total(self._squares, pairs)[0])

    def part(self, v: FloatArray) -> Rest:
        """The projection of coordinates on the space, rounding errors set to zero."""
        rest = out_of_range(self._product, v, MOST_PRODUCTS)
        if rest.vector is None:
            return rest
        size = np.abs(rest.vector)
        return replace(rest, vector=np.where(size > NOISE * size.max(), rest.vector, 0.0))

    def coordinates(self, B: FloatArray) -> FloatArray:
        return np.asarray((self.margins.basis.T @ B).ravel() * self.unit)

    def coefficients(self, v: FloatArray) -> FloatArray:
        shaped = (v / self.unit).reshape(self.margins.n_classes - 1, -1)
        return np.asarray(self.margins.basis @ shaped)

    def _squares(self, block: Block, there: BoolArray) -> tuple[FloatArray]:
        """The diagonal of the Gram matrix of the pairs' lines."""
        Z, basis = self.margins.directions(block), self.margins.basis
        apart = np.square(basis[codes(block)][:, None, :] - basis[None, :, :])
        weights = np.einsum("ik,ika->ai", there.astype(np.float64), apart)
        return (np.array([column_squares(Z, weight) for weight in weights]),)

    def _product(self, v: FloatArray) -> FloatArray:
        B = self.coefficients(v)

        def per_block(block: Block, there: BoolArray) -> tuple[FloatArray]:
            Z = self.margins.directions(block)
            pull = -np.where(there, lead(block, Z @ B.T), 0.0)
            pull[np.arange(block.n_rows), codes(block)] = -pull.sum(axis=1)
            return (pull.T @ Z,)

        (image,) = self.margins.rows.total(per_block, self.pairs)
        return np.asarray((self.margins.basis.T @ image).ravel() / self.unit)


def _moves(margins: Margins, D: FloatArray) -> NDArray[np.int8]:
    """Signs of the margins along D, zero for what may be rounding; shape (n, K).

    A projection is known less well than what solves a linear system.
    """

    def per_block(block: Block) -> NDArray[np.int8]:
        Z = margins.directions(block)
        size = abs(Z) @ np.abs(D).T
        size += size[np.arange(block.n_rows), codes(block)][:, None]
        M = lead(block, Z @ D.T)
        return np.where(np.abs(M) > SEEN * size, np.sign(M), 0.0).astype(np.int8)

    return margins.rows.entries(margins.rows.column(per_block))


def _by_few(
    margins: Margins, rest: BoolArray, closed: BoolArray, B: FloatArray, used: NDArray[np.intp]
) -> tuple[FloatArray, BoolArray]:
    """What the columns at these places decide: a direction of all, and its pairs."""
    p = margins.centre.size
    columns, level = used[used < p], bool(used[-1] == p)

    def touched(block: Block) -> BoolArray:
        return np.asarray(abs(block.X[:, columns]).sum(axis=1) > 0.0).ravel() | level

    mask = margins.rows.entries(margins.rows.column(touched))
    some = margins.rows.keep(touched)
    few = replace(
        margins,
        rows=InMemoryRows(some.X[:, columns], some.y, some.weight),
        intercept=level,
        centre=margins.centre[columns],
        unit=margins.unit[columns],
        far=tuple(np.flatnonzero(np.isin(columns, margins.far)).tolist()),
    )
    space = still_space(few, closed[mask])
    reach = few.reach(space)
    open_pairs = rest[mask] & ~closed[mask] & (reach > 0.0)
    found = None
    if space.shape[0] and open_pairs.any():
        found = projected(few, open_pairs, space, B[:, used])
        found = found or searched(few, open_pairs, space, reach)
    D, decided = np.zeros_like(B), np.zeros_like(rest)
    if found is not None:
        D[:, used] = found.direction
        decided[mask] = found.decided
    return D, decided
