"""Problem in, Solution out; and the Outcome that says how it went, in a sentence."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows.rows import Rows
from sklearn_mle.solvers.watch import NOBODY, Watch

FloatArray = NDArray[np.float64]


class Status(enum.Enum):
    """How a solver ended."""

    CONVERGED = "converged"
    OUT_OF_STEPS = "out of steps"
    STOPPED = "stopped"
    EXACT_FIT = "exact fit"
    COLLAPSED = "collapsed"
    SEPARATED = "separated"
    STALLED = "stalled"
    NO_MAXIMUM = "no maximum"
    OUT_OF_RANGE = "out of range"


@dataclass(frozen=True)
class Outcome:
    """How a solver ended, with the sentence that an estimator passes on.

    Parameters
    ----------
    status : Status
    sentence : str
        What happened, what the answer is worth, and the way out; empty if there is nothing to say.
    """

    status: Status
    sentence: str = ""


CONVERGED = Outcome(Status.CONVERGED)
EXACT_FIT = Outcome(
    Status.EXACT_FIT,
    "The model goes through every row: the residuals are zero up to rounding, the maximum "
    "likelihood scale is 0 and the log-likelihood is infinite. The coefficients are kept and can "
    "be used to predict; for a finite scale, use more rows, fewer features, or a target that is "
    "not an exact function of the features.",
)


def out_of_steps(max_iter: int, gap: float, tol: float) -> Outcome:
    """The outcome of a solver that used up its iterations."""
    return Outcome(
        Status.OUT_OF_STEPS,
        f"The solver stopped after max_iter={max_iter} iterations with an optimality gap of "
        f"{gap:.1e}, above tol={tol:.1e}. The coefficients are the best found so far; raise "
        "max_iter, or raise tol if this gap is good enough.",
    )


def stopped(n_iter: int, gap: float, tol: float) -> Outcome:
    """The outcome of a solver that a watch ended before it was done."""
    beside = "within" if gap <= tol else "above"
    return Outcome(
        Status.STOPPED,
        f"A callback stopped the fit after {n_iter} iteration{'s' if n_iter > 1 else ''}, before "
        f"the solver was done; the optimality gap is {gap:.1e}, {beside} tol={tol:.1e}. The "
        "coefficients are those of the last iteration; fit again with warm_start=True to go on "
        "from them, or without the callback.",
    )


@dataclass(frozen=True)
class Problem:
    """What a solver is given.

    Parameters
    ----------
    rows : Rows
    likelihood : LocationScale or Softmax
        How a whole fit is priced; its ``facts`` say what a solver may rely on.
    fit_intercept : bool
        The intercept is never a column of the rows: solvers carry it on the side.
    watch : Watch, optional
        Is shown every iteration over all rows, and may stop the solver.
    """

    rows: Rows
    likelihood: Any
    fit_intercept: bool
    watch: Watch = NOBODY


@dataclass(frozen=True)
class Start:
    """Where a solver may begin: an earlier fit.

    Parameters
    ----------
    coef : ndarray of shape (n_columns,), or (n_classes, n_columns)
    intercept : float, or ndarray of shape (n_classes,)
    scale : float, optional
    noise : Noise, optional
        With every shape filled in.
    """

    coef: FloatArray
    intercept: Any
    scale: float | None = None
    noise: Any = None


@dataclass(frozen=True)
class Solution:
    """What a solver found.

    Parameters
    ----------
    coef : ndarray of shape (n_columns,); (1, n_columns) or (n_classes, n_columns) for classes
    intercept : float; ndarray of shape (1,) or (n_classes,) for classes
    scale : float
        Maximum likelihood scale of the noise; 1.0 for classes, which have none.
    noise : Noise or None
        The noise with every shape filled in; None for classes.
    cost : float
        Total cost, minus the log-likelihood of the rows.
    outcome : Outcome
    n_iter : int
        Iterations, at least 1.
    gap : float
        A bound on ``(cost - least cost) / max(1, abs(cost))`` that a reader could verify.
    rank : int
        Rank of the columns, centred if there is an intercept.
    separation : Recession or None
        Where classes are separated: the direction in which the likelihood grows for ever.
    """

    coef: FloatArray
    intercept: Any
    scale: float
    noise: Any
    cost: float
    outcome: Outcome
    n_iter: int
    gap: float
    rank: int
    separation: Any = None
