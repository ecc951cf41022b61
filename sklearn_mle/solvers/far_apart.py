"""Entries so far above all others of their column that squares of both cannot be held together.

Such entries are hardly ever measured: more often they stand for a missing value. No pass over the
rows looks for them; they are looked for where a solver could do nothing with the rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from sklearn_mle.likelihoods.typical_units import typical_units
from sklearn_mle.rows.matrix import entries, per_column, with_entries
from sklearn_mle.rows.rows import Block, FloatArray, GivenRows
from sklearn_mle.solvers.changed_rows import changed_rows
from sklearn_mle.solvers.solution import Outcome, Problem, Solution, Status

APART = 1e100
"""Over the usual size in a sample: beyond this an entry is far above the others."""
LARGEST = 1e300
"""What is larger is far above in any case."""
LOOKED_AT = 1000
"""Rows that tell the usual sizes."""
NAMED = 5
"""Columns that are named."""


def solve_or_tell(
    solve: Callable[..., Solution], problem: Problem, given: GivenRows, **how: Any
) -> Solution:
    """What a solver finds, or an outcome that tells why it could find nothing.

    Parameters
    ----------
    solve : callable
        Of a solver.
    problem : Problem
    given : GivenRows
        The rows of the problem, in the units of the user.
    **how
        For the solver.
    """
    with np.errstate(all="ignore"):
        try:
            found = solve(problem, **how)
        except (ArithmeticError, ValueError):
            # what NumPy and SciPy say of numbers that overflowed on the way
            outcome = changed_rows(given) or far_entries(given)
            if outcome is None:
                raise
            nothing = np.zeros(given.n_columns)
            return Solution(nothing, 0.0, math.nan, None, math.nan, outcome, 1, math.inf, 0)
    if math.isnan(found.cost) and (changed := changed_rows(given)) is not None:
        return replace(found, outcome=changed)
    if math.isfinite(found.gap) and np.isfinite(found.coef).all():
        return found
    return replace(found, outcome=far_entries(given) or found.outcome)


def far_entries(rows: GivenRows) -> Outcome | None:
    """The outcome of a fit of such rows; None where there are no such entries."""
    few = rows.sample(LOOKED_AT)
    typical = typical_units(few, centred=True)
    of_columns = np.abs(typical.middle) + typical.size
    weight = np.ones(1) if few.weight is None else few.weight
    usual = np.r_[of_columns, _usual(few.y), _usual(weight)]
    (counts,) = rows.total(partial(_count, APART * np.minimum(usual, LARGEST / APART)))
    names = [f"column {j} of X" for j in range(rows.n_columns)] + ["y", "sample_weight"]
    where = [names[j] for j in np.flatnonzero(counts)]
    if not where:
        return None
    n, more = int(counts.sum()), " and others" if len(where) > NAMED else ""
    return Outcome(
        Status.OUT_OF_RANGE,
        "Entries of a column must be of sizes whose squares double precision can add; got "
        f"{n} {'entry' if n == 1 else 'entries'} more than {APART:.0e} times the usual size, in "
        f"{', '.join(where[:NAMED])}{more}. Where such an entry stands for a missing value, drop "
        "its row or fill it; otherwise clip it.",
    )


def _usual(values: FloatArray) -> float:
    """The median size of those that are not zero; 1 where all are."""
    sizes = np.abs(values[values != 0.0])
    return float(np.median(sizes)) if sizes.shape[0] else 1.0


def _count(beyond: FloatArray, block: Block) -> tuple[FloatArray]:
    """How many entries of each column are beyond a size, then of y and of the weights."""
    far = np.abs(entries(block.X)) > per_column(block.X, beyond[:-2])
    of_columns = with_entries(block.X, far.astype(np.float64)).sum(axis=0)
    of_y = np.count_nonzero(np.abs(block.y) > beyond[-2])
    weight = np.empty(0) if block.weight is None else block.weight
    return (np.r_[of_columns, of_y, np.count_nonzero(weight > beyond[-1])],)
