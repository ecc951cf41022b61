"""What comes of a quantile fit before it is put in words: coefficients, dual, and a trace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Column
from sklearn_mle.solvers.reduced_problem import Answer
from sklearn_mle.solvers.sign_passes import Level


@dataclass(frozen=True)
class Trace:
    """What a fit did, for tests that each trick fired.

    Parameters
    ----------
    passes : int
        Over all rows of X, those for the band included.
    rounds : int
        Of screening and verification, on all levels.
    newton_steps, pivots : int
    band : int
        Rows that were not set aside on the first level.
    influence, narrowed, rays, atoms, restarts, direct, fallbacks, warm : int
        How often each was resorted to; warm: rows that came back were solved with the basis from
        before.
    """

    passes: int = 0
    rounds: int = 0
    newton_steps: int = 0
    pivots: int = 0
    band: int = 0
    influence: int = 0
    narrowed: int = 0
    rays: int = 0
    atoms: int = 0
    restarts: int = 0
    direct: int = 0
    fallbacks: int = 0
    warm: int = 0


@dataclass(frozen=True)
class Fit:
    """A fit in the frame of its columns, with what proves it.

    Parameters
    ----------
    level : Level
        The rows (duplicates merged if they are few) and their frame.
    coef : ndarray of shape (n_columns,)
    intercept : float
    answer : Answer
        Of the band; its slack is infinite if the fit stopped early.
    band : InMemoryRows
        The rows that were not set aside.
    signs : Column or None
        Of the rows set aside, 0 in the band; None if none were set aside.
    loss : float
        Twice the total pinball loss; nan if it is not known well enough.
    gap : float
        A bound on the relative gap of the loss.
    iterations : int
    trace : Trace
    shares : Column or None
        The dual of rows of sign 0 over their weight, if they are not in the band.
    """

    level: Level
    coef: FloatArray
    intercept: float
    answer: Answer
    band: InMemoryRows
    signs: Column
    loss: float
    gap: float
    iterations: int
    trace: Trace
    shares: Column = None

    def dual(self) -> NDArray[np.longdouble]:
        """The d with ``w * (tau - 1) <= d <= w * tau`` and ``X'd = 0``, for rows in memory."""
        rows, tilt = self.level.rows, np.longdouble(self.level.tilt)
        w = rows.column(lambda block: block.weigh(np.ones(block.n_rows)))
        a = self.answer.dual
        if self.signs is not None:
            a = self.signs * w
            on = self.signs == 0
            a[on] = self.answer.dual if self.shares is None else self.shares[on] * w[on]
        return (a + tilt * w) / 2
