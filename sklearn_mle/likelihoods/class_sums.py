"""Sums over rows at fitted coefficients: the log-likelihood, and the share that is right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.likelihoods.class_laws import log_probabilities
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.rows import Block, Rows


def log_likelihood(
    rows: Rows, places: NDArray[np.intp], coef: FloatArray, intercept: FloatArray
) -> float:
    """The weighted sum of the log-probabilities of rows.

    Parameters
    ----------
    rows : Rows
        ``y`` holds codes.
    places : ndarray of int
        The line of ``coef`` that each code belongs to.
    coef, intercept : ndarray of shape (1 or K, p) and (1 or K,)
    """

    def per_block(block: Block) -> tuple[float]:
        logs = log_probabilities(block.X @ coef.T + intercept)
        chosen = logs[np.arange(block.n_rows), places[block.y.astype(np.intp)]]
        return (float(block.weigh(chosen).sum()),)

    return float(rows.total(per_block)[0])


def share_right(
    rows: Rows, places: NDArray[np.intp], coef: FloatArray, intercept: FloatArray
) -> float:
    """The weighted share of rows whose most probable class is theirs; parameters as above."""

    def per_block(block: Block) -> tuple[float]:
        scores = block.X @ coef.T + intercept
        one = scores.shape[1] == 1
        best = (scores[:, 0] > 0.0).astype(np.intp) if one else scores.argmax(axis=1)
        right = best == places[block.y.astype(np.intp)]
        return (float(block.weigh(right.astype(np.float64)).sum()),)

    return float(rows.total(per_block)[0]) / rows.total_weight
