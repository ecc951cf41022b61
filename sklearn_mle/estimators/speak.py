"""How the outcome of a fit becomes a warning."""

from __future__ import annotations

import warnings

from sklearn.exceptions import ConvergenceWarning

from sklearn_mle.solvers.solution import Outcome, Status


class SeparationWarning(ConvergenceWarning):
    """The classes can be separated by a plane: no finite maximum of the likelihood exists."""


def speak(outcome: Outcome) -> None:
    """Warn with the sentence of an outcome, if it has one."""
    if outcome.sentence:
        category = SeparationWarning if outcome.status is Status.SEPARATED else ConvergenceWarning
        warnings.warn(outcome.sentence, category, stacklevel=3)
