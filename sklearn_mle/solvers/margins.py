"""Margins: how far a row's own class is ahead of every other, for given coefficients.

Row i of class c and another class k are a *pair*; ``z_i' (b_c - b_k)`` is its margin. Coefficients
B have one line a class and one column a term, the terms being the shifted and scaled columns of X
and, with an intercept, a one. A number common to all classes changes no margin; the sum-to-zero
basis takes it out where coordinates are needed.

Where a few entries of a column are far above all others, mean and spread are theirs: in such units
the other rows would all be alike up to rounding, and the far ones seem separated from them. There
`typical_units` take their place. A row as far as that is then divided down to a like size: a
positive number on all margins of a row changes the sign of none, and what separates or proves that
nothing does, does so as before. What is not far is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.likelihoods.class_products import sum_to_zero_basis
from sklearn_mle.likelihoods.column_units import standard_units
from sklearn_mle.likelihoods.typical_units import typical_units
from sklearn_mle.rows.design import column_squares, design, row_squares, times_rows
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.matrix import is_sparse
from sklearn_mle.rows.rows import Block, FloatArray, Rows

BoolArray = NDArray[np.bool_]

ROUNDING = 1e-10
"""A margin below this share of the sum of its terms' sizes counts as zero: a direction that makes
some margins vanish is known to about 1e-12, as it solves a linear system in rounded numbers."""
PIECE_BYTES = 2**22
"""Size of the scores for several coefficients that are held at a time."""
FAR_COLUMN = 1e4
"""Root mean square of a column, over the typical size of its entries, that a few far ones make."""
FAR_ROW = 1e4
"""Size of a row's terms, over their number, from which it is divided down."""
SAMPLE_ROWS = 20_000
SAMPLE_ROWS_A_TERM = 100


@dataclass(frozen=True)
class Margins:
    """The pairs of these rows.

    Parameters
    ----------
    rows : Rows
        ``y`` holds class codes.
    n_classes : int
    intercept : bool
    centre, unit : ndarray of shape (p,)
        What columns are shifted and scaled by; the centre is zero without an intercept.
    far : tuple of int
        Columns of sparse rows that are shifted by themselves.
    wild : bool
        Whether some column has entries far above all others.
    """

    rows: Rows
    n_classes: int
    intercept: bool
    centre: FloatArray
    unit: FloatArray
    far: tuple[int, ...] = ()
    wild: bool = False

    @classmethod
    def of(cls, rows: Rows, n_classes: int, intercept: bool, weighted: bool = False) -> Margins:
        """Columns by their means and root mean squares, in two passes, or by typical entries.

        Weights do not matter to what separates; with them, units are those of rows repeated.
        """
        centre = np.zeros(rows.n_columns)
        far: tuple[int, ...] = ()
        total = rows.total_weight if weighted else rows.n_rows

        def weights(block: Block) -> FloatArray:
            return block.weight if weighted and block.weight is not None else np.ones(block.n_rows)

        if intercept:
            centre = rows.total(lambda block: (weights(block) @ block.X,))[0] / total
            far = standard_units(rows, intercept).far

        def per_block(block: Block) -> tuple[FloatArray]:
            return (column_squares(design(block.X, centre, far=far), weights(block)),)

        with np.errstate(over="ignore", invalid="ignore"):
            unit = np.sqrt(rows.total(per_block)[0] / total)
        typical = typical_units(rows, intercept)
        wild = ~(unit <= FAR_COLUMN * typical.size)
        nothing = unit <= 8.0 * np.finfo(float).eps * np.abs(centre)
        wild &= ~nothing
        centre = np.where(wild, typical.middle, centre)
        unit = np.where(wild, typical.size, np.where(nothing, 1.0, unit))
        return cls(rows, n_classes, intercept, centre, unit, far, bool(wild.any()))

    def sample(self) -> Margins | None:
        """The pairs of some rows, or None where there are not many more."""
        m = max(SAMPLE_ROWS, SAMPLE_ROWS_A_TERM * self.size)
        return replace(self, rows=self.rows.sample(m)) if 4 * m <= self.rows.n_rows else None

    @property
    def n_terms(self) -> int:
        return self.centre.size + int(self.intercept)

    @property
    def size(self) -> int:
        """How many coordinates coefficients have that sum to zero over the classes."""
        return (self.n_classes - 1) * self.n_terms

    @cached_property
    def basis(self) -> FloatArray:
        """What turns coordinates into coefficients, line by line: shape (n_classes, K - 1)."""
        return sum_to_zero_basis(self.n_classes)

    @property
    def class_pairs(self) -> list[tuple[int, int]]:
        return list(combinations(range(self.n_classes), 2))

    def terms(self, block: Block) -> Design:
        """Shifted and scaled columns, and the one: shape (m, n_terms)."""
        ones = [1.0] if self.intercept else []
        return design(block.X, self.centre, self.unit, ones, self.far)

    def directions(self, block: Block) -> Design:
        """The terms of rows of like size: those of far rows are divided down."""
        Z = self.terms(block)
        return times_rows(Z, self._shares(Z)) if self.wild else Z

    def _shares(self, Z: Design) -> FloatArray:
        """What each row is multiplied with to be of a like size, shape (m,)."""
        size = abs(Z) @ np.full(self.n_terms, 1.0 / self.n_terms)
        return 1.0 / np.where(size > FAR_ROW, size, 1.0)

    def shares(self) -> FloatArray:
        """The same of all rows; `margins` are in units of them. Shape (n,)."""
        if not self.wild:
            return np.ones(self.rows.n_rows)
        return self.rows.entries(self.rows.column(lambda block: self._shares(self.terms(block))))

    def _terms_at(self, block: Block, used: NDArray[np.intp]) -> tuple[Design, Any]:
        """The terms at these places, or all where that is as cheap; and which they are."""
        p = self.centre.size
        if is_sparse(block.X) or 2 * used.size > self.n_terms:
            return self.terms(block), slice(None)
        columns = used[used < p]
        ones = [1.0] if used.size > columns.size else []
        X = block.X[:, columns]
        return design(X, self.centre[columns], self.unit[columns], ones), used

    def others(self) -> BoolArray:
        """All pairs: shape (n, K), false for the class of the row itself."""
        classes = np.arange(self.n_classes)
        made = self.rows.column(lambda block: codes(block)[:, None] != classes)
        return self.rows.entries(made)

    def margins(self, B: FloatArray) -> FloatArray:
        """Margins of all pairs, of rows of like size, rounding errors set to zero: shape (n, K)."""

        used = np.flatnonzero(B.any(axis=0))

        def per_block(block: Block) -> FloatArray:
            Z, there = self._terms_at(block, used)
            M = lead(block, Z @ B[:, there].T)
            size = abs(Z) @ np.abs(B[:, there]).T
            size += own(block, size)[:, None]
            M[np.abs(M) <= ROUNDING * size] = 0.0
            return M * self._shares(self.terms(block))[:, None] if self.wild else M

        return self.rows.entries(self.rows.column(per_block))

    def reach(self, N: FloatArray) -> FloatArray:
        """How large the margin of each pair gets for coefficients in a space.

        Parameters
        ----------
        N : ndarray of shape (r, K, t)
            Orthonormal coefficients that span it.

        Returns
        -------
        ndarray of shape (n, K)
            The norm of the r margins relative to that of the terms; zero where that is rounding.
        """

        def per_block(block: Block) -> FloatArray:
            lengths = np.zeros((block.n_rows, self.n_classes))
            size = np.sqrt(np.maximum(row_squares(self.directions(block)), 1e-300))
            for part, _, M in self.in_pieces(block, N):
                length = np.sqrt(np.einsum("ikr,ikr->ik", M, M)) / size[part, None]
                length[length <= ROUNDING] = 0.0
                np.put_along_axis(lengths[part], self.other_classes(block)[part], length, axis=1)
            return lengths

        return self.rows.entries(self.rows.column(per_block))

    def other_classes(self, block: Block) -> NDArray[np.intp]:
        """The classes that each row's own may lead, sorted: shape (m, K - 1)."""
        K = self.n_classes
        each = np.array([[k for k in range(K) if k != c] for c in range(K)], dtype=np.intp)
        return each[codes(block)]

    def in_pieces(self, block: Block, N: FloatArray) -> Iterator[tuple[slice, Design, FloatArray]]:
        """Margins over `other_classes` for several coefficients, a few rows at a time.

        Parameters
        ----------
        N : ndarray of shape (r, K, t)

        Yields
        ------
        slice, design of shape (s, t), ndarray of shape (s, K - 1, r)
            Rows of the block, their terms and their margins.
        """
        r, K, t = N.shape
        Z, c, others = self.directions(block), codes(block), self.other_classes(block)
        step = max(1, PIECE_BYTES // (8 * K * max(1, r)))
        gain, columns = (N[:, 1] - N[:, 0]).T, N.transpose(2, 1, 0).reshape(t, K * r)
        for first in range(0, block.n_rows, step):
            part = slice(first, min(first + step, block.n_rows))
            some, own_class = Z[part], c[part]
            if K == 2:
                M = (some @ gain) * (2.0 * own_class - 1.0)[:, None]
                yield part, some, M[:, None, :]
                continue
            scores = (some @ columns).reshape(own_class.shape[0], K, r)
            places = np.arange(own_class.shape[0])[:, None]
            yield part, some, scores[places, own_class[:, None]] - scores[places, others[part]]

    def lines(self, pairs: BoolArray, N: FloatArray) -> FloatArray:
        """One line a pair: its margin as a function of coordinates in a space; shape (m, r)."""
        some = self.rows.keep(lambda block, part: part.any(axis=1), pairs)
        block = Block(some.X, some.y, None)
        Z = self.directions(block)
        wanted = pairs[pairs.any(axis=1)]
        lines = [lead(block, Z @ B.T)[wanted] for B in N]
        return np.array(lines).T if lines else np.empty((int(wanted.sum()), 0))

    def from_raw(self, coef: FloatArray, intercept: FloatArray) -> FloatArray:
        """Coefficients of the terms, (K, t), from those of raw columns, (K or 1, p)."""
        B = coef * self.unit
        if self.intercept:
            B = np.column_stack([B, intercept + coef @ self.centre])
        return np.vstack([-0.5 * B, 0.5 * B]) if self.n_classes == 2 else B

    def to_raw(self, B: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Coefficients of raw columns, (K or 1, p), and intercepts, from those of the terms."""
        B = B[1:] - B[:1] if self.n_classes == 2 else B - B.mean(axis=0)
        coef = B[:, : self.centre.size] / self.unit
        if not self.intercept:
            return coef, np.zeros(B.shape[0])
        return coef, B[:, -1] - coef @ self.centre


def codes(block: Block) -> NDArray[np.intp]:
    """The class of each row."""
    return block.y.astype(np.intp)


def own(block: Block, values: FloatArray) -> FloatArray:
    """Of one value a class, shape (m, K), that of the row's class."""
    return values[np.arange(block.n_rows), codes(block)]


def lead(block: Block, scores: FloatArray) -> FloatArray:
    """How far the row's class is ahead of each other: shape (m, K)."""
    return own(block, scores)[:, None] - scores
