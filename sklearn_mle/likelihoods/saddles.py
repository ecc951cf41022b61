"""Where a cost bends upwards in every direction, and steps downhill where it does not."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from sklearn_mle.likelihoods.objective import FloatArray

LEAST_BEND = 1e-4
"""Curvature, relative to the largest, that a direction is taken to have at least in a saddle."""
FLAT = 1e-12
"""Curvature, relative to the largest, that rounding errors can make of none."""


def is_valley(hessian: FloatArray) -> bool:
    """Whether no direction bends downwards by more than rounding."""
    if not np.isfinite(hessian).all():
        return False
    if not linalg.lapack.dpotrf(hessian)[1]:
        return True
    diagonal = np.diag(hessian)
    if diagonal.min() < 0.0:
        return False
    unit = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    values = np.linalg.eigvalsh(hessian / np.outer(unit, unit))
    return bool(values[0] >= -FLAT * values[-1])


def without_saddle(hessian: FloatArray) -> FloatArray:
    """The Hessian with curvatures that count without their sign, so that steps lead downhill."""
    if not np.isfinite(hessian).all():
        return hessian
    unit = np.sqrt(np.abs(np.diag(hessian)))
    unit = np.where(unit > 0.0, unit, 1.0)
    values, vectors = np.linalg.eigh(hessian / np.outer(unit, unit))
    size = np.abs(values)
    size = np.maximum(size, LEAST_BEND * size.max())
    return (vectors * size) @ vectors.T * np.outer(unit, unit)
