"""What scipy.stats warns of inside is not heard outside, whichever thread computes."""

import threading
import warnings

import numpy as np
import pytest

from sklearn_mle.noises.silence import silence


def test_warnings_inside_are_not_heard_and_others_are():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with silence():
            warnings.warn("inside", RuntimeWarning, stacklevel=1)
            np.log(np.zeros(1))
            with silence():
                warnings.warn("further inside", RuntimeWarning, stacklevel=1)
            warnings.warn("still inside", RuntimeWarning, stacklevel=1)
            warnings.warn("another kind", UserWarning, stacklevel=1)
        warnings.warn("outside", RuntimeWarning, stacklevel=1)
    assert [str(one.message) for one in heard] == ["another kind", "outside"]


def test_filters_are_as_before_when_threads_overlap():
    before = list(warnings.filters)
    entered, leave = threading.Event(), threading.Event()

    def first():
        with silence():
            entered.set()
            leave.wait(10.0)

    thread = threading.Thread(target=first)
    thread.start()
    entered.wait(10.0)
    with silence():
        leave.set()
        thread.join()
    assert list(warnings.filters) == before


def test_an_error_inside_leaves_the_filters_alone():
    before = list(warnings.filters)
    with pytest.raises(ValueError, match="out"), silence():
        raise ValueError("out")
    assert list(warnings.filters) == before
