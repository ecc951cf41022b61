"""Derivatives in shapes that are left open."""

import numpy as np
import pytest
from scipy import stats

from sklearn_mle.noises import FromScipy, StudentT
from sklearn_mle.noises.noise import Noise
from sklearn_mle.noises.open_shapes import OpenShapes

Z = np.concatenate([-np.geomspace(1e3, 1e-3, 30), [0.0], np.geomspace(1e-3, 1e3, 30)])


@pytest.mark.parametrize("distance", [1.0, 1e-2, 1e-3, 1e-5])
def test_differences_stay_exact_however_near_a_row_is_to_an_end_that_moves(distance):
    """The generalised Pareto law ends at -1 / c, and the cost grows beside its end."""
    c = -0.4
    z = np.array([0.1, 1.0, -1.0 / c - distance])
    found = OpenShapes.of(FromScipy(stats.genpareto)).derivatives(np.array([c]), z)
    inner = 1.0 + c * z
    first = (1.0 + 1.0 / c) * z / inner - np.log(inner) / c**2
    bend = -(1.0 + 1.0 / c) * np.square(z / inner)
    bend += 2.0 * np.log(inner) / c**3 - 2.0 * z / inner / c**2
    np.testing.assert_allclose(found.cost[:, 0], first, rtol=1e-6, atol=1e-8)
    small = 1e-2 + 1e-12 * np.abs(bend).max()
    np.testing.assert_allclose(found.bend[:, 0, 0], bend, rtol=1e-3, atol=small)


@pytest.mark.parametrize("df", [0.3, 4.0, 150.0, 1e5])
def test_what_shares_a_logarithm_says_what_its_parts_say(df):
    noise, shapes = StudentT(df), OpenShapes.of(StudentT())
    u = shapes.places_of(noise)
    cost, slope, curvature, inside = shapes.with_derivatives(u, Z)
    np.testing.assert_allclose(cost, noise.cost(Z), rtol=1e-13)
    np.testing.assert_allclose(slope, noise.slope(Z), rtol=1e-13)
    np.testing.assert_allclose(curvature, noise.curvature(Z), rtol=1e-13)
    for part, other in zip(inside, shapes.derivatives(u, Z)):
        np.testing.assert_allclose(part, other, rtol=1e-13)
    for part, other in zip(shapes.with_slopes(u, Z), (cost, slope, inside.cost)):
        np.testing.assert_allclose(part, other, rtol=1e-13)


def test_shapes_that_are_held_have_no_derivatives():
    shapes, u = OpenShapes.of(StudentT(3.0)), np.empty(0)
    cost, slope, turned = shapes.with_slopes(u, Z)
    np.testing.assert_allclose(cost, StudentT(3.0).cost(Z), rtol=1e-13)
    np.testing.assert_allclose(slope, Noise.slope(StudentT(3.0), Z), rtol=1e-6, atol=1e-8)
    assert turned.shape == (Z.size, 0)
