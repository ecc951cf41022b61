"""Rows in the chunks of a Dask collection, wherever its scheduler keeps them.

Each pass is one graph: a task for each chunk, in which the chunk is cut into cache-sized blocks as
rows in memory are, and a tree of sums whose root alone comes back. Columns stay with the chunks, as
persisted collections of one part a chunk: what is lost with a worker, the scheduler computes again.
Which scheduler that is, threads of this process or a cluster, retries and the placement of chunks
are Dask's own business.
"""

from __future__ import annotations

import operator
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import dask
import numpy as np
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from sklearn_mle.rows import chunk
from sklearn_mle.rows.chunk import Recipe, Step
from sklearn_mle.rows.in_memory import InMemoryRows, spread
from sklearn_mle.rows.rows import Rows
from sklearn_mle.rows.survey import MisfitError, Survey, survey
from sklearn_mle.rows.threads import tasks_share_cores

FAN_IN = 8
"""Partial sums that one task adds up."""
OFTEN = (512, 1000)
"""Sizes of samples that nearly every fit asks for; taken together they cost one pass."""
HANDFUL = (2**24, 2**27)
"""The least and the most bytes of rows that are brought here at once."""
HANDFUL_SHARE = 64
"""Between these, one part in so many of X and y: the copies that a solver makes of it are then
little for whoever holds a quarter of X."""

Key = Any


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
        return all(_is_held(self.graph, key) for key in self.X)


@dataclass(frozen=True)
class Parts:
    """A column: one part a chunk, held by the scheduler."""

    graph: Mapping[Key, Any]
    keys: tuple[Key, ...]


@dataclass
class Passes:
    """How often the chunks were gone through."""

    count: int = 0


class DaskRows(Rows):
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
    passes : Passes
    sample : dict, optional
        Samples that are known already, by size.
    """

    def __init__(
        self,
        chunks: Chunks,
        recipe: Recipe,
        present: Sequence[int],
        total_weight: float,
        passes: Passes,
        samples: dict[int, InMemoryRows] | None = None,
    ) -> None:
        self.chunks = chunks
        self.recipe = recipe
        self.present = tuple(present)
        self.n_rows = sum(self.present)
        self.n_columns = recipe.n_columns
        self.total_weight = total_weight
        self.passes = passes
        self._samples = samples or {}

    def __getstate__(self) -> dict[str, Any]:
        kept = ("n_rows", "n_columns", "total_weight")
        return {name: getattr(self, name) for name in kept}

    def reread(self) -> int:
        return 0 if self.chunks.held else self.passes.count

    @property
    def handful(self) -> int:
        a_row = 8 * (self.n_columns + 1)
        least, most = HANDFUL
        size = min(most, max(least, self.n_rows * a_row // HANDFUL_SHARE))
        return min(self.n_rows, size // a_row)

    def total(self, per_block: Callable[..., tuple[Any, ...]], *columns: Any) -> tuple[Any, ...]:
        work = partial(_total, per_block)
        graph, keys = self._tasks(work, columns)
        (found,) = _now(_summed(graph, keys))
        return tuple(found)

    def column(self, per_block: Callable[..., Any], *columns: Any) -> Parts:
        graph, keys = self._tasks(partial(_column, per_block), columns)
        return _persisted(graph, keys)[0]

    def column_and_total(
        self, per_block: Callable[..., tuple[Any, tuple[Any, ...]]], *columns: Any
    ) -> tuple[Parts, tuple[Any, ...]]:
        graph, keys = self._tasks(partial(_both, per_block), columns)
        name, sums_name = _name("entries"), _name("sums")
        entries = [(name, i) for i in range(len(keys))]
        sums = [(sums_name, i) for i in range(len(keys))]
        for entry, part, key in zip(entries, sums, keys):
            graph[entry] = (operator.itemgetter(0), key)
            graph[part] = (operator.itemgetter(1), key)
        made, root = _persisted(graph, entries, _add_tree(graph, sums))
        (found,) = _now(root)
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
        union = np.unique(np.concatenate(list(chosen.values())))
        places = _by_chunk(union, self.present)
        graph, keys = self._tasks(_take, (_Given(places),))
        some = [key for key, inside in zip(keys, places) if inside.size]
        rows = chunk.joined(list(computed(graph, some)))
        return {
            m: rows if at.size == union.size else rows._copy(np.searchsorted(union, at))
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
        name = _name(getattr(work, "func", work).__name__.strip("_"))
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
        name = _name("given")
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
        union = np.unique(np.concatenate(list(chosen.values())))
        places = list(_by_chunk(union, chunks.lengths))
    graph = dict(chunks.graph)
    name = _name("survey")
    for i in range(n):
        look = partial(survey, recipe, i, places[i])
        graph[(name, i)] = (look, *chunks.arguments(i))
    (found,) = _now(_summed(graph, [(name, i) for i in range(n)]))
    samples = {}
    if chosen and found.sample and not found.faults and found.lengths == chunks.lengths:
        rows = chunk.joined(list(found.sample))
        samples = {m: rows._copy(np.searchsorted(union, at)) for m, at in chosen.items()}
    return replace(found, sample=()), samples


@dataclass(frozen=True)
class LabelledChunks:
    """Surveyed chunks with labels for y.

    Parameters
    ----------
    classes, mass : ndarray of shape (k,)
        Labels of rows of positive weight, sorted, and their total weights.
    """

    classes: NDArray[Any]
    mass: NDArray[np.float64]
    chunks: Chunks
    recipe: Recipe
    found: Survey
    passes: Passes

    def once(self) -> DaskRows:
        """Rows with codes, each row of positive weight once."""
        recipe = replace(self.recipe, labels=False, once=True)
        chunks, n = coded(self.chunks, self.classes), sum(self.found.present)
        return DaskRows(chunks, recipe, self.found.present, float(n), self.passes)

    def rows(self, factors: NDArray[np.float64]) -> DaskRows:
        """Rows with codes of the classes for y, held with the chunks.

        Parameters
        ----------
        factors : ndarray of shape (k,)
            On the weights of each class.
        """
        plain = bool(np.all(factors == 1.0))
        recipe = replace(self.recipe, labels=False, factors=None if plain else factors)
        weight = float(factors @ self.mass)
        chunks = coded(self.chunks, self.classes)
        return DaskRows(chunks, recipe, self.found.present, weight, self.passes)


def coded(chunks: Chunks, classes: NDArray[Any]) -> Chunks:
    """The same with codes of the classes for y, held with the chunks."""
    name = _name("codes")
    graph = dict(chunks.graph)
    keys = [(name, i) for i in range(len(chunks.y))]
    for key, labels in zip(keys, chunks.y):
        graph[key] = (partial(chunk.codes, classes), labels)
    made = _persisted(graph, keys)[0]
    return replace(chunks, graph={**chunks.graph, **made.graph}, y=made.keys)


def _total(per_block: Callable[..., Any], rows: InMemoryRows, *columns: Any) -> tuple[Any, ...]:
    return rows.total(per_block, *columns)


def _column(per_block: Callable[..., Any], rows: InMemoryRows, *columns: Any) -> Any:
    return rows.column(per_block, *columns)


def _both(per_block: Callable[..., Any], rows: InMemoryRows, *columns: Any) -> Any:
    return rows.column_and_total(per_block, *columns)


def _keep(wanted: Callable[..., Any], rows: InMemoryRows, *columns: Any) -> tuple[Any, ...]:
    return chunk.taken(rows.keep(wanted, *columns))


def _take(rows: InMemoryRows, places: NDArray[np.intp]) -> tuple[Any, ...]:
    return chunk.taken(rows._copy(places))


def _by_chunk(places: NDArray[np.intp], lengths: Sequence[int]) -> list[NDArray[np.intp]]:
    """Places among all rows as places in each chunk."""
    edges = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
    cuts = np.searchsorted(places, edges)
    return [places[a:b] - first for a, b, first in zip(cuts[:-1], cuts[1:], edges[:-1])]


def _name(of: str) -> str:
    """Of tasks, unlike any other; a dashboard shows what stands before the last hyphen."""
    return f"mle-{of}-{uuid.uuid4().hex}"


def _add_tree(graph: dict[Key, Any], keys: Sequence[Key]) -> Key:
    """Tasks that add up neighbours until one is left; the key of that."""
    name, level = _name("sum"), 0
    while True:
        groups = [list(keys[i : i + FAN_IN]) for i in range(0, len(keys), FAN_IN)]
        keys = [(name, level, i) for i in range(len(groups))]
        graph.update({key: (chunk.added, group) for key, group in zip(keys, groups)})
        if len(keys) == 1:
            return keys[0]
        level += 1


def _summed(graph: dict[Key, Any], keys: Sequence[Key]) -> Delayed:
    return _as_delayed(graph, [_add_tree(graph, keys)])[0]


def _now(*wanted: Delayed) -> tuple[Any, ...]:
    """Compute, and say what a failing task means."""
    try:
        with tasks_share_cores():
            return tuple(dask.compute(*wanted))
    except (MisfitError, FloatingPointError):
        raise
    except Exception as error:
        raise RuntimeError(
            "A fit needs every chunk of X, y and sample_weight to be computed; got "
            f"{type(error).__name__}: {error}. X.persist() shows the failing chunk alone; failures "
            "that pass may be tried again, by dask.annotate(retries=3) around the fit."
        ) from error


def _as_delayed(graph: Mapping[Key, Any], keys: Sequence[Key]) -> list[Delayed]:
    layers = HighLevelGraph({"mle": graph}, {"mle": set()})
    return [Delayed(key, layers, layer="mle") for key in keys]


def computed(graph: Mapping[Key, Any], keys: Sequence[Key]) -> tuple[Any, ...]:
    """What these keys stand for, brought here."""
    return tuple(_now(*_as_delayed(graph, keys)))


def _persisted(graph: Mapping[Key, Any], keys: Sequence[Key], *more: Key) -> tuple[Any, ...]:
    """A column of these keys, and what else was asked for, computed where the chunks are."""
    with tasks_share_cores():
        made = dask.persist(*_as_delayed(graph, [*keys, *more]))
    held: dict[Key, Any] = {}
    for part in made[: len(keys)]:
        held.update(part.dask)
    return (Parts(held, tuple(keys)), *made[len(keys) :])


def _is_held(graph: Mapping[Key, Any], key: Key) -> bool:
    """Whether a key stands for data, or for a selection from data."""
    node = graph[key]
    if type(node).__name__ == "Alias":
        return all(_is_held(graph, other) for other in node.dependencies)
    if type(node).__name__ == "Task":
        picks = node.func is operator.getitem
        return picks and all(_is_held(graph, other) for other in node.dependencies)
    if isinstance(node, tuple) and node and callable(node[0]):
        return node[0] is operator.getitem and node[1] in graph and _is_held(graph, node[1])
    return True
