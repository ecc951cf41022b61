"""A place at which no residual is beyond an end of its law, by a linear programme.

Residuals ``z = A @ theta`` are linear in coefficients over scale and one over the scale, so that
``low + t <= A @ theta <= high - t`` is a programme in theta and the least distance t to an end.
Without an intercept a law that ends at zero has such a place only where some plane through the
origin leaves all rows on one side.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.noises.noise import FloatArray

NARROWEST = 1e-3
"""Least one over the scale, relative to that at hand."""
PREFERENCE = 0.1
"""What one over the scale counts beside the distance."""


def place_inside(sample: JointObjective, theta: FloatArray, median: float) -> FloatArray | None:
    """A place at which the rows of a sample are well inside; None where there is none.

    Parameters
    ----------
    sample : JointObjective
        Of few rows, with all shapes filled in.
    theta : ndarray of shape (n_linear,)
        About the scale that is wanted.
    median : float
        Of the law.
    """
    n = sample.n_linear
    low, high = sample.open.noise.support
    A = np.column_stack([sample.rows.entries(sample.residuals(e)) for e in np.eye(n)])
    ends = [(end, side) for end, side in ((low, -1.0), (high, 1.0)) if math.isfinite(end)]
    far = min((abs(median - end) for end, _ in ends), default=0.0)
    tau = sample.tau(theta)
    if not (far > 0.0 and tau > 0.0):
        return None
    ones = np.ones((A.shape[0], 1))
    found = optimize.linprog(
        np.concatenate([np.zeros(n - 1), [-PREFERENCE / tau, -1.0 / far]]),
        A_ub=np.vstack([np.hstack([side * A, ones]) for _, side in ends]),
        b_ub=np.concatenate([np.full(A.shape[0], side * end) for end, side in ends]),
        bounds=[(None, None)] * (n - 1) + [(NARROWEST * tau, tau), (0.0, far)],
    )
    if found.x is None or not found.x[-1] > 0.0:
        return None
    return np.asarray(found.x[:-1], dtype=np.float64)
