"""What is said of each row of a Dask collection, computed when it is asked for.

Partitions and index stay as they are: the result has a part for each chunk of features.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows.dask_chunks import is_array, is_frame, lengths_of, whole_rows
from sklearn_mle.rows.kinds import is_dask


def by_rows(
    function: Any, X: Any, y: Any, like: NDArray[Any], names: Sequence[Any] | None = None
) -> Any:
    """``function(x)`` or ``function(x, y)`` of each chunk, lazily.

    Parameters
    ----------
    function : callable
        Takes features, and targets unless y is None; returns one entry or line a row.
    X : Dask array or DataFrame
    y : Dask or other array of one entry a row, or None
    like : ndarray of shape (1,) or (1, k)
        A result for one row.
    names : sequence, optional
        Of the k columns, for data frames.

    Returns
    -------
    Dask array; Series or DataFrame for a data frame
    """
    if is_frame(X):
        return _of_frame(function, X, y, like, names)
    X = whole_rows(X)
    part = partial(_of_part, function, like[:0])
    k = like.shape[1:]
    meta = np.empty((0,) * like.ndim, like.dtype)
    arguments = [X, "ij"]
    if y is not None:
        arguments += [_as_array(y, X), "i"]
    return da.blockwise(
        part,
        "ik" if k else "i",
        *arguments,
        new_axes={"k": k[0]} if k else None,
        dtype=like.dtype,
        concatenate=True,
        align_arrays=False,
        meta=meta,
    )


def _as_array(y: Any, X: Any) -> Any:
    """Targets cut as the rows of X are."""
    if is_frame(y):
        y = y.to_dask_array()
    if not is_dask(y):
        y = da.from_array(np.asarray(y), chunks=(X.chunks[0],))
    y = y[:, 0] if y.ndim == 2 else y
    known = lengths_of(y) is not None and lengths_of(X) is not None
    return y.rechunk((X.chunks[0],)) if known else y


def _of_frame(
    function: Any, X: Any, y: Any, like: NDArray[Any], names: Sequence[Any] | None
) -> Any:
    import pandas

    if like.ndim == 1:
        meta: Any = pandas.Series(like[:0])
    else:
        meta = pandas.DataFrame(like[:0], columns=names)
    part = partial(_of_frame_part, function, like[:0], names)
    if y is None:
        return X.map_partitions(part, meta=meta)
    if is_array(y):
        # an array has no index: its chunks are those of the partitions
        y = y.to_dask_dataframe(index=X.index) if y.ndim == 1 else y
    return X.map_partitions(part, y, meta=meta)


def _of_part(function: Any, nothing: NDArray[Any], X: Any, *y: Any) -> NDArray[Any]:
    return np.asarray(function(X, *y)) if X.shape[0] else nothing


def _of_frame_part(
    function: Any, nothing: NDArray[Any], names: Sequence[Any] | None, X: Any, *y: Any
) -> Any:
    import pandas

    values = _of_part(function, nothing, X, *y)
    if values.ndim == 1:
        return pandas.Series(values, index=X.index)
    return pandas.DataFrame(values, index=X.index, columns=names)
