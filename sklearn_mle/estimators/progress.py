"""Progress of a fit, told to scikit-learn's callbacks.

Since scikit-learn 1.9 an estimator tells its callbacks of a tree of tasks, and a callback may end
the fit. The tree here is

    fit  >  iteration  >  pass  >  part

with one iteration for each that the solver makes over all rows, and one more, which may be empty,
for the work after the last. Passes are tasks of their own only where one takes long enough to be
looked at, and parts only where their blocks are in this process. Before 1.9 there are no callbacks,
and nothing here does anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Rows
from sklearn_mle.rows.watched import Advance, WatchedRows
from sklearn_mle.solvers.watch import NOBODY, Place, Watch

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing: this scikit-learn has no callbacks."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """The method itself: this scikit-learn has no callbacks."""
        return method


LONG_PASS = 10_000_000
"""Numbers in X from which on a pass takes long enough to be shown: about 10 ms."""
PARTS = 20
"""Parts of such a pass."""


def watch_of(
    estimator: Any,
    rows: Rows,
    X: Any,
    y: Any,
    sample_weight: Any,
    solver: Any,
    attributes: Callable[[Place], dict[str, Any]],
) -> Watch:
    """The watch of a fit that begins: its callbacks, or nobody.

    Parameters
    ----------
    estimator : estimator
    rows : Rows
    X, y, sample_weight : array-like
        As the user passed them.
    solver : module
        Its ``WITHIN_MAX_ITER`` says whether it makes at most ``max_iter`` iterations.
    attributes : callable
        The fitted attributes that belong to a place, for callbacks that want to predict from it.
    """
    if not getattr(estimator, "_skl_callbacks", None):
        return NOBODY
    most = estimator.max_iter if solver.WITHIN_MAX_ITER else None
    data = {"X": X, "y": y, "metadata": None}
    if sample_weight is not None:
        data["metadata"] = {"sample_weight": sample_weight}
    in_memory = isinstance(rows, InMemoryRows)
    by_passes = not in_memory or rows.n_rows * rows.n_columns >= LONG_PASS
    return Progress(estimator, data, most, attributes, by_passes)


def watched(rows: Rows, watch: Watch) -> Rows:
    """The rows, with their passes told to the callbacks where a pass takes long."""
    return watch.over(rows) if isinstance(watch, Progress) and watch.by_passes else rows


def finish(watch: Watch) -> None:
    """Tell the callbacks that the fit is done, once the estimator has its attributes."""
    if isinstance(watch, Progress):
        watch.finish()


class Progress(Watch):
    """The tasks of one fit.

    Parameters
    ----------
    estimator : estimator
    data : dict
        X, y and metadata for the callbacks.
    most : int or None
        The most iterations, if that is known.
    attributes : callable
    by_passes : bool
        Whether a pass is a task of its own.
    """

    def __init__(
        self,
        estimator: Any,
        data: dict[str, Any],
        most: int | None,
        attributes: Callable[[Place], dict[str, Any]],
        by_passes: bool,
    ) -> None:
        self._estimator = estimator
        self._data = data
        self._most = most
        self._attributes = attributes
        self._done = 0
        self.by_passes = by_passes
        self._fit = estimator._init_callback_context(
            max_subtasks=None if most is None else most + 1
        )
        self._fit.call_on_fit_task_begin(estimator=estimator, **data)
        self._iteration = self._next()

    def over(self, rows: Rows) -> Rows:
        """The rows, with a task for each pass over them."""
        parts = PARTS if isinstance(rows, InMemoryRows) else None
        return WatchedRows(rows, lambda: self._one_pass(rows.n_rows, parts))

    def stops(self, place: Callable[[], Place]) -> bool:
        if self._done == self._most:
            return False
        asked = self._iteration.call_on_fit_task_end(
            estimator=self._estimator,
            **self._data,
            reconstruction_attributes=lambda: self._attributes(place()),
        )
        self._done += 1
        self._iteration = self._next()
        return bool(asked)

    def finish(self) -> None:
        """The end of the last iteration, and of the fit."""
        self._iteration.call_on_fit_task_end(estimator=self._estimator)
        self._fit.call_on_fit_task_end(
            estimator=self._estimator, **self._data, reconstruction_attributes={}
        )

    def _next(self) -> Any:
        """One more iteration, which begins."""
        return self._begin(self._fit, "iteration", None if self.by_passes else 0)

    @contextmanager
    def _one_pass(self, n_rows: int, parts: int | None) -> Iterator[Advance]:
        task = self._begin(self._iteration, "pass", parts)
        seen, shown, one_at_a_time = 0, 0, Lock()

        def advance(more: int) -> None:
            nonlocal seen, shown
            with one_at_a_time:
                seen += more
                while parts and shown < parts and seen * parts >= (shown + 1) * n_rows:
                    part = self._begin(task, "part", 0)
                    part.call_on_fit_task_end(estimator=self._estimator)
                    shown += 1

        yield advance
        task.call_on_fit_task_end(estimator=self._estimator)

    def _begin(self, parent: Any, name: str, max_subtasks: int | None) -> Any:
        task = parent.subcontext(task_name=name, max_subtasks=max_subtasks)
        task.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        return task
