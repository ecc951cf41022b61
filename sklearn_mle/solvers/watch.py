"""Who looks on while a solver works, and may end it.

After each iteration a solver shows where it is and asks whether to stop. It hands over a function,
so that nothing is computed for a watch that does not look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn_mle.rows.rows import FloatArray


@dataclass(frozen=True)
class Place:
    """Where a solver is after an iteration.

    Parameters
    ----------
    coef : ndarray of shape (n_columns,); (1, n_columns) or (n_classes, n_columns) for classes
    intercept : float; ndarray of shape (1,) or (n_classes,) for classes
    scale : float or None
        None where it follows from the coefficients and has not been computed.
    noise : Noise or None
        With every shape filled in; None where the likelihood's has no open shapes.
    """

    coef: FloatArray
    intercept: Any
    scale: float | None = None
    noise: Any = None


class Watch:
    """Nobody: does not look, and never stops a solver."""

    def stops(self, place: Callable[[], Place]) -> bool:
        """Take note of one more iteration.

        Parameters
        ----------
        place : callable
            Gives the `Place` that the iteration led to.

        Returns
        -------
        bool
            Whether the solver should end here, with what it has.
        """
        return False


NOBODY = Watch()


def never(place: Any) -> bool:
    """Does not stop a part of a solver that is not watched."""
    return False
