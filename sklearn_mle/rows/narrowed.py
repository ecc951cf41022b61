"""Rows of classes of which some are ruled out, each row's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Block, Rows


@dataclass(frozen=True, slots=True)
class NarrowedBlock(Block):
    """Consecutive rows, and the classes that each of them cannot have.

    Parameters
    ----------
    excluded : ndarray of shape (m, n_classes), bool
        Never the row's own class.
    """

    excluded: NDArray[np.bool_]


class NarrowedRows(Rows):
    """Other rows, of which blocks tell the classes that are ruled out.

    Parameters
    ----------
    rows : Rows
        ``y`` holds class codes.
    excluded : ndarray of shape (n_rows, n_classes), bool
    """

    def __init__(self, rows: Rows, excluded: NDArray[np.bool_]) -> None:
        self._rows = rows
        self._excluded = excluded
        self.n_rows = rows.n_rows
        self.n_columns = rows.n_columns
        self.total_weight = rows.total_weight
        self.at_hand = rows.at_hand
        self.density = rows.density

    def __getstate__(self) -> dict[str, Any]:
        # what functions of blocks may ask for where the blocks are
        kept = ("n_rows", "n_columns", "total_weight")
        return {name: getattr(self, name) for name in kept}

    @property
    def handful(self) -> int:
        return self._rows.handful

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

    def entries(self, column: Any) -> Any:
        return self._rows.entries(column)

    def reread(self) -> int:
        return self._rows.reread()

    def sample(self, m: int) -> InMemoryRows:
        """Some rows; what is ruled out is not told."""
        return self._rows.sample(m)


def _narrowed(per_block: Callable[..., Any]) -> Callable[..., Any]:
    def of_block(block: Block, excluded: NDArray[np.bool_], *parts: Any) -> Any:
        return per_block(NarrowedBlock(block.X, block.y, block.weight, excluded), *parts)

    return of_block
