"""Directions in which columns depend on each other, where there are too many for a spectrum.

A random vector b has a part in the null space of the Gram matrix G of the terms, if that holds
more than zero. The method of conjugate residuals (Stiefel 1955) makes ``|b - G x|`` as small as k
products allow: it takes out of b what is in the range of G, and what stays is that part, a null
direction. If nothing stays there is none, but with a probability of about the share that would have
been seen. Each direction found is taken out of the next random vector, until one is used up.
"""

from __future__ import annotations

import numpy as np

from sklearn_mle.likelihoods.objective import FloatArray, Products
from sklearn_mle.rows.threads import blocks_share_cores

SEED = 1955
SEEN = 1e-6
"""Share of a random vector that would be seen."""
NULL = 1e-9
"""Length of what G makes of a unit vector, relative to the largest, that counts as null."""
ROUNDING = 1e-14
"""The same, that nothing can be made smaller than."""
MOST = 50
"""Null directions that are looked for."""
MOST_PRODUCTS = 500


@blocks_share_cores(0)
def null_directions(objective: Products) -> FloatArray:
    """Orthonormal directions of terms that change no score, shape (n_terms, k).

    Parameters
    ----------
    objective : Products
    """
    rng = np.random.default_rng(SEED)
    found = np.zeros((objective.n_terms, 0))
    while found.shape[1] < min(MOST, objective.n_terms):
        b = _beside(found, rng.standard_normal(objective.n_terms))
        rest = _out_of_range(objective, b / float(np.linalg.norm(b)))
        if rest is None:
            break
        rest = _beside(found, rest)
        found = np.column_stack([found, rest / float(np.linalg.norm(rest))])
    return found


def _out_of_range(objective: Products, b: FloatArray) -> FloatArray | None:
    """What no product of G comes near of a unit vector; None if that is nothing."""
    r = b
    image = objective.gram_product(r)
    forward = image
    curved, largest = float(r @ image), 0.0
    for _ in range(MOST_PRODUCTS):
        length, size = float(np.linalg.norm(r)), float(np.linalg.norm(image))
        largest = max(largest, size / length)
        if length <= SEEN or not curved > 0.0 or size <= ROUNDING * largest * length:
            break
        step = curved / float(forward @ forward)
        r = r - step * forward
        image = objective.gram_product(r)
        fresh = float(r @ image)
        forward = image + (fresh / curved) * forward
        curved = fresh
    length, size = float(np.linalg.norm(r)), float(np.linalg.norm(image))
    return r if length > SEEN and size <= NULL * largest * length else None


def _beside(found: FloatArray, b: FloatArray) -> FloatArray:
    """What of b is orthogonal to the columns found."""
    for _ in range(2):
        b = b - found @ (found.T @ b)
    return b
