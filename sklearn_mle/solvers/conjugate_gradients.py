"""Conjugate gradients, with a bound on what they leave.

A symmetric matrix H that is not formed enters by its products. In units in which its diagonal is
about one, k products bring the error in the energy norm down by ``4 ((c - 1) / (c + 1))**(2 k)``,
c the root of the condition (Hestenes and Stiefel 1952). Begun at zero, the iterates stay in the
range of H: where H is singular they lead to the shortest of all solutions.

After k steps the energy of the solution is known up to ``r' H^-1 r`` of the residual r, which is at
most ``r'r`` over the least eigenvalue. That is at most the inverse of the longest step, and close
to it once the residual is small; `SAFETY` is for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_mle.rows.rows import FloatArray

SAFETY = 4.0
"""How much smaller the least eigenvalue may be than what was seen of it."""
FLAT = 1e-15
"""Curvature, where the diagonal is about one, that is only rounding."""


@dataclass(frozen=True)
class Solved:
    """What conjugate gradients found.

    Parameters
    ----------
    x : ndarray of shape (size,)
    residual : ndarray of shape (size,)
        ``b - H x``, as the recursion has it.
    energy : float
        ``x'H x``, so far.
    left : float
        A bound on what the energy of the solution is above that.
    products : int
    longest : float
        The longest step: about one over the least eigenvalue, in units of the diagonal.
    stuck : bool
        Whether a direction without curvature ended it.
    """

    x: FloatArray
    residual: FloatArray
    energy: float
    left: float
    products: int
    longest: float
    stuck: bool


def solve(
    product: Callable[[FloatArray], FloatArray],
    unit: FloatArray,
    b: FloatArray,
    enough: Callable[[float, float], bool],
    most: int,
) -> Solved:
    """Solve ``H x = b`` as far as asked.

    Parameters
    ----------
    product : callable
        H times a vector.
    unit : ndarray of shape (size,)
        Roots of about the diagonal of H.
    b : ndarray of shape (size,)
    enough : callable
        Takes energy and what is left of it; says whether to stop.
    most : int
        Products.
    """
    x, residual = np.zeros_like(b), b / unit
    direction, rho = residual, float(residual @ residual)
    energy, longest, left, products = 0.0, 1.0, SAFETY * rho, 0
    stuck = not rho > 0.0
    while products < most and not stuck and not (products and enough(energy, left)):
        image = product(direction / unit) / unit
        products += 1
        curved = float(direction @ image)
        if not curved > FLAT * float(direction @ direction):
            stuck = True
            break
        length = rho / curved
        longest = max(longest, length)
        x, residual = x + length * direction, residual - length * image
        energy += length * rho
        fresh = float(residual @ residual)
        left = SAFETY * longest * fresh
        direction, rho = residual + (fresh / rho) * direction, fresh
        stuck = not rho > 0.0
    return Solved(x / unit, residual * unit, energy, left, products, longest, stuck)
