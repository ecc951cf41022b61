"""Curvature too faint for a Hessian to show, told from none at all.

A direction in which a Hessian shows no curvature may be one of two: columns depend on each other,
and then the cost is the same all along it; or rows move along it, only by so little (columns that
nearly depend), or rows so certain of a class, that it drowns in the rounding errors of the rest.
There the gradient may well have a part, and a Newton decrement that leaves it out is no bound on
what is left to gain. Here the second kind is told by the images of its directions: once a descent
those that move no row at all are found, at coefficients of zero, where no row is certain (mostly
the first that are still are seen to be no others); and where a Hessian has more that are still,
their curvature is computed by itself.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from sklearn_mle.likelihoods.objective import FloatArray, MatrixFree
from sklearn_mle.solvers.curvature import Curvature

NOTHING = 1e-11
"""What a direction makes of all rows, relative to its terms, if it is nothing but rounding."""
TINIEST = 1e-28
"""Curvature, by size of theta, that rounding errors of images can make."""


class Faint:
    """What a descent knows of directions without curvature.

    Parameters
    ----------
    objective : Objective
        Of one that is not `MatrixFree`, nothing is told.
    """

    def __init__(self, objective: Any) -> None:
        self.objective = objective
        self.able = isinstance(objective, MatrixFree)

    @cached_property
    def flat(self) -> FloatArray:
        """Directions of theta that move no row, shape (size, k)."""
        objective = self.objective
        start = objective.start()
        known = Curvature.of(objective.derivatives(start).hessian, objective.n_scores)
        if not known.still.shape[1]:
            return known.flat
        S, own = self._refined(start, known)
        squares, turn = np.linalg.eigh(own)
        return (S @ turn[:, squares <= NOTHING**2]) / known.unit[:, None]

    def told(self, theta: FloatArray, seen: Curvature) -> Curvature:
        """The curvature at theta with what its Hessian could not show."""
        k = seen.still.shape[1]
        if not k or not self.able:
            return seen
        if "flat" not in vars(self) and self.moves_nothing(seen):
            self.flat = seen.flat
        if k <= self.flat.shape[1]:
            return seen
        S, _ = self._refined(theta, seen)
        flat = np.linalg.qr(self.flat * seen.unit[:, None])[0]
        S = S - flat @ (flat.T @ S)
        left, _, _ = np.linalg.svd(S, full_matrices=False)
        rest = left[:, : k - flat.shape[1]]
        moved = self.objective.curvature_along(theta, rest / seen.unit[:, None])[1]
        bends, turn = np.linalg.eigh(moved)
        more = rest @ (turn / np.sqrt(np.maximum(bends, TINIEST)))
        return replace(seen, root=np.hstack([seen.root, more]), still=flat)

    def moves_nothing(self, seen: Curvature) -> bool:
        """Whether no row moves along any direction in which a Hessian shows no curvature."""
        _, own = self.objective.curvature_along(self.objective.start(), seen.flat)
        return bool(np.all(own.diagonal() <= NOTHING**2))

    def _refined(self, theta: FloatArray, seen: Curvature) -> tuple[FloatArray, FloatArray]:
        """Still directions without what they have of the others, and their own curvature."""
        S = seen.still
        images, _ = self.objective.curvature_along(theta, S / seen.unit[:, None])
        S = S - seen.root @ (seen.root.T @ (images / seen.unit[:, None]))
        S = np.linalg.qr(S)[0]
        return S, self.objective.curvature_along(theta, S / seen.unit[:, None])[1]
