"""Names to noises, and the message for a name that is none."""

import pytest

from sklearn_mle.noises import Gaussian, Laplace
from sklearn_mle.noises.catalogue import CATALOGUE, find_noise


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_name_gives_a_noise(name):
    assert isinstance(find_noise(name), CATALOGUE[name])


def test_a_noise_object_is_taken_as_it_is():
    noise = Laplace()
    assert find_noise(noise) is noise


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("laplacian", "laplace"),
        ("gausian", "gaussian"),
        ("Gaussian", "gaussian"),
        ("normal", "gaussian"),
        ("absolute_error", "laplace"),
    ],
)
def test_an_unknown_name_says_the_rule_what_was_got_and_the_nearest(wrong, meant):
    with pytest.raises(
        ValueError, match=f"must be one of 'gaussian'.*got '{wrong}'.*mean '{meant}'"
    ):
        find_noise(wrong)


def test_a_name_like_no_other_gets_the_way_out():
    with pytest.raises(ValueError, match=r"got 'xyz'.*Choose one of these names"):
        find_noise("xyz")


def test_a_class_is_told_to_be_called():
    with pytest.raises(TypeError, match=r"got the class Gaussian. Call it: noise=Gaussian\(\)"):
        find_noise(Gaussian)


def test_anything_else_is_named_with_its_type():
    with pytest.raises(TypeError, match=r"got 3 of type int"):
        find_noise(3)
