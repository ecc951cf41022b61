"""What is done to one chunk of a larger collection, inside the task that holds it.

A chunk comes as the user's collection made it: an array or a data frame of features, one of
targets, one of weights or none. Here it becomes rows in memory, in cache-sized blocks, and is
surveyed: what is wrong with it, how many rows it has, which labels. Nothing here knows who runs
the task.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import FloatArray
from sklearn_mle.rows.threads import inside_a_task

SCAN_ROWS = 8192
"""Rows that are looked at for NaN at a time."""


@dataclass(frozen=True)
class Fault:
    """Why a chunk cannot be fitted.

    Parameters
    ----------
    kind : str
        Which rule it breaks; the messages are the caller's.
    got : str
        What was found instead.
    chunk : int
    """

    kind: str
    got: str
    chunk: int


@dataclass(frozen=True)
class Survey:
    """What is known of some chunks after one look at them; `+` joins neighbours.

    Parameters
    ----------
    faults : tuple of Fault
    lengths, present : tuple of int
        Rows of each chunk, and those of positive weight.
    total_weight : float
    classes, mass : ndarray of shape (k,)
        Labels of rows of positive weight, sorted, and their total weights; empty for numbers.
    kinds : frozenset of str
        Types of labels among objects.
    sample : tuple
        Pieces of rows that were asked for: (X, y, weight).
    """

    faults: tuple[Fault, ...]
    lengths: tuple[int, ...]
    present: tuple[int, ...]
    total_weight: float
    classes: NDArray[Any]
    mass: FloatArray
    kinds: frozenset[str]
    sample: tuple[tuple[Any, ...], ...] = ()

    def __add__(self, other: Survey) -> Survey:
        classes, mass = self.classes, self.mass
        if not classes.size or not other.classes.size:
            classes, mass = (classes, mass) if classes.size else (other.classes, other.mass)
        elif len(self.kinds | other.kinds) <= 1:
            both = np.concatenate([classes, other.classes])
            classes, places = np.unique(both, return_inverse=True)
            mass = np.bincount(places.ravel(), np.r_[mass, other.mass]).astype(np.float64)
        return Survey(
            self.faults + other.faults,
            self.lengths + other.lengths,
            self.present + other.present,
            self.total_weight + other.total_weight,
            classes,
            mass,
            self.kinds | other.kinds,
            self.sample + other.sample,
        )


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
    """

    names: tuple[Any, ...] | None
    n_columns: int
    labels: bool = False
    factors: FloatArray | None = None
    once: bool = False

    def rows(self, X: Any, y: Any, weight: Any) -> InMemoryRows:
        """The rows of a chunk that has been surveyed."""
        table, target = as_table(X), as_vector(y)
        w = None if weight is None else _as_weight(weight, table.shape[0])
        if self.once and w is not None:
            w = (w > 0.0).astype(np.float64)
        if self.factors is not None:
            factor = self.factors[target.astype(np.intp)]
            w = factor if w is None else w * factor
        return InMemoryRows(table, target.astype(np.float64, copy=False), w)


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


def _as_weight(weight: Any, n: int) -> FloatArray:
    """Weights in float64; a number is that of all n rows."""
    found = as_vector(weight).astype(np.float64, copy=False)
    return np.full(n, float(found)) if found.ndim == 0 else found


def survey(
    recipe: Recipe, number: int, places: NDArray[np.intp] | None, X: Any, y: Any, weight: Any
) -> Survey:
    """One look at a chunk: its faults, rows and labels, and the rows at some places."""
    try:
        return _surveyed(recipe, number, places, X, y, weight)
    except MisfitError as fault:
        nothing = np.empty(0)
        found = Fault(fault.kind, fault.got, number)
        return Survey((found,), (0,), (0,), 0.0, nothing, nothing, frozenset())


class MisfitError(ValueError):
    """Which rule data break, and what was got; whoever knows the user makes a message of it."""

    @property
    def kind(self) -> str:
        return str(self.args[0])

    @property
    def got(self) -> str:
        return str(self.args[1])


def _surveyed(
    recipe: Recipe, number: int, places: NDArray[np.intp] | None, X: Any, y: Any, weight: Any
) -> Survey:
    _check_columns(recipe, X)
    n = X.shape[0]
    table = _converted(as_table, X, "text")
    row = first_not_finite(table)
    if row is not None:
        entries = np.asarray(table[[row]].todense() if sparse.issparse(table) else table[[row]])
        column = int(np.flatnonzero(~np.isfinite(entries[0]))[0])
        called = column if recipe.names is None else repr(recipe.names[column])
        bad = "NaN" if np.isnan(entries[0, column]) else "infinity"
        raise MisfitError(bad, f"{bad} in row {row}, column {called}")
    target = as_vector(y)
    if target.ndim != 1:
        raise MisfitError("shape of y", f"shape {target.shape}")
    if target.shape[0] != n:
        raise MisfitError("rows of y", f"{n} and {target.shape[0]}")
    w = None if weight is None else _checked_weight(weight, n)
    there = slice(None) if w is None else w > 0.0
    classes, mass, kinds = _targets(recipe, target, there, w)
    rows = recipe.rows(table, np.zeros(n) if recipe.labels else target, weight)
    sample: tuple[tuple[Any, ...], ...] = ()
    if places is not None and places.size:
        taken = rows._copy(places)
        sample = ((taken.X, taken.y, taken.weight),)
    return Survey((), (n,), (rows.n_rows,), rows.total_weight, classes, mass, kinds, sample)


def _check_columns(recipe: Recipe, X: Any) -> None:
    if getattr(X, "ndim", 0) != 2:
        raise MisfitError("columns", f"{getattr(X, 'ndim', 0)} dimensions")
    if recipe.names is not None and hasattr(X, "columns"):
        names = tuple(X.columns)
        if names != recipe.names:
            raise MisfitError("columns", f"columns {_shortened(names)}")
    elif X.shape[1] != recipe.n_columns:
        raise MisfitError("columns", f"{X.shape[1]} columns")


def _shortened(names: Sequence[Any]) -> str:
    return str(list(names)) if len(names) <= 6 else f"{list(names[:5])} and {len(names) - 5} more"


def _converted(how: Callable[[Any], Any], values: Any, kind: str) -> Any:
    if np.iscomplexobj(values):
        raise MisfitError("complex", "complex numbers")
    try:
        return how(values)
    except (TypeError, ValueError) as error:
        raise MisfitError(kind, str(error)) from None


def _checked_weight(weight: Any, n: int) -> FloatArray:
    w = _converted(lambda given: _as_weight(given, n), weight, "text in weight")
    if w.shape != (n,):
        raise MisfitError("rows of weight", f"{n} and {w.shape[0]}")
    if not np.isfinite(w).all():
        raise MisfitError(
            "weight", f"NaN or infinity in row {int(np.flatnonzero(~np.isfinite(w))[0])}"
        )
    if w.min(initial=0.0) < 0.0:
        row = int(np.argmax(w < 0.0))
        raise MisfitError("negative weight", f"{w[row]:g} in row {row}")
    return w


def _targets(
    recipe: Recipe, target: NDArray[Any], there: Any, w: FloatArray | None
) -> tuple[NDArray[Any], FloatArray, frozenset[str]]:
    """Labels, their weights and kinds; nothing for numbers, which are only checked."""
    if not recipe.labels:
        numbers = _converted(lambda y: y.astype(np.float64), target, "text in y")
        row = first_not_finite(numbers)
        if row is not None:
            raise MisfitError("y", f"NaN or infinity in row {row}")
        return np.empty(0), np.empty(0), frozenset()
    kinds: frozenset[str] = frozenset()
    if target.dtype == object:
        kinds = frozenset(type(label).__name__ for label in target)
    if len(kinds) > 1 and kinds & {"NoneType", "NAType", "str"}:
        return np.empty(0), np.empty(0), kinds
    if target.dtype.kind == "f" or kinds == {"float"}:
        numbers = target.astype(np.float64)
        row = first_not_finite(numbers)
        if row is not None:
            raise MisfitError("y", f"NaN or infinity in row {row}")
        if np.any(numbers != np.floor(numbers)):
            raise MisfitError("continuous", "continuous")
    found, places = np.unique(target[there], return_inverse=True)
    mass = np.bincount(places.ravel(), None if w is None else w[there], found.size)
    return found, mass.astype(np.float64), kinds


def first_not_finite(values: Any) -> int | None:
    """The first row with NaN or infinity, by a sum where there is none."""
    if sparse.issparse(values):
        if np.isfinite(values.data).all():
            return None
        by_row = values.tocsr()
        bad = np.flatnonzero(~np.isfinite(by_row.data))[0]
        return int(np.searchsorted(by_row.indptr, bad, side="right") - 1)
    with np.errstate(invalid="ignore", over="ignore"):
        for first in range(0, values.shape[0], SCAN_ROWS):
            part = values[first : first + SCAN_ROWS]
            if not np.isfinite(part.sum()):
                finite = np.isfinite(part)
                rows = finite if part.ndim == 1 else finite.all(axis=1)
                if not rows.all():
                    return first + int(np.flatnonzero(~rows)[0])
    return None


def codes(classes: NDArray[Any], y: Any) -> NDArray[Any]:
    """Places of labels among sorted classes; any place for labels that are none."""
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
