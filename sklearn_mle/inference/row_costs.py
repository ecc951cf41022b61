"""What each row costs, and its first and second derivatives: all that inference asks of a law.

A row's cost depends on its linear scores (one for a location, K - 1 for K classes) and on a few
*extras* that all rows share: the logarithm of the scale, and open shapes, each stretched to the
whole line. One description serves every law, so that information, sandwiches and profiles are
written once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from sklearn_mle.likelihoods.class_products import sum_to_zero_basis
from sklearn_mle.noises.noise import FloatArray, Noise, Shape
from sklearn_mle.noises.open_shapes import OpenShapes
from sklearn_mle.noises.stretch import Stretch


@dataclass(frozen=True)
class RowDerivatives:
    """Costs of m rows, and their derivatives in s scores and k extras.

    Parameters
    ----------
    cost : ndarray of shape (m,)
    slope : ndarray of shape (m, s)
    curvature : ndarray of shape (m, s, s)
    extra_slope : ndarray of shape (m, k)
    cross : ndarray of shape (m, s, k)
    extra_curvature : ndarray of shape (m, k, k)
    """

    cost: FloatArray
    slope: FloatArray
    curvature: FloatArray
    extra_slope: FloatArray
    cross: FloatArray
    extra_curvature: FloatArray


class RowCosts(Protocol):
    """The contract of a law, as inference sees it."""

    @property
    def n_scores(self) -> int:
        """How many linear scores a row has."""

    @property
    def n_extras(self) -> int:
        """How many parameters all rows share."""

    @property
    def reach(self) -> tuple[FloatArray, FloatArray]:
        """The ends of what can be told apart of the extras, shapes (n_extras,)."""

    def cost(self, y: FloatArray, scores: FloatArray, extras: FloatArray) -> FloatArray:
        """Minus the log-likelihood of each row, shape (m,)."""

    def slopes(
        self, y: FloatArray, scores: FloatArray, extras: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Costs and first derivatives, shapes (m,), (m, s) and (m, k)."""

    def curvature(self, y: FloatArray, scores: FloatArray, extras: FloatArray) -> FloatArray:
        """Second derivatives in the scores, shape (m, s, s)."""

    def derivatives(self, y: FloatArray, scores: FloatArray, extras: FloatArray) -> RowDerivatives:
        """Costs, first and second derivatives."""


@dataclass(frozen=True)
class LocationScaleCosts:
    """``cost(z) + log(scale)`` with ``z = (y - score) / scale``.

    Parameters
    ----------
    noise : Noise
        With all shapes filled in.
    shapes : tuple of Shape
        Those that were estimated.
    """

    noise: Noise
    shapes: tuple[Shape, ...] = ()
    n_scores = 1

    @property
    def n_extras(self) -> int:
        return 1 + len(self.shapes)

    @property
    def stretches(self) -> list[Stretch]:
        """How scale and shapes are stretched to the whole line."""
        return [Stretch(0.0, math.inf), *self._open.stretches]

    @property
    def _open(self) -> OpenShapes:
        return OpenShapes(self.noise, self.shapes)

    @property
    def reach(self) -> tuple[FloatArray, FloatArray]:
        low, high = self._open.reach
        return np.append(-math.inf, low), np.append(math.inf, high)

    def with_shapes(self, stretched: FloatArray) -> Noise:
        """The noise with these shapes, given on the stretched line."""
        return self._open.filled(stretched)

    def cost(self, y: FloatArray, scores: FloatArray, extras: FloatArray) -> FloatArray:
        z = (y - scores[:, 0]) / math.exp(extras[0])
        return self.with_shapes(extras[1:]).cost(z) + extras[0]

    def slopes(
        self, y: FloatArray, scores: FloatArray, extras: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        scale = math.exp(extras[0])
        z = (y - scores[:, 0]) / scale
        cost, slope = self.with_shapes(extras[1:]).cost_and_slope(z)
        shapes = self._open.slopes(extras[1:], z) if self.shapes else None
        return cost + extras[0], (slope / -scale)[:, None], _of_extras(z, slope, shapes)

    def curvature(self, y: FloatArray, scores: FloatArray, extras: FloatArray) -> FloatArray:
        scale = math.exp(extras[0])
        bend = self.with_shapes(extras[1:]).curvature((y - scores[:, 0]) / scale)
        return (bend / scale**2)[:, None, None]

    def derivatives(self, y: FloatArray, scores: FloatArray, extras: FloatArray) -> RowDerivatives:
        scale = math.exp(extras[0])
        z = (y - scores[:, 0]) / scale
        cost, slope, bend = self.with_shapes(extras[1:]).derivatives(z)
        k = len(self.shapes)
        shapes = self._open.derivatives(extras[1:], z)
        extra = np.empty((z.shape[0], 1 + k, 1 + k))
        extra[:, 0, 0] = z * slope + z * z * bend
        extra[:, 0, 1:] = extra[:, 1:, 0] = -z[:, None] * shapes.slope
        extra[:, 1:, 1:] = shapes.bend
        cross = np.column_stack([slope + z * bend, -shapes.slope]) / scale
        return RowDerivatives(
            cost + extras[0],
            -slope[:, None] / scale,
            (bend / scale**2)[:, None, None],
            _of_extras(z, slope, shapes.cost),
            cross[:, None, :],
            extra,
        )

    @staticmethod
    def touching(
        y: FloatArray, scores: FloatArray, extras: FloatArray, found: RowDerivatives
    ) -> FloatArray:
        """Curvatures in the scores of parabolas that touch the cost from above.

        Those of a symmetric cost that grows ever more slowly than a parabola are slope over
        residual; curvatures count at least with their size.
        """
        r = y - scores[:, 0]
        above = -found.slope[:, 0] / np.where(r == 0.0, np.inf, r)
        return np.maximum(above, np.abs(found.curvature[:, 0, 0]))[:, None, None]


def _of_extras(z: FloatArray, slope: FloatArray, shapes: FloatArray | None) -> FloatArray:
    """Derivatives in log scale and stretched shapes, shape (m, k)."""
    of_scale = 1.0 - z * slope
    return of_scale[:, None] if shapes is None else np.column_stack([of_scale, shapes])


@dataclass(frozen=True)
class SoftmaxCosts:
    """Minus the log-probability of the class code in y, in K - 1 free scores.

    The scores of the classes are ``free @ basis.T``: of the second over the first for two classes,
    and summing to zero for more.
    """

    n_classes: int
    n_extras = 0

    @property
    def n_scores(self) -> int:
        return self.n_classes - 1

    @property
    def reach(self) -> tuple[FloatArray, FloatArray]:
        return np.empty(0), np.empty(0)

    @property
    def basis(self) -> FloatArray:
        """Shape (K, K - 1)."""
        if self.n_classes == 2:
            return np.array([[0.0], [1.0]])
        return sum_to_zero_basis(self.n_classes)

    def cost(self, y: FloatArray, scores: FloatArray, extras: FloatArray) -> FloatArray:
        return self._law(y, scores).cost

    def slopes(
        self, y: FloatArray, scores: FloatArray, extras: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        law = self._law(y, scores)
        return law.cost, self._slope(law), np.empty((y.shape[0], 0))

    def curvature(self, y: FloatArray, scores: FloatArray, extras: FloatArray) -> FloatArray:
        return self._curvature(self._law(y, scores))

    def derivatives(self, y: FloatArray, scores: FloatArray, extras: FloatArray) -> RowDerivatives:
        m, s = scores.shape
        law, empty = self._law(y, scores), np.empty((m, 0))
        first = (law.cost, self._slope(law), self._curvature(law), empty)
        return RowDerivatives(*first, np.empty((m, s, 0)), np.empty((m, 0, 0)))

    def _law(self, y: FloatArray, scores: FloatArray) -> _ClassLaw:
        codes = y.astype(np.intp)
        if self.n_classes == 2:
            return _two_classes(codes, scores[:, 0])
        return _several_classes(codes, np.dot(self.basis, scores.T))

    def _slope(self, law: _ClassLaw) -> FloatArray:
        return np.dot(self.basis.T, law.surplus).T

    def _curvature(self, law: _ClassLaw) -> FloatArray:
        """``Q' (diag(p) - p p') Q``; for two classes p (1 - p) without a difference."""
        if self.n_classes == 2:
            return (law.probability[0] * law.probability[1])[:, None, None]
        Q, s = self.basis, self.n_scores
        squares = (Q[:, :, None] * Q[:, None, :]).reshape(self.n_classes, s * s)
        mean = np.dot(Q.T, law.probability)
        made = np.dot(squares.T, law.probability).reshape(s, s, -1)
        made -= mean[:, None] * mean
        return made.transpose(2, 0, 1)


@dataclass(frozen=True)
class _ClassLaw:
    """Costs of m rows, shape (m,); by class, shape (K, m): probabilities, and less indicators."""

    cost: FloatArray
    probability: FloatArray
    surplus: FloatArray


def _two_classes(codes: NDArray[np.intp], score: FloatArray) -> _ClassLaw:
    sign = 1.0 - 2.0 * codes
    wrong, right = expit(score * sign), expit(-score * sign)
    second = codes == 1
    probability = np.array([np.where(second, wrong, right), np.where(second, right, wrong)])
    slope = wrong * sign
    return _ClassLaw(np.logaddexp(0.0, score * sign), probability, np.array([-slope, slope]))


def _several_classes(codes: NDArray[np.intp], scores: FloatArray) -> _ClassLaw:
    """What a nearly certain class lacks to one is the sum of the others, to full accuracy."""
    seen = (codes, np.arange(codes.shape[0]))
    scores = scores - scores.max(axis=0)
    at_seen = scores[seen]
    e = np.exp(scores)
    e_seen = e[seen]
    e[seen] = 0.0
    others = e.sum(axis=0)
    total = others + e_seen
    cost = np.where(at_seen == 0.0, np.log1p(others), np.log(total) - at_seen)
    e /= total
    surplus = e.copy()
    surplus[seen] = -others / total
    e[seen] = e_seen / total
    return _ClassLaw(cost, e, surplus)
