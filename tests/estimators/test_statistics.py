"""What estimates of every law must show in numbers: maxima, no bias, coverage."""

import numpy as np
import pytest
from scipy import optimize

from sklearn_mle import MLERegressor
from sklearn_mle.noises.open_shapes import OpenShapes
from tests.estimators.statistical_laws import LAWS

slow = pytest.mark.slow


@pytest.mark.parametrize(("seeds", "starts"), [(1, 2), pytest.param(5, 20, marks=slow)])
@pytest.mark.parametrize("name", LAWS)
def test_no_general_optimiser_finds_more(name, seeds, starts):
    law = LAWS[name]
    shapes = OpenShapes.of(law.noise)

    def cost(theta):
        z = (y - X @ theta[:5] - theta[5]) / np.exp(theta[6])
        value = float(shapes.filled(theta[7:]).cost(z).sum() + y.size * theta[6])
        return value if np.isfinite(value) else 1e300

    for seed in range(seeds):
        X, y, *_ = law.sample(500, 5, seed)
        fit = MLERegressor(law.noise).fit(X, y)
        rng = np.random.default_rng(seed + 100)
        begins = rng.normal(size=(starts, 7 + shapes.size))
        with np.errstate(all="ignore"):
            best = min(optimize.minimize(cost, begin, method="BFGS").fun for begin in begins)
        assert -fit.log_likelihood_ <= best + 1e-8 * abs(best), seed
        assert fit.optimality_gap_ <= 1e-8


QUICK = [name for name in LAWS if name not in ("skewnorm", "genlogistic", "gennorm", "gumbel_l")]


@pytest.mark.parametrize(
    ("name", "samples", "n"),
    [
        *((name, 30, 1000) for name in QUICK),
        *(pytest.param(name, 200, 10_000, marks=slow) for name in LAWS),
    ],
)
def test_estimates_have_no_bias(name, samples, n):
    """Within three standard errors of zero, for every parameter.

    Maximum likelihood has a bias of order (p + 2) / n, for scale and shapes. It is below a third of
    the standard error of the mean of 200 samples, which is about 1 / sqrt(200 n), if n is 10,000
    and p is 2. Scale and shapes are compared on the line, where their law is nearly normal.
    """
    law = LAWS[name]
    shapes, off = OpenShapes.of(law.noise), []
    for seed in range(samples):
        X, y, coef, intercept, scale = law.sample(n, 2, seed)
        fit = MLERegressor(law.noise).fit(X, y)
        turned = shapes.places_of(fit.noise_) - law.shapes
        level = fit.intercept_ - intercept
        off.append([*(fit.coef_ - coef), level, np.log(fit.scale_ / scale), *turned])
    off = np.array(off)
    error = off.std(axis=0, ddof=1) / np.sqrt(samples)
    assert np.all(np.abs(off.mean(axis=0)) <= 3.0 * error), off.mean(axis=0) / error


@pytest.mark.parametrize(
    ("n", "new"), [(10_000, 1000), pytest.param(100_000, 10_000, marks=slow)], ids=["small", "full"]
)
@pytest.mark.parametrize("name", LAWS)
def test_intervals_cover_new_rows(name, n, new):
    """Within three binomial standard errors; that of the estimates is a tenth of it in variance."""
    X, y, *_ = LAWS[name].sample(n + new, 3, 0)
    fit = MLERegressor(LAWS[name].noise).fit(X[:n], y[:n])
    low, high = fit.predict_interval(X[n:], coverage=0.9).T
    covered = np.mean((low <= y[n:]) & (y[n:] <= high))
    assert abs(covered - 0.9) <= 3.0 * np.sqrt(0.9 * 0.1 / new)
