"""What rows contribute to their own scores, and slopes relieved of it."""

from __future__ import annotations

import numpy as np

from sklearn_mle.inference.sparsity import (
    slopes_of_sides,
)
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.noise import Fact, FloatArray
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.rows import Block


def leverage_of(
    valley: Valley, block: Block, D: Design, scores: FloatArray, spread: FloatArray
) -> FloatArray:
    """What a row's own slope contributes to its scores, a matrix of shape (m, s, s).

    The curvature of the row's cost times the covariance of its scores. A cost with corners has the
    curvature that its law expects.
    """
    s, k = valley.costs.n_scores, valley.terms.mixing.shape[0]
    moved = np.empty((s, s, block.n_rows)).transpose(2, 0, 1)
    for a in range(s):
        for b in range(a + 1):
            V = spread[a * k : (a + 1) * k, b * k : (b + 1) * k]
            moved[:, a, b] = moved[:, b, a] = valley.terms.forms(D, V)
    noise = valley.noise
    if noise is not None and Fact.PIECEWISE_LINEAR in noise.facts:
        left, right = slopes_of_sides(noise)
        return moved * (left * right / valley.scale**2)
    curvature = valley.costs.curvature(block.y, scores, valley.split(valley.bottom)[1])
    return curvature * moved if s == 1 else np.asarray(curvature @ moved)


def relieved(of_score: FloatArray, leverage: FloatArray, whole: bool) -> FloatArray:
    """Slopes times ``(1 - leverage)^-1``, or its root."""
    if of_score.shape[1] == 1:
        left = 1.0 - leverage[:, 0, 0]
        return of_score * (left ** (-1.0 if whole else -0.5))[:, None]
    if whole:
        left = np.eye(of_score.shape[1]) - leverage
        return np.asarray(np.linalg.solve(left, of_score[:, :, None])[:, :, 0], dtype=np.float64)
    values, vectors = np.linalg.eig(leverage)
    coordinates = np.linalg.solve(vectors, of_score[:, :, None])[:, :, 0]
    coordinates = coordinates / np.sqrt(1.0 - values)
    return (vectors @ coordinates[:, :, None])[:, :, 0].real
