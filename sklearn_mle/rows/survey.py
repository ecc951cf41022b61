"""One look at a chunk: what is wrong with it, how many rows it has, which labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_mle.rows.chunk import Recipe, as_table, as_vector, as_weight
from sklearn_mle.rows.label_counts import counted
from sklearn_mle.rows.magnitudes import Magnitudes
from sklearn_mle.rows.matrix import row_sums
from sklearn_mle.rows.rows import FloatArray

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
    sizes : Magnitudes
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
    sizes: Magnitudes
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
            self.sizes + other.sizes,
            self.sample + other.sample,
        )


def survey(
    recipe: Recipe, number: int, places: NDArray[np.intp] | None, X: Any, y: Any, weight: Any
) -> Survey:
    """One look at a chunk: its faults, rows and labels, and the rows at some places."""
    try:
        return _surveyed(recipe, number, places, X, y, weight)
    except MisfitError as fault:
        nothing = np.empty(0)
        found = Fault(fault.kind, fault.got, number)
        sizes = Magnitudes(np.zeros(recipe.n_columns), 0.0)
        return Survey((found,), (0,), (0,), 0.0, nothing, nothing, frozenset(), sizes)


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
        taken = rows.at(places)
        sample = ((taken.X, taken.y, taken.weight),)
    weight, sizes = rows.total_weight, rows.magnitudes()
    return Survey((), (n,), (rows.n_rows,), weight, classes, mass, kinds, sizes, sample)


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
    w = _converted(lambda given: as_weight(given, n), weight, "text in weight")
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
    whole = counted(target, w)
    if whole is not None:
        return whole[0], whole[2], kinds
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
            sums = part if part.ndim == 1 else row_sums(part)
            if not np.isfinite(sums.sum()):
                finite = np.isfinite(part)
                rows = finite if part.ndim == 1 else finite.all(axis=1)
                if not rows.all():
                    return first + int(np.flatnonzero(~rows)[0])
    return None
