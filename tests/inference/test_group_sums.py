"""Sums over groups, however many there are and however the rows are cut."""

import functools
import itertools
import operator

import numpy as np
import pytest
from scipy import sparse

from sklearn_mle.inference.group_sums import GroupSums
from sklearn_mle.rows.design import design


@pytest.mark.parametrize("count", [2, 40, 5000])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_sums_of_groups(count, kind):
    rng = np.random.default_rng(count)
    n = 1000
    codes, D = rng.integers(0, count, n), rng.normal(size=(n, 3))
    g, e = rng.normal(size=(n, 2)), rng.normal(size=(n, 1))
    edges = [0, 1, 7, 300, 301, 650, n]
    parts = [
        GroupSums.of(codes[i:j], design(kind(D[i:j])), g[i:j], e[i:j], count)
        for i, j in itertools.pairwise(edges)
    ]
    whole = functools.reduce(operator.add, parts).whole()
    expected = np.zeros((count, 7))
    np.add.at(expected, codes, np.hstack([D * g[:, :1], D * g[:, 1:], e]))
    np.testing.assert_allclose(whole, expected, atol=1e-12)


def test_parts_of_many_groups_are_not_added_up_one_by_one():
    count = 1000
    part = GroupSums.of(np.arange(10), np.ones((10, 1)), np.ones((10, 1)), np.ones((10, 0)), count)
    sums = part
    for _ in range(500):
        sums = sums + part
    assert len(sums.parts) < 410
    assert sums.whole()[:11, 0].tolist() == [501.0] * 10 + [0.0]
