"""Columns that depend on others, as their Gram matrix sees it: what QR finds, or nothing said."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_mle.rows.design import design, own_gram
from sklearn_mle.rows.matrix import canonical
from sklearn_mle.solvers import column_frame
from sklearn_mle.solvers.dependence import seen_in_gram


def one_hot(n, levels, rng):
    return np.hstack([np.eye(k)[rng.integers(0, k, n)] for k in levels])


def scaled(X, kind):
    """Centred columns, their Gram matrix when scaled, and their lengths."""
    centre = X.mean(axis=0)
    Z = design(canonical(sparse.csr_array(X)) if kind == "sparse" else X, centre)
    gram = own_gram(Z)
    spread = np.sqrt(gram.diagonal())
    return Z, gram / np.outer(spread, spread), spread


@pytest.mark.parametrize("kind", ["array", "sparse"])
def test_left_out_columns_are_combinations_of_those_kept(kind):
    X = one_hot(2000, (7, 12, 5), np.random.default_rng(0)) * 10.0 ** np.arange(-12, 12)
    found = seen_in_gram(*scaled(X, kind), 1e-11, 100.0)
    assert found.kept.size == 21 and found.dropped.size == 3
    columns = X - X.mean(axis=0)
    columns /= np.linalg.norm(columns, axis=0)
    left = columns[:, found.dropped] - columns[:, found.kept] @ found.relation
    assert np.abs(left).max() < 1e-14
    assert np.linalg.matrix_rank(columns[:, found.kept]) == 21


@pytest.mark.parametrize("kind", ["array", "sparse"])
def test_columns_that_nearly_depend_on_each_other_are_left_to_qr(kind):
    rng = np.random.default_rng(1)
    X = one_hot(2000, (7, 12), rng)
    for near in (1e-10, 1e-7, 1e-4):
        close = np.column_stack([X, X[:, 3] + near * rng.normal(size=2000)])
        assert seen_in_gram(*scaled(close, kind), 1e-11, 100.0) is None


def test_dependent_columns_do_not_cost_a_qr(monkeypatch):
    X = one_hot(3000, (9, 14), np.random.default_rng(2))
    rows, y, share = canonical(sparse.csr_array(X)), X @ np.arange(23.0), np.ones(3000)
    like = column_frame.fit_frame(X, y, share, True)
    monkeypatch.setattr(column_frame, "qr", None)
    frame = column_frame.fit_frame(rows, y, share, True)
    assert frame.kept.size == like.kept.size == 21
    assert frame.mix is None and frame.condition == pytest.approx(like.condition, rel=1e-6)
