"""What a watch sees of a descent in theta, and how far such a descent is from its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sklearn_mle.rows.rows import Block, FloatArray
from sklearn_mle.solvers.solution import Problem
from sklearn_mle.solvers.watch import Place


def is_near(objective: Any, step: FloatArray) -> bool:
    """Whether a Newton step changes no score by more than one.

    Then no probability changes by more than a factor of e, and the decrement bounds what is left to
    gain; further away it may be far less than that.
    """
    coef, intercept = objective.unpack(step)

    def far(block: Block) -> tuple[int]:
        return (int(np.count_nonzero(np.abs(block.X @ coef.T + intercept) > 1.0)),)

    return objective.rows.total(far)[0] == 0


def watching(problem: Problem, objective: Any) -> Callable[[FloatArray], bool]:
    """Shows the problem's watch a theta, and tells whether to stop."""
    return lambda theta: problem.watch.stops(lambda: Place(*objective.unpack(theta)))
