"""Newton's method along a valley that bends.

Where shapes trade against location and scale (a gamma law that nears a normal one, a t that nears
a Cauchy), the cost is a long valley that is steep across and bends, and full Newton steps end on
its walls. Here a step is judged at the bottom above which it ends: location and scale are fitted
anew, with the shapes held. What remains is the cost as a function of the shapes alone, whose Newton
step is that of all parameters together, because the gradient of the others is zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.solvers import descent
from sklearn_mle.solvers.curvature import Curvature
from sklearn_mle.solvers.descent import PATIENCE, SLOW, Descent, finished
from sklearn_mle.solvers.line_search import backtrack
from sklearn_mle.solvers.watch import never

INNER_STEPS = 12
LONGEST = 64.0
SHORT = 1e-7
"""Length of a step from which no progress is to be had."""
SHARE = 1e-3
"""Of the decrement of all parameters, what a fit with the shapes held may leave."""


def follow(
    objective: JointObjective,
    begin: Descent,
    tol: float,
    max_iter: int,
    exact: float,
    stops: Callable[[FloatArray], bool] = never,
) -> Descent:
    """Newton steps along the bottom of a valley, until the cost, and then theta, is exact.

    Parameters
    ----------
    objective : JointObjective
        With open shapes.
    begin : Descent
        Where to begin; its steps count.
    tol : float
        The gap that must be reached.
    max_iter : int
    exact : float
        Decrement at which theta is exact.
    stops : callable, optional
        Takes theta after each step; tells whether to end there.

    Returns
    -------
    Descent
    """
    weight = objective.rows.total_weight
    theta = _at_bottom(objective, begin.theta, SHARE * begin.decrement)
    here = _here(objective, theta, begin.n_iter)
    if not math.isfinite(here[0].value):
        return replace(begin, exhausted=False)
    while not finished(here[0], weight, tol, exact, PATIENCE):
        place, gradient, step = here
        if place.n_iter >= max_iter:
            return replace(place, exhausted=True)
        length, theta = _along(objective, place, gradient, step)
        if length < SHORT:
            break
        after = _here(objective, theta, place.n_iter + 1)
        if not math.isfinite(after[0].value):
            break
        slow = length == 1.0 and after[0].decrement > SLOW * place.decrement
        here = (replace(after[0], slow_steps=place.slow_steps + 1 if slow else 0), *after[1:])
        if stops(here[0].theta) and not finished(here[0], weight, tol, exact, PATIENCE):
            return replace(here[0], stopped=True)
    return here[0]


def _along(
    objective: JointObjective, place: Descent, gradient: FloatArray, step: FloatArray
) -> tuple[float, FloatArray]:
    """How far to go, and the bottom there; ever farther as long as it pays.

    On a crest the step knows which way is down, but not how far.
    """
    enough = SHARE * place.decrement
    ends: dict[float, tuple[float, FloatArray]] = {}

    def cost(t: float) -> float:
        theta = _at_bottom(objective, place.theta + t * step, enough)
        ends[t] = objective.value(theta), theta
        return ends[t][0]

    length = backtrack(cost, place.value, float(gradient @ step))
    if length == 0.0:
        return 0.0, place.theta
    while 1.0 <= length < LONGEST and cost(2.0 * length) < ends[length][0] - enough:
        length *= 2.0
    return length, ends[length][1]


def _here(
    objective: JointObjective, theta: FloatArray, n_iter: int
) -> tuple[Descent, FloatArray, FloatArray]:
    """A place of the valley, its gradient, and the step that leads on."""
    value, gradient, hessian = objective.derivatives(theta)
    curvature = Curvature.of(hessian)
    step, decrement = curvature.step(gradient)
    return Descent(theta, value, decrement, n_iter, curvature, 0, False), gradient, step


def _at_bottom(objective: JointObjective, theta: FloatArray, enough: float) -> FloatArray:
    """With location and scale fitted anew, up to a decrement, the shapes held."""
    n = objective.n_linear
    if not np.isfinite(objective.value(theta)):
        return theta
    held = objective.held(theta)
    weight = objective.rows.total_weight
    end = descent.descend(
        held, theta[:n], weight, np.inf, INNER_STEPS, enough, patience=INNER_STEPS
    )
    return np.concatenate([end.theta, theta[n:]])
