"""Rows that may be brought together a few at a time only: smaller bands, the same exact answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers.band_sampling import most_rows
from sklearn_mle.solvers.least_absolute import fit_exactly
from tests.solvers.lad_cases import Case

N = 60_000


class Elsewhere(InMemoryRows):
    """Rows that are counted as they are taken from where they are."""

    at_hand = False

    def __init__(self, X, y, weight, handful):
        super().__init__(X, y, weight)
        self.most = handful
        self.copied = []

    @property
    def handful(self):
        return self.most

    def keep(self, wanted, *columns):
        found = super().keep(wanted, *columns)
        self.copied.append(found.n_rows)
        return found

    def sample(self, m):
        found = super().sample(m)
        self.copied.append(found.n_rows)
        return found


def both(X, y, weight, tau, handful):
    """The fit of these rows, that of a few at a time, and how many were taken at once."""
    problem = Case(X, y, weight, tau, True).problem
    rows = Elsewhere(X, y, weight, handful)
    here = fit_exactly(problem, start=None, max_iter=100)
    there = fit_exactly(replace(problem, rows=rows), start=None, max_iter=100)
    return here, there, rows.copied


def assert_same(here, there):
    np.testing.assert_allclose(there.coef, here.coef, rtol=1e-10, atol=1e-12)
    assert there.loss == pytest.approx(here.loss, rel=1e-12)
    assert there.gap <= 1e-10


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("handful", "tau", "narrowed"), [(4000, 0.5, 1), (1000, 0.5, 2), (1000, 0.8, 2)]
)
def test_no_more_rows_come_than_asked_for(handful, tau, narrowed, weighted):
    rng = np.random.default_rng(handful)
    X = rng.standard_normal((N, 5)) + 3.0
    y = X @ rng.standard_normal(5) + rng.standard_t(3.0, size=N)
    weight = rng.integers(1, 4, size=N).astype(float) if weighted else None
    here, there, copied = both(X, y, weight, tau, handful)
    assert_same(here, there)
    assert here.trace.narrowed == 0
    assert there.trace.narrowed >= narrowed
    assert max(copied) <= 1.5 * most_rows(handful, 6)


def test_ties():
    rng = np.random.default_rng(3)
    X = np.round(rng.standard_normal((N, 4)))
    y = np.round(X @ rng.standard_normal(4) + rng.standard_t(2.0, size=N), 1)
    here, there, _ = both(X, y, None, 0.5, 2000)
    assert there.trace.narrowed >= 1
    assert there.loss == pytest.approx(here.loss, rel=1e-12)
    assert there.gap <= 1e-10


def test_heavy_rows_take_part_in_every_band():
    rng = np.random.default_rng(2)
    X = rng.standard_t(2, size=(N, 4))
    y = X @ np.ones(4) + rng.laplace(size=N)
    here, there, _ = both(X, y, rng.lognormal(0.0, 2.0, size=N), 0.5, 4000)
    assert there.trace.influence > 0
    assert there.trace.narrowed >= 1
    assert_same(here, there)
