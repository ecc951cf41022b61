"""How far a fit to a noise with corners can be above the least cost.

Of a convex cost, a row at a corner costs at least what a line through the corner says whose slope
lies between those of both sides, and any other row costs what it costs. With lines for the rows at
corners the total L is smooth and convex, nowhere above the cost. The Newton decrement bounds how
far L can still fall, as everywhere in this package; so ``cost - L + decrement`` bounds the gap.
The slopes are chosen so that L is as level as can be.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.likelihoods.rounded import Rounded
from sklearn_mle.noises.from_scipy import FromScipy
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import dot, weighted_gram
from sklearn_mle.rows.rows import Block
from sklearn_mle.solvers.curvature import Curvature

REACH = 6.0
"""Sampling errors of a residual within which a row may come to a corner."""
UNEXPLAINED = 1e-9
"""Part of the squared gradient, a unit of weight, that no curvature is there for."""
LOOKED_AT = 1e-2
"""Width of rounding at which curvatures tell of sampling errors."""


def proven_gap(sharp: JointObjective, theta: FloatArray, width: float) -> float:
    """A bound on ``(cost - least cost) / max(1, abs(cost))``; infinite where there is none.

    Parameters
    ----------
    sharp : JointObjective
        Of a convex cost; elsewhere the bound is that of the nearest minimum.
    theta : ndarray of shape (size,)
        The least cost of the law rounded to this width.
    width : float
    """
    held = sharp.of(sharp.noise(theta))
    n, law = sharp.n_linear, held.open.noise
    assert isinstance(law, FromScipy)
    arcs = Rounded(law, width).arcs

    def per_block(block: Block) -> tuple[Any, ...]:
        A = held._columns(block)
        z = A @ theta[:n]
        cost, slope, bend = law.derivatives(z)
        line = cost.copy()
        for arc in arcs:
            here = np.abs(z - arc.place) <= arc.width
            steep = np.sort(law.slope(arc.place + arc.width * np.array([-1.0, 1.0])))
            own = np.clip(arc.laid(z, (cost, slope, bend))[1], *steep)
            floor = float(law.cost(np.array([arc.place]))[0])
            line[here] = (floor + own * (z - arc.place))[here]
            slope[here], bend[here] = own[here], 0.0
        bend = np.maximum(bend, 0.0)
        above = float(block.weigh(cost - line).sum())
        return above, dot(block.weigh(slope), A), weighted_gram(A, block.weigh(bend))

    above, gradient, hessian = sharp.rows.total(per_block)
    weight, tau = sharp.rows.total_weight, sharp.tau(theta)
    gradient[-1] -= weight / tau
    hessian[-1, -1] += weight / tau**2
    curvature = Curvature.of(hessian)
    step, decrement = curvature.step(gradient)
    left = (hessian @ step + gradient) / curvature.unit
    if not float(left @ left) <= UNEXPLAINED**2 * weight:
        return math.inf
    value = sharp.value(theta)
    gap = (max(above, 0.0) + decrement) / max(1.0, abs(value))
    return gap if math.isfinite(gap) else math.inf


def is_away(sharp: JointObjective, theta: FloatArray) -> bool:
    """Whether no row is so near a corner that sampling errors could bring it there."""
    law = sharp.noise(theta)
    assert isinstance(law, FromScipy)
    places = law.corners
    if not places:
        return True
    held = sharp.of(Rounded(law, LOOKED_AT))
    n = sharp.n_linear
    curvature = Curvature.of(held.derivatives(theta[:n]).hessian)
    root = curvature.root / curvature.unit[:, None]

    def per_block(block: Block) -> tuple[int]:
        A = held._columns(block)
        z = A @ theta[:n]
        error = np.sqrt(sum(np.square(A @ column) for column in root.T))
        near = np.min([np.abs(z - x) for x in places], axis=0) <= REACH * error
        return (int(near.sum()),)

    return int(sharp.rows.total(per_block)[0]) == 0
