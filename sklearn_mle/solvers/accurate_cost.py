"""The cost of classes where rounding of scores would be seen in it.

Columns that nearly depend on each other, and separated classes, may have coefficients whose terms
are ten digits larger than the scores they add up to. A descent then ends where the cost as it is
computed is least, up to what rounding makes of it. Scores that are rounded once tell the cost at
the coefficients as they are, and what it is above that of the descent belongs to the gap.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.rows import Block
from sklearn_mle.solvers.sign_passes import accurate_residuals

SEEN = 1e-13
"""Share of the cost that rounding errors of sums over rows hide anyway."""


def with_accurate_cost(
    objective: Any, coef: FloatArray, intercept: FloatArray, value: float, gap: float
) -> tuple[float, float]:
    """Cost and gap of coefficients of raw columns, from those of a descent; the same for most.

    Parameters
    ----------
    objective : SoftmaxObjective
    coef, intercept : ndarray of shape (1, p) or (K, p), and (1,) or (K,)
    value, gap : float
        The cost, and what it may be above the least, relative to it.
    """
    if not objective.rounding(coef, intercept) > SEEN:
        return value, gap

    def scores(block: Block) -> FloatArray:
        nothing = Block(block.X, np.zeros(block.n_rows), None)
        lines = zip(coef, intercept.tolist())
        return np.array([accurate_residuals(nothing, -b, -b0) for b, b0 in lines]).T

    cost = objective.value_of(scores)
    return cost, gap + abs(cost - value) / max(1.0, cost)
