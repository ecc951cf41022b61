"""Rows in the chunks of a Dask collection, wherever its scheduler keeps them.

Each pass is one graph: a task for each chunk, in which the chunk is cut into cache-sized blocks as
rows in memory are, and a tree of sums whose root alone comes back. Columns stay with the chunks, as
persisted collections of one part a chunk: what is lost with a worker, the scheduler computes again.
Which scheduler that is, threads of this process or a cluster, retries and the placement of chunks
are Dask's own business.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows import chunk
from sklearn_mle.rows.chunk import Recipe, Step
from sklearn_mle.rows.dask_graph import (
    Key,
    Parts,
    add_tree,
    computed,
    is_held,
    now,
    persisted,
    summed,
    task_name,
)
from sklearn_mle.rows.in_memory import InMemoryRows, merged, spread
from sklearn_mle.rows.magnitudes import Magnitudes, PowersOfTwo
from sklearn_mle.rows.rows import GivenRows
from sklearn_mle.rows.survey import Survey, survey

OFTEN = (512, 1000)
"""Sizes of samples that nearly every fit asks for; taken together they cost one pass."""
HANDFUL = (2**25, 2**27)
"""The least and the most bytes of rows that are brought here at once."""
HANDFUL_SHARE = 64
"""Between these, one part in so many of X and y: the copies that a solver makes of it are then
little for whoever holds a quarter of X."""
HELD = 2
"""Half of that where X is not held: whoever reads it again in each pass has no memory for it."""


@dataclass(frozen=True)
class Chunks:
    """Keys of a graph, three for each chunk of rows.

    Parameters
    ----------
    graph : dict
        What computes the chunks, or holds them.
    X, y, weight : tuple of keys
        ``weight`` is empty where every row counts once.
    lengths : tuple of int, or None
        Rows of each chunk, where they are known without a look.
    """

    graph: Mapping[Key, Any]
    X: tuple[Key, ...]
    y: tuple[Key, ...]
    weight: tuple[Key, ...] = ()
    lengths: tuple[int, ...] | None = None

    def arguments(self, i: int) -> tuple[Any, ...]:
        return self.X[i], self.y[i], self.weight[i] if self.weight else None

    @property
    def held(self) -> bool:
        """Whether X is in memory, so that another pass does not compute it again."""
        return all(is_held(self.graph, key) for key in self.X)


@dataclass
class Passes:
    """How often the chunks were gone through."""

    count: int = 0


class DaskRows(GivenRows):
    """Rows of chunks that have been surveyed.

    A pass takes a reference to itself along to where the chunks are, as functions of blocks may
    know their rows; there only its numbers arrive.

    Parameters
    ----------
    chunks : Chunks
    recipe : Recipe
    present : sequence of int
        Rows of positive weight of each chunk.
    total_weight : float
    sizes : Magnitudes
    passes : Passes
    samples : dict, optional
        Samples that are known already, by size.
    """

    def __init__(
        self,
        chunks: Chunks,
        recipe: Recipe,
        present: Sequence[int],
        total_weight: float,
        sizes: Magnitudes,
        passes: Passes,
        samples: dict[int, InMemoryRows] | None = None,
    ) -> None:
        self.chunks = chunks
        self.recipe = recipe
        self.present = tuple(present)
        self.n_rows = sum(self.present)
        self.n_columns = recipe.n_columns
        self.total_weight = total_weight
        self.sizes = sizes
        self.passes = passes
        self._samples = samples or {}

    def __getstate__(self) -> dict[str, Any]:
        kept = ("n_rows", "n_columns", "total_weight")
        return {name: getattr(self, name) for name in kept}

    def magnitudes(self) -> Magnitudes:
        return self.sizes

    def divided_by(self, powers: PowersOfTwo) -> DaskRows:
        return DaskRows(
            self.chunks,
            replace(self.recipe, powers=powers),
            self.present,
            math.ldexp(self.total_weight, -powers.of_weight),
            powers.of_sizes(self.sizes),
            self.passes,
            {m: rows.divided_by(powers) for m, rows in self._samples.items()},
        )

    def reread(self) -> int:
        return 0 if self.chunks.held else self.passes.count

    @property
    def handful(self) -> int:
        a_row = 8 * (self.n_columns + 1)
        least, most = HANDFUL
        size = min(most, max(least, self.n_rows * a_row // HANDFUL_SHARE))
        return min(self.n_rows, size // (a_row if self.chunks.held else HELD * a_row))

    def total(self, per_block: Callable[..., tuple[Any, ...]], *columns: Any) -> tuple[Any, ...]:
        work = partial(_total, per_block)
        graph, keys = self._tasks(work, columns)
        (found,) = now(summed(graph, keys))
        return tuple(found)

    def column(self, per_block: Callable[..., Any], *columns: Any) -> Parts:
        graph, keys = self._tasks(partial(_column, per_block), columns)
        return persisted(graph, keys)[0]

    def column_and_total(
        self, per_block: Callable[..., tuple[Any, tuple[Any, ...]]], *columns: Any
    ) -> tuple[Parts, tuple[Any, ...]]:
        graph, keys = self._tasks(partial(_both, per_block), columns)
        name, sums_name = task_name("entries"), task_name("sums")
        entries = [(name, i) for i in range(len(keys))]
        sums = [(sums_name, i) for i in range(len(keys))]
        for entry, part, key in zip(entries, sums, keys):
            graph[entry] = (operator.itemgetter(0), key)
            graph[part] = (operator.itemgetter(1), key)
        made, root = persisted(graph, entries, add_tree(graph, sums))
        (found,) = now(root)
        return made, tuple(found)

    def keep(self, wanted: Callable[..., NDArray[np.bool_]], *columns: Any) -> InMemoryRows:
        graph, keys = self._tasks(partial(_keep, wanted), columns)
        return chunk.joined(list(computed(graph, keys)))

    def sample(self, m: int) -> InMemoryRows:
        if m in self._samples:
            return self._samples[m]
        drawn = self._drawn({m, *OFTEN} - self._samples.keys())
        self._samples.update({size: rows for size, rows in drawn.items() if size in OFTEN})
        return drawn[m]

    def entries(self, column: Any) -> NDArray[Any]:
        if not isinstance(column, Parts):
            return np.asarray(column)
        parts = computed(column.graph, column.keys)
        some = [part for part, n in zip(parts, self.present) if n] or parts[:1]
        return np.concatenate(some)

    def _drawn(self, sizes: set[int]) -> dict[int, InMemoryRows]:
        """Samples of several sizes, in one pass."""
        chosen = {m: spread(self.n_rows, m) for m in sizes}
        union = merged(list(chosen.values()))
        places = _by_chunk(union, self.present)
        graph, keys = self._tasks(_take, (_Given(places),))
        some = [key for key, inside in zip(keys, places) if inside.size]
        rows = chunk.joined(list(computed(graph, some)))
        return {
            m: rows if at.size == union.size else rows.at(np.searchsorted(union, at))
            for m, at in chosen.items()
        }

    def _tasks(
        self, work: Callable[..., Any], columns: tuple[Any, ...]
    ) -> tuple[dict[Key, Any], list[Key]]:
        """A graph with ``work`` on the rows of each chunk, and its keys."""
        self.passes.count += 1
        graph = dict(self.chunks.graph)
        parts = [self._parts(column) for column in columns]
        for column in parts:
            graph.update(column.graph)
        step = Step(self.recipe, work, np.geterr())
        name = task_name(getattr(work, "func", work).__name__.strip("_"))
        keys: list[Key] = []
        for i in range(len(self.chunks.X)):
            given = [column.keys[i] for column in parts]
            graph[(name, i)] = (step, *self.chunks.arguments(i), *given)
            keys.append((name, i))
        return graph, keys

    def _parts(self, column: Any) -> Parts:
        """A column, or one entry a row that came from elsewhere, cut like the chunks."""
        if isinstance(column, Parts):
            return column
        if isinstance(column, _Given):
            pieces = column.parts
        else:
            edges = np.cumsum(self.present)[:-1]
            pieces = np.split(np.asarray(column), edges)
        name = task_name("given")
        graph = {(name, i): piece for i, piece in enumerate(pieces)}
        return Parts(graph, tuple(graph))


@dataclass(frozen=True)
class _Given:
    """One thing for each chunk."""

    parts: list[Any] = field(default_factory=list)


def surveyed(
    chunks: Chunks, recipe: Recipe, passes: Passes
) -> tuple[Survey, dict[int, InMemoryRows]]:
    """One look at all chunks; with samples, where it is known beforehand which rows they take."""
    passes.count += 1
    n = len(chunks.X)
    chosen: dict[int, NDArray[np.intp]] = {}
    places: list[Any] = [None] * n
    if chunks.lengths is not None and not chunks.weight and not recipe.labels:
        chosen = {m: spread(sum(chunks.lengths), m) for m in OFTEN}
        union = merged(list(chosen.values()))
        places = list(_by_chunk(union, chunks.lengths))
    graph = dict(chunks.graph)
    name = task_name("survey")
    for i in range(n):
        look = partial(survey, recipe, i, places[i])
        graph[(name, i)] = (look, *chunks.arguments(i))
    (found,) = now(summed(graph, [(name, i) for i in range(n)]))
    samples = {}
    if chosen and found.sample and not found.faults and found.lengths == chunks.lengths:
        rows = chunk.joined(list(found.sample))
        samples = {m: rows.at(np.searchsorted(union, at)) for m, at in chosen.items()}
    return replace(found, sample=()), samples


def _total(per_block: Callable[..., Any], rows: InMemoryRows, *columns: Any) -> tuple[Any, ...]:
    return rows.total(per_block, *columns)


def _column(per_block: Callable[..., Any], rows: InMemoryRows, *columns: Any) -> Any:
    return rows.column(per_block, *columns)


def _both(per_block: Callable[..., Any], rows: InMemoryRows, *columns: Any) -> Any:
    return rows.column_and_total(per_block, *columns)


def _keep(wanted: Callable[..., Any], rows: InMemoryRows, *columns: Any) -> tuple[Any, ...]:
    return chunk.taken(rows.keep(wanted, *columns))


def _take(rows: InMemoryRows, places: NDArray[np.intp]) -> tuple[Any, ...]:
    return chunk.taken(rows.at(places))


def _by_chunk(places: NDArray[np.intp], lengths: Sequence[int]) -> list[NDArray[np.intp]]:
    """Places among all rows as places in each chunk."""
    edges = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
    cuts = np.searchsorted(places, edges)
    return [places[a:b] - first for a, b, first in zip(cuts[:-1], cuts[1:], edges[:-1])]
