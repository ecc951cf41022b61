"""Rows that are the same, as one row with the sum of their weights."""

from __future__ import annotations

import numpy as np

from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.matrix import (
    lexical_order,
    repeats,
    take_rows,
)


def merge_duplicates(rows: InMemoryRows) -> InMemoryRows:
    """Rows in a canonical order, equal ones merged into one with the sum of their weights.

    So that neither the order of few rows nor repeating one instead of weighing it can decide
    between equally good vertices.
    """
    order = np.argsort(rows.y, kind="stable")
    if np.any(np.diff(rows.y[order]) == 0.0):
        order = lexical_order(rows.X, rows.y)
    X, y = take_rows(rows.X, order), rows.y[order]
    w = np.ones(y.shape[0]) if rows.weight is None else rows.weight[order]
    same = np.diff(y) == 0.0
    if np.any(same):
        same &= repeats(X)
    if np.any(same):
        first = np.flatnonzero(np.concatenate(([True], ~same)))
        X, y, w = take_rows(X, first), y[first], np.add.reduceat(w, first)
    return InMemoryRows(X, y, w)
