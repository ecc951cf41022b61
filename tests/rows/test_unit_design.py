"""Columns in other units, beside a few more: the products of the array that is never made."""

import numpy as np
import pytest

from sklearn_mle.rows.design import column_squares, design, dot, signed_gram, weighted_gram
from sklearn_mle.rows.unit_design import UnitDesign


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n_extra", [1, 2])
@pytest.mark.parametrize("m", [0, 1, 31, 5000])
def test_its_products_are_those_of_the_array(m, n_extra, order):
    rng = np.random.default_rng(m)
    X = np.asarray(rng.standard_normal((m, 7)), order=order)
    unit, y = rng.uniform(0.1, 3.0, 7), rng.standard_normal(m)
    extra = [y] if n_extra == 1 else [-1.0, y]
    A, made = design(X, None, unit, extra), UnitDesign(X, 1.0 / unit, extra)
    v, weight = rng.standard_normal(m), rng.uniform(size=m)
    b = rng.standard_normal(A.shape[1])
    same = {"rtol": 1e-12, "atol": 1e-11}
    np.testing.assert_allclose(made @ b, A @ b, **same)
    np.testing.assert_allclose(dot(v, made), v @ A, **same)
    np.testing.assert_allclose(signed_gram(made, v), signed_gram(A, v), **same)
    np.testing.assert_allclose(weighted_gram(made, weight), weighted_gram(A, weight), **same)
    np.testing.assert_allclose(column_squares(made, weight), column_squares(A, weight), **same)
