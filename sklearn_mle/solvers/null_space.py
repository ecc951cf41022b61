"""Directions in which columns depend on each other, where there are too many for a spectrum.

A random vector b has a part in the null space of the Gram matrix G of the terms, if that holds
more than zero. The method of conjugate residuals (Stiefel 1955) makes ``|b - G x|`` as small as k
products allow: it takes out of b what is in the range of G, and what stays is that part, a null
direction. If nothing stays there is none, but with a probability of about the share that would have
been seen. Each direction found is taken out of the next random vector, until one is used up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.likelihoods.objective import FloatArray, Products
from sklearn_mle.rows.threads import blocks_share_cores

SEED = 1955
SEEN = 1e-6
"""Share of a random vector that would be seen."""
NULL = 1e-9
"""Length of what G makes of a unit vector, relative to the largest, that counts as null."""
ROUNDING = 1e-14
"""The same, that nothing can be made smaller than."""
FAINT = (1e-18, 1e-10)
"""Mean square of scores, over that of coefficients, between rounding and what products show."""
MOST = 50
"""Null directions that are looked for."""
MOST_PRODUCTS = 500


@dataclass(frozen=True)
class Rest:
    """What no product of a matrix G comes near of a vector.

    Parameters
    ----------
    vector : ndarray of shape (size,), or None
        None if nothing of it stays, or it is not known.
    known : bool
        Whether the products were enough to know.
    least : float
        The least mean square of scores, over that of coefficients, on the way.
    """

    vector: FloatArray | None
    known: bool
    least: float


@dataclass(frozen=True)
class NullSpace:
    """Directions of terms that change no score.

    Parameters
    ----------
    directions : ndarray of shape (n_terms, k)
        Orthonormal, without parts in empty terms.
    empty : ndarray of shape (n_terms,), bool
        Terms without any entry, such as a level that no row has.
    faint : bool
        Whether there seem to be others that change scores by next to nothing: columns depend on
        each other up to digits that products do not show.
    """

    directions: FloatArray
    empty: NDArray[np.bool_]
    faint: bool

    @property
    def size(self) -> int:
        return self.directions.shape[1] + int(np.count_nonzero(self.empty))

    def cleared(self, theta: FloatArray) -> FloatArray:
        """Coefficients with those of empty terms at zero."""
        if not self.empty.any():
            return theta
        return np.where(self.empty, 0.0, theta.reshape(-1, self.empty.shape[0])).ravel()


@blocks_share_cores(0)
def null_directions(objective: Products) -> NullSpace:
    """Directions of terms that change no score, most of them where there are very many.

    Parameters
    ----------
    objective : Products
    """
    rng = np.random.default_rng(SEED)
    empty = objective.gram_product(rng.standard_normal(objective.n_terms)) == 0.0
    found, least = np.zeros((objective.n_terms, 0)), list[float]()
    while found.shape[1] < min(MOST, int(np.count_nonzero(~empty))):
        b = _beside(found, np.where(empty, 0.0, rng.standard_normal(objective.n_terms)))
        rest = out_of_range(objective.gram_product, b)
        if rest.vector is None:
            least.append(rest.least)
            break
        null = _beside(found, rest.vector)
        null = null / float(np.linalg.norm(null))
        least.append(float(null @ objective.gram_product(null)))
        found = np.column_stack([found, null])
    return NullSpace(found, empty, any(FAINT[0] < each < FAINT[1] for each in least))


def out_of_range(
    product: Callable[[FloatArray], FloatArray], b: FloatArray, most: int = MOST_PRODUCTS
) -> Rest:
    """What of a vector is in the null space of a matrix G with nonnegative eigenvalues.

    Parameters
    ----------
    product : callable
        G times a vector.
    b : ndarray of shape (size,)
        Not zero.
    most : int
        Products.
    """
    unit = float(np.linalg.norm(b))
    r = b / unit
    image = product(r)
    forward = image
    curved, largest, least = float(r @ image), 0.0, np.inf
    for _ in range(most):
        length, size = float(np.linalg.norm(r)), float(np.linalg.norm(image))
        if length <= SEEN:
            break
        largest = max(largest, size / length)
        least = min(least, curved / length**2)
        if not curved > 0.0 or size <= ROUNDING * largest * length:
            break
        step = curved / float(forward @ forward)
        r = r - step * forward
        image = product(r)
        fresh = float(r @ image)
        forward = image + (fresh / curved) * forward
        curved = fresh
    length, size = float(np.linalg.norm(r)), float(np.linalg.norm(image))
    if length <= SEEN:
        return Rest(None, True, least)
    null = size <= NULL * largest * length
    return Rest(unit * r if null else None, null, least)


def _beside(found: FloatArray, b: FloatArray) -> FloatArray:
    """What of b is orthogonal to the columns found."""
    for _ in range(2):
        b = b - found @ (found.T @ b)
    return b
