"""The information of a fit: how fast its cost rises on all sides."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_mle.inference.row_costs import LocationScaleCosts
from sklearn_mle.inference.sparsity import slopes_of_sides
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.noise import Fact, FloatArray
from sklearn_mle.rows.rows import Block

NODES = 24
"""Nodes of Gauss-Laguerre; exact for scores that are polynomials of ``abs(z)``."""


class Information(NamedTuple):
    """The information in theta, shape (size, size), its kind: observed or Fisher; and the cost.

    The cost at the bottom is None where no pass has met it.
    """

    matrix: FloatArray
    kind: str
    cost: float | None = None


def information(valley: Valley) -> Information:
    """The observed information, or Fisher's where the cost has corners.

    For a normal law both are the same and known without a pass. A cost with corners has no second
    derivative that could be observed; there the law's own expectation takes its place.
    """
    noise, W = valley.noise, valley.rows.total_weight
    if noise is None or not isinstance(valley.costs, LocationScaleCosts):
        return _observed(valley)
    if valley.normal and not valley.costs.shapes:
        bend = float(noise.curvature(np.ones(1))[0])
        return Information(_spread_out(valley, np.diag([bend, 2.0])) * W, "observed = Fisher")
    if Fact.PIECEWISE_LINEAR in noise.facts:
        return Information(_spread_out(valley, cornered_information(valley)) * W, "Fisher")
    return _observed(valley)


def _observed(valley: Valley) -> Information:
    here = valley.derivatives(valley.bottom)
    return Information(here.hessian, "observed", here.value)


def cornered_information(valley: Valley) -> FloatArray:
    """Fisher's information of one row at scale 1, in score and extras; costs with corners.

    With slopes -a and b the law is exponential on both sides of zero, with probability
    ``b / (a + b)`` and rate a on the left and ``a / (a + b)`` and rate b on the right, so that
    Gauss-Laguerre on either side gives the expected products of slopes.
    """
    assert isinstance(valley.costs, LocationScaleCosts) and valley.noise is not None
    a, b = slopes_of_sides(valley.noise)
    t, mass = np.polynomial.laguerre.laggauss(NODES)
    z = np.concatenate([-t / a, t / b])
    mass = np.concatenate([mass * b, mass * a]) / (a + b)
    extras = valley.split(valley.bottom)[1].copy()
    extras[0] = 0.0
    _, of_score, of_extra = valley.costs.slopes(z, np.zeros((z.size, 1)), extras)
    slopes = np.concatenate([of_score, of_extra], axis=1)
    return slopes.T @ (slopes * mass[:, None])


def _spread_out(valley: Valley, one: FloatArray) -> FloatArray:
    """The mean information of a row, from that in its score and extras at scale 1.

    Terms have mean products of one, and mean zero but for the intercept's.
    """
    q, s = valley.n_location, valley.scale
    whole = np.zeros((valley.size, valley.size))
    whole[:q, :q] = np.eye(q) * one[0, 0] / s**2
    whole[q:, q:] = one[1:, 1:]
    mean = np.zeros(q)
    if valley.terms.intercept:
        mean[-1] = 1.0
    else:
        mean = _mean_terms(valley)
    whole[:q, q:] = np.multiply.outer(mean, one[0, 1:]) / s
    whole[q:, :q] = whole[:q, q:].T
    return whole


def _mean_terms(valley: Valley) -> FloatArray:
    terms, rows = valley.terms, valley.rows

    def per_block(block: Block) -> tuple[FloatArray]:
        weight = block.weigh(np.ones(block.n_rows))
        return (terms.moments(terms.columns(block.X), weight[:, None])[:, 0],)

    return np.asarray(terms.mixing.T @ rows.total(per_block)[0]) / rows.total_weight
