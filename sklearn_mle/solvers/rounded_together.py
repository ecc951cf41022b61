"""Rounding numbers together, where rounding each to the nearest double would show.

Predictions are sums of products. Where terms are far larger than what is left of them, rounding
every coefficient to its nearest double moves the sum by units in the last place of the terms;
other doubles beside them, some up and some down, hit it far better. Which, is a closest vector
problem in the lattice of what one unit in the last place of each does to the sums.

It is solved well, not best: pairs of lattice vectors are reduced by each other, as Euclid and
Gauss did with two, and the nearest plane algorithm (Babai 1986) then rounds one after the other,
each making up for those before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.matrix import in_full, take_rows
from sklearn_mle.rows.rows import Block
from sklearn_mle.solvers.row_screening import Screened
from sklearn_mle.solvers.sign_passes import Level, accurate_residuals

SWEEPS = 40
"""Sweeps over all pairs; each shortens the longest vectors by bits, as Euclid's algorithm does."""
WHOLE = 2.0**52
"""Multiples beyond this are no whole numbers to double precision."""
BASIS_ROWS = 64
"""Rows and columns up to which coefficients are rounded together."""
ROUNDED_ALONE = 1e-12
"""A gap that rounding each coefficient to the nearest double may leave."""
ROUNDS = 3
"""Rounds of rounding; the first may have a long way to go, and units change on it."""


def through_basis(
    level: Level, screened: Screened, coef: FloatArray, intercept: float, loss: float
) -> tuple[FloatArray, float]:
    """Coefficients beside these, of which rounding takes the fit less far off its basis.

    Only rows whose dual is inside its box count for the gap; they are fitted exactly but for the
    rounding of the coefficients, which shows where the loss of all rows is hardly larger than that.
    """
    band, frame = screened.band, level.frame
    w = np.ones(band.n_rows) if band.weight is None else band.weight
    basis = np.flatnonzero(np.abs(screened.answer.dual) < w)
    if not basis.shape[0] or basis.shape[0] > BASIS_ROWS or frame.kept.shape[0] > BASIS_ROWS:
        return coef, intercept
    rows, w = Block(take_rows(band.X, basis), band.y[basis], None), w[basis]
    effects = in_full(rows.X[:, frame.kept]) * w[:, None]
    numbers = coef[frame.kept]
    if frame.intercept:
        effects = np.column_stack([effects, w])
        numbers = np.append(numbers, intercept)

    def put(moved: FloatArray) -> tuple[FloatArray, float]:
        all_of = coef.copy()
        all_of[frame.kept] = moved[: frame.kept.shape[0]]
        return all_of, float(moved[-1]) if frame.intercept else 0.0

    def left_by(moved: FloatArray) -> FloatArray:
        return w * accurate_residuals(rows, *put(moved))

    enough = (ROUNDED_ALONE * loss) ** 2
    return put(rounded_together(numbers, effects, left_by, enough))


def rounded_together(
    numbers: FloatArray,
    effects: FloatArray,
    left_by: Callable[[FloatArray], FloatArray],
    enough: float,
) -> FloatArray:
    """Doubles near the given ones, for which a linear function of them is nearly zero.

    As near as can be: the lattice is reduced, and doubles farther off are tried, only where those
    beside the given ones are not good enough.

    Parameters
    ----------
    numbers : ndarray of shape (k,)
        Those that are zero stay so.
    effects : ndarray of shape (m, k)
        By how much each lowers the function.
    left_by : callable
        The function, shape (m,), to more than double precision before it is rounded.
    enough : float
        The sum of squares of the function that needs no improvement.
    """
    best, left = numbers, left_by(numbers)
    for attempt in range(ROUNDS):
        unit = np.where(best != 0.0, np.spacing(np.abs(best)), 0.0)
        moves = np.flatnonzero((unit > 0.0) & effects.any(axis=0))
        if not moves.shape[0] or left @ left <= enough:
            break
        trial = best.copy()
        units = effects[:, moves] * unit[moves]
        trial[moves] += unit[moves] * whole_multiples(units, left, reduced=attempt > 0)
        left_then = left_by(trial)
        if left_then @ left_then < left @ left:
            best, left = trial, left_then
    return best


def whole_multiples(A: FloatArray, target: FloatArray, reduced: bool = True) -> FloatArray:
    """Whole numbers z, as floats, for which ``A @ z`` is close to the target.

    Parameters
    ----------
    A : ndarray of shape (m, k)
        No column is zero.
    target : ndarray of shape (m,)
    reduced : bool, optional
        Whether to reduce the lattice first; z is closer to what real numbers would be otherwise.
    """
    B, back = reduced_basis(A) if reduced else (A, np.eye(A.shape[1]))
    z = nearest_plane(B, target)
    found: FloatArray = back @ z
    return found if np.abs(found).max(initial=0.0) < WHOLE else np.zeros(A.shape[1])


def reduced_basis(A: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shorter vectors ``B = A @ T`` of the same lattice, and the whole numbers T."""
    B, T = A.copy(), np.eye(A.shape[1])
    for _ in range(SWEEPS):
        changed = False
        for j in np.argsort(-np.einsum("ij,ij->j", B, B), kind="stable"):
            squares = np.einsum("ij,ij->j", B, B)
            shorter = (squares <= squares[j]) & (squares > 0.0)
            shorter[j] = False
            for i in np.flatnonzero(shorter):
                times = float(np.rint(float(B[:, i] @ B[:, j]) / squares[i]))
                if times:
                    trial = B[:, j] - times * B[:, i]
                    multiples = T[:, j] - times * T[:, i]
                    if trial @ trial < B[:, j] @ B[:, j] and np.abs(multiples).max() < WHOLE:
                        B[:, j], T[:, j] = trial, multiples
                        changed = True
        if not changed:
            break
    return B, T


def nearest_plane(B: FloatArray, target: FloatArray) -> FloatArray:
    """Whole numbers z with ``B @ z`` near the target, found one after the other.

    The last to be rounded is the shortest vector; each before it is that which is longest beside
    those that are rounded after it.
    """
    k = B.shape[1]
    order, directions = _by_length(B)
    z, left = np.zeros(k), target.copy()
    for j, direction in zip(order[::-1], directions[::-1]):
        along = float(B[:, j] @ direction)
        if along > 0.0:
            z[j] = float(np.rint(float(left @ direction) / along))
            left -= z[j] * B[:, j]
    return z


def _by_length(B: FloatArray) -> tuple[list[int], list[FloatArray]]:
    """Columns, each the shortest beside all before it; what is left of it there, of length one."""
    rest, left = list(range(B.shape[1])), B.copy()
    order: list[int] = []
    directions: list[FloatArray] = []
    while rest:
        squares = np.einsum("ij,ij->j", left[:, rest], left[:, rest])
        j = rest.pop(int(np.argmin(squares)))
        length = math.sqrt(float(left[:, j] @ left[:, j]))
        null = length <= 1e-12 * math.sqrt(float(B[:, j] @ B[:, j]))
        direction = np.zeros(B.shape[0]) if null else left[:, j] / length
        order.append(j)
        directions.append(direction)
        for i in rest:
            for _ in range(2):
                left[:, i] -= float(left[:, i] @ direction) * direction
    return order, directions
