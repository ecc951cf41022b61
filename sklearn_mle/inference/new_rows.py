"""Predictions with intervals for new rows, a few at a time, so that sparse ones are never filled in
as a whole."""

from __future__ import annotations

import numpy as np

from sklearn_mle.inference import predictions
from sklearn_mle.inference.covariance import Covariance
from sklearn_mle.inference.predictions import Predictions
from sklearn_mle.inference.row_costs import LocationScaleCosts, SoftmaxCosts
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.matrix import Matrix, in_full, row_range

PIECE_BYTES = 2**21
"""Size of the rows that are looked at together."""
FEWEST = 64
"""Rows that are looked at together, however many columns they have."""


def check_kind(valley: Valley, kind: str) -> None:
    """A kind of prediction that there is, and that the model can make."""
    if kind not in ("mean", "observation"):
        raise ValueError(
            f"kind must be 'mean' or 'observation'; got {kind!r}. Use 'mean' for the "
            "location, 'observation' for one new y."
        )
    if kind == "observation" and valley.noise is None:
        raise ValueError(
            "kind='observation' needs a numeric target; got a classifier, whose new "
            "observations are labels. Use kind='mean' for the probabilities of the labels."
        )


def predicted(
    valley: Valley, covariance: Covariance, X: Matrix, level: float, kind: str
) -> Predictions:
    """Predictions of checked rows.

    Parameters
    ----------
    valley : Valley
    covariance : Covariance
        Of theta.
    X : ndarray or csr_array of shape (n, p)
    level : float
    kind : str
        As `check_kind` allows.
    """
    n, step = X.shape[0], max(FEWEST, PIECE_BYTES // (8 * max(1, X.shape[1])))
    pieces = (row_range(X, first, min(first + step, n)) for first in range(0, n, step))
    parts = [_of_few(valley, covariance, in_full(piece), level, kind) for piece in pieces]
    if len(parts) == 1:
        return parts[0]
    return Predictions(
        np.concatenate([part.estimate for part in parts]),
        np.concatenate([part.std_error for part in parts]),
        np.concatenate([part.lower for part in parts]),
        np.concatenate([part.upper for part in parts]),
        level,
        kind,
    )


def _of_few(
    valley: Valley, covariance: Covariance, X: FloatArray, level: float, kind: str
) -> Predictions:
    costs = valley.costs
    if isinstance(costs, LocationScaleCosts):
        place = (costs, valley.terms, valley.bottom, covariance.matrix, covariance.df, X)
        return predictions.of_location(*place, level, kind, valley.rows.total_weight)
    assert isinstance(costs, SoftmaxCosts)
    where = (costs, valley.terms, valley.bottom, covariance.matrix, X, level)
    return predictions.of_classes(*where, covariance.endless)
