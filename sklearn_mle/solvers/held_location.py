"""Scale and shapes where locations are held: what residuals tell.

Starts of a descent that agree on the locations, up to what sampling errors make of them, can lead
to different ends only by scale and shapes. These are a question to residuals alone, which costs
nothing beside a pass over all columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.likelihoods.saddles import is_valley
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.noises.open_shapes import OpenShapes
from sklearn_mle.solvers.curvature import Curvature
from sklearn_mle.solvers.descent import Descent

STEPS = 8
LONGEST = 1.0
"""Step in the logarithm of the scale, and in a shape on the line."""
ENOUGH = 1e-3
"""Decrement a unit of weight that is left to the descent."""
SAME = 0.02
"""Squared distance from an end, a unit of weight, at which locations are the same: residuals then
differ by a seventh of the scale, where they matter."""
ROUGHLY = 4.0
"""Times that, of residuals that count alike, at which a descent may still find that they are."""
WAY = (0.0, 0.35, 0.7)
"""Parts of the way to an end at which the cost is asked for."""


@dataclass(frozen=True)
class Residuals:
    """Residuals at a location, and a law whose scale and shapes are not known.

    Parameters
    ----------
    z : ndarray of shape (m,)
    weight : ndarray of shape (m,)
        They add up to 1.
    open : OpenShapes
    """

    z: FloatArray
    weight: FloatArray
    open: OpenShapes

    @classmethod
    def of(cls, objective: JointObjective, theta: FloatArray) -> Residuals:
        """Those at theta, in scales of theta."""
        rows = objective.rows
        z = rows.entries(objective.residuals(theta))
        weight = rows.entries(rows.column(lambda block: block.weigh(np.ones(block.n_rows))))
        return cls(z, weight / rows.total_weight, objective.open)

    def cost(self, a: float, u: FloatArray) -> float:
        """The mean cost with residuals times ``exp(a)`` and the shapes at u."""
        noise = self.open.filled(u)
        return float(np.dot(self.weight, noise.cost(math.exp(a) * self.z))) - a

    def derivatives(self, a: float, u: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """The mean cost, its gradient and its Hessian in a and u."""
        z, k = math.exp(a) * self.z, u.size
        cost, slope, curvature, shapes = self.open.with_derivatives(u, z)
        w, pull = self.weight, slope * z
        gradient, hessian = np.empty(1 + k), np.empty((1 + k, 1 + k))
        gradient[0] = np.dot(w, pull) - 1.0
        gradient[1:] = np.dot(w, shapes.cost)
        hessian[0, 0] = np.dot(w, pull + curvature * np.square(z))
        hessian[0, 1:] = hessian[1:, 0] = np.dot(w * z, shapes.slope)
        hessian[1:, 1:] = np.tensordot(w, shapes.bend, 1)
        return float(np.dot(w, cost)) - a, gradient, hessian


def tuned(few: JointObjective, linear: FloatArray) -> FloatArray:
    """A start with the scale and shapes that suit its residuals, shape (size,).

    Parameters
    ----------
    few : JointObjective
        Of a few rows, in memory.
    linear : ndarray of shape (n_linear,)
    """
    residuals = Residuals.of(few, linear)
    low, high = few.open.reach
    place = np.concatenate([[0.0], few.open.start()])
    best = math.inf, place
    for _ in range(STEPS):
        value, gradient, hessian = residuals.derivatives(float(place[0]), place[1:])
        if not (value < best[0] and np.isfinite(hessian).all()):
            break
        best = value, place
        if not hessian[0, 0] > 0.0:
            break
        step = _downhill(gradient, hessian)
        if -float(gradient @ step) <= ENOUGH:
            break
        place = place + step * min(1.0, LONGEST / float(np.abs(step).max()))
        place[1:] = np.minimum(np.maximum(place[1:], low), high)
    a, u = best[1][0], best[1][1:]
    return np.concatenate([linear * math.exp(a), u])


def _downhill(gradient: FloatArray, hessian: FloatArray) -> FloatArray:
    """Newton's step, where the cost bends upwards; else that of the scale alone."""
    if gradient.size > 1 and np.linalg.eigvalsh(hessian)[0] > 0.0:
        return np.asarray(-np.linalg.solve(hessian, gradient))
    step = np.zeros(gradient.shape)
    step[0] = -gradient[0] / hessian[0, 0]
    return step


def may_agree(few: JointObjective, starts: list[FloatArray]) -> bool:
    """Whether the locations of starts can be the same.

    Parameters
    ----------
    few : JointObjective
        Of a few rows, in memory.
    starts : list of ndarray of shape (n_linear,)
        The first with a scale that far rows have not enlarged.
    """
    first, tau = starts[0], few.tau(starts[0])
    apart = (few.residuals(start * (tau / few.tau(start)) - first) for start in starts[1:])
    return all(float(np.mean(np.square(z))) <= ROUGHLY * SAME for z in apart)


def is_only_end(objective: JointObjective, starts: list[FloatArray], end: Descent) -> bool:
    """Whether all starts are as good as sure to lead to this end.

    Their locations are those of the end. On the straight way from the scale of the first, and any
    place of the shapes that would be tried, the cost of its residuals falls all along; and with the
    shapes of that place a Newton step stays at the location.

    Parameters
    ----------
    objective : JointObjective
        Whose end it is.
    starts : list of ndarray of shape (n_linear,)
    end : Descent
    """
    n, theta = objective.n_linear, end.theta
    if not all(_is_there(objective, start, theta, end.curvature) for start in starts):
        return False
    others = objective.open.places()[1:]
    if not others:
        return True
    residuals, there = Residuals.of(objective, theta[:n]), theta[n:]
    least = residuals.cost(0.0, there)
    a = math.log(objective.tau(starts[0]) / objective.tau(theta))
    for u in others:
        costs = [residuals.cost((1.0 - t) * a, u + t * (there - u)) for t in WAY] + [least]
        if not all(before > after for before, after in pairwise(costs)):
            return False
    return all(_stays(objective.of(objective.open.filled(u)), theta[:n]) for u in others)


def _is_there(
    objective: JointObjective, start: FloatArray, theta: FloatArray, curvature: Curvature
) -> bool:
    """Whether the location of a start is that of theta."""
    n = objective.n_linear
    apart = np.zeros(theta.shape)
    apart[:n] = start[:n] * (objective.tau(theta) / objective.tau(start)) - theta[:n]
    return curvature.length(apart) <= SAME * objective.rows.total_weight


def _stays(held: JointObjective, linear: FloatArray) -> bool:
    """Whether a descent from this location, with other shapes, goes nowhere else.

    Under heavier tails a plane that many rows lie near may draw away what settles between them.
    """
    theta = tuned(held, linear)
    _, gradient, hessian = held.true_derivatives(theta)
    if not is_valley(hessian):
        return False
    curvature = Curvature.of(hessian)
    ahead = theta + curvature.step(gradient)[0]
    return held.tau(ahead) > 0.0 and _is_there(held, ahead, theta, curvature)
