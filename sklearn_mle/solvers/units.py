"""Rows in units so far from one that their squares leave double precision, brought near it.

Solvers square and multiply what they are given. Features, targets or weights beyond `FAR` are
therefore divided by powers of two, which loses no digit, and what was found is multiplied back. A
few rows tell whether that is needed, and for nearly all data nothing is done.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.matrix import column_sizes, is_sparse
from sklearn_mle.rows.rows import FloatArray, Rows
from sklearn_mle.solvers.solution import Outcome, Solution, Start, Status
from sklearn_mle.solvers.watch import Place

FAR = 150
"""Binary exponent beyond which units are changed: squares, and sums of them, then keep their digits
and have room for what solvers multiply them with."""
LOOKED_AT = 64
"""Rows that tell the magnitudes of the columns."""
ENTRIES = 2**16
"""Entries of sparse rows that are looked at together."""
NEGLIGIBLE = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).tiny)
"""The smallest number with all its digits."""


class Units:
    """Nothing was taken out of the rows."""

    def solution(self, found: Solution) -> Solution:
        """In the units of the rows as they came."""
        return found

    def place(self, at: Place) -> Place:
        """A place on the way, in the units of the rows as they came."""
        return at

    def start(self, start: Start | None) -> Start | None:
        """A start, in the units that solvers get."""
        return start


ORDINARY = Units()


@dataclass(frozen=True)
class FarUnits(Units):
    """Binary exponents that were taken out of rows.

    Parameters
    ----------
    of_columns : ndarray of shape (n_columns,), of int
    of_y, of_weight : int
    total_weight : float
        Of the rows as they came.
    """

    of_columns: FloatArray
    of_y: int
    of_weight: int
    total_weight: float

    def solution(self, found: Solution) -> Solution:
        """In the units of the rows as they came.

        Its outcome says so where a number that matters cannot be held there.
        """
        with np.errstate(over="ignore"):
            coef = np.ldexp(found.coef, self.of_y - self.of_columns)
            scale = float(np.ldexp(found.scale, self.of_y))
            cost = float(np.ldexp(found.cost, self.of_weight))
        lost = (np.abs(found.coef) > NEGLIGIBLE) & (np.abs(coef) < TINY)
        cost += self.total_weight * self.of_y * math.log(2.0)
        outcome = found.outcome
        if lost.any() or not (np.isfinite(coef).all() and math.isfinite(scale)):
            outcome = Outcome(
                Status.OUT_OF_RANGE,
                "Coefficients and scale must be numbers that double precision can hold, from "
                f"{TINY:.0e} to {np.finfo(np.float64).max:.0e}; got features and a target whose "
                "units make some of them smaller or larger. Change the units, for example with "
                "sklearn.preprocessing.StandardScaler.",
            )
        gap = found.gap
        if math.isfinite(cost) and math.isfinite(found.cost):
            above = math.ldexp(gap * max(1.0, abs(found.cost)), self.of_weight)
            gap = above / max(1.0, abs(cost))
        return replace(
            found,
            coef=coef,
            intercept=np.ldexp(found.intercept, self.of_y),
            scale=scale,
            cost=cost,
            outcome=outcome,
            gap=gap,
        )

    def place(self, at: Place) -> Place:
        coef = np.ldexp(at.coef, self.of_y - self.of_columns)
        scale = None if at.scale is None else float(np.ldexp(at.scale, self.of_y))
        return replace(at, coef=coef, intercept=np.ldexp(at.intercept, self.of_y), scale=scale)

    def start(self, start: Start | None) -> Start | None:
        if start is None:
            return None
        coef = np.ldexp(start.coef, self.of_columns - self.of_y)
        scale = None if start.scale is None else float(np.ldexp(start.scale, -self.of_y))
        intercept = np.ldexp(start.intercept, -self.of_y)
        return replace(start, coef=coef, intercept=intercept, scale=scale)


def in_ordinary_units(rows: Rows, has_target: bool) -> tuple[Rows, Units]:
    """The same rows, or others in units near one and what was taken out of them.

    Parameters
    ----------
    rows : Rows
        Those that are not in memory are left alone.
    has_target : bool
        Whether y has units; labels have none.
    """
    if not isinstance(rows, InMemoryRows) or not rows.n_rows:
        return rows, ORDINARY
    of_columns = _exponents(_sizes(rows))
    of_y = int(_exponents(np.array([max(rows.y.max(), -rows.y.min())]))[0]) if has_target else 0
    of_weight = int(_exponents(np.array([rows.total_weight]))[0])
    if not (of_y or of_weight or of_columns.any()):
        return rows, ORDINARY
    weight = rows.weight
    near = InMemoryRows(
        _scaled_columns(rows.X, -of_columns),
        np.ldexp(rows.y, -of_y),
        None if weight is None else np.ldexp(weight, -of_weight),
    )
    return near, FarUnits(of_columns, of_y, of_weight, rows.total_weight)


def _sizes(rows: InMemoryRows) -> FloatArray:
    """About the largest size of the entries of each column; zeros for all where none is far.

    All entries of sparse rows are looked at; of others, those columns in which a few rows have
    nothing but zeros.
    """
    X = rows.X
    if is_sparse(X):
        starts = range(0, X.data.shape[0], ENTRIES)
        far = any(_exponents(X.data[first : first + ENTRIES]).any() for first in starts)
        return column_sizes(X) if far else np.zeros(X.shape[1])
    sizes = column_sizes(X[:: max(1, X.shape[0] // LOOKED_AT)]).astype(np.float64)
    unseen = np.flatnonzero(sizes == 0.0)
    if unseen.shape[0]:
        for first in range(0, X.shape[0], rows.block_rows):
            part = X[first : first + rows.block_rows][:, unseen]
            sizes[unseen] = np.maximum(sizes[unseen], column_sizes(part))
    return sizes


def _exponents(sizes: FloatArray) -> Any:
    """Binary exponents of numbers that are far from one; 0 of all others."""
    exponents = np.frexp(sizes)[1]
    return np.where(np.abs(exponents) > FAR, exponents, 0)


def _scaled_columns(X: Any, exponents: Any) -> Any:
    """X in float64 with each column times a power of two."""
    if not is_sparse(X):
        return np.ldexp(np.asarray(X, dtype=np.float64), exponents)
    made = X.tocsc(copy=True).astype(np.float64)
    made.data = np.ldexp(made.data, np.repeat(exponents, np.diff(made.indptr)))
    return made.asformat(X.format)
