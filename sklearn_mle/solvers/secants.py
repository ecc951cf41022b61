"""What steps and the gradients at their ends tell of a Hessian, beside a guess of it.

The recursion of Nocedal (1980) multiplies a gradient with the inverse of the guess, corrected so
that every step remembered is explained exactly (the BFGS update). After a few steps the
directions that matter are known, and convergence is faster than the guess alone allows.

References
----------
Nocedal, J. (1980). Updating quasi-Newton matrices with limited storage. Mathematics of Computation
35, 773-782.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from sklearn_mle.likelihoods.objective import FloatArray

MEMORY = 20
"""Pairs of steps and gradient differences that are kept."""
CURVED = 1e-14
"""Least cosine of a step and its gradient difference that is no rounding error."""


class Guess(Protocol):
    """A guess of the Hessian."""

    def solve(self, gradient: FloatArray) -> FloatArray:
        """Its inverse times a gradient."""


@dataclass
class Secants:
    """The inverse Hessian as a guess, steps and gradient differences know it.

    Parameters
    ----------
    guess : Guess
        What they correct.
    rescaled : bool
        Whether the last of them tells the size of the guess as well, which is then a shape only.
    """

    guess: Guess
    rescaled: bool = False
    pairs: deque[tuple[FloatArray, FloatArray, float]] = field(
        default_factory=lambda: deque(maxlen=MEMORY)
    )
    factor: float = 1.0

    def learn(self, step: FloatArray, change: FloatArray) -> None:
        """Take in one more pair, if the cost is curved along the step."""
        curved = float(step @ change)
        if curved > CURVED * float(np.linalg.norm(step) * np.linalg.norm(change)):
            self.pairs.append((step, change, curved))
            if self.rescaled:
                self.factor = curved / float(change @ self.guess.solve(change))

    def solve(self, gradient: FloatArray) -> FloatArray:
        """The inverse Hessian times a gradient."""
        q, shares = gradient.copy(), []
        for step, change, curved in reversed(self.pairs):
            share = float(step @ q) / curved
            q -= share * change
            shares.append(share)
        q = self.factor * self.guess.solve(q)
        for (step, change, curved), share in zip(self.pairs, reversed(shares)):
            q += (share - float(change @ q) / curved) * step
        return q
