"""Labels of groups as whole numbers, and the messages for labels that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

DENSE = 4
"""Whole numbers a row, up to which labels are counted rather than sorted."""


def group_codes(groups: ArrayLike, there: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Codes 0 .. G - 1 of the groups of rows that are there; 0 for the others."""
    labels, n = np.asarray(groups), there.size
    everywhere = bool(there.all())
    if labels.shape != (n,):
        raise ValueError(
            f"groups must be 1D with one label a row, shape ({n},); got shape {labels.shape}. Pass "
            "the group of each row."
        )
    try:
        kinds, places = _kinds(labels if everywhere else labels[there])
    except TypeError:
        raise ValueError(
            "groups must hold labels of one kind; got labels that cannot be put in order. Write "
            "them alike, for example all as text."
        ) from None
    if kinds.size < 2:
        raise ValueError(
            f"groups must hold at least 2 groups; got only {kinds.tolist()}. Use cov='HC3' for "
            "independent rows."
        )
    if everywhere:
        return places
    codes = np.zeros(n, dtype=np.intp)
    codes[there] = places
    return codes


def _kinds(labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The labels that occur, in order, and the place of each; whole numbers are not sorted."""
    if labels.size and labels.dtype.kind in "iu":
        first, last = int(labels.min()), int(labels.max())
        if last - first <= DENSE * labels.size:
            unsigned = f"u{labels.dtype.itemsize}"  # differences may be beyond the signed type
            from_zero = labels if first == 0 else labels - labels.dtype.type(first)
            offset = from_zero.view(unsigned).astype(np.intp, copy=False)
            kinds = np.flatnonzero(np.bincount(offset))
            if kinds.size == last - first + 1:
                return kinds.astype(labels.dtype) + labels.dtype.type(first), offset
            place = np.empty(last - first + 1, dtype=np.intp)
            place[kinds] = np.arange(kinds.size)
            return kinds.astype(labels.dtype) + labels.dtype.type(first), place[offset]
    kinds, places = np.unique(labels, return_inverse=True)
    return kinds, places.ravel()
