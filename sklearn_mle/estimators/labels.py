"""Labels as codes: classes in order, and the place among them of each row's label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.label_counts import Coded, counted
from sklearn_mle.rows.rows import FloatArray


@dataclass(frozen=True)
class Labelled:
    """Rows in memory with labels.

    Parameters
    ----------
    classes, mass : ndarray of shape (n_classes,)
        Labels of rows of positive weight, sorted, and their total weights.
    """

    classes: NDArray[Any]
    mass: FloatArray
    X: NDArray[np.floating]
    codes: NDArray[np.intp]
    weight: FloatArray | None

    def once(self) -> InMemoryRows:
        """Rows with codes for y, each row of positive weight once."""
        there = None if self.weight is None else self.weight > 0.0
        weight = None if there is None or there.all() else there.astype(np.float64)
        return InMemoryRows(self.X, self.codes.astype(np.float64), weight)

    def rows(self, factors: FloatArray) -> InMemoryRows:
        """Rows with codes for y, and a factor on the weights of each class."""
        weight = self.weight
        if not np.all(factors == 1.0):
            weight = factors[self.codes] if weight is None else weight * factors[self.codes]
        return InMemoryRows(self.X, self.codes.astype(np.float64), weight)


def labelled(table: Any, labels: NDArray[Any], weight: FloatArray | None) -> Labelled:
    """Rows with their labels as codes.

    Parameters
    ----------
    table : ndarray or csr_array of shape (n, p)
    labels : ndarray of shape (n,)
    weight : ndarray of shape (n,) or None
        Rows of weight zero have any code.
    """
    classes, codes, mass = counted(labels, weight) or _sorted(labels, weight)
    return Labelled(classes, mass, table, codes, weight)


def _sorted(labels: NDArray[Any], weight: FloatArray | None) -> Coded:
    there = slice(None) if weight is None else weight > 0.0
    classes = np.unique(labels[there])
    codes = np.searchsorted(classes, labels).clip(0, max(0, classes.size - 1))
    mass = np.bincount(codes[there], None if weight is None else weight[there])
    return classes, codes, mass.astype(np.float64)
