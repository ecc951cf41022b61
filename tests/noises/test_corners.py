"""Corners, cusps and zeros inside a density are found by looking."""

import numpy as np
import pytest
from scipy import stats

from sklearn_mle.noises import FromScipy
from sklearn_mle.noises.corners import corners
from sklearn_mle.noises.noise import Fact

CORNERED = {
    "a corner where the shape is": (stats.triang, (0.3,), (0.3,)),
    "a corner near an end": (stats.triang, (0.02,), (0.02,)),
    "two corners": (stats.trapezoid, (0.2, 0.8), (0.2, 0.8)),
    "a corner at zero": (stats.laplace, (), (0.0,)),
    "a corner at one": (stats.loglaplace, (3.0,), (1.0,)),
    "a zero": (stats.dweibull, (2.0,), (0.0,)),
    "nearly a corner": (stats.dgamma, (1.1,), (0.0,)),
    "a cusp": (stats.gennorm, (0.8,), (0.0,)),
    "a pole": (stats.dgamma, (0.9,), (0.0,)),
}


@pytest.mark.parametrize("kind", CORNERED)
def test_corners_are_found(kind):
    law, shapes, places = CORNERED[kind]
    assert corners(law, shapes) == pytest.approx(places, abs=1e-12)
    assert Fact.CORNERED in FromScipy(law(*shapes)).facts
    assert Fact.SMOOTH not in FromScipy(law(*shapes)).facts


@pytest.mark.parametrize(
    ("law", "place"), [(stats.norm, 0.123), (stats.logistic, -1.7), (stats.gumbel_r, 0.7)]
)
def test_a_corner_at_any_place_is_found(law, place):
    class Folded(stats.rv_continuous):
        def _logpdf(self, x):
            return law.logpdf(x) - 0.5 * np.abs(x - place)

    assert corners(Folded(name="folded"), ()) == pytest.approx([place], abs=1e-9)


@pytest.mark.parametrize(
    "law",
    [stats.norm(), stats.gennorm(1.5), stats.crystalball(2.0, 3.0), stats.t(0.3), stats.gamma(4.0)],
    ids=lambda law: law.dist.name,
)
def test_a_curvature_that_jumps_is_no_corner(law):
    noise = FromScipy(law)
    assert noise.corners == ()
    assert Fact.SMOOTH in noise.facts


def test_open_shapes_are_smooth_if_every_shape_is():
    assert FromScipy(stats.gamma).facts == Fact.SMOOTH
    assert FromScipy(stats.triang).facts == Fact.CORNERED
    assert FromScipy(stats.gennorm).facts == Fact.CORNERED


def test_a_cost_that_jumps_is_not_convex():
    """The density that scipy.stats computes for kstwo(10) jumps at 0.1."""
    assert FromScipy(stats.kstwo(10)).facts == Fact.CORNERED
    assert FromScipy(stats.triang(0.3)).facts == Fact.CORNERED | Fact.LOG_CONCAVE
