"""The contract of rows: add up a function over blocks of rows.

All that the likelihood of a linear model needs from the data is a few sums over rows. Whoever can
cut the data into blocks and add up what a function returns for each can be fitted: arrays in
memory, sparse matrices, files, a cluster. Numbers that belong to each row and change during a fit
(predictions, signs of residuals) are *columns*: they live where the rows live, are made by
`Rows.column`, and are handed back to a function block by block.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn_mle.rows.in_memory import InMemoryRows
    from sklearn_mle.rows.magnitudes import Magnitudes, PowersOfTwo

FloatArray = NDArray[np.float64]
Column = Any
"""One entry a row, of whatever kind the rows keep; opaque to everyone but the rows that made it."""


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows, small enough that the processor's cache holds them.

    Parameters
    ----------
    X : ndarray or csr_array of shape (m, n_columns), float64
        Whatever the rows are stored in; `rows.matrix` and `rows.design` know the difference.
    y : ndarray of shape (m,), float64
    weight : ndarray of shape (m,), float64, or None
        How many times each row counts, always positive; None stands for once.
    """

    X: Any
    y: FloatArray
    weight: FloatArray | None

    @property
    def n_rows(self) -> int:
        return self.y.shape[0]

    def weigh(self, values: NDArray[Any]) -> NDArray[Any]:
        """``values`` of shape (m, ...), each row times its weight."""
        if self.weight is None:
            return values
        return values * self.weight.reshape(-1, *[1] * (values.ndim - 1))


class Rows(ABC):
    """Rows of ``X``, ``y`` and weights, wherever they live.

    Rows of weight zero are absent: no block shows them and `n_rows` does not count them.

    Attributes
    ----------
    n_rows, n_columns : int
    total_weight : float
    density : float
        About the share of entries of X that are stored.
    at_hand : bool
        Whether X is in memory, so that a pass over it costs no more than its arithmetic.
    handful : int
        Rows that may be copied into memory at once. All of them where X itself is in memory, and
        few enough to be little beside X where it is not; a solver that needs more for its number of
        columns asks for more.
    """

    n_rows: int
    n_columns: int
    total_weight: float
    density: float = 1.0
    at_hand: bool = False

    @property
    def handful(self) -> int:
        return self.n_rows

    def in_long_blocks(self) -> Rows:
        """The same rows in fewer blocks, if that costs little memory.

        For passes that call many functions a block and a column of the block at a time: threads
        wait for the interpreter between calls, and the shorter the calls the longer.
        """
        return self

    @abstractmethod
    def total(self, per_block: Callable[..., tuple[Any, ...]], *columns: Column) -> tuple[Any, ...]:
        """Add up ``per_block(block, *parts)`` over all blocks, entry by entry.

        Parameters
        ----------
        per_block : callable
            Takes a `Block` and, for each column, the part that belongs to it; returns a tuple of
            arrays or floats whose shapes do not depend on the block. Several blocks may be at work
            at once: it must not change anything outside.
        *columns : Column
            Columns that `column` made.

        Returns
        -------
        tuple
            The sums, added in the order of the rows.
        """

    @abstractmethod
    def column(self, per_block: Callable[..., Any], *columns: Column) -> Column:
        """A new column: ``per_block(block, *parts)`` gives its entries, shape (m,) or (m, k)."""

    @abstractmethod
    def column_and_total(
        self, per_block: Callable[..., tuple[Any, tuple[Any, ...]]], *columns: Column
    ) -> tuple[Column, tuple[Any, ...]]:
        """A new column and sums over all blocks, in one pass.

        ``per_block(block, *parts)`` gives the entries of the column, as for `column`, and a tuple,
        as for `total`.
        """

    def reread(self) -> int:
        """Passes so far for which X was computed anew; 0 where it is held in memory."""
        return 0

    @abstractmethod
    def entries(self, column: Column) -> NDArray[Any]:
        """A column as an array here, one entry a row of positive weight, in order.

        As large as a column of X: for answers that have one entry a row, and for searches that
        need to see all of them.
        """

    @abstractmethod
    def keep(self, wanted: Callable[..., NDArray[np.bool_]], *columns: Column) -> InMemoryRows:
        """The rows for which ``wanted(block, *parts)`` is true, copied into memory, in order."""

    @abstractmethod
    def sample(self, m: int) -> InMemoryRows:
        """``min(m, n_rows)`` rows, evenly spread, the same on every call, in order.

        All rows are not copied if they are in memory as they should be.
        """


class GivenRows(Rows):
    """Rows that hold data, and not others to which they add something."""

    @abstractmethod
    def magnitudes(self) -> Magnitudes:
        """About the largest sizes of the entries of each column, and of y."""

    @abstractmethod
    def divided_by(self, powers: PowersOfTwo) -> GivenRows:
        """The same rows in other units."""
