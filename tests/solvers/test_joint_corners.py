"""Fits to laws with corners: proven where the cost is convex, and claimed nowhere else."""

import warnings

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.exceptions import ConvergenceWarning

from sklearn_mle import MLERegressor


def regression(law, n=200, p=2, seed=0):
    rng = np.random.default_rng(seed)
    X, coef = rng.normal(size=(n, p)), rng.normal(size=p)
    return X, X @ coef + 1.0 + 2.0 * law.rvs(size=n, random_state=rng)


def cost_of(law, X, y):
    def cost(theta):
        with np.errstate(all="ignore"):
            z = (y - X @ theta[:-2] - theta[-2]) / np.exp(theta[-1])
            value = -law.logpdf(z).sum() + y.size * theta[-1]
        return float(value) if np.isfinite(value) else 1e9

    return cost


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "law",
    [stats.triang(0.3), stats.trapezoid(0.2, 0.8), stats.trapezoid(0.3, 0.5)],
    ids=lambda law: law.dist.name,
)
def test_a_convex_cost_is_proven_least(law, seed):
    X, y = regression(law, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MLERegressor(law).fit(X, y)
    assert model.optimality_gap_ <= 1e-9
    cost = cost_of(law, X, y)
    found = np.array([*model.coef_, model.intercept_, np.log(model.scale_)])
    assert cost(found) == pytest.approx(-model.log_likelihood_, rel=1e-10)
    options = {"maxfev": 3000, "xatol": 1e-10, "fatol": 1e-12}
    begin = found + 1e-3 * np.random.default_rng(seed).normal(size=found.size)
    for _ in range(3):
        end = optimize.minimize(cost, begin, method="Nelder-Mead", options=options)
        begin = end.x
    bound = model.optimality_gap_ * max(1.0, abs(model.log_likelihood_))
    assert end.fun >= -model.log_likelihood_ - bound - 1e-9


def test_rows_rest_on_the_corner():
    """Some do, in most samples, and no more than there are parameters."""
    resting = []
    for seed in range(6):
        X, y = regression(stats.triang(0.3), n=300, p=3, seed=seed)
        model = MLERegressor(stats.triang(0.3)).fit(X, y)
        z = (y - model.predict(X)) / model.scale_
        resting.append(np.count_nonzero(np.abs(z - 0.3) < 1e-7))
    assert max(resting) >= 1
    assert max(resting) <= 5


def test_weights_are_repeats():
    X, y = regression(stats.triang(0.3), n=60)
    w = np.random.default_rng(1).integers(0, 3, size=60)
    weighted = MLERegressor(stats.triang(0.3)).fit(X, y, sample_weight=w)
    repeated = MLERegressor(stats.triang(0.3)).fit(np.repeat(X, w, axis=0), np.repeat(y, w))
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-9)
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-6)


@pytest.mark.slow
def test_a_moving_corner_is_where_no_other_row_is_better():
    """The corner of an intercept-only triangle rests on a row; every row is tried."""
    y = np.sort(stats.triang(0.3).rvs(size=60, random_state=3))
    with pytest.warns(ConvergenceWarning, match="many local maxima.*nothing proves"):
        model = MLERegressor(stats.triang).fit(np.zeros((60, 1)), y)
    assert model.optimality_gap_ == np.inf

    def cost(t, mode):
        low, high = y[0] - np.exp(t[0]), y[-1] + np.exp(t[1])
        height = np.log(2.0 / (high - low))
        left, right = y[y < mode], y[y >= mode]
        logs = np.log((left - low) / (mode - low)).sum() if left.size else 0.0
        logs += np.log((high - right) / (high - mode)).sum()
        return -logs - y.size * height

    options = {"xatol": 1e-8, "fatol": 1e-10}
    tried = [
        optimize.minimize(cost, [-4.0, -4.0], (mode,), "Nelder-Mead", options=options).fun
        for mode in y[5:50]
    ]
    assert -model.log_likelihood_ <= min(tried) + 1e-6


@pytest.mark.parametrize(
    "law", [stats.dgamma(1.2), stats.dweibull(2.0)], ids=lambda law: law.dist.name
)
def test_a_zero_inside_is_not_claimed_to_be_proven(law):
    y = 3.0 + 2.0 * law.rvs(size=150, random_state=5)
    with pytest.warns(ConvergenceWarning, match="a zero inside, at 0"):
        model = MLERegressor(law).fit(np.zeros((150, 1)), y)
    assert model.optimality_gap_ == np.inf
    theirs = law.dist.fit(y, **{f"f{k}": v for k, v in enumerate(law.args)})
    best = max(law.dist.logpdf(y, *theirs).sum(), law.dist.logpdf(y, *law.args, 3.0, 2.0).sum())
    assert model.log_likelihood_ >= best - 1e-6


def test_a_law_whose_corner_no_row_comes_near_is_fitted_as_a_smooth_one():
    y = 3.0 + 2.0 * stats.gennorm(1.5).rvs(size=400, random_state=5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MLERegressor(stats.gennorm).fit(np.zeros((400, 1)), y)
    assert model.optimality_gap_ <= 1e-9
