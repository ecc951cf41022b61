"""The limit of a likelihood of separated classes: what is left to fit, and how far to go beyond.

Along a direction D of separation decided pairs leave the likelihood and no other pair moves
(`separation`). So what is left is fitted by itself, on rows whose decided classes are ruled out:
its coefficients are as moderate as those of any overlapping classes, its cost is the limit's, and
its Newton decrement bounds what is left to gain. Fitted together with the decided pairs, from
where those have no probability, it would have to be found beside coefficients that may be larger by
ten digits, which rounding errors of D and of every score bring into all other rows.

Only then as much of D is added as brings the last decided pair to `EXCLUDED`. What D still moves of
other pairs, as it is known to rounding, is taken off: with H the Hessian of what is left, the part
``H^+ H D`` moves these pairs as D does, and ``D - H^+ H D`` does not. The decrement is computed
anew at the coefficients as they are returned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_mle.likelihoods.objective import FloatArray
from sklearn_mle.rows.narrowed import NarrowedRows
from sklearn_mle.solvers import conjugate_gradients
from sklearn_mle.solvers.separation import EXCLUDED, Recession

Linear = Callable[[FloatArray], FloatArray]

REFINEMENTS = 2
"""Times that D is freed of what it moves of other pairs; the second frees it of rounding errors."""
PRODUCTS = 200
"""Most products of a step by conjugate gradients."""


def remaining(objective: Any, found: Recession) -> Any:
    """The cost of the pairs that are not decided, as a function of the same theta."""
    return objective.on(NarrowedRows(objective.rows, found.decided))


def beyond(
    objective: Any, found: Recession, theta: FloatArray, product: Linear, solve: Linear
) -> FloatArray:
    """Coefficients that fit what is left, and so much of a direction that nothing else is.

    Parameters
    ----------
    objective : Objective
    found : Recession
    theta : ndarray of shape (size,)
        The fit of what is left.
    product, solve : callable
        Its Hessian there times a vector, and the inverse, in the range of the Hessian.
    """
    D = objective.pack(*found.margins.to_raw(found.along))
    for _ in range(REFINEMENTS):
        refined = D - solve(product(D))
        if not np.all(_ahead(objective, found, refined) > 0.0):
            break
        D = refined
    share = found.share
    short = (EXCLUDED * share - _ahead(objective, found, theta)) / _ahead(objective, found, D)
    return theta + max(0.0, float(short.max())) * D


@dataclass(frozen=True)
class Beyond:
    """Coefficients beyond the reach of decided pairs.

    Parameters
    ----------
    theta : ndarray of shape (size,)
    value : float
        What is left of the cost there.
    left : float
        Its Newton decrement.
    """

    theta: FloatArray
    value: float
    left: float


def beyond_by_products(
    objective: Any, found: Recession, theta: FloatArray, floor: FloatArray, tiny: float
) -> Beyond:
    """The same by products with the Hessian of what is left, and one more Newton step.

    Parameters
    ----------
    objective, found, theta
        As for `beyond`.
    floor : ndarray of shape (size,)
        The least units of parameters.
    tiny : float
        What conjugate gradients may leave of the energy of a solution.
    """
    rest = remaining(objective, found)
    unit = np.maximum(np.sqrt(rest.hessian_diagonal(theta)), floor)

    def solved(product: Linear, b: FloatArray) -> conjugate_gradients.Solved:
        return conjugate_gradients.solve(product, unit, b, lambda _, left: left <= tiny, PRODUCTS)

    product = rest.hessian_product(theta)
    theta = beyond(objective, found, theta, product, lambda b: solved(product, b).x)
    theta = theta - solved(product, rest.gradient(theta)).x
    value, gradient, product = rest.model(theta)
    step = solved(product, -gradient)
    return Beyond(theta, value, step.energy + step.left)


def _ahead(objective: Any, found: Recession, theta: FloatArray) -> FloatArray:
    """Margins of the decided pairs."""
    margins = found.margins
    ahead = margins.margins(margins.from_raw(*objective.unpack(theta)))
    return np.asarray(ahead[found.decided])
