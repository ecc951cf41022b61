"""The chooser: facts decide, and a refusal says what is missing and what would do."""

import pytest

from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.likelihoods.softmax import Softmax
from sklearn_mle.noises import Gaussian, Laplace
from sklearn_mle.solvers import least_absolute, least_squares, newton
from sklearn_mle.solvers.choose import SOLVERS, choose


@pytest.mark.parametrize(
    ("likelihood", "solver"),
    [
        (LocationScale(Gaussian()), least_squares),
        (LocationScale(Laplace()), least_absolute),
        (Softmax(2), newton),
        (Softmax(7), newton),
    ],
)
def test_auto_takes_the_solver_whose_needs_are_met(likelihood, solver):
    assert choose(likelihood, "auto") is solver


def test_a_solver_asked_for_by_name_is_taken():
    assert choose(LocationScale(Laplace()), "least_absolute") is least_absolute


def test_a_solver_that_does_not_fit_is_refused_with_what_it_needs_and_what_would_do():
    with pytest.raises(ValueError, match=r"needs a cost that is quadratic.*'least_absolute'"):
        choose(LocationScale(Laplace()), "least_squares")


def test_an_unknown_solver_is_refused_with_the_choice():
    with pytest.raises(ValueError, match=r"one of 'auto', 'newton'.*got 'lbgfs'"):
        choose(Softmax(2), "lbgfs")


def test_every_solver_stands_in_the_table():
    for name in SOLVERS:
        assert f"\n{name} " in choose.__globals__["__doc__"]
