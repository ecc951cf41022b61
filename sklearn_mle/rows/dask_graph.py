"""Graphs of Dask tasks: sums as trees, what is computed now, and what is held already."""

from __future__ import annotations

import operator
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dask
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph

from sklearn_mle.rows import chunk
from sklearn_mle.rows.survey import MisfitError
from sklearn_mle.rows.threads import tasks_share_cores

FAN_IN = 8
"""Partial sums that one task adds up."""
Key = Any


def task_name(of: str) -> str:
    """Of tasks, unlike any other; a dashboard shows what stands before the last hyphen."""
    return f"mle-{of}-{uuid.uuid4().hex}"


def add_tree(graph: dict[Key, Any], keys: Sequence[Key]) -> Key:
    """Tasks that add up neighbours until one is left; the key of that."""
    name, level = task_name("sum"), 0
    while True:
        groups = [list(keys[i : i + FAN_IN]) for i in range(0, len(keys), FAN_IN)]
        keys = [(name, level, i) for i in range(len(groups))]
        graph.update({key: (chunk.added, group) for key, group in zip(keys, groups)})
        if len(keys) == 1:
            return keys[0]
        level += 1


def summed(graph: dict[Key, Any], keys: Sequence[Key]) -> Delayed:
    return as_delayed(graph, [add_tree(graph, keys)])[0]


def now(*wanted: Delayed) -> tuple[Any, ...]:
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


def as_delayed(graph: Mapping[Key, Any], keys: Sequence[Key]) -> list[Delayed]:
    layers = HighLevelGraph({"mle": graph}, {"mle": set()})
    return [Delayed(key, layers, layer="mle") for key in keys]


def computed(graph: Mapping[Key, Any], keys: Sequence[Key]) -> tuple[Any, ...]:
    """What these keys stand for, brought here."""
    return tuple(now(*as_delayed(graph, keys)))


def is_held(graph: Mapping[Key, Any], key: Key) -> bool:
    """Whether a key stands for data, or for a selection from data."""
    node = graph[key]
    if type(node).__name__ == "Alias":
        return all(is_held(graph, other) for other in node.dependencies)
    if type(node).__name__ == "Task":
        picks = node.func is operator.getitem
        return picks and all(is_held(graph, other) for other in node.dependencies)
    if isinstance(node, tuple) and node and callable(node[0]):
        return node[0] is operator.getitem and node[1] in graph and is_held(graph, node[1])
    if isinstance(node, str | tuple) and node in graph:  # an alias of older versions
        return is_held(graph, node)
    return True


@dataclass(frozen=True)
class Parts:
    """A column: one part a chunk, held by the scheduler."""

    graph: Mapping[Key, Any]
    keys: tuple[Key, ...]


def persisted(graph: Mapping[Key, Any], keys: Sequence[Key], *more: Key) -> tuple[Any, ...]:
    """A column of these keys, and what else was asked for, computed where the chunks are."""
    with tasks_share_cores():
        made = dask.persist(*as_delayed(graph, [*keys, *more]))
    held: dict[Key, Any] = {}
    for part in made[: len(keys)]:
        held.update(part.dask)
    return (Parts(held, tuple(keys)), *made[len(keys) :])
