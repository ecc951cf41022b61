"""Which solver fits which likelihood.

=================  ==============================  ==============================================
solver             needs                           how exact
=================  ==============================  ==============================================
least_squares      a quadratic cost                to rounding
least_absolute     a piecewise linear cost         an optimal vertex, proved by its dual
open_quantile      the same, and an open shape     that for each shape, the shape by a search
joint_newton       a smooth noise                  to rounding; the best of a few minima where the
                                                   noise is not log-concave
newton             a smooth, log-concave cost of   to rounding
                   classes
lbfgs              the same, and products with     to rounding, certified by conjugate gradients
                   the Hessian
newton_cg          the same                        the same
least_squares_cg   a quadratic cost                to rounding, certified in the same way
least_absolute_cg  a piecewise linear cost         to rounding where the normal equations can be
                                                   factored, elsewhere up to a gap it reports
joint_cg           a smooth noise                  the same; one minimum where the noise is not
                                                   log-concave
joint_corners      a noise with corners            to rounding, proved by lines through the
                                                   corners; unproven where the noise is not
                                                   log-concave, or has open shapes
=================  ==============================  ==============================================

``"auto"`` takes the first in the table whose needs the likelihood meets; lbfgs before newton where
there are many coefficients, but more than twice as many rows; newton_cg where there are many and
the rows are sparse, and the others in _cg where sparse columns are so many that a matrix of them is
not affordable.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from sklearn_mle.noises.noise import Fact
from sklearn_mle.rows.rows import Rows
from sklearn_mle.solvers import (
    joint_cg,
    joint_corners,
    joint_newton,
    lbfgs,
    least_absolute,
    least_absolute_cg,
    least_squares,
    least_squares_cg,
    newton,
    newton_cg,
    open_quantile,
)

SOLVERS: dict[str, ModuleType] = {
    "least_squares": least_squares,
    "least_absolute": least_absolute,
    "open_quantile": open_quantile,
    "joint_newton": joint_newton,
    "newton": newton,
    "lbfgs": lbfgs,
    "newton_cg": newton_cg,
    "least_squares_cg": least_squares_cg,
    "least_absolute_cg": least_absolute_cg,
    "joint_cg": joint_cg,
    "joint_corners": joint_corners,
}

OF_CLASSES = ("newton", "lbfgs", "newton_cg")
MATRIX_FREE = {
    "least_squares": "least_squares_cg",
    "least_absolute": "least_absolute_cg",
    "joint_newton": "joint_cg",
}
SEARCHES = ("open_quantile",)
"""Solvers for open shapes alone."""
WITH_OR_WITHOUT = ("joint_newton", "joint_cg", "joint_corners")
"""Solvers that take noises with open shapes as well as others."""


def choose(likelihood: Any, solver: str, rows: Rows | None = None) -> Any:
    """The solver module for a likelihood.

    Parameters
    ----------
    likelihood : LocationScale or Softmax
        Its ``facts`` say what a solver may rely on.
    solver : str
        ``"auto"`` or a name from the table above.
    rows : Rows, optional
        What is fitted; only their number and that of their columns matter.

    Raises
    ------
    ValueError
        If the name is unknown, or the solver needs what the likelihood does not have.
    """
    fitting = [name for name in SOLVERS if _meets(likelihood, name)]
    if solver == "auto":
        if rows is not None and fitting[0] in MATRIX_FREE and least_squares_cg.pays(rows):
            return SOLVERS[MATRIX_FREE[fitting[0]]]
        if rows is None or "lbfgs" not in fitting:
            return SOLVERS[fitting[0]]
        size = rows.n_columns * likelihood.n_scores
        if newton_cg.pays(rows, size):
            return SOLVERS["newton_cg"]
        return SOLVERS["lbfgs" if lbfgs.pays(rows.n_rows, size) else fitting[0]]
    if solver in fitting:
        return SOLVERS[solver]
    choice = ", ".join(repr(name) for name in ["auto", *fitting])
    if solver not in SOLVERS:
        raise ValueError(
            f"solver must be one of {choice} for this model; got {solver!r}. Use 'auto'."
        )
    missing = SOLVERS[solver].NEEDS & ~likelihood.facts
    reason = f"needs a cost that is {describe(missing)}, which this model's is not"
    if not missing:
        reason = "does not fit this model, whose scale has a closed form"
    raise ValueError(f"solver={solver!r} {reason}; got solver={solver!r}. Use one of {choice}.")


def describe(facts: Fact) -> str:
    """Facts in words, such as ``'smooth and log-concave'``."""
    return " and ".join(str(fact.name).lower().replace("_", " ") for fact in facts)


def _meets(likelihood: Any, solver: str) -> bool:
    if (solver in OF_CLASSES) != hasattr(likelihood, "n_scores"):
        return False
    shapes = bool(getattr(likelihood, "noise", None) and likelihood.noise.shapes)
    if shapes != (solver in SEARCHES) and solver not in WITH_OR_WITHOUT:
        return False
    return SOLVERS[solver].NEEDS in likelihood.facts
