"""Densities that are written out are those of scipy.stats."""

import numpy as np
import pytest
from scipy import stats

from sklearn_mle import MLERegressor
from sklearn_mle.noises import corners, nature, written_densities
from sklearn_mle.noises.written_densities import WRITTEN, log_density, written_corners

Z = np.concatenate([[-1.0, -1e-9, 0.0, 1e-300, 0.2, 0.3, 0.7, 1.0, 1.0 + 1e-9, 3.0], np.r_[:1:41j]])
ENDS = (0.0, 1e-12, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, -0.1)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_written_density_is_that_of_scipy(name):
    law = getattr(stats, name)
    for shapes in np.stack(np.meshgrid(*[ENDS] * law.numargs), -1).reshape(-1, law.numargs):
        with np.errstate(all="ignore"):
            theirs = law.logpdf(Z, *shapes)
        ours = log_density(law, Z, tuple(shapes))
        np.testing.assert_allclose(ours, theirs, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", WRITTEN)
def test_it_takes_several_values_of_shapes_at_once(name):
    law = getattr(stats, name)
    columns = tuple(np.array([[0.2], [0.3], [0.31]]) + 0.1 * k for k in range(law.numargs))
    found = log_density(law, Z, columns)
    for row, values in zip(found, np.hstack(columns)):
        np.testing.assert_array_equal(row, log_density(law, Z, tuple(values)))


@pytest.mark.parametrize("name", WRITTEN)
def test_its_corners_and_ends_are_those_that_are_seen(name, monkeypatch):
    law = getattr(stats, name)
    for shapes in [(0.2, 0.6), (0.3, 0.3), (0.05, 0.9), (0.0, 0.5), (0.4, 1.0)]:
        shapes = shapes[: law.numargs]
        told = written_corners(shapes)
        natural = nature.nature(law, shapes)
        monkeypatch.setattr(corners, "WRITTEN", {})
        monkeypatch.setattr(nature, "WRITTEN", {})
        assert told == corners.named_corners.__wrapped__(law, shapes)
        assert natural == nature.nature.__wrapped__(law, shapes)
        monkeypatch.undo()


def test_a_fit_asks_for_it(monkeypatch):
    asked = []

    def counted(*given):
        asked.append(given)
        return written_densities.log_density(*given)

    monkeypatch.setattr(nature, "log_density", counted)
    y = stats.triang(0.4).rvs(size=50, random_state=0)
    with pytest.warns(UserWarning, match="many local maxima"):
        MLERegressor(stats.triang).fit(np.zeros((50, 1)), y)
    assert len(asked) > 100
