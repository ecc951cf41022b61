"""Least squares on the reference regressions of NIST, against exact rational arithmetic."""

import json
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sklearn_mle import MLERegressor

SETS = json.loads((Path(__file__).parents[1] / "reference" / "nist.json").read_text())


def as_given(name):
    """Columns (powers, where the model is a polynomial) and y, as fractions of their decimals."""
    data = SETS[name]
    x = [[Fraction(value) for value in row] for row in data["x"]]
    y = [Fraction(value) for value in data["y"]]
    if data["degree"]:
        x = [[row[0] ** k for k in range(1, int(data["degree"]) + 1)] for row in x]
    return x, y, bool(data["fit_intercept"])


def wampler(number):
    """The five polynomials of Wampler (1970), x = 0, ..., 20."""
    x = [[Fraction(i) ** k for k in range(1, 6)] for i in range(21)]
    base = Fraction(1, 10) if number == 2 else Fraction(1)
    y = [1 + sum(base**k * value for k, value in enumerate(row, start=1)) for row in x]
    if number > 2:
        delta = [Fraction(v) - (1 + sum(row)) for v, row in zip(SETS["wampler3"]["y"], x)]
        y = [value + 100 ** (number - 3) * d for value, d in zip(y, delta)]
    return x, y, True


def exact_solution(x, y, fit_intercept):
    """The normal equations, solved in fractions: coefficients, the intercept last."""
    rows = [[*row, *([Fraction(1)] if fit_intercept else [])] for row in x]
    p = len(rows[0])
    A = [[sum(r[i] * r[j] for r in rows) for j in range(p)] for i in range(p)]
    b = [sum(r[i] * v for r, v in zip(rows, y)) for i in range(p)]
    for i in range(p):
        for k in range(i + 1, p):
            share = A[k][i] / A[i][i]
            A[k] = [u - share * v for u, v in zip(A[k], A[i])]
            b[k] -= share * b[i]
    for i in reversed(range(p)):
        b[i] = (b[i] - sum(A[i][j] * b[j] for j in range(i + 1, p))) / A[i][i]
    return b


def digits(x, y, fit_intercept):
    """Correct digits of the worst coefficient."""
    exact = exact_solution(x, y, fit_intercept)
    X = np.array([[float(value) for value in row] for row in x])
    model = MLERegressor(fit_intercept=fit_intercept).fit(X, [float(value) for value in y])
    found = [*model.coef_, *([model.intercept_] if fit_intercept else [])]
    errors = [abs(Fraction(float(b)) - e) / (abs(e) or Fraction(1)) for b, e in zip(found, exact)]
    return min(16.0, -np.log10(max(float(max(errors)), 1e-16)))


@pytest.mark.parametrize(
    ("name", "of_r"),
    [("pontius", 12.7), ("wampler3", 9.3), ("longley", 13.0), ("norris", 12.5), ("noint1", 14.0)],
)
def test_as_many_digits_as_r(name, of_r):
    assert digits(*as_given(name)) >= of_r


def test_filip_does_not_fail():
    """Ten powers of x, of condition 2e15 as they are: most programs find a rank of 9.

    Powers rounded to double precision leave 7.7 digits of the coefficients that NIST certified;
    for the rounded powers ours are right to the last place.
    """
    x, y, fit_intercept = as_given("filip")
    certified = [Fraction(value) for value in SETS["filip"]["beta"]]
    exact = exact_solution(x, y, fit_intercept)
    for ours, theirs in zip([exact[-1], *exact[:-1]], certified):
        assert abs(ours - theirs) <= abs(theirs) * Fraction(1, 10**14)
    assert digits(x, y, fit_intercept) >= 7.5
    X, target = np.array(x, dtype=float), np.array(y, dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MLERegressor().fit(X, target)
    assert model.rank_ == 10
    assert model.optimality_gap_ <= 1e-12
    rounded = [[Fraction(value) for value in row] for row in X.tolist()]
    best = exact_solution(rounded, [Fraction(value) for value in target.tolist()], True)
    found = [*model.coef_.tolist(), model.intercept_]
    for b, value in zip(best, found):
        assert abs(b - Fraction(value)) <= abs(b) * Fraction(np.finfo(float).eps)


@pytest.mark.parametrize(("number", "of_r"), [(1, 9.8), (2, 12.0), (3, 9.3), (4, 8.0), (5, 6.0)])
def test_the_polynomials_of_wampler(number, of_r):
    assert digits(*wampler(number)) >= of_r


def test_three_rows_without_an_intercept():
    x = [[Fraction(4)], [Fraction(5)], [Fraction(6)]]
    assert digits(x, [Fraction(3), Fraction(4), Fraction(4)], False) >= 14.5


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_units_of_columns_change_nothing(noise):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5)) + 1.0
    y = X @ rng.normal(size=5) + rng.normal(size=300)
    model = MLERegressor(noise=noise).fit(X, y)
    scaled = MLERegressor(noise=noise).fit(X * np.logspace(-8, 8, 5), y)
    np.testing.assert_allclose(
        scaled.predict(X * np.logspace(-8, 8, 5)), model.predict(X), rtol=1e-9, atol=1e-9
    )
    assert scaled.log_likelihood_ == pytest.approx(model.log_likelihood_, rel=1e-9)


@pytest.mark.slow
def test_many_rows_of_single_precision_lose_nothing():
    rng = np.random.default_rng(1)
    X = (rng.normal(size=(2_000_000, 3)) + 100.0).astype(np.float32)
    y = (X @ np.array([1.0, 2.0, 3.0]) + rng.normal(size=X.shape[0])).astype(np.float32)
    single = MLERegressor().fit(X, y)
    double = MLERegressor().fit(X.astype(np.float64), y.astype(np.float64))
    np.testing.assert_allclose(single.coef_, double.coef_, rtol=1e-10)
