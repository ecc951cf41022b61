"""Profile likelihood intervals against closed forms and general optimisers."""

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.base import clone

from sklearn_mle import MLEClassifier, MLERegressor, infer
from sklearn_mle.inference.profile import _end, _Held
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises import AsymmetricLaplace, Gaussian, Laplace, StudentT
from tests.inference.laws import LogisticLaw, StudentLaw, fitted, log_likelihood, sample

RISE = stats.chi2.ppf(0.95, 1)


@pytest.mark.parametrize("n", [20, 400])
def test_gaussian_profiles_have_their_closed_form(n):
    X, y = sample(Gaussian(), n, 1)
    model = MLERegressor().fit(X, y)
    wald, profile = infer(model, X, y), infer(model, X, y, ci="profile")
    # W log(1 + t^2 / (W - p)) = chi2
    t = np.sqrt((n - 3) * np.expm1(RISE / n))
    half = t * wald.table["std_error"][:3]
    np.testing.assert_allclose(
        profile.table["upper"][:3] - wald.table["estimate"][:3], half, rtol=1e-6
    )
    np.testing.assert_allclose(
        wald.table["estimate"][:3] - profile.table["lower"][:3], half, rtol=1e-6
    )
    ratio = half / (wald.table["upper"][:3] - wald.table["estimate"][:3])
    np.testing.assert_allclose(ratio, 1.0, atol=3.0 / n)
    for end in profile.conf_int()[3]:
        s = end / model.scale_
        assert 2 * n * (np.log(s) + 0.5 / s**2 - 0.5) == pytest.approx(RISE, rel=1e-6)


@pytest.mark.parametrize("law", [LogisticLaw(), StudentLaw(3.0)])
def test_the_likelihood_of_smooth_laws_has_fallen_by_the_quantile_at_both_ends(law):
    X, y = sample(law, 60, 2)
    model = fitted(law, X, y)
    found = infer(model, X, y, ci="profile")
    best = np.array([*model.coef_, model.intercept_, np.log(model.scale_)])
    w, unit = np.ones(60), np.array([*(1.0 / X.std(axis=0)), 1.0, 1.0])
    for k in (0, 2, 3):
        for end in found.conf_int()[k]:
            held = np.log(end) if k == 3 else end

            def cost(free, k=k, held=held):
                at = best + np.insert(free, k, 0.0) * unit
                at[k] = held
                return -log_likelihood(law, X, y, w, at)

            least = optimize.minimize(cost, np.zeros(3), method="BFGS", options={"gtol": 1e-6}).fun
            assert 2 * (least + model.log_likelihood_) == pytest.approx(RISE, rel=1e-5)


@pytest.mark.parametrize("seed", [5, 7])
def test_cusps_of_a_law_do_not_stop_a_profile(seed, monkeypatch):
    """Fits with the exponent held say how far the likelihood has fallen at both ends.

    The lower is near one, where rows come to rest at the cusp.
    """
    passes = []
    for name in ("value", "derivatives"):
        asked = getattr(Valley, name)

        def counted(self, theta, asked=asked, **how):
            passes.append(theta)
            return asked(self, theta, **how)

        monkeypatch.setattr(Valley, name, counted)
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(300, 2))
    y = X @ [1.0, 2.0] + stats.gennorm(1.4).rvs(size=300, random_state=seed + 1)
    model = MLERegressor(stats.gennorm).fit(X, y)
    for end in infer(model, X, y, ci="profile").conf_int()[-1]:
        held = MLERegressor(stats.gennorm(end)).fit(X, y)
        fallen = 2.0 * (model.log_likelihood_ - held.log_likelihood_)
        assert fallen == pytest.approx(RISE, rel=1e-4)
    assert len(passes) < 2000  # Newton's steps alone take 35,000


def test_classes_are_profiled_with_the_coefficient_held():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(50, 2)) * [1.0, 100.0] + 7.0
    y = X[:, 0] - 7.0 + rng.logistic(size=50) > 0
    model = MLEClassifier().fit(X, y)
    found = infer(model, X, y, ci="profile")
    for end in found.conf_int()[0]:

        def cost(free, end=end):
            eta = (X[:, 0] - 7.0) * end + free[0] + free[1] * X[:, 1] / 100.0
            return np.logaddexp(0.0, np.where(y, -eta, eta)).sum()

        least = optimize.minimize(cost, np.zeros(2), method="BFGS", options={"gtol": 1e-8}).fun
        assert 2 * (least + model.log_likelihood_) == pytest.approx(RISE, rel=1e-6)
    # a logit's profile is longer on the side where the likelihood levels off
    low, high = found.conf_int()[0]
    assert high - model.coef_[0, 0] > model.coef_[0, 0] - low


def test_contrasts_of_many_classes_are_profiled():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(90, 1))
    y = (X @ [[1.0, 0.0, -1.0]] + rng.gumbel(size=(90, 3))).argmax(axis=1)
    model = MLEClassifier().fit(X, y)
    found = infer(model, X, y, ci="profile", reference=0)
    wald = infer(model, X, y, reference=0)
    np.testing.assert_allclose(found.conf_int(), wald.conf_int(), atol=0.25)
    assert np.all(found.conf_int() != wald.conf_int())


def test_quantile_profiles_end_where_the_likelihood_has_fallen():
    X, y = sample(Laplace(), 80, 5)
    model = MLERegressor("laplace").fit(X, y)
    found = infer(model, X, y, ci="profile").conf_int()
    for end in found[0]:
        held = MLERegressor("laplace").fit(X[:, 1:], y - end * X[:, 0])
        fall = 2 * (model.log_likelihood_ - held.log_likelihood_)
        assert fall == pytest.approx(RISE, rel=1e-6)
    for end in found[3]:
        s = end / model.scale_
        assert 2 * 80 * (np.log(s) + 1 / s - 1) == pytest.approx(RISE, rel=1e-6)


def test_an_end_that_the_data_do_not_bound_is_infinite():
    X, y = sample(StudentLaw(8.0), 120, 6)
    model = fitted(StudentLaw(), X, y)
    low, high = infer(model, X, y, ci="profile").conf_int()[-1]
    at_infinity = 2 * (model.log_likelihood_ - MLERegressor().fit(X, y).log_likelihood_)
    assert low < model.noise_.df < high
    assert np.isinf(high) == (at_infinity < RISE)


def test_an_open_quantile_at_its_end_is_that_of_the_fit():
    """Errors of one sign alone: the quantile runs to the end of what is searched."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 2))
    y = X[:, 0] - rng.exponential(size=60)
    model = MLERegressor(AsymmetricLaplace(quantile=None)).fit(X, y)
    assert model.noise_.quantile > 1.0 - 1e-6
    assert infer(model, X, y).table["estimate"][-1] == model.noise_.quantile


def test_an_open_quantile_is_fitted_again_wherever_something_else_is_held():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(60, 1)) + 1.0
    y = X[:, 0] + AsymmetricLaplace(0.3).distribution().rvs(60, random_state=rng)
    model = MLERegressor(AsymmetricLaplace(None), fit_intercept=False).fit(X, y)
    ends = infer(model, X, y, ci="profile").conf_int()

    def rise(likelihood):
        return 2.0 * (model.log_likelihood_ - likelihood)

    quantiles = np.linspace(0.02, 0.98, 481)
    noises = [AsymmetricLaplace(q) for q in quantiles]
    for end in ends[0]:
        scales = [noise.scale_of(y - end * X[:, 0]) for noise in noises]
        costs = np.log(scales) - np.log(quantiles * (1.0 - quantiles)) + 1.0
        assert rise(-60 * costs.min()) == pytest.approx(RISE, abs=2e-3)
    fits = [clone(model).set_params(noise=noise).fit(X, y) for noise in noises]
    losses = np.array([fit.scale_ for fit in fits])
    for end in ends[1]:
        costs = np.log(end) - np.log(quantiles * (1.0 - quantiles)) + losses / end
        assert rise(-60 * costs.min()) == pytest.approx(RISE, abs=2e-3)
    for end in ends[2]:
        held = clone(model).set_params(noise__quantile=end).fit(X, y)
        assert rise(held.log_likelihood_) == pytest.approx(RISE, abs=1e-6)


def test_a_shape_at_the_end_of_its_range_has_the_end_of_its_interval_that_is_inside():
    """Residuals that are rather short tailed: Student t is a normal law in the limit."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = X @ [1.0, -0.5] + rng.uniform(-1.0, 1.0, size=200)
    model = MLERegressor("student_t").fit(X, y)
    wald, profile = infer(model, X, y), infer(model, X, y, ci="profile")
    assert np.isnan(wald.std_error[4])
    np.testing.assert_array_equal(wald.conf_int()[3:], profile.conf_int()[3:])
    assert np.isnan(infer(model, X, y, cov="HC3").conf_int()[4]).all()
    assert "end of its range" in " ".join(wald.notes)
    low, high = profile.conf_int()[4]
    assert high == np.inf
    held = clone(model).set_params(noise=StudentT(df=low)).fit(X, y)
    assert 2.0 * (model.log_likelihood_ - held.log_likelihood_) == pytest.approx(RISE, rel=1e-4)


def test_intervals_of_open_shapes_are_profiled_where_the_law_is_believed():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 2))
    y = X @ [1.0, -0.5] + rng.standard_t(10, size=300)
    model = MLERegressor("student_t").fit(X, y)
    wald, profile = infer(model, X, y), infer(model, X, y, ci="profile")
    np.testing.assert_array_equal(wald.conf_int()[3:], profile.conf_int()[3:])
    assert not np.array_equal(wald.conf_int()[:3], profile.conf_int()[:3])
    assert "scale, shapes: profile" in str(wald) and "scale, shapes" not in str(profile)
    robust = infer(model, X, y, cov="HC3").conf_int()[3]
    assert np.sqrt(np.prod(robust)) == pytest.approx(model.scale_, rel=1e-12)


def test_a_shape_that_runs_to_its_end_on_the_way_does_not_hold_up_a_profile(monkeypatch):
    """Where a slope is held far from its estimate, the law that fits best is a normal one."""
    from sklearn_mle.inference.valley import Valley

    rng = np.random.default_rng([0, 7])
    n = int(rng.integers(25, 90))
    X = rng.normal(size=(n, 2))
    y = X @ [1.0, -0.5] + 2.0 + 1.5 * rng.standard_t(4, size=n)
    model = MLERegressor("student_t").fit(X, y)
    found = infer(model, X, y, ci="profile")
    passes = []
    for name in ("value", "derivatives"):
        plain = getattr(Valley, name)
        monkeypatch.setattr(
            Valley,
            name,
            lambda self, theta, plain=plain, **how: passes.append(1) or plain(self, theta, **how),
        )
    for end in found.conf_int()[0]:
        held = MLERegressor("student_t").fit(X[:, 1:], y - end * X[:, 0])
        rise = 2.0 * (model.log_likelihood_ - held.log_likelihood_)
        assert rise == pytest.approx(RISE, rel=1e-6)
    assert len(passes) < 500


@pytest.mark.parametrize("unit", [1e-8, 1.0, 1e8])
def test_profiles_do_not_depend_on_units(unit):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(80, 2))
    y = X @ [1.0, -0.5] + rng.standard_t(4, size=80)
    ends = [
        infer(MLERegressor("student_t").fit(X, y * u), X, y * u, ci="profile").conf_int()
        for u in (1.0, unit)
    ]
    np.testing.assert_allclose(ends[1][:4] / unit, ends[0][:4], rtol=1e-5)
    np.testing.assert_allclose(ends[1][4], ends[0][4], rtol=1e-4)


def test_what_a_step_promises_counts_only_where_it_is_small(monkeypatch):
    X, y = sample(StudentLaw(4.0), 60, 2)
    estimates = infer(fitted(StudentLaw(3.0), X, y), X, y)
    valley, function = estimates._valley, estimates._functions(np.eye(4)[[0]])[0]
    moves = [t * estimates.std_error[0] for t in (-8.0, -3.0, 3.0, 8.0)]
    least = [_Held(valley, function).cost(move) for move in moves]
    monkeypatch.setattr("sklearn_mle.inference.profile.PASSES", 1)
    early = [_Held(valley, function).cost(move) for move in moves]
    assert np.all(np.array(early) >= np.array(least) - 1e-6)
    assert max(early) > max(least)


def test_a_profile_that_meets_a_better_fit_has_no_end_there():
    def double_valley(move):
        return 0.5 * move**2 if move < 1.5 else -3.0

    assert _end(double_valley, 0.0, -1.0, 1.96) == pytest.approx(-1.96, rel=1e-6)
    assert np.isnan(_end(double_valley, 0.0, 1.0, 1.96))
    assert _end(lambda move: min(move**2, 1.0), 0.0, 1.0, 1.96) == np.inf
    assert _end(lambda move: np.nan if move > 1 else move**2, 0.0, 1.0, 1.96) == np.inf


def test_extras_that_are_known_well_need_no_profile():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(3000, 1))
    y = X[:, 0] + rng.standard_t(4, size=3000)
    model = MLERegressor("student_t").fit(X, y)
    wald, profile = infer(model, X, y), infer(model, X, y, ci="profile")
    assert "profile" not in str(wald)
    half = np.diff(np.log(profile.conf_int()[2:])) / 2.0
    differences = np.log(wald.conf_int()[2:]) - np.log(profile.conf_int()[2:])
    assert np.abs(differences / half).max() < 0.06
