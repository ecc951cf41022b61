"""Descents from several starts: which are given up, and which never."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_mle import MLERegressor
from sklearn_mle.noises import StudentT
from sklearn_mle.solvers import joint_ends


@pytest.fixture
def verdicts(monkeypatch):
    """What is said of descents on their way."""
    said = []
    asked = joint_ends._leads_to

    def leads_to(*place):
        said.append(asked(*place))
        return said[-1]

    monkeypatch.setattr(joint_ends, "_leads_to", leads_to)
    return said


def test_descents_that_lead_to_a_known_end_are_given_up(verdicts):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 4))
    y = X @ rng.normal(size=4) + rng.standard_t(1.0, size=3000)
    MLERegressor(StudentT()).fit(X, y)
    assert any(verdicts)


@pytest.fixture
def searches(monkeypatch):
    """Whether several starts are compared, at each time that it might be so."""
    begun = []
    candidates = joint_ends.candidates

    def counted(*place):
        begun.append(place)
        return candidates(*place)

    monkeypatch.setattr(joint_ends, "candidates", counted)
    return begun


@pytest.mark.parametrize("df", [3.0, 30.0, np.inf])
@pytest.mark.parametrize("noise", [StudentT(), StudentT(4.0)], ids=str)
def test_one_descent_is_enough_where_starts_agree_on_the_location(searches, df, noise):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(3000, 4))
    e = rng.standard_t(df, size=3000) if np.isfinite(df) else rng.normal(size=3000)
    fit = MLERegressor(noise).fit(X, X @ rng.normal(size=4) + e)
    assert searches == []
    assert fit.optimality_gap_ < 1e-8


def test_starts_of_different_locations_are_all_followed(searches):
    rng = np.random.default_rng(0)
    X, beta = rng.normal(size=(3000, 3)), rng.normal(size=3)
    y = X @ beta + 0.1 * rng.normal(size=3000)
    y[:1000] -= 5.0 * X[:1000, 0]
    MLERegressor(StudentT(2.0)).fit(X, y)
    assert len(searches) == 1


def test_few_rows_are_followed_to_all_their_ends(verdicts):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = X @ rng.normal(size=4) + rng.standard_t(4.0, size=200)
    MLERegressor(StudentT()).fit(X, y)
    assert verdicts == []


@pytest.mark.parametrize("seed", range(4))
def test_a_plane_that_half_of_many_rows_lie_near_is_found(seed):
    """The plane of least squares is an end as well, and a way to it falls all along."""
    rng = np.random.default_rng(seed)
    X, beta = rng.normal(size=(3000, 3)), rng.normal(size=3)
    y = X @ beta + rng.standard_t(1.0, size=3000)
    y[:1500] = -3.0 * X[:1500] @ beta + 0.1 * rng.normal(size=1500)
    model = MLERegressor(StudentT()).fit(X, y)
    np.testing.assert_allclose(model.coef_, -3.0 * beta, atol=0.05)
    assert model.scale_ < 0.2


def test_a_scale_that_no_curvature_holds_is_left_alone():
    """A plane through many rows: on the way there the scale may have no curvature.

    With df ever smaller the best scale falls to zero: four of 25 rows are on that plane.
    """
    rng = np.random.default_rng(288)
    n, p = int(rng.choice([12, 25, 50, 100, 300, 1500])), int(rng.integers(1, 5))
    X, beta = rng.normal(size=(n, p)), rng.normal(size=p)
    y = np.round(X @ beta + 1.0 + rng.standard_t(rng.choice([0.5, 1, 2, 4, 30]), size=n), 1)
    with pytest.warns(ConvergenceWarning, match="must have a bound.*16 %"):
        model = MLERegressor(StudentT()).fit(X, y)
    assert np.isfinite(model.coef_).all()
    assert model.scale_ == 0.0
