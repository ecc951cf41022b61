"""A feasible dual for any b, so that a fit that stops early can still say how far off it may be."""

from __future__ import annotations

import numpy as np

from sklearn_mle.likelihoods.location_scale import share_above
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import dot
from sklearn_mle.rows.rows import Block
from sklearn_mle.solvers.reduced_problem import solve_positive, weighted_gram
from sklearn_mle.solvers.sign_passes import Level

BACKGROUND = 0.01
"""Part that rows beyond the width take in the correction; it keeps the matrix regular."""
POWER = 32
"""A maximum over rows is bounded by a power sum, since rows can only be added up."""


def smoothed_gap(level: Level, b: FloatArray, width: float) -> float:
    """A bound on ``(loss - least loss) / loss`` at b, by two passes.

    The smoothed signs ``a_i = w_i * clip(r_i / width, -1, 1)`` would be a dual if b solved the
    smoothed problem. What they leave of ``e = Z'a + c`` is taken back by
    ``a_i -= h_i * z_i'G^-1 e`` with ``G = Z'HZ``, h the weight near zero and little elsewhere.
    ``d = (a + tilt * w) / 2`` then satisfies ``Z'd = 0``, and divided by its largest ratio to its
    box it is feasible; ``d'r`` is its value.
    """
    coef, intercept = level.frame.raw(b)
    tilt = level.tilt

    def smoothed(block: Block) -> tuple[FloatArray, FloatArray, FloatArray]:
        r = block.y - (block.X @ coef + intercept)
        share = np.where(np.abs(r) < width, 1.0, BACKGROUND)
        return r, np.clip(r / width, -1.0, 1.0), share

    def excess(block: Block) -> tuple[FloatArray, FloatArray]:
        _, a, share = smoothed(block)
        Z = level.frame.scaled(block.X)
        return dot(block.weigh(a + tilt), Z), weighted_gram(Z, block.weigh(share))

    e, gram = level.rows.total(excess)
    e = e + level.c
    back = solve_positive(gram, e)
    back = back + solve_positive(gram, e - gram @ back)

    def values(block: Block) -> tuple[float, float, float]:
        r, a, share = smoothed(block)
        d = a - share * (level.frame.scaled(block.X) @ back) + tilt
        ratio = np.maximum(d / (1.0 + tilt), -d / (1.0 - tilt))
        over = ratio[ratio > 1.0]
        loss = np.abs(r) + tilt * r
        return (
            float(block.weigh(loss).sum()),
            float(block.weigh(d * r).sum()),
            float(np.sum(over**POWER)),
        )

    with np.errstate(over="ignore"):
        loss, value, power = level.rows.total(values)
    divisor = float(max(1.0, power ** (1.0 / POWER)))
    return share_above(loss, value / divisor)
