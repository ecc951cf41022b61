"""Where to begin where a few rows are far from all others.

At the maximum a row that is far from all others is one of two things: all but certain of its class,
and then it says nothing of the coefficients; or it holds them where its class is just certain
enough. Newton's method finds out which only in thousands of steps: as long as such a row is not
certain, its curvature hides that of all others.

So the other rows are fitted by themselves, and beside them those far ones whose class would be
behind, until there is none; of these each is left out again that would be ahead without. What is
found is close to the maximum, or at it: the far rows left out are certain.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_mle.likelihoods.objective import FloatArray, Objective
from sklearn_mle.rows.rows import Block
from sklearn_mle.solvers.descent import descend
from sklearn_mle.solvers.margins import BoolArray, Margins

ROUNDS = 10
TRIALS = 20
"""Far rows beside the others up to which each is left out by trial."""
STEPS = 400
"""Newton steps for the others; a row that holds them takes one for each factor e of its size."""


def beside_far_rows(
    objective: Any, margins: Margins, tol: float, exact: float
) -> FloatArray | None:
    """Coefficients that fit all but far rows, with which those are certain.

    Parameters
    ----------
    objective : Objective
        Of all rows.
    margins : Margins
        Of the same.
    tol, exact : float
        As for `descend`; exact a unit of weight.

    Returns
    -------
    ndarray of shape (size,) or None
        None where no row is far.
    """
    far = margins.shares() < 1.0
    if not far.any():
        return None
    taken, theta = ~far, objective.start()
    for _ in range(ROUNDS):
        theta = _fit(objective, taken, tol, exact)
        behind = ~taken & _behind(objective, margins, theta)
        if not behind.any():
            break
        taken |= behind
    places = np.flatnonzero(taken & far)
    for place in places if 1 < places.size <= TRIALS else []:
        fewer = taken.copy()
        fewer[place] = False
        trial = _fit(objective, fewer, tol, exact)
        if not np.any(~fewer & _behind(objective, margins, trial)):
            taken, theta = fewer, trial
    return theta


def _behind(objective: Any, margins: Margins, theta: FloatArray) -> BoolArray:
    """Rows whose class is behind another, shape (n,)."""
    ahead = margins.margins(margins.from_raw(*objective.unpack(theta)))
    return np.asarray((ahead < 0.0).any(axis=1))


def _fit(objective: Objective, taken: BoolArray, tol: float, exact: float) -> FloatArray:
    """The fit of some rows, from zero."""

    def wanted(block: Block, part: Any) -> Any:
        return part

    some = objective.on(objective.rows.keep(wanted, taken))
    weight = some.rows.total_weight
    end = descend(some, some.start(), weight, tol, STEPS, exact * weight, patience=STEPS)
    return end.theta
