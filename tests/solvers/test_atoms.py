"""Fits through many rows."""

import numpy as np
import pytest

from sklearn_mle.solvers.least_absolute import fit_exactly
from tests.solvers.lad_cases import Case, certified_gap


def on_a_plane(kind: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X, noise = rng.standard_normal((n, 6)), rng.laplace(size=n)
    if kind == "half":
        return X, X.sum(axis=1) + noise * (rng.random(n) < 0.5)
    if kind == "integers":
        X = np.round(X)
        return X, np.round(X.sum(axis=1) + noise)
    first = (rng.random(n) < 0.4).astype(float)
    X = np.column_stack([first, X * (1.0 - first)[:, None]])
    plane = noise * (rng.random(n) < 0.5)
    return X, np.where(first == 1.0, plane, X.sum(axis=1) + noise)


@pytest.mark.parametrize("tau", [0.5, 0.35])
@pytest.mark.parametrize("kind", ["half", "integers", "one group"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_plane_is_proved_without_walking_over_its_vertices(kind, tau, seed):
    X, y = on_a_plane(kind, 20_000, seed)
    fit = fit_exactly(Case(X, y, None, tau, True).problem, start=None, max_iter=100)
    proved = certified_gap(
        X, y, np.ones(y.shape[0]), tau, True, fit.coef, fit.intercept, fit.dual()
    )
    assert proved <= fit.gap <= 1e-9
    assert fit.trace.pivots <= 200
    assert fit.trace.fallbacks == 0


def test_two_passes_prove_a_plane_that_is_the_best():
    X, y = on_a_plane("half", 200_000, 3)
    fit = fit_exactly(Case(X, y, None, 0.4, True).problem, start=None, max_iter=100)
    assert fit.trace.atoms == 1
    assert fit.trace.passes == 2
    assert fit.trace.pivots == 0
    np.testing.assert_allclose(fit.coef, 1.0, rtol=1e-12)
    assert abs(fit.intercept) <= 1e-12
