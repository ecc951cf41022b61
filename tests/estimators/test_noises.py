"""Every noise, from fit to predictive distribution."""

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.base import clone
from sklearn.linear_model import QuantileRegressor
from sklearn.model_selection import GridSearchCV

from sklearn_mle import MLERegressor, compare, log_likelihood_scorer
from sklearn_mle.noises import (
    AsymmetricLaplace,
    FromScipy,
    Gaussian,
    Gumbel,
    Huber,
    Laplace,
    StudentT,
)
from sklearn_mle.noises.catalogue import CATALOGUE, find_noise
from sklearn_mle.noises.noise import Fact, Noise

LAWS = {
    "norm": (stats.norm, ()),
    "laplace": (stats.laplace, ()),
    "logistic": (stats.logistic, ()),
    "gumbel_r": (stats.gumbel_r, ()),
    "gumbel_l": (stats.gumbel_l, ()),
    "t": (stats.t, (4.0,)),
    "cauchy": (stats.cauchy, ()),
    "skewnorm": (stats.skewnorm, (3.0,)),
    "gennorm": (stats.gennorm, (1.4,)),
    "genlogistic": (stats.genlogistic, (0.6,)),
    "laplace_asymmetric": (stats.laplace_asymmetric, (1.5,)),
}


@pytest.mark.parametrize(
    "seeds", [range(2), pytest.param(range(2, 10), marks=pytest.mark.slow)], ids=["two", "ten"]
)
@pytest.mark.parametrize("name", LAWS)
def test_fits_of_an_intercept_are_not_below_those_of_scipy(name, seeds):
    law, shapes = LAWS[name]
    for seed in seeds:
        y = law.rvs(*shapes, size=300, loc=3.0, scale=2.0, random_state=seed)
        model = MLERegressor(noise=law).fit(np.zeros((300, 1)), y)
        theirs = law.logpdf(y, *law.fit(y)).sum()
        assert model.log_likelihood_ >= theirs - 1e-8 * abs(theirs), seed


def regression(law, n=500, p=5, seed=0):
    rng = np.random.default_rng(seed)
    X, beta = rng.normal(size=(n, p)), rng.normal(size=p)
    return X, X @ beta + 1.0 + 2.0 * law.rvs(size=n, random_state=seed + 100), beta


SMOOTH = ["student_t", "logistic", "gumbel", "huber", Huber(delta=0.7), StudentT(df=2)]


@pytest.mark.parametrize("noise", SMOOTH, ids=str)
def test_the_fit_is_a_maximum_that_random_starts_do_not_beat(noise):
    X, y, _ = regression(stats.t(df=3))
    model = MLERegressor(noise=noise).fit(X, y)
    law = model.noise_

    def cost(theta):
        z = (y - X @ theta[:5] - theta[5]) / np.exp(theta[6])
        return float(law.cost(z).sum() + y.size * theta[6])

    rng = np.random.default_rng(1)
    best = min(optimize.minimize(cost, rng.normal(size=7), method="BFGS").fun for _ in range(6))
    assert -model.log_likelihood_ <= best + 1e-8 * abs(best)
    assert model.optimality_gap_ <= 1e-8


OF_SCIPY = {
    "a kink in the curvature": (stats.gennorm(1.5), stats.gennorm(1.5)),
    "an open exponent": (stats.gennorm(1.5), stats.gennorm),
    "Student t by differences": (stats.t(3.0), FromScipy(stats.t)),
    "Cauchy by differences": (stats.cauchy(), FromScipy(stats.cauchy)),
    "two open shapes": (stats.johnsonsu(1.0, 1.5), stats.johnsonsu),
    "skewness near zero": (stats.norm(), stats.skewnorm),
    "loc and scale of its own": (
        stats.genlogistic(0.5),
        stats.genlogistic(0.5, loc=9.0, scale=7.0),
    ),
    "an end": (stats.gamma(4.0), stats.gamma),
}


@pytest.mark.parametrize("kind", OF_SCIPY)
def test_fits_of_scipys_laws_are_maxima_that_other_starts_do_not_beat(kind):
    truth, law = OF_SCIPY[kind]
    X, y, _ = regression(truth)
    model = MLERegressor(noise=law).fit(X, y)
    assert model.optimality_gap_ <= 1e-8
    open_shapes = find_noise(law).shapes
    values = model.noise_.shape_values([shape.name for shape in open_shapes])
    found = np.array([*model.coef_, model.intercept_, np.log(model.scale_), *values])
    plain = getattr(law, "law", law)
    held = () if open_shapes else tuple(model.noise_.shape_values(model.noise_._names))
    plain = getattr(plain, "dist", plain)

    def cost(theta):
        with np.errstate(all="ignore"):
            z = (y - X @ theta[:5] - theta[5]) / np.exp(theta[6])
            price = -plain.logpdf(z, *(held or theta[7:])).sum() + y.size * theta[6]
        return float(price) if np.isfinite(price) else 1e9

    assert cost(found) == pytest.approx(-model.log_likelihood_, rel=1e-12)
    rng = np.random.default_rng(2)
    for _ in range(2):
        begin = found + 0.1 * rng.normal(size=found.size)
        with np.errstate(all="ignore"):
            other = optimize.minimize(cost, begin, method="BFGS").fun
        assert -model.log_likelihood_ <= other + 1e-8 * abs(other)


def called(noise):
    return getattr(getattr(noise, "dist", noise), "name", str(noise))


@pytest.mark.parametrize("noise", [*CATALOGUE, stats.gumbel_l, stats.skewnorm(2.0)], ids=called)
def test_weights_are_repeats_and_units_do_not_matter(noise):
    X, y, _ = regression(stats.logistic, n=120, p=2)
    w = np.random.default_rng(0).integers(0, 3, size=120)
    model = MLERegressor(noise=noise)
    weighted = clone(model).fit(X, y, sample_weight=w)
    repeated = clone(model).fit(np.repeat(X, w, axis=0), np.repeat(y, w))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-5)
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-9)
    moved = clone(model).fit(X * [1e6, 1e-6], 1e4 * y + 7e4, sample_weight=w)
    np.testing.assert_allclose(moved.coef_ * [1e6, 1e-6], 1e4 * weighted.coef_, rtol=1e-5)
    assert moved.scale_ == pytest.approx(1e4 * weighted.scale_, rel=1e-5)


def test_student_t_meets_the_gaussian():
    X, y, _ = regression(stats.norm, n=400)
    gaussian = MLERegressor().fit(X, y)
    free = MLERegressor(noise="student_t").fit(X, y)
    assert free.log_likelihood_ >= gaussian.log_likelihood_ - 1e-3
    held = MLERegressor(noise=StudentT(df=1e8)).fit(X, y)
    assert held.log_likelihood_ == pytest.approx(gaussian.log_likelihood_, rel=1e-8)
    np.testing.assert_allclose(held.coef_, gaussian.coef_, rtol=1e-6)


@pytest.mark.parametrize("seed", [3, *(pytest.param(s, marks=pytest.mark.slow) for s in range(20))])
@pytest.mark.parametrize("q", [0.1, 0.5, 0.8])
def test_asymmetric_laplace_is_the_pinball_loss(q, seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 4, size=(300, 3)).astype(float)
    y = np.round(X @ [1.0, 2.0, -1.0] + 2.0 * rng.standard_normal(300))
    w = rng.integers(0, 3, size=300).astype(float)
    ours = MLERegressor(noise=AsymmetricLaplace(quantile=q)).fit(X, y, sample_weight=w)
    theirs = QuantileRegressor(alpha=0.0, quantile=q).fit(X, y, sample_weight=w)

    def loss(model):
        r = y - model.predict(X)
        return float(w @ (r * (q - (r < 0.0))))

    assert loss(ours) <= loss(theirs) * (1.0 + 1e-9)
    assert ours.scale_ == pytest.approx(loss(ours) / w.sum())


@pytest.mark.parametrize("name", [*CATALOGUE])
def test_predictive_distributions_and_their_quantiles(name):
    X, y, _ = regression(stats.norm, n=200)
    model = MLERegressor(noise=name).fit(X, y)
    law = model.predict_dist(X[:7])
    np.testing.assert_allclose(law.logpdf(y[:7]), model.log_prob(X[:7], y[:7]), rtol=1e-9)
    np.testing.assert_allclose(model.predict_quantile(X[:7], 0.3), law.ppf(0.3), rtol=1e-9)
    several = model.predict_quantile(X[:7], [0.1, 0.9])
    np.testing.assert_allclose(several, model.predict_interval(X[:7], coverage=0.8), rtol=1e-13)
    assert several.shape == (7, 2)
    np.testing.assert_allclose(law.cdf(several[:, 0]), 0.1, rtol=1e-8)
    with pytest.raises(ValueError, match=r"between 0 and 1.*got 1.5.*such as 0.9"):
        model.predict_interval(X, coverage=1.5)


@pytest.mark.parametrize("name", ["gaussian", "laplace", "student_t", "logistic", "gumbel"])
def test_intervals_cover_new_rows(name):
    law = CATALOGUE[name]().distribution()
    X, y, beta = regression(law, n=3000)
    model = MLERegressor(noise=name).fit(X, y)
    rng = np.random.default_rng(9)
    new = rng.normal(size=(4000, 5))
    seen = new @ beta + 1.0 + 2.0 * law.rvs(size=4000, random_state=10)
    low, high = model.predict_interval(new, coverage=0.9).T
    assert np.mean((low <= seen) & (seen <= high)) == pytest.approx(0.9, abs=0.025)


def test_a_grid_search_chooses_the_noise_and_its_parameters():
    X, y, _ = regression(stats.t(df=2), n=400)
    grid = {"noise": ["gaussian", "laplace", "student_t"]}
    search = GridSearchCV(MLERegressor(), grid, scoring=log_likelihood_scorer).fit(X, y)
    assert search.best_params_["noise"] == "student_t"
    grid = {"noise__df": [2.0, 50.0]}
    search = GridSearchCV(MLERegressor(noise=StudentT()), grid, scoring=log_likelihood_scorer)
    assert search.fit(X, y).best_params_["noise__df"] == 2.0


@pytest.mark.parametrize(
    ("seeds", "least"), [(4, 3), pytest.param(50, 45, marks=pytest.mark.slow)], ids=["few", "all"]
)
@pytest.mark.parametrize(
    ("law", "found"),
    [
        (stats.norm, {"Gaussian()"}),
        (stats.laplace, {"Laplace()"}),
        (stats.gumbel_r, {"Gumbel()"}),
        (stats.t(df=3), {"StudentT(df=3.0)", "StudentT()"}),
    ],
    ids=["gaussian", "laplace", "gumbel", "student_t"],
)
def test_compare_finds_the_law(law, found, seeds, least):
    """Student t with its degrees of freedom given or open is the law that generated either way."""
    candidates = [Gaussian(), Laplace(), StudentT(df=3.0), StudentT(), Gumbel()]
    hits = 0
    for seed in range(seeds):
        X, y, _ = regression(law, n=2000, seed=seed)
        hits += compare(candidates, X, y).best_ in found
    assert hits >= least


class HyperbolicSecant(Noise):
    """A law of one file: density ``1 / (2 cosh(pi z / 2))``."""

    facts = Fact.SMOOTH | Fact.LOG_CONCAVE
    loss_name = "log-cosh"
    estimates = "mean"

    def cost(self, z):
        size = 0.5 * np.pi * np.abs(z)
        return size + np.log1p(np.exp(-2.0 * size))

    def distribution(self, loc=0.0, scale=1.0):
        return stats.hypsecant(loc=loc, scale=np.asarray(scale) * 2.0 / np.pi)


def test_a_new_noise_is_one_small_class():
    X, y, _ = regression(stats.hypsecant, n=400)
    model = MLERegressor(noise=HyperbolicSecant()).fit(X, y)
    theirs = MLERegressor(noise=stats.hypsecant).fit(X, y)
    assert model.log_likelihood_ == pytest.approx(theirs.log_likelihood_, rel=1e-9)
    np.testing.assert_allclose(model.coef_, theirs.coef_, rtol=1e-6)


def test_a_law_with_an_end_is_refused_with_the_reason():
    with pytest.raises(
        ValueError, match=r"in its interior.*got FromScipy.expon.*Use a law with two"
    ):
        MLERegressor(noise=stats.expon).fit(np.zeros((9, 1)), np.arange(9.0))


@pytest.mark.parametrize(
    "noise", [StudentT(df=-1), AsymmetricLaplace(quantile=1.0), Huber(delta=0.0)], ids=str
)
def test_parameters_that_make_no_law_are_named(noise):
    with pytest.raises(ValueError, match=r"must be.*got.*Use"):
        MLERegressor(noise=noise).fit(np.zeros((9, 1)), np.arange(9.0))


def test_a_frozen_law_keeps_its_shapes_and_an_open_one_is_estimated():
    X, y, _ = regression(stats.genlogistic(0.5), n=800)
    held = MLERegressor(noise=stats.genlogistic(0.5)).fit(X, y)
    free = MLERegressor(noise=FromScipy(stats.genlogistic)).fit(X, y)
    assert free.log_likelihood_ >= held.log_likelihood_ - 1e-9
    assert 0.35 < free.noise_.shape_values(["c"])[0] < 0.7


@pytest.mark.parametrize(
    "law",
    [stats.gamma(4.0), stats.weibull_min(3.0), stats.beta(3.0, 4.0), stats.lognorm(0.5)],
    ids=lambda law: law.dist.name,
)
def test_a_law_with_ends_is_fitted_where_it_has_a_maximum_inside(law):
    rng = np.random.default_rng(11)
    X = rng.normal(size=(300, 2))
    y = X @ [1.0, -2.0] + 3.0 + 2.0 * law.rvs(size=300, random_state=rng)
    model = MLERegressor(law).fit(X, y)
    assert model.optimality_gap_ <= 1e-12
    np.testing.assert_allclose(model.coef_, [1.0, -2.0], atol=0.5)
    noise = model.predict_dist(X)
    assert noise.logpdf(y).sum() == pytest.approx(model.log_likelihood_, rel=1e-12)
    for step in 1e-3 * rng.normal(size=(20, 3)):
        moved = y - X @ (model.coef_ + step[:2]) - model.intercept_ - step[2]
        here = law.logpdf(moved / model.scale_).sum() - 300 * np.log(model.scale_)
        assert here <= model.log_likelihood_


@pytest.mark.parametrize("law", [stats.gamma, stats.beta(3.0, 4.0)], ids=called)
def test_a_law_with_ends_finds_a_place_without_an_intercept(law):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(200, 3))
    drawn = getattr(law, "dist", law).rvs(*getattr(law, "args", (4.0,)), size=200, random_state=rng)
    model = MLERegressor(law, fit_intercept=False).fit(X, X @ [1.0, -2.0, 0.5] + 2.0 * drawn)
    assert model.optimality_gap_ <= 1e-12
    y = -np.abs(X[:, 0])
    with pytest.raises(ValueError, match=r"no place for all rows.*With fit_intercept=True"):
        MLERegressor(law, fit_intercept=False).fit(np.ones((200, 1)) * [[0.0]] + 0.0 * X[:, :1], y)


@pytest.mark.parametrize("law", [stats.gamma, stats.lognorm], ids=lambda law: law.name)
def test_shapes_of_a_law_with_ends_are_at_least_as_likely_as_those_of_scipy(law):
    y = law(4.0 if law is stats.gamma else 0.5, loc=3.0, scale=2.0).rvs(size=400, random_state=3)
    model = MLERegressor(law).fit(np.zeros((400, 1)), y)
    theirs = law.logpdf(y, *law.fit(y)).sum()
    assert model.log_likelihood_ >= theirs - 1e-8 * abs(theirs)


def test_a_refused_noise_leaves_an_earlier_fit_alone():
    X, y = np.arange(9.0)[:, None], np.random.default_rng(0).normal(size=9)
    model = MLERegressor().fit(X, y)
    with pytest.raises(ValueError, match="maximum in its interior"):
        model.set_params(noise=stats.uniform).fit(X, y)
    assert model.predict(X).shape == (9,)
