"""Rows that are read again in each pass and were no longer numbers when they were.

A collection that is not held is computed once for each pass, from files or services that may have
changed or failed in between. Its first pass has found every entry finite.
"""

from __future__ import annotations

import numpy as np

from sklearn_mle.rows.matrix import entries
from sklearn_mle.rows.rows import Block, GivenRows
from sklearn_mle.solvers.solution import Outcome, Status


def changed_rows(rows: GivenRows) -> Outcome | None:
    """The outcome of a fit of such rows; None where they are held or still finite.

    Parameters
    ----------
    rows : GivenRows
        Of a fit that came to nothing, or to a cost that is no number.
    """
    if not rows.reread():
        return None
    counts = rows.total(_not_finite)
    where = [name for name, count in zip(("X", "y", "sample_weight"), counts) if count]
    if not where:
        return None
    return Outcome(
        Status.OUT_OF_RANGE,
        "Rows must be the same in every pass; got finite numbers in the first pass, and in a later "
        f"one NaN or infinity in {' and '.join(where)}. Make what computes the chunks give the "
        "same every time, or pass collections that are held, by persist().",
    )


def _not_finite(block: Block) -> tuple[int, int, int]:
    """How many entries of X, y and the weights are no finite numbers."""
    of_weight = 0 if block.weight is None else np.count_nonzero(~np.isfinite(block.weight))
    of_X = np.count_nonzero(~np.isfinite(entries(block.X)))
    return int(of_X), int(np.count_nonzero(~np.isfinite(block.y))), int(of_weight)
