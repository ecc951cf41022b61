"""Of all coefficients with the same cost, the shortest.

Where columns depend on each other the cost is flat along some directions N of the coefficients.
Newton's steps have no part in them in the units that they are taken in; what is shortest in the
units of the data is reached by taking the part along N off the coefficients, and giving to the
intercept what that takes off the predictions.
"""

from __future__ import annotations

import numpy as np

from sklearn_mle.likelihoods.objective import FloatArray, Objective

SAME = 1e-13
"""Change of the cost, relative to it, that is only rounding."""


def shortest(objective: Objective, theta: FloatArray, flat: FloatArray, value: float) -> FloatArray:
    """The theta of the coefficients of raw columns that have the least norm.

    Parameters
    ----------
    objective : Objective
    theta : ndarray of shape (size,)
    flat : ndarray of shape (size, k)
        Directions without curvature.
    value : float
        The cost at theta; if it changes the directions were not flat, and theta is kept.
    """
    if not flat.shape[1]:
        return theta
    coef, _ = objective.unpack(theta)
    moves = flat * (np.linalg.norm(theta) / np.linalg.norm(flat, axis=0))
    along = [(objective.unpack(theta + move)[0] - coef).ravel() for move in moves.T]
    share = np.linalg.lstsq(np.array(along).T, coef.ravel(), rcond=1e-10)[0]
    shorter = theta - moves @ share
    same = abs(objective.value(shorter) - value) <= SAME * max(1.0, abs(value))
    return shorter if same else theta
