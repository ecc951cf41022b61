"""Rows whose passes somebody follows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Rows
from sklearn_mle.rows.wrapped import WrappedRows

Advance = Callable[[int], None]
"""Takes the number of rows that one more block had; from any thread."""


class WatchedRows(WrappedRows):
    """Other rows, with word of each pass over them.

    Parameters
    ----------
    rows : Rows
    one_pass : callable
        Gives a context that lasts as long as a pass; what it enters with is told of every block
        that is done, as long as blocks are in this process.
    """

    def __init__(self, rows: Rows, one_pass: Callable[[], AbstractContextManager[Advance]]) -> None:
        super().__init__(rows)
        self._one_pass = one_pass

    def __getattr__(self, name: str) -> Any:
        if name == "_rows":
            raise AttributeError(name)
        return getattr(self._rows, name)

    def total(self, per_block: Callable[..., tuple[Any, ...]], *columns: Any) -> tuple[Any, ...]:
        with self._one_pass() as advance:
            return self._rows.total(self._counted(per_block, advance), *columns)

    def column(self, per_block: Callable[..., Any], *columns: Any) -> Any:
        with self._one_pass() as advance:
            return self._rows.column(self._counted(per_block, advance), *columns)

    def column_and_total(
        self, per_block: Callable[..., tuple[Any, tuple[Any, ...]]], *columns: Any
    ) -> tuple[Any, tuple[Any, ...]]:
        with self._one_pass() as advance:
            return self._rows.column_and_total(self._counted(per_block, advance), *columns)

    def keep(self, wanted: Callable[..., Any], *columns: Any) -> InMemoryRows:
        with self._one_pass() as advance:
            return self._rows.keep(self._counted(wanted, advance), *columns)

    def _counted(self, per_block: Callable[..., Any], advance: Advance) -> Callable[..., Any]:
        if not isinstance(self._rows, InMemoryRows):
            return per_block

        def counted(block: Any, *parts: Any) -> Any:
            made = per_block(block, *parts)
            advance(block.n_rows)
            return made

        return counted
