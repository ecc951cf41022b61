"""Quadratic forms of rows: in single precision where that is harmless, and only there."""

import numpy as np
import pytest

from sklearn_mle import MLERegressor, infer
from sklearn_mle.inference.row_forms import HARMLESS, RowForms
from sklearn_mle.inference.terms import terms_of
from sklearn_mle.rows.in_memory import InMemoryRows


def forms_of(X, weight=1e6):
    terms = terms_of(InMemoryRows(X, np.zeros(X.shape[0])), True)
    return RowForms.of(terms, np.eye(terms.size) / weight, terms.size / weight), terms


def counted(monkeypatch):
    """How many rows are computed in double precision."""
    from sklearn_mle.inference.terms import Terms

    rows, plain = [], Terms.forms

    def forms(self, D, V):
        rows.append(D.shape[0])
        return plain(self, D, V)

    monkeypatch.setattr(Terms, "forms", forms)
    return rows


@pytest.mark.parametrize("offset, size", [(0.0, 1.0), (3.0, 1e-6), (50.0, 1e6)])
def test_rows_that_are_few_of_many_take_single_precision(offset, size, monkeypatch):
    X = (np.random.default_rng(0).normal(size=(4000, 6)) + offset) * size
    X[:, 3] = offset  # a constant
    forms, terms = forms_of(X)
    in_double = counted(monkeypatch)
    h = forms.leverages(terms.columns(X), np.ones(4000))
    assert forms.half is not None and not in_double
    T = terms.of(X)
    np.testing.assert_allclose(h, np.square(T).sum(axis=1) / 1e6, rtol=forms.error)
    assert np.abs(h - np.square(T).sum(axis=1) / 1e6).max() < HARMLESS


def test_the_bound_decides_row_by_row(monkeypatch):
    X = np.random.default_rng(1).normal(size=(4000, 6))
    forms, terms = forms_of(X)
    far = X.copy()
    far[[17, 2000]] *= 400.0
    far[3000] *= 1e30  # beyond single precision
    in_double = counted(monkeypatch)
    h = forms.leverages(terms.columns(far), np.ones(4000))
    assert in_double == [3]
    exact = np.square(terms.of(far)).sum(axis=1) / 1e6
    np.testing.assert_allclose(h[[17, 2000, 3000]], exact[[17, 2000, 3000]], rtol=1e-12)
    assert np.abs(h - exact)[np.delete(np.arange(4000), 3000)].max() < HARMLESS


@pytest.mark.parametrize(
    "X, weight",
    [
        (np.random.default_rng(2).normal(size=(300, 4)), 300.0),
        (np.random.default_rng(2).normal(size=(300, 4)) * 1e30, 1e6),
    ],
    ids=["few rows", "units beyond single precision"],
)
def test_double_precision_elsewhere(X, weight):
    forms, terms = forms_of(X, weight)
    assert forms.half is None
    exact = np.square(terms.of(X)).sum(axis=1) / weight
    np.testing.assert_allclose(forms.leverages(terms.columns(X), np.ones(300)), exact, rtol=1e-12)


def test_errors_of_many_rows_are_those_of_double_precision(monkeypatch):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(200_000, 3)) + 2.0
    y = X @ [1.0, -1.0, 0.5] + rng.normal(size=200_000) * (1.0 + X[:, 0] ** 2)
    weight = rng.integers(1, 4, 200_000).astype(float)
    for noise in ("gaussian", "logistic"):
        model = MLERegressor(noise).fit(X, y, weight)
        quick = infer(model, X, y, sample_weight=weight, cov="HC3").covariance
        with monkeypatch.context() as plain:
            plain.setattr("sklearn_mle.inference.row_forms.HARMLESS", 0.0)
            exact = infer(model, X, y, sample_weight=weight, cov="HC3").covariance
        assert not np.array_equal(quick, exact)
        np.testing.assert_allclose(quick, exact, rtol=2 * HARMLESS, atol=1e-14 * exact.max())


@pytest.mark.parametrize("rows", [256, 1024, 1000])
def test_pieces_are_of_uneven_length(rows, monkeypatch):
    X = np.random.default_rng(4).normal(size=(rows, 6))
    forms, terms = forms_of(X)
    lengths, plain = [], np.einsum

    def einsum(how, *arrays, **options):
        lengths.extend([arrays[0].shape[1]] if how == "rm,rm->m" else [])
        return plain(how, *arrays, **options)

    monkeypatch.setattr(np, "einsum", einsum)
    h = forms.leverages(terms.columns(X), np.ones(rows))
    np.testing.assert_allclose(h, np.square(terms.of(X)).sum(axis=1) / 1e6, rtol=forms.error)
    assert sum(lengths) == rows and all(length % 128 for length in lengths)
