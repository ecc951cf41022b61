"""Rounded corners: where the law is changed, and by how much."""

import numpy as np
import pytest
from scipy import stats

from sklearn_mle.likelihoods.rounded import Rounded
from sklearn_mle.noises import FromScipy
from sklearn_mle.noises.noise import Noise

LAWS = [stats.triang(0.3), stats.trapezoid(0.2, 0.8), stats.laplace(), stats.dweibull(2.0)]


@pytest.fixture(params=LAWS, ids=lambda law: law.dist.name)
def law(request):
    return FromScipy(request.param)


def test_the_law_is_as_it_is_away_from_its_corners(law):
    rounded = Rounded(law, 0.05)
    z = law.quantiles(np.linspace(0.02, 0.98, 97))
    away = np.min([np.abs(z - x) for x in law.corners], axis=0) > 0.05
    assert away.any()
    assert not away.all()
    np.testing.assert_array_equal(rounded.cost(z[away]), law.cost(z[away]))
    np.testing.assert_array_equal(rounded.slope(z[away]), law.slope(z[away]))


def test_slope_and_curvature_are_those_of_the_cost(law):
    rounded = Rounded(law, 0.05)
    for x in law.corners:
        z = x + 0.05 * np.array([-0.9, -0.31, 0.2, 0.77])
        np.testing.assert_allclose(rounded.slope(z), Noise.slope(rounded, z), rtol=1e-5, atol=1e-6)
        differences = (rounded.slope(z + 1e-6) - rounded.slope(z - 1e-6)) / 2e-6
        np.testing.assert_allclose(rounded.curvature(z), differences, rtol=1e-5, atol=1e-5)
        ends = x + 0.05 * np.array([-1.0, 1.0])
        inside = x + 0.05 * np.array([-1.0, 1.0]) * (1.0 - 1e-9)
        np.testing.assert_allclose(rounded.cost(inside), law.cost(ends), rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(rounded.slope(inside), law.slope(ends), rtol=1e-6, atol=1e-7)


def test_a_corner_costs_a_quarter_of_its_jump_times_the_width():
    law = FromScipy(stats.laplace())
    for width in (0.1, 1e-3):
        added = Rounded(law, width).cost(np.zeros(1)) - law.cost(np.zeros(1))
        assert added[0] == pytest.approx(width * 2.0 / 4.0, rel=1e-6)


def test_derivatives_of_shapes_do_not_reach_across_a_rounded_corner():
    assert Rounded(FromScipy(stats.triang), 1e-3).shape_step <= 1e-4
