"""What rows contribute to their own scores, and slopes relieved of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.inference.row_forms import RowForms
from sklearn_mle.inference.sparsity import slopes_of_sides
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.noise import Fact, FloatArray
from sklearn_mle.rows.implicit_design import Design

ALONE = 1e-8
"""Share of its slope that a row leaves to the others, below which it is rounding."""


@dataclass(frozen=True)
class Leverages:
    """What a row's own slope contributes to its scores.

    The curvature of the row's cost times the covariance of its scores. A cost with corners has the
    curvature that its law expects.

    Parameters
    ----------
    valley : Valley
    spread : ndarray of shape (size, size)
        The inverse information in theta, zero where it is not known.
    forms : RowForms or None
        Of the only score; None where there are several.
    """

    valley: Valley
    spread: FloatArray
    forms: RowForms | None

    @classmethod
    def of(cls, valley: Valley, bread: FloatArray) -> Leverages:
        """Those by an inverse information, NaN where nothing can be said."""
        known = np.where(np.isnan(bread), 0.0, bread)
        if valley.costs.n_scores > 1:
            J = valley.mixing()
            return cls(valley, J @ known @ J.T, None)
        q = valley.n_location
        forms = RowForms.of(valley.terms, known[:q, :q], q / valley.rows.total_weight)
        return cls(valley, known, forms)

    def __call__(self, D: Design, curvature: FloatArray) -> FloatArray:
        """The matrix of each row, shape (m, s, s), from the curvatures of their costs."""
        if self.forms is not None:
            return self.forms.leverages(D, curvature[:, 0, 0])[:, None, None]
        s, k = self.valley.costs.n_scores, self.valley.terms.mixing.shape[0]
        moved = np.empty((s, s, D.shape[0])).transpose(2, 0, 1)
        for a in range(s):
            for b in range(a + 1):
                V = self.spread[a * k : (a + 1) * k, b * k : (b + 1) * k]
                moved[:, a, b] = moved[:, b, a] = self.valley.terms.forms(D, V)
        return np.asarray(curvature @ moved)

    def curvature(self, y: FloatArray, scores: FloatArray) -> FloatArray:
        """Those of the rows' costs in their scores, shape (m, s, s)."""
        valley, noise = self.valley, self.valley.noise
        extras = valley.split(valley.bottom)[1]
        if noise is not None and Fact.PIECEWISE_LINEAR in noise.facts:
            left, right = slopes_of_sides(noise)
            return np.full((y.shape[0], 1, 1), left * right / valley.scale**2)
        if noise is not None and valley.normal:
            one = valley.costs.curvature(np.zeros(1), np.zeros((1, 1)), extras)
            return np.broadcast_to(one, (y.shape[0], 1, 1))
        return valley.costs.curvature(y, scores, extras)


def decides_alone(leverage: FloatArray) -> NDArray[np.bool_] | None:
    """Which rows leave nothing of their only slope, shape (m,); None where there are none.

    Of several slopes, none is said to.
    """
    if leverage.shape[1] > 1 or leverage.max(initial=0.0) < 1.0 - ALONE:
        return None
    return np.abs(1.0 - leverage[:, 0, 0]) < ALONE


def relieved(of_score: FloatArray, leverage: FloatArray, whole: bool) -> FloatArray:
    """Slopes times ``(1 - leverage)^-1``, or its root."""
    if of_score.shape[1] == 1:
        left = 1.0 - leverage[:, 0, 0]
        return of_score / (left if whole else np.sqrt(left))[:, None]
    if whole:
        left = np.eye(of_score.shape[1]) - leverage
        return np.asarray(np.linalg.solve(left, of_score[:, :, None])[:, :, 0], dtype=np.float64)
    values, vectors = np.linalg.eig(leverage)
    coordinates = np.linalg.solve(vectors, of_score[:, :, None])[:, :, 0]
    coordinates = coordinates / np.sqrt(1.0 - values)
    return (vectors @ coordinates[:, :, None])[:, :, 0].real
