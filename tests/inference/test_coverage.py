"""Intervals hold the truth as often as they say, where their assumptions hold, and not elsewhere.

`benchmarks/interval_coverage.py` does the same with more samples. A band of four standard errors.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from interval_coverage import clustered, coverage, from_the_law, of_classes, uneven

SAMPLES = 250
BAND = 4.0 * np.sqrt(0.95 * 0.05 / SAMPLES)


@pytest.mark.parametrize(
    "case, cov, rows",
    [
        (from_the_law("gaussian"), "model", 300),
        (from_the_law("gaussian"), "HC3", 300),
        (from_the_law("laplace"), "model", 300),
        (from_the_law("laplace"), "model", 60),
        (of_classes(2), "model", 300),
        (of_classes(3), "model", 300),
        (uneven("gaussian"), "HC3", 300),
        (clustered(), "cluster", 1000),
    ],
)
def test_intervals_cover(case, cov, rows):
    shares = coverage(case, cov, SAMPLES, rows)
    assert np.all(np.abs(shares - 0.95) < BAND), shares


@pytest.mark.parametrize("case, slope", [(uneven("gaussian"), 0), (clustered(), 0)])
def test_errors_of_the_model_do_not_cover_where_it_is_wrong(case, slope):
    assert coverage(case, "model", SAMPLES, 300)[slope] < 0.85
