"""Planes through so many rows that the likelihood of a heavy-tailed law has no bound."""

import warnings

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.exceptions import ConvergenceWarning

from sklearn_mle import MLERegressor, compare, infer
from sklearn_mle.noises import FromScipy, StudentT

HEAVY = [StudentT(), StudentT(2.9), FromScipy(stats.t), stats.t(1.0), stats.cauchy]


def three_quarters_on_a_plane(seed=0, n=80):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 5, size=(n, 2)).astype(float)
    y = 1.0 + X @ [2.0, -1.0]
    y[::4] += rng.normal(size=n // 4)
    return X, y


@pytest.mark.parametrize("noise", HEAVY, ids=lambda noise: getattr(noise, "name", "cauchy"))
def test_a_plane_of_more_weight_than_df_times_all_others_is_said_to_be_no_estimate(noise):
    X, y = three_quarters_on_a_plane()
    with pytest.warns(ConvergenceWarning, match="must have a bound.*75 % of the.*df above 3,"):
        model = MLERegressor(noise).fit(X, y)
    np.testing.assert_allclose([*model.coef_, model.intercept_], [2.0, -1.0, 1.0], rtol=1e-12)
    assert model.scale_ == 0.0
    assert model.optimality_gap_ == np.inf
    assert model.log_likelihood_ == model.log_likelihood(X, y) == -np.inf
    with pytest.raises(ValueError, match=r"positive scale.*no bound.*lighter tails"):
        model.predict_dist(X)
    assert np.isnan(infer(model, X, y).std_error).all()


@pytest.mark.parametrize("df", [3.3, 5.0, 50.0])
def test_with_lighter_tails_the_scale_is_that_of_a_maximum(df):
    X, y = three_quarters_on_a_plane()
    model = MLERegressor(StudentT(df)).fit(X, y)
    z = (y - model.predict(X)) / model.scale_
    assert model.scale_ > 0.0
    assert np.mean(model.noise_.slope(z) * z) == pytest.approx(1.0, rel=1e-9)


def test_weights_make_a_plane_as_repeats_do():
    X, y = three_quarters_on_a_plane()
    w = np.where(np.arange(y.size) % 4, 5.0, 2.0)
    with pytest.warns(ConvergenceWarning, match=r"88\.2 % of the weight.*df above 7\.5"):
        MLERegressor(StudentT(7.4)).fit(X, y, sample_weight=w)
    assert MLERegressor(StudentT(8.0)).fit(X, y, sample_weight=w).scale_ > 0.0


def test_many_rows_collapse_as_few_do():
    X, y = three_quarters_on_a_plane(n=20_000)
    with pytest.warns(ConvergenceWarning, match="75 % of the weight"):
        model = MLERegressor(StudentT()).fit(X, y)
    assert model.scale_ == 0.0


@pytest.mark.parametrize("levels", [60, 120])
def test_sparse_levels_of_few_rows_are_no_trap(levels):
    """A df near zero goes through most rows; with sixty levels there is a maximum besides."""
    rng = np.random.default_rng({60: 1, 120: 2}[levels])
    of_row = rng.integers(0, levels, size=300)
    X = sparse.csr_array((np.ones(300), (np.arange(300), of_row)), shape=(300, levels))
    y = rng.normal(size=levels)[of_row] + rng.standard_t(3, size=300)
    model = MLERegressor(StudentT(), solver="joint_cg")
    if levels == 60:
        assert model.fit(X, y).optimality_gap_ <= 1e-8
        dense = MLERegressor(StudentT()).fit(X.toarray(), y)
        assert model.log_likelihood_ == pytest.approx(dense.log_likelihood_, rel=1e-9)
    else:
        with pytest.warns(ConvergenceWarning, match="must have a bound"):
            assert model.fit(X, y).scale_ == 0.0


def test_a_maximum_of_positive_scale_is_preferred_to_a_plane():
    """Any three rows of sixty are a twentieth of the weight, on which a df below 1/19 collapses."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        X = rng.normal(size=(60, 2))
        model = MLERegressor(StudentT()).fit(X, X @ [1.0, 2.0] + rng.standard_t(3.0, size=60))
        assert model.scale_ > 0.1
        assert model.optimality_gap_ <= 1e-8


def tied(seed):
    """Rounded targets, whole-number features, repeated rows and whole-number weights."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(20, 300)), int(rng.integers(1, 4))
    X = rng.integers(0, 4, size=(n, p)).astype(float)
    noise = rng.choice([0.3, 1.0, 3.0]) * rng.standard_t(rng.choice([0.5, 1.0, 3.0, 10.0]), size=n)
    y = np.round(X @ rng.normal(size=p) + noise, int(rng.integers(0, 2)))
    w = rng.poisson(rng.choice([0.5, 1.0, 10.0]), size=n).astype(float)
    return X, y, w


@pytest.mark.parametrize(
    "seeds", [range(30), pytest.param(range(30, 600), marks=pytest.mark.slow)], ids=["few", "all"]
)
def test_no_certificate_where_the_likelihood_still_grows(seeds):
    """At a maximum the mean of ``slope(z) * z`` is 1, whatever the law."""
    met = set()
    for seed in seeds:
        X, y, w = tied(seed)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = MLERegressor(HEAVY[seed % len(HEAVY)]).fit(X, y, sample_weight=w)
        met.add(model.scale_ > 0.0)
        if model.scale_ > 0.0:
            z = (y - model.predict(X)) / model.scale_
            pull = np.average(model.noise_.slope(z) * z, weights=w)
            assert pull == pytest.approx(1.0, abs=1e-5), seed
            assert not caught, seed
        else:
            assert [one.category for one in caught] == [ConvergenceWarning], seed
    assert met == {True, False}


def test_compare_does_not_take_a_collapse_for_the_best():
    X, y = three_quarters_on_a_plane()
    with pytest.warns(ConvergenceWarning, match="must have a bound"):
        table = compare(["gaussian", "laplace", StudentT()], X, y)
    assert "StudentT" not in table.best_
    assert table.table["log_likelihood"][-1] == -np.inf
    assert table.table["akaike_weight"][-1] == 0.0
