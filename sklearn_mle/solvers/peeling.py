"""Columns that separate classes by themselves, such as a level that only one class has.

Let no entry of a column be negative in the rows of the other classes, and none be positive in those
of class k. Then a smaller coefficient of k alone loses in no row, and wins where the other classes'
entries are positive or its own are negative: along it those pairs of row and class are decided. The
signs of entries are counted, so that the test is exact and takes one pass, whatever the number of
columns. What is decided needs no further care (a little of any later direction may be added to what
decided it), and without it other columns may separate: rounds go on until none does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows.matrix import entries, transposed, with_entries
from sklearn_mle.rows.rows import Block, FloatArray
from sklearn_mle.solvers.margins import BoolArray, Margins, codes

ROUNDS = 50


def peeled(margins: Margins) -> tuple[FloatArray, BoolArray]:
    """A direction made of columns that separate alone, and the pairs that it decides.

    Parameters
    ----------
    margins : Margins
        Of columns that are not shifted.

    Returns
    -------
    direction : ndarray of shape (K, t)
    decided : ndarray of shape (n, K), bool
    """
    others = margins.others()
    open_pairs, found = others, np.zeros((margins.n_classes, margins.n_terms))
    for _ in range(ROUNDS):
        step = np.zeros_like(found)
        step[:, : margins.centre.size] = _lone_columns(margins, open_pairs)
        if not step.any():
            break
        ahead = margins.margins(step)
        gained = open_pairs & (ahead > 0.0)
        if not gained.any():
            break  # by rounding, or the columns are shifted
        found = with_little(margins, found, step, others & ~open_pairs)
        open_pairs = open_pairs & ~gained
    return found, others & ~open_pairs


def with_little(
    margins: Margins, found: FloatArray, step: FloatArray, decided: BoolArray
) -> FloatArray:
    """A direction with as much of another as leaves the pairs that it decides ahead."""
    lost = margins.margins(step)[decided]
    behind = lost < 0.0
    share = 1.0
    if behind.any():
        before = margins.margins(found)[decided]
        share = min(1.0, 0.5 * float((before[behind] / -lost[behind]).min()))
    return found + share * step


def _lone_columns(margins: Margins, open_pairs: BoolArray) -> NDArray[np.float64]:
    """Of each class and column -1 or 1 where that is a direction, 0 elsewhere; shape (K, p).

    Columns that are shifted by themselves are left out: nearly all of their entries are stored.
    """

    def per_block(block: Block, there: BoolArray) -> tuple[FloatArray, ...]:
        own = np.zeros(there.shape)
        own[np.arange(block.n_rows), codes(block)] = there.any(axis=1)
        both = np.hstack([there, own])
        values = entries(block.X)
        up = transposed(with_entries(block.X, (values > 0.0).astype(np.float64))) @ both
        down = transposed(with_entries(block.X, (values < 0.0).astype(np.float64))) @ both
        return up.T, down.T

    up, down = margins.rows.total(per_block, open_pairs)
    K = margins.n_classes
    (up, own_up), (down, own_down) = (up[:K], up[K:]), (down[:K], down[K:])
    falls = (down + own_up == 0) & (up + own_down > 0)
    rises = (up + own_down == 0) & (down + own_up > 0)
    step = rises.astype(np.float64) - falls
    step[:, list(margins.far)] = 0.0
    return np.asarray(step)
