"""Doubles chosen together leave less of a sum than each at its nearest."""

from fractions import Fraction

import numpy as np
import pytest

from sklearn_mle.solvers.rounded_together import reduced_basis, rounded_together, whole_multiples


def exact_residuals(A, y, b):
    rows = zip(A.tolist(), y.tolist())
    return np.array(
        [float(Fraction(v) - sum(Fraction(a) * Fraction(x) for a, x in zip(r, b))) for r, v in rows]
    )


@pytest.mark.parametrize("k", [2, 5, 12])
@pytest.mark.parametrize("offset", [1e2, 1e6])
def test_far_columns_are_hit_better_together(k, offset):
    rng = np.random.default_rng(k)
    A = np.column_stack([np.ones(k), rng.normal(size=(k, k - 1)) + offset])
    y = rng.normal(size=k)
    nearest = np.linalg.solve(A, y)
    for _ in range(3):
        nearest = nearest + np.linalg.solve(A, exact_residuals(A, y, nearest.tolist()))
    found = rounded_together(nearest, A, lambda b: exact_residuals(A, y, b.tolist()), 0.0)
    alone, together = (np.abs(exact_residuals(A, y, b.tolist())).max() for b in (nearest, found))
    assert together <= 0.5 * alone
    np.testing.assert_allclose(found, nearest, rtol=1e-9)


def test_a_reduced_basis_spans_the_same_lattice():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(6, 6)) + 1e4
    B, T = reduced_basis(A)
    assert (np.rint(T) == T).all()
    assert abs(np.linalg.det(T)) == pytest.approx(1.0)
    np.testing.assert_allclose(B, A @ T, atol=1e-6)
    before, after = (np.sort(np.linalg.norm(M, axis=0)) for M in (A, B))
    assert (after[:-1] < 1e-3 * before[:-1]).all() and after[-1] < before[-1]


def test_whole_multiples_of_a_point_of_the_lattice_are_found():
    rng = np.random.default_rng(1)
    A, z = rng.normal(size=(5, 5)), rng.integers(-50, 50, size=5)
    np.testing.assert_array_equal(whole_multiples(A, A @ z), z)


def test_zeros_stay_zero():
    found = rounded_together(np.zeros(2), np.eye(2), lambda b: np.ones(2) - b, 0.0)
    np.testing.assert_array_equal(found, 0.0)
