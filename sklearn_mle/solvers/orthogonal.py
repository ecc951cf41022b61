"""The triangular factor of all rows, block by block (TSQR; Demmel, Grigori, Hoemmen, Langou 2012).

If each block of ``[Z y]`` has the factor ``R_k``, the factor of all rows is that of the ``R_k``
stacked: ``R'R = sum R_k'R_k``, without ever forming a product that would square the condition.
Householder's rounding errors are small relative to each column, so columns need no scaling; the
last column of R holds ``Q'y``.

Factors are added by ``+``, which is all that `Rows.total` asks of what it adds up.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dgeqrf, dgeqrf_lwork

from sklearn_mle.rows.design import in_full
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.rows import Block, FloatArray, Rows
from sklearn_mle.solvers.gram import Frame, shifted_columns

SPARSE_ROWS = 256
"""Sparse rows that are written out at a time, or four a column."""
POSTPONED = 2
"""Rows are gathered until there are this many times as many as columns: so a factor of many
columns is not computed afresh for each block of few rows."""


@dataclass(frozen=True)
class Factor:
    """Rows whose sums of squares and products are those of all the rows added so far.

    Parameters
    ----------
    parts : tuple of ndarray of shape (m_k, p + 1)
        Triangular factors, and rows that were too few to be worth one.
    """

    parts: tuple[FloatArray, ...]

    @property
    def n_rows(self) -> int:
        return sum(part.shape[0] for part in self.parts)

    def __add__(self, other: Factor) -> Factor:
        both = Factor(self.parts + other.parts)
        if both.n_rows < POSTPONED * self.parts[0].shape[1]:
            return both
        return Factor((both.triangle(),))

    def triangle(self) -> FloatArray:
        """One array of at most p + 1 rows with the same sums; upper triangular or trapezoid."""
        if len(self.parts) == 1 and self.n_rows <= self.parts[0].shape[1]:
            return self.parts[0]
        stacked = np.empty((self.n_rows, self.parts[0].shape[1]), order="F")
        return triangular_factor(np.concatenate(self.parts, out=stacked))


def triangular_factor(A: FloatArray) -> FloatArray:
    """R of the QR factorisation, at most as many rows as columns; A in Fortran order is used up."""
    m, q = A.shape
    if m <= 1:
        return A
    lwork = int(dgeqrf_lwork(m, q)[0])
    R = dgeqrf(A, lwork=lwork, overwrite_a=1)[0]
    return np.triu(R[: min(m, q)])


def triangle_of(Z: Design) -> FloatArray:
    """An array whose product with itself is that of Z, with at most twice as many rows as columns.

    Z itself if it is an array; sparse rows are written out a few at a time.
    """
    if isinstance(Z, np.ndarray):
        return Z
    step = max(SPARSE_ROWS, 4 * Z.shape[1])
    parts = (in_full(Z[first : first + step]) for first in range(0, Z.shape[0], step))
    return functools.reduce(operator.add, map(_part, parts)).triangle()


def _part(A: FloatArray) -> Factor:
    """Rows as a factor, or as they are where they are few."""
    few = A.shape[0] <= POSTPONED * A.shape[1]
    return Factor((A if few else triangular_factor(np.asfortranarray(A)),))


def factor(rows: Rows, frame: Frame) -> FloatArray:
    """``[R Q'y]`` of the rows in a frame, each times the root of its weight.

    Shape (k, p + 1), with k at most p + 1. One pass; a column is rounded relative to its shifted
    entries only.
    """
    columns = shifted_columns(frame)
    (whole,) = rows.total(_block_factor(columns, frame))
    return whole.triangle()


def _block_factor(
    columns: Callable[[Block], FloatArray], frame: Frame
) -> Callable[[Block], tuple[Factor]]:
    p = frame.shift.shape[0] - 1

    def per_block(block: Block) -> tuple[Factor]:
        Z, y = columns(block), (block.y - frame.shift[p]) * frame.unit[p]
        root = None if block.weight is None else np.sqrt(block.weight)
        # sparse rows are written out a few at a time
        step = block.n_rows if isinstance(Z, np.ndarray) else max(SPARSE_ROWS, 4 * (p + 1))
        parts = []
        for first in range(0, block.n_rows, step):
            some = slice(first, first + step)
            A = np.empty((y[some].shape[0], p + 1), order="F")
            A[:, :p] = in_full(Z[some])
            A[:, p] = y[some]
            if root is not None:
                A *= root[some, None]
            parts.append(_part(A))
        return (functools.reduce(operator.add, parts),)

    return per_block
