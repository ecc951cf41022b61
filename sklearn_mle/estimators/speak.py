"""How the outcome of a fit becomes a warning."""

from __future__ import annotations

import sys
import warnings

from sklearn.exceptions import ConvergenceWarning

from sklearn_mle.solvers.solution import Outcome, Status


class SeparationWarning(ConvergenceWarning):
    """The classes can be separated by a plane: no finite maximum of the likelihood exists."""


def speak(outcome: Outcome) -> None:
    """Warn with the sentence of an outcome, if it has one."""
    if outcome.sentence:
        category = SeparationWarning if outcome.status is Status.SEPARATED else ConvergenceWarning
        warnings.warn(outcome.sentence, category, stacklevel=1 + frames_inside())


def refuse(outcome: Outcome) -> None:
    """Raise with the sentence of an outcome that leaves no answer to keep."""
    if outcome.status in (Status.NO_MAXIMUM, Status.OUT_OF_RANGE):
        raise ValueError(outcome.sentence)


def frames_inside() -> int:
    """How many frames lie between `speak`'s warning and whoever called an estimator."""
    frame, count = sys._getframe(1), 0
    while frame.f_back is not None and _is_inside(frame.f_globals.get("__name__", "")):
        frame, count = frame.f_back, count + 1
    return count


def _is_inside(module: str) -> bool:
    return module.startswith(("sklearn_mle.", "sklearn.callback."))


def speak_of_passes(passes: int) -> None:
    """Warn that data which are not in memory were computed once for each pass."""
    if passes > 1:
        warnings.warn(
            f"X is not persisted: Dask computed its chunks {passes} times, once for each pass of "
            "the fit. If they fit into the memory of the machine or cluster, pass X.persist().",
            UserWarning,
            stacklevel=1 + frames_inside(),
        )


def speak_of_rows_left_behind() -> None:
    """Warn that the rows of a fit take no part in what batches are added to."""
    warnings.warn(
        "partial_fit adds to the rows that partial_fit has seen; got an estimator fitted by fit, "
        "which keeps no sums of its rows: this batch begins anew. To add to those rows, pass them "
        "to partial_fit as well.",
        UserWarning,
        stacklevel=1 + frames_inside(),
    )
