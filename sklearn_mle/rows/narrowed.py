"""Rows of classes of which some are ruled out, each row's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Block, Rows
from sklearn_mle.rows.wrapped import WrappedRows


@dataclass(frozen=True, slots=True)
class NarrowedBlock(Block):
    """Consecutive rows, and the classes that each of them cannot have.

    Parameters
    ----------
    excluded : ndarray of shape (m, n_classes), bool
        Never the row's own class.
    """

    excluded: NDArray[np.bool_]


class NarrowedRows(WrappedRows):
    """Other rows, of which blocks tell the classes that are ruled out; samples do not.

    Parameters
    ----------
    rows : Rows
        ``y`` holds class codes.
    excluded : ndarray of shape (n_rows, n_classes), bool
    """

    def __init__(self, rows: Rows, excluded: NDArray[np.bool_]) -> None:
        super().__init__(rows)
        self._excluded = excluded

    def total(self, per_block: Callable[..., tuple[Any, ...]], *columns: Any) -> tuple[Any, ...]:
        return self._rows.total(_narrowed(per_block), self._excluded, *columns)

    def column(self, per_block: Callable[..., Any], *columns: Any) -> Any:
        return self._rows.column(_narrowed(per_block), self._excluded, *columns)

    def column_and_total(
        self, per_block: Callable[..., tuple[Any, tuple[Any, ...]]], *columns: Any
    ) -> tuple[Any, tuple[Any, ...]]:
        return self._rows.column_and_total(_narrowed(per_block), self._excluded, *columns)

    def keep(self, wanted: Callable[..., Any], *columns: Any) -> InMemoryRows:
        """The rows alone: in memory they no longer tell what is ruled out."""
        return self._rows.keep(_narrowed(wanted), self._excluded, *columns)


def _narrowed(per_block: Callable[..., Any]) -> Callable[..., Any]:
    def of_block(block: Block, excluded: NDArray[np.bool_], *parts: Any) -> Any:
        return per_block(NarrowedBlock(block.X, block.y, block.weight, excluded), *parts)

    return of_block
