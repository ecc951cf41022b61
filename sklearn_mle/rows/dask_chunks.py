"""From collections of Dask to chunks of rows: features, targets and weights side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.highlevelgraph import HighLevelGraph

from sklearn_mle.rows.dask_graph import computed
from sklearn_mle.rows.dask_rows import Chunks
from sklearn_mle.rows.kinds import is_dask
from sklearn_mle.rows.survey import MisfitError


def is_frame(data: Any) -> bool:
    """Whether this is a data frame or series of Dask."""
    return hasattr(data, "npartitions") and hasattr(data, "divisions")


def is_array(data: Any) -> bool:
    """Whether this is an array of Dask."""
    return isinstance(data, da.Array)


def names_of(X: Any) -> tuple[Any, ...] | None:
    """The names of the columns of a data frame."""
    return tuple(X.columns) if is_frame(X) else None


def width_of(X: Any) -> int:
    """The number of columns.

    Raises
    ------
    MisfitError
        If this is not a table, or no one knows how wide it is.
    """
    if not (is_array(X) or is_frame(X)):
        raise MisfitError("collection", type(X).__name__)
    if X.ndim != 2:
        raise MisfitError("table", f"{X.ndim} dimension{'' if X.ndim == 1 else 's'}")
    width = len(X.columns) if is_frame(X) else X.shape[1]
    if math.isnan(width):
        raise MisfitError("width", "an unknown number of columns")
    return int(width)


def whole_rows(X: Any) -> Any:
    """The same array with all columns in one chunk."""
    return X if is_frame(X) or X.numblocks[1] == 1 else X.rechunk({1: -1})


def lengths_of(data: Any) -> tuple[int, ...] | None:
    """Rows of each chunk, where they are known."""
    if is_frame(data) or any(math.isnan(n) for n in data.chunks[0]):
        return None
    return tuple(int(n) for n in data.chunks[0])


def chunks_of(X: Any, y: Any, weight: Any) -> Chunks:
    """Chunks of rows, cut like X.

    Parameters
    ----------
    X : Dask array or DataFrame
    y, weight : Dask array, Series or one-column DataFrame; or array-like
        ``weight`` may be None, or a number for all rows.

    Raises
    ------
    MisfitError
        If these do not belong to the same rows.
    """
    X = whole_rows(X)
    lengths = lengths_of(X)
    by_row = weight is not None and (is_dask(weight) or bool(np.ndim(weight)))
    if not is_dask(y) or (by_row and not is_dask(weight)):
        lengths = lengths or _counted(X)
    together = [X, _beside(y, X, lengths, "y")]
    if by_row:
        together.append(_beside(weight, X, lengths, "weight"))
    graph: dict[Any, Any] = {}
    x_keys, y_keys, *w_keys = (_keys(pieces, graph) for pieces in _pieces(together))
    if weight is not None and not by_row:
        graph["mle-weight"] = weight
        w_keys = [("mle-weight",) * len(x_keys)]
    return Chunks(graph, x_keys, y_keys, w_keys[0] if w_keys else (), lengths)


@dataclass(frozen=True)
class Piece:
    """One chunk: a key, and the graph that computes it."""

    key: Any
    dask: Mapping[Any, Any]


def _pieces(collections: Sequence[Any]) -> list[list[Piece]]:
    """The chunks of each, in order.

    Arrays are optimised together: alone, each would make a copy of the tasks that they share, so
    that features and target of one table would read it twice. Frames are simplified, so that files
    are read only for the columns that are asked for, but not optimised further: that may join
    partitions of one frame and not of another beside it.
    """
    arrays = [data for data in collections if is_array(data)]
    graph: Any = {}
    if arrays:
        graph = HighLevelGraph.merge(*(data.dask for data in arrays))
        keys = [data.__dask_keys__() for data in arrays]
        graph = dict(arrays[0].__dask_optimize__(graph, keys))
    return [
        [Piece(key, graph) for key in _flat(data.__dask_keys__())]
        if is_array(data)
        else _partitions(data)
        for data in collections
    ]


def _partitions(data: Any) -> list[Piece]:
    """The partitions of a frame."""
    simple = data.simplify() if hasattr(data, "simplify") else data
    graph = simple.__dask_graph__()
    return [Piece(key, graph) for key in simple.__dask_keys__()]


def _keys(pieces: Sequence[Piece], graph: dict[Any, Any]) -> tuple[Any, ...]:
    """The keys of some chunks, whose graph joins the others."""
    seen: list[Any] = []
    for piece in pieces:
        if not any(piece.dask is other for other in seen):
            seen.append(piece.dask)
            graph.update(piece.dask)
    return tuple(piece.key for piece in pieces)


def _flat(keys: Any) -> list[Any]:
    return [one for key in keys for one in _flat(key)] if isinstance(keys, list) else [keys]


def _counted(data: Any) -> tuple[int, ...]:
    """Rows of each chunk, by a look at all."""
    graph: dict[Any, Any] = {}
    keys = _keys(_pieces([data])[0], graph)
    sizes = {("mle-length", i): (_n_rows, key) for i, key in enumerate(keys)}
    return tuple(computed({**graph, **sizes}, list(sizes)))


def count_rows(data: Any) -> int:
    """Rows of a collection, by a look at its chunks where their sizes are unknown."""
    lengths = lengths_of(data)
    return sum(_counted(data) if lengths is None else lengths)


def _n_rows(part: Any) -> int:
    return int(part.shape[0])


def _beside(values: Any, X: Any, lengths: tuple[int, ...] | None, name: str) -> Any:
    """One entry a row, in chunks beside those of X."""
    if is_frame(values):
        return _frame_beside(values, X, name)
    if not is_dask(values):
        values = _as_array(values, lengths, name)
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if values.ndim != 1:
        raise MisfitError(f"shape of {name}", f"shape {values.shape}")
    mine = lengths_of(values)
    if lengths is not None and mine is not None:
        if sum(lengths) != sum(mine):
            raise MisfitError(f"rows of {name}", f"{sum(lengths)} and {sum(mine)}")
        values = values if lengths == mine else values.rechunk((lengths,))
    _check_number(values.numblocks[0], X, name)
    return values


def _frame_beside(values: Any, X: Any, name: str) -> Any:
    if values.ndim == 2:
        if len(values.columns) != 1:
            raise MisfitError(f"shape of {name}", f"{len(values.columns)} columns")
        values = values[values.columns[0]]
    if is_frame(X) and values.known_divisions and X.known_divisions:
        ends = (
            [data.divisions[0] for data in (values, X)],
            [data.divisions[-1] for data in (values, X)],
        )
        if values.divisions != X.divisions and all(a == b for a, b in ends):
            values = values.repartition(divisions=X.divisions)
    _check_number(values.npartitions, X, name)
    return values


def _check_number(n_chunks: int, X: Any, name: str) -> None:
    mine = X.npartitions if is_frame(X) else X.numblocks[0]
    if n_chunks != mine:
        raise MisfitError(f"chunks of {name}", f"{mine} and {n_chunks}")


def _as_array(values: Any, lengths: tuple[int, ...] | None, name: str) -> da.Array:
    """What is in memory, sent once to where the chunks are."""
    found = np.asarray(values)
    found = found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
    if found.ndim != 1:
        raise MisfitError(f"shape of {name}", f"shape {found.shape}")
    assert lengths is not None
    if sum(lengths) != found.shape[0]:
        raise MisfitError(f"rows of {name}", f"{sum(lengths)} and {found.shape[0]}")
    (held,) = dask.persist(da.from_array(found, chunks=(lengths,)))
    return held
