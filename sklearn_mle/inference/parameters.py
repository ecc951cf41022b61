"""The parameters that a table lists, and linear functions of them in the coordinates of a fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sklearn_mle.inference.row_costs import LocationScaleCosts, SoftmaxCosts
from sklearn_mle.inference.terms import Terms
from sklearn_mle.noises.noise import FloatArray, Noise, Shape
from sklearn_mle.noises.stretch import Stretch

INTERCEPT = -1
"""The column of a parameter that belongs to no feature."""
CLEAR = 1e-4
"""Share of a function along an endless direction above which it is not identified; the directions
themselves are good to the ratio of the information in them to that across, about 1e-6."""


@dataclass(frozen=True)
class Parameter:
    """One line of a table.

    Parameters
    ----------
    name : str
    estimate : float
    direction : tuple of float
        Its weights in the scores; empty for an extra.
    column : int
        The feature, or `INTERCEPT`; for an extra its place among the extras.
    group : str
        The class that it belongs to, among three or more.
    stretch : Stretch
        Its range, on which its normal interval is made.
    """

    name: str
    estimate: float
    direction: tuple[float, ...]
    column: int
    group: str = ""
    stretch: Stretch = field(default=Stretch())

    @property
    def is_extra(self) -> bool:
        return not self.direction

    @property
    def place(self) -> float:
        """The estimate on the stretched line."""
        return float(self.stretch.stretched(self.estimate))


def of_regression(
    names: Sequence[str],
    coef: FloatArray,
    intercept: float | None,
    scale: float,
    noise: Noise,
    shapes: Sequence[Shape],
) -> tuple[Parameter, ...]:
    """Coefficients, intercept (None where the model has none), scale and estimated shapes."""
    lines = [Parameter(name, float(b), (1.0,), j) for j, (name, b) in enumerate(zip(names, coef))]
    if intercept is not None:
        lines.append(Parameter("intercept", float(intercept), (1.0,), INTERCEPT))
    lines.append(Parameter("scale", float(scale), (), 0, stretch=Stretch(0.0, math.inf)))
    for k, shape in enumerate(shapes):
        value = float(noise.shape_values([shape.name])[0])
        stretch = Stretch(shape.low, shape.high)
        lines.append(Parameter(shape.name, value, (), 1 + k, stretch=stretch))
    return tuple(lines)


def of_classes(
    names: Sequence[str],
    labels: Sequence[str],
    coef: FloatArray,
    intercept: FloatArray | None,
    reference: int | None,
) -> tuple[Parameter, ...]:
    """Coefficients and intercepts, class by class.

    Parameters
    ----------
    names : sequence of str
    labels : sequence of str
        The classes.
    coef : ndarray of shape (1 or K, p)
    intercept : ndarray of shape (1 or K,), or None where the model has none
    reference : int or None
        The class that contrasts are taken against.
    """
    K = len(labels)
    basis = SoftmaxCosts(K).basis
    full, level = coef, intercept
    if K == 2:
        full = np.vstack([np.zeros_like(coef), coef])
        level = None if intercept is None else np.append(0.0, intercept)
        reference = 0 if reference is None else reference
    lines = []
    for k in range(K):
        if k == reference:
            continue
        against = 0 if reference is None else reference
        share = 0.0 if reference is None else 1.0
        direction = tuple((basis[k] - share * basis[against]).tolist())
        group = labels[k] if K > 2 else ""
        b = full[k] - share * full[against]
        lines += [
            Parameter(name, float(v), direction, j, group)
            for j, (name, v) in enumerate(zip(names, b))
        ]
        if level is not None:
            value = float(level[k] - share * level[against])
            lines.append(Parameter("intercept", value, direction, INTERCEPT, group))
    return tuple(lines)


def combine(
    parameters: Sequence[Parameter],
    R: FloatArray,
    terms: Terms,
    costs: LocationScaleCosts | SoftmaxCosts,
    endless: FloatArray | None = None,
) -> FloatArray:
    """Linear functions of parameters as functions of theta.

    Parameters
    ----------
    R : ndarray of shape (q, n_parameters)
        Weights of the parameters in each function; those of extras are weights of small changes.
    endless : ndarray of shape (size, d), optional
        Directions in which the cost falls for ever.

    Returns
    -------
    ndarray of shape (q, size)
        NaN for functions that the data do not identify.
    """
    p, s = terms.centre.shape[0], costs.n_scores
    of_coef, of_intercept = np.zeros((s, R.shape[0], p)), np.zeros((s, R.shape[0]))
    extras = np.zeros((R.shape[0], costs.n_extras))
    for weight, parameter in zip(R.T, parameters):
        if parameter.is_extra:
            # at the end of a range (a scale of zero) there are no small changes
            rate = parameter.stretch.rate(parameter.estimate) or math.nan
            extras[:, parameter.column] += np.where(weight == 0.0, 0.0, weight * rate)
            continue
        for a, share in enumerate(parameter.direction):
            if parameter.column == INTERCEPT:
                of_intercept[a] += weight * share
            else:
                of_coef[a, :, parameter.column] += weight * share
    scores = [terms.functions(of_coef[a], of_intercept[a]) for a in range(s)]
    whole = np.concatenate([*scores, extras], axis=1)
    return identified(whole, endless)


def identified(F: FloatArray, endless: FloatArray | None) -> FloatArray:
    """The same functions of theta, NaN as a whole where the data do not identify them."""
    F = np.where(np.isnan(F).any(axis=-1, keepdims=True), np.nan, F)
    if endless is None or not endless.shape[1]:
        return F
    along = np.linalg.norm(F @ endless, axis=-1)
    lost = along > CLEAR * np.linalg.norm(F, axis=-1)
    return np.where(lost[..., None], np.nan, F)
