"""The contract of a noise, held by everything in the catalogue."""

import importlib
import pickle
import pkgutil
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, optimize
from sklearn.base import clone

import sklearn_mle.noises
from sklearn_mle.noises.catalogue import CATALOGUE
from sklearn_mle.noises.from_scipy import FromScipy
from sklearn_mle.noises.noise import Fact, Noise

GRID = np.concatenate([-np.geomspace(20, 1e-3, 40), np.geomspace(1e-3, 20, 40)])


@pytest.fixture(params=CATALOGUE, ids=str)
def noise(request):
    return CATALOGUE[request.param]()


def missing_from_catalogue(classes):
    """Concrete noises that no name leads to."""
    return [cls for cls in classes if cls not in CATALOGUE.values()]


def noises_in_files():
    """Every concrete noise defined in a file of the folder."""
    folder = sklearn_mle.noises
    for module in pkgutil.iter_modules(folder.__path__, folder.__name__ + "."):
        for thing in vars(importlib.import_module(module.name)).values():
            own = isinstance(thing, type) and thing.__module__ == module.name
            if own and issubclass(thing, Noise) and thing not in (Noise, FromScipy):
                yield thing


def test_every_noise_has_a_line_in_the_catalogue_and_a_public_name():
    classes = list(noises_in_files())
    assert classes
    assert missing_from_catalogue(classes) == []
    assert {cls.__name__ for cls in classes} <= set(sklearn_mle.noises.__all__)


def test_a_noise_without_a_line_is_found():
    class Planted(Noise):
        pass

    assert missing_from_catalogue([*noises_in_files(), Planted]) == [Planted]


def test_mass_is_one(noise):
    def density(z):
        return np.exp(-noise.cost(np.array([z]))[0])

    edges = [-np.inf, *np.linspace(-6.0, 6.0, 49), np.inf]
    sides = list(pairwise(edges))
    mass = sum(integrate.quad(density, *side, epsabs=1e-12)[0] for side in sides)
    assert mass == pytest.approx(1.0, abs=1e-9)


def test_cost_is_minus_the_log_density(noise):
    np.testing.assert_allclose(noise.cost(GRID), -noise.distribution().logpdf(GRID), rtol=1e-13)


def test_location_and_scale_are_those_of_the_distribution(noise):
    law = noise.distribution(loc=[3.0, -1.0], scale=[0.5, 20.0])
    y = np.array([2.0, 4.0])
    z = (y - [3.0, -1.0]) / [0.5, 20.0]
    np.testing.assert_allclose(law.logpdf(y), -noise.cost(z) - np.log([0.5, 20.0]), rtol=1e-12)


def test_slope_and_curvature_agree_with_differences(noise):
    np.testing.assert_allclose(noise.slope(GRID), Noise.slope(noise, GRID), rtol=1e-6, atol=1e-8)
    away = GRID[np.abs(GRID) > 0.1]
    np.testing.assert_allclose(
        noise.curvature(away), Noise.curvature(noise, away), rtol=1e-5, atol=1e-6
    )


def test_loss_agrees_with_its_default(noise):
    np.testing.assert_allclose(noise.loss(GRID), Noise.loss(noise, GRID), rtol=1e-9, atol=1e-14)
    assert noise.loss(np.zeros(1))[0] == 0.0


def test_facts_are_true(noise):
    t = np.array([0.1, 3.0, 100.0])[:, None]
    if noise.degree is not None:
        expected = t**noise.degree * noise.loss(GRID)
        np.testing.assert_allclose(noise.loss(t * GRID), expected, rtol=1e-12)
    if Fact.PIECEWISE_LINEAR in noise.facts:
        assert np.all(noise.curvature(GRID) == 0.0)
    if Fact.LOG_CONCAVE in noise.facts:
        middle = noise.cost((GRID[:-2] + GRID[2:]) / 2.0)
        assert np.all(middle <= (noise.cost(GRID[:-2]) + noise.cost(GRID[2:])) / 2.0 + 1e-12)
    if Fact.SMOOTH in noise.facts:
        near = np.array([-1e-6, 1e-6])
        assert np.ptp(noise.slope(near)) < 1e-5
        assert np.ptp(noise.curvature(near)) < 1e-5


def test_quantiles_invert(noise):
    q = np.array([1e-6, 0.1, 0.5, 0.9, 1 - 1e-6])
    law = noise.distribution(loc=-2.0, scale=3.0)
    np.testing.assert_allclose(law.cdf(law.ppf(q)), q, rtol=1e-9)


def test_refitting_its_own_samples_finds_the_scale(noise):
    if noise.degree is None:
        pytest.skip("the scale has no closed form; it is fitted with the coefficients")
    z = noise.distribution(scale=7.0).rvs(size=40_000, random_state=0)
    assert noise.scale_of(z) == pytest.approx(7.0, rel=0.02)


def test_closed_form_scale_is_the_maximum_likelihood_scale(noise):
    if noise.degree is None:
        pytest.skip("the scale has no closed form; it is fitted with the coefficients")
    rng = np.random.default_rng(1)
    r, w = rng.normal(size=50), rng.integers(0, 4, size=50)

    def total_cost(log_scale):
        return w @ (noise.cost(r / np.exp(log_scale)) + log_scale)

    best = optimize.minimize_scalar(total_cost, bounds=(-3, 3), method="bounded")
    assert np.log(noise.scale_of(r, w)) == pytest.approx(best.x, abs=1e-5)
    assert total_cost(np.log(noise.scale_of(r, w))) <= best.fun + 1e-12
    assert noise.scale_of(r, w) == pytest.approx(noise.scale_of(np.repeat(r, w)), rel=1e-14)


def test_a_noise_is_an_immutable_parameter(noise):
    z = GRID.copy()
    before = pickle.dumps(noise)
    for method in (noise.cost, noise.loss, noise.slope, noise.curvature):
        result = method(z)
        assert result.shape == z.shape
        assert not np.shares_memory(result, z)
    np.testing.assert_array_equal(z, GRID)
    assert pickle.dumps(noise) == before
    for copy in (clone(noise), pickle.loads(before), type(noise)(**noise.get_params())):
        assert repr(copy) == repr(noise)
        np.testing.assert_array_equal(copy.cost(z), noise.cost(z))


def test_extreme_residuals_give_numbers(noise):
    with np.errstate(all="raise", under="ignore"):
        for z in (0.0, 1e-300, -1e-300, 1e150, -1e150):
            for method in (noise.cost, noise.loss, noise.slope, noise.curvature):
                assert np.isfinite(method(np.array([z]))).all()


def test_docstring_shows_density_cost_slope_and_curvature_in_aligned_lines(noise):
    wanted = ("density", "cost", "slope", "curvature")
    lines = [
        s for line in type(noise).__doc__.splitlines() if (s := line.strip()).startswith(wanted)
    ]
    found = [line for line in lines if line.split()[0] in wanted]
    assert [line.split()[0] for line in found] == list(wanted)
    assert len({line.index(line.split(maxsplit=1)[1]) for line in found}) == 1


def test_the_loss_has_a_name_and_an_estimand(noise):
    assert noise.loss_name
    assert noise.estimates
