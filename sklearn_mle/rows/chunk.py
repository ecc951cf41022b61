"""What is done to one chunk of a larger collection, inside the task that holds it.

A chunk comes as the user's collection made it: an array or a data frame of features, one of
targets, one of weights or none. Here it becomes rows in memory, in cache-sized blocks; `survey`
tells what is wrong with it. Nothing here knows who runs the task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.magnitudes import PowersOfTwo
from sklearn_mle.rows.rows import FloatArray
from sklearn_mle.rows.threads import inside_a_task


@dataclass(frozen=True)
class Recipe:
    """How the parts of a chunk become rows.

    Parameters
    ----------
    names : tuple or None
        Of the columns, for data frames.
    n_columns : int
    labels : bool
        Whether targets are labels rather than numbers.
    factors : ndarray of shape (n_classes,), optional
        On the weights of the rows of each class; ``y`` then holds codes.
    once : bool
        Whether every row of positive weight counts once.
    powers : PowersOfTwo, optional
        What the rows are divided by.
    """

    names: tuple[Any, ...] | None
    n_columns: int
    labels: bool = False
    factors: FloatArray | None = None
    once: bool = False
    powers: PowersOfTwo | None = None

    def rows(self, X: Any, y: Any, weight: Any) -> InMemoryRows:
        """The rows of a chunk that has been surveyed."""
        table, target = as_table(X), as_vector(y)
        w = None if weight is None else as_weight(weight, table.shape[0])
        if self.once and w is not None:
            w = (w > 0.0).astype(np.float64)
        if self.factors is not None:
            factor = self.factors[target.astype(np.intp)]
            w = factor if w is None else w * factor
        rows = InMemoryRows(table, target.astype(np.float64, copy=False), w)
        return rows if self.powers is None else rows.divided_by(self.powers)


def as_table(X: Any) -> Any:
    """Features as a float array of shape (m, n_columns), or a sparse matrix as it is."""
    if sparse.issparse(X):
        return X if X.dtype in (np.float64, np.float32) else X.astype(np.float64)
    if hasattr(X, "to_numpy"):
        kinds = set(X.dtypes) if X.ndim == 2 else {X.dtype}
        plain = all(isinstance(kind, np.dtype) for kind in kinds)
        X = X.to_numpy() if plain else X.to_numpy(dtype=np.float64, na_value=np.nan)
    X = np.asarray(X)
    return X if X.dtype in (np.float64, np.float32) else X.astype(np.float64)


def as_vector(values: Any) -> NDArray[Any]:
    """One entry a row; of a table with one column, that."""
    found = np.asarray(values)
    return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found


def as_weight(weight: Any, n: int) -> FloatArray:
    """Weights in float64; a number is that of all n rows."""
    found = as_vector(weight).astype(np.float64, copy=False)
    return np.full(n, float(found)) if found.ndim == 0 else found


def codes(classes: NDArray[Any], y: Any) -> NDArray[Any]:
    """Places of labels among sorted classes; any place for labels that are none."""
    if classes.size == 2:
        return np.asarray(as_vector(y) == classes[1]).astype(np.int8)
    places = np.searchsorted(classes, as_vector(y)).clip(0, classes.size - 1)
    return places.astype(np.int8 if classes.size <= 127 else np.int32)


@dataclass(frozen=True)
class Step:
    """A function of a chunk's rows, with what it needs to know where it runs.

    Parameters
    ----------
    recipe : Recipe
    work : callable
        ``work(rows, *columns)``.
    errors : dict
        NumPy's error state where the pass was asked for.
    """

    recipe: Recipe
    work: Callable[..., Any]
    errors: Any

    def __call__(self, X: Any, y: Any, weight: Any, *columns: Any) -> Any:
        with np.errstate(**self.errors), inside_a_task():
            return self.work(self.recipe.rows(X, y, weight), *columns)


def added(parts: list[Any]) -> Any:
    """The sum of what `+` adds up; of tuples, entry by entry, empty ones left out."""
    if not isinstance(parts[0], tuple):
        return reduce(lambda a, b: a + b, parts)
    some = [part for part in parts if part]
    return reduce(lambda a, b: tuple(x + y for x, y in zip(a, b)), some) if some else ()


def joined(pieces: list[tuple[Any, ...]]) -> InMemoryRows:
    """Rows taken from several chunks, in order; the list is left empty.

    A piece is let go as soon as it is copied, so that rows are hardly held twice.
    """
    some = [piece for piece in pieces if piece[0].shape[0]] or pieces[:1]
    pieces.clear()
    y = np.concatenate([piece[1] for piece in some])
    weight = None
    if any(piece[2] is not None for piece in some):
        weight = np.concatenate([piece[2] for piece in some])
    if len(some) == 1:
        return InMemoryRows(some[0][0], y, weight)
    if sparse.issparse(some[0][0]):
        return InMemoryRows(sparse.vstack([piece[0] for piece in some]), y, weight)
    kind = np.result_type(*(piece[0].dtype for piece in some))
    X = np.empty((y.shape[0], some[0][0].shape[1]), kind)
    first, some = 0, some[::-1]
    while some:
        part = some.pop()[0]
        X[first : first + part.shape[0]] = part
        first += part.shape[0]
    return InMemoryRows(X, y, weight)


def taken(rows: InMemoryRows) -> tuple[Any, ...]:
    """What `joined` joins."""
    return rows.X, rows.y, rows.weight
