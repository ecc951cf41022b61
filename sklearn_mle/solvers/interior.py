"""Whether a likelihood has a maximum in its interior, for laws whose support has ends.

A residual beyond an end has no density, and one at an end where the density is positive has the
greatest. A density that falls from its end all the way (exponential, Pareto) is matched best by a
model that rests on the outermost rows; one without bound by a model through a single row. Neither
is an estimate. A maximum in the interior is where the gradient is zero and the cost bends upwards
in every direction; it is looked for, and what is found is held against that.
"""

from __future__ import annotations

import numpy as np

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.likelihoods.saddles import is_valley
from sklearn_mle.noises.noise import FloatArray, Noise
from sklearn_mle.solvers.curvature import Curvature
from sklearn_mle.solvers.inside import place_inside
from sklearn_mle.solvers.solution import Outcome, Status

QUANTILES = np.array([0.1, 0.5, 0.9]), np.linspace(0.002, 0.998, 250)
"""Where both signs of a slope are looked for: few places first, as densities may be dear."""
LEVEL = 1e-9
"""Slope below which a cost is level."""
SHRINK, TIMES, TIMES_WITHOUT = 0.7, 400, 10
STATIONARY = 1e-6
"""Decrement relative to the cost up to which a gradient counts as zero."""
WAYS_OUT = (
    "Use a law with two tails, such as 'gumbel' for skewed noise, freeze the shapes of this one "
    "where its density vanishes at its ends, as scipy.stats.gamma(4), or model the logarithm of y."
)
WITHOUT_INTERCEPT = " With fit_intercept=True the law may move to where the rows are."


def has_ends(noise: Noise) -> bool:
    """Whether the support of a noise, with shapes filled in, has an end."""
    return bool(np.isfinite(noise.support).any())


def nowhere(noise: Noise, why: str, fit_intercept: bool = True) -> Outcome:
    """The outcome of a likelihood without a maximum in its interior."""
    low, high = noise.support
    moves = "" if fit_intercept else WITHOUT_INTERCEPT
    return Outcome(
        Status.NO_MAXIMUM,
        "noise must be a law whose likelihood has a maximum in its interior for these rows; got "
        f"{noise!r} on [{low:g}, {high:g}], {why}. {WAYS_OUT}{moves}",
    )


def refusal(noise: Noise, fit_intercept: bool) -> Outcome | None:
    """Why no rows can have a maximum in the interior; None if some can.

    With an intercept the slopes of a maximum add up to zero, so that they must have both signs.
    """
    if not noise.bounded:
        return nowhere(noise, "whose density has no bound, so that neither has the likelihood")
    if not fit_intercept or not has_ends(noise):
        return None
    for q in QUANTILES:
        slope = noise.slope(noise.quantiles(q))
        if not (np.all(slope >= -LEVEL) or np.all(slope <= LEVEL)):
            return None
    return nowhere(
        noise,
        "whose density does not vanish at its greatest end, so that the best fit would rest on "
        "the outermost rows alone",
    )


def is_interior(objective: JointObjective, theta: FloatArray) -> bool:
    """Whether theta is a maximum of the likelihood in its interior."""
    if not (objective.tau(theta) > 0.0 and objective.noise(theta).bounded):
        return False
    n, (value, gradient, hessian) = objective.n_linear, objective.true_derivatives(theta)
    if not np.isfinite(value) or not is_valley(hessian[:n, :n]):
        return False
    if not is_valley(hessian):
        hessian = objective.derivatives(theta).hessian
    curvature = Curvature.of(hessian)
    step, decrement = curvature.step(gradient)
    explained = np.abs(hessian @ step + gradient) / curvature.unit
    left = float(explained @ explained)
    return max(decrement, left) <= STATIONARY * max(1.0, abs(value))


def moved_inside(
    objective: JointObjective, sample: JointObjective, theta: FloatArray
) -> FloatArray | None:
    """A place like theta at which no residual is beyond an end.

    The middle half of the sampled residuals is laid on that of the law, and all are drawn towards
    its median until they are inside.

    Parameters
    ----------
    objective, sample : JointObjective
        With all shapes filled in; the sample of few rows.
    theta : ndarray of shape (n_linear,)

    Returns
    -------
    ndarray of shape (n_linear,), or None
        None where no place is found: without an intercept there may be none. There a linear
        programme looks for it.
    """
    quarter, median, other = map(float, sample.open.noise.quantiles([0.25, 0.5, 0.75]))
    z = sample.rows.entries(sample.residuals(theta))
    low, middle, high = np.quantile(z, [0.25, 0.5, 0.75])
    if not (np.isfinite([quarter, median, other]).all() and high > low):
        return None
    factor = (other - quarter) / (high - low)
    theta = sample.moved(theta, factor, median - factor * middle)
    began = theta
    for _ in range(TIMES if sample.fit_intercept else TIMES_WITHOUT):
        if np.isfinite(objective.value(theta)):
            return theta
        theta = sample.moved(theta, SHRINK, (1.0 - SHRINK) * median)
    found = place_inside(sample, began, median)
    return found if found is not None and np.isfinite(objective.value(found)) else None
