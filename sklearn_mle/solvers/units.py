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

from sklearn_mle.rows.magnitudes import PowersOfTwo
from sklearn_mle.rows.rows import FloatArray, GivenRows
from sklearn_mle.solvers.solution import Outcome, Solution, Start, Status
from sklearn_mle.solvers.watch import Place

FAR = 150
"""Binary exponent beyond which units are changed: squares, and sums of them, then keep their digits
and have room for what solvers multiply them with."""
NEGLIGIBLE = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).tiny)
"""The smallest number with all its digits."""


class Units:
    """Nothing was taken out of the rows."""

    def solution(self, found: Solution, tol: float) -> Solution:
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
    """Powers of two that rows were divided by.

    Parameters
    ----------
    powers : PowersOfTwo
    total_weight : float
        Of the rows as they came.
    """

    powers: PowersOfTwo
    total_weight: float

    def solution(self, found: Solution, tol: float) -> Solution:
        """In the units of the rows as they came.

        Its outcome says so where a number that matters cannot be held there.
        """
        if found.outcome.status is Status.OUT_OF_RANGE:
            return found
        with np.errstate(over="ignore"):
            coef = self._moved(found.coef)
            scale = float(np.ldexp(found.scale, self.powers.of_y))
            cost = float(np.ldexp(found.cost, self.powers.of_weight))
        lost = (np.abs(found.coef) > NEGLIGIBLE) & (np.abs(coef) < TINY)
        cost += self.total_weight * self.powers.of_y * math.log(2.0)
        gap = found.gap
        if math.isfinite(cost) and math.isfinite(found.cost):
            above = math.ldexp(gap * max(1.0, abs(found.cost)), self.powers.of_weight)
            gap = above / max(1.0, abs(cost))
        outcome = found.outcome
        if lost.any() or not (np.isfinite(coef).all() and math.isfinite(scale)):
            outcome = _OUT_OF_RANGE
        elif outcome.status is Status.CONVERGED and not gap <= tol:
            outcome = _weights_apart(gap, tol)
        intercept = np.ldexp(found.intercept, self.powers.of_y)
        return replace(
            found,
            coef=coef,
            intercept=intercept,
            scale=scale,
            cost=cost,
            outcome=outcome,
            gap=gap,
        )

    def place(self, at: Place) -> Place:
        intercept = np.ldexp(at.intercept, self.powers.of_y)
        scale = None if at.scale is None else float(np.ldexp(at.scale, self.powers.of_y))
        return replace(at, coef=self._moved(at.coef), intercept=intercept, scale=scale)

    def start(self, start: Start | None) -> Start | None:
        if start is None:
            return None
        coef = np.ldexp(start.coef, self.powers.of_columns - self.powers.of_y)
        scale = None if start.scale is None else float(np.ldexp(start.scale, -self.powers.of_y))
        intercept = np.ldexp(start.intercept, -self.powers.of_y)
        return replace(start, coef=coef, intercept=intercept, scale=scale)

    def _moved(self, coef: FloatArray) -> FloatArray:
        moved: FloatArray = np.ldexp(coef, self.powers.of_y - self.powers.of_columns)
        return moved


_OUT_OF_RANGE = Outcome(
    Status.OUT_OF_RANGE,
    "Coefficients and scale must be numbers that double precision can hold, from "
    f"{TINY:.0e} to {np.finfo(np.float64).max:.0e}; got features and a target whose units make "
    "some of them smaller or larger. Change the units, for example with "
    "sklearn.preprocessing.StandardScaler.",
)


def _weights_apart(gap: float, tol: float) -> Outcome:
    """The outcome of a fit that is good only for rows of the largest weights."""
    return Outcome(
        Status.STALLED,
        "Weights should be of sizes that double precision can add to each other; got some so far "
        f"above all others that these are lost in rounding: the optimality gap is {gap:.1e}, above "
        f"tol={tol:.1e}. Check the largest weights, or fit their rows apart.",
    )


def in_ordinary_units(rows: GivenRows, has_target: bool) -> tuple[GivenRows, Units]:
    """The same rows, or others in units near one and what was taken out of them.

    Parameters
    ----------
    rows : GivenRows
    has_target : bool
        Whether y has units; labels have none.
    """
    sizes = rows.magnitudes()
    powers = PowersOfTwo(
        _exponents(sizes.of_columns),
        _exponent(sizes.of_y) if has_target else 0,
        _exponent(rows.total_weight),
    )
    if not (powers.of_y or powers.of_weight or powers.of_columns.any()):
        return rows, ORDINARY
    return rows.divided_by(powers), FarUnits(powers, rows.total_weight)


def _exponents(sizes: FloatArray) -> Any:
    """Binary exponents of numbers that are far from one; 0 of all others."""
    exponents = np.frexp(sizes)[1]
    return np.where(np.abs(exponents) > FAR, exponents, 0)


def _exponent(size: float) -> int:
    """That of one number."""
    exponent = math.frexp(size)[1]
    return exponent if abs(exponent) > FAR else 0
