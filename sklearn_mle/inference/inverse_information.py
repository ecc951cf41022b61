"""The inverse of an information, as far as the data say anything."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.noise import FloatArray

NO_INFORMATION = 1e-3
"""Information on a score a standard deviation of the features: an error of more than 30 in a logit,
of which solvers stop short only where classes are separated. Or on the line of a shape: an interval
from nothing to infinity."""
FLAT = 1e-9
"""Information a row on a stretched shape that is only rounding."""


def inverse(valley: Valley, info: FloatArray) -> tuple[FloatArray, tuple[str, ...]]:
    """The inverse information, NaN for extras about which the data say nothing.

    A shape that has run to the end of its range leaves a cost that is flat in it: it is held, and
    the others are judged as if it were known. NaN in all where the cost is no valley otherwise.
    """
    if valley.endless:
        return endless_directions(info)[1], ()
    size, q = valley.size, valley.n_location
    diagonal = np.diagonal(info)
    flat = diagonal <= max(FLAT * valley.rows.total_weight, NO_INFORMATION)
    known = ~(flat & (np.arange(size) > q))
    notes: list[str] = []
    if not known.all():
        notes.append(
            "An open shape has run to the end of its range, where the likelihood no longer "
            "changes with it: it is held where it is, without a standard error. With cov='model' "
            "its interval is read from the likelihood."
        )
    inside = info[np.ix_(known, known)]
    matrix = np.full((size, size), np.nan)
    scale = np.sqrt(np.maximum(np.diagonal(inside), np.finfo(float).tiny))
    try:
        factor = linalg.cho_factor(inside / np.outer(scale, scale), lower=True)
    except (linalg.LinAlgError, ValueError):
        notes.append(
            "The information is not positive definite: the fit is not at a strict maximum of the "
            "likelihood, and standard errors do not exist."
        )
        return matrix, tuple(notes)
    half = linalg.solve_triangular(factor[0], np.diag(1.0 / scale), lower=True)
    matrix[np.ix_(known, known)] = half.T @ half
    return matrix, tuple(notes)


def endless_directions(info: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where separated classes leave no information, and the inverse information elsewhere.

    In the limit the rows that the plane separates are certain, and tell nothing. Functions of the
    coefficients that do not change along those directions keep their finite estimates, with the
    errors that the other rows give (Geyer 2009, Electronic Journal of Statistics 3, 259-289).

    Returns
    -------
    tuple
        Orthonormal directions, shape (size, d), and a generalised inverse.
    """
    values, vectors = linalg.eigh(info)
    lost = values < NO_INFORMATION
    kept = vectors[:, ~lost]
    return vectors[:, lost], (kept / values[~lost]) @ kept.T
