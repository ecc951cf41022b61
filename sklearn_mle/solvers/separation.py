"""Whether classes can be separated by a plane, in which case no finite maximum exists.

Classes are separated when some coefficients b, not all scores equal, give no row's class a lower
score than any other class: ``x_i' (b_y - b_k) >= 0`` for every row i and class k, and above zero
for some (Albert and Anderson 1984). The likelihood then grows for ever along b. Whether such a b
exists is a linear program (Konis 2007).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from sklearn_mle.rows.rows import FloatArray, Rows
from sklearn_mle.solvers.solution import Outcome, Status

MARGIN = 1e-6
"""Sum of standardised margins above which the linear program has found a separating plane; the
feasibility tolerance of its solver is 1e-7."""

SEPARATED = Outcome(
    Status.SEPARATED,
    "The classes can be separated by a plane, so that no finite maximum of the likelihood exists: "
    "the coefficients grow without bound. They were stopped where the likelihood no longer "
    "changes; predictions are those of the limit, standard errors do not exist. Remove or merge "
    "the features that separate the classes, collect more rows, or use a penalty "
    "(sklearn.linear_model.LogisticRegression).",
)


def completely_separated(rows: Rows, cost: float) -> bool:
    """Whether this cost proves that the coefficients behind it separate every row.

    A cost below ``log(2)`` times the least weight leaves every single row below ``log(2)``: each
    row's class has a probability above one half, and so the highest score.
    """
    if cost >= np.log(2.0) * rows.total_weight / rows.n_rows:
        return False
    least = rows.column(
        lambda block: np.ones(block.n_rows) if block.weight is None else block.weight
    )
    return bool(cost < np.log(2.0) * float(np.min(least)))


def separating_plane(rows: Rows, n_classes: int, fit_intercept: bool) -> bool:
    """Whether some plane separates the classes, completely or not, by linear programming.

    The sum of all margins is made as large as possible with no margin below zero and coefficients
    of standardised columns between -1 and 1; it is zero only where nothing separates.
    """
    everything = rows.keep(lambda block: np.ones(block.n_rows, dtype=bool))
    X, codes = everything.X, everything.y.astype(np.intp)
    Z: FloatArray = X - X.mean(axis=0) if fit_intercept else np.array(X, dtype=np.float64)
    unit = np.abs(Z).max(axis=0, initial=0.0)
    Z = Z / np.where(unit > 0.0, unit, 1.0)
    if fit_intercept:
        Z = np.column_stack([Z, np.ones(Z.shape[0])])
    margins = _margin_matrix(Z, codes, n_classes)
    size = np.abs(margins).max(axis=1, initial=0.0)
    margins = margins[size > 0.0] / size[size > 0.0, None]
    found = optimize.linprog(
        -margins.mean(axis=0),
        A_ub=-margins,
        b_ub=np.zeros(margins.shape[0]),
        bounds=(-1.0, 1.0),
        method="highs",
    )
    return bool(found.status == 0 and -found.fun * margins.shape[0] > MARGIN)


def _margin_matrix(Z: FloatArray, codes: NDArray[np.intp], n_classes: int) -> FloatArray:
    """One line for each row and other class k: ``x_i' (b_y - b_k)`` as a function of all b.

    The first class has coefficients zero. Shape (n * (K - 1), (K - 1) * t).
    """
    t = Z.shape[1]
    lines = []
    for k in range(n_classes):
        others = np.flatnonzero(codes != k)
        line = np.zeros((others.size, n_classes, t))
        line[np.arange(others.size), codes[others]] = Z[others]
        line[:, k] -= Z[others]
        lines.append(line[:, 1:].reshape(others.size, -1))
    return np.concatenate(lines)
