"""The same numbers as statsmodels, R and NIST; tests/reference/ says how theirs were made."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sklearn_mle import MLEClassifier, MLERegressor, infer

REFERENCE = Path(__file__).parents[1] / "reference"
CASES = json.loads((REFERENCE / "inference.json").read_text())
NIST = json.loads((REFERENCE / "nist.json").read_text())


def arrays(case):
    return np.array(case["X"]), np.array(case["y"])


def assert_told(found, theirs, rel):
    k = len(theirs["estimate"])
    table = found.table[:k]
    for name in ("estimate", "std_error", "statistic"):
        np.testing.assert_allclose(table[name], theirs[name], rtol=rel, err_msg=name)
    p_values, ours = np.array(theirs["p_value"]), table["p_value"]
    # a tail probability loses as many digits as its logarithm has
    np.testing.assert_allclose(ours, p_values, rtol=100 * rel, err_msg="p_value")
    span = np.ptp(np.array(theirs["interval"]), axis=1)[:, None]
    ends = np.column_stack([table["lower"], table["upper"]])
    assert np.all(np.abs(ends - theirs["interval"]) <= rel * (span + np.abs(theirs["interval"])))


@pytest.mark.parametrize("cov", ["model", "HC0", "HC1", "HC2", "HC3", "cluster"])
def test_least_squares_are_those_of_statsmodels(cov):
    case = CASES["least_squares"]
    X, y = arrays(case)
    groups = case["groups"] if cov == "cluster" else None
    found = infer(MLERegressor().fit(X, y), X, y, cov=cov, groups=groups)
    assert_told(found, case["results"][cov], 1e-9)


@pytest.mark.parametrize("cov", ["model", "HC3", "cluster"])
def test_weights_are_repeats(cov):
    case = CASES["least_squares"]
    (X, y), w = arrays(case), case["weight"]
    groups = case["groups"] if cov == "cluster" else None
    model = MLERegressor().fit(X, y, w)
    found = infer(model, X, y, sample_weight=w, cov=cov, groups=groups)
    theirs = case["results"]["repeated" if cov == "model" else f"repeated {cov}"]
    assert_told(found, theirs, 1e-9)


def test_predictions_and_restrictions_are_those_of_statsmodels():
    case = CASES["least_squares"]
    X, y = arrays(case)
    found = infer(MLERegressor().fit(X, y), X, y)
    theirs = case["prediction"]
    mean = found.predict(np.array(case["new"]), level=0.9)
    seen = found.predict(np.array(case["new"]), level=0.9, kind="observation")
    np.testing.assert_allclose(mean.estimate, theirs["mean"], rtol=1e-10)
    np.testing.assert_allclose(mean.std_error, theirs["mean_se"], rtol=1e-10)
    np.testing.assert_allclose(mean.lower, theirs["mean_ci_lower"], rtol=1e-10)
    np.testing.assert_allclose(mean.upper, theirs["mean_ci_upper"], rtol=1e-10)
    np.testing.assert_allclose(seen.lower, theirs["obs_ci_lower"], rtol=1e-10)
    np.testing.assert_allclose(seen.upper, theirs["obs_ci_upper"], rtol=1e-10)
    # statsmodels' design has the intercept first, this table after the features
    test = found.wald_test([[1, 0, 0, 0, 0], [0, 5, 0, 1, 0]])
    np.testing.assert_allclose([test.statistic, test.p_value], case["f_test"], rtol=1e-8)


@pytest.mark.parametrize("cov", ["model", "HC0", "cluster"])
def test_two_classes_are_those_of_statsmodels(cov):
    case = CASES["two_classes"]
    X, y = arrays(case)
    groups = case["groups"] if cov == "cluster" else None
    model = MLEClassifier().fit(X, y)
    found = infer(model, X, y, cov=cov, groups=groups)
    assert_told(found, case["results"][cov], 1e-8)
    if cov == "model":
        assert_told(infer(model, X, y, reference=0), case["results"][cov], 1e-8)
        turned = infer(model, X, y, reference=1).table
        np.testing.assert_allclose(turned["estimate"], -found.table["estimate"])
        np.testing.assert_allclose(turned["std_error"], found.table["std_error"])


def test_hc1_of_classes_has_its_factor_which_statsmodels_leaves_out():
    case = CASES["two_classes"]
    X, y = arrays(case)
    found = infer(MLEClassifier().fit(X, y), X, y, cov="HC1").table["std_error"]
    theirs = np.array(case["results"]["HC1"]["std_error"]) * np.sqrt(150 / 146)
    np.testing.assert_allclose(found, theirs, rtol=1e-8)


def test_probabilities_of_two_classes_are_those_of_statsmodels():
    case = CASES["two_classes"]
    X, y = arrays(case)
    found = infer(MLEClassifier().fit(X, y), X, y).predict(X[:6])
    np.testing.assert_allclose(found.estimate[:, 1], case["prediction"]["predicted"], rtol=1e-8)
    np.testing.assert_allclose(found.std_error[:, 1], case["prediction"]["se"], rtol=1e-8)


@pytest.mark.parametrize("cov", ["model", "HC0"])
def test_contrasts_of_three_classes_are_those_of_statsmodels(cov):
    case = CASES["three_classes"]
    X, y = arrays(case)
    labels = np.array(["ape", "bee", "cat"])[y]
    found = infer(MLEClassifier().fit(X, labels), X, labels, cov=cov, reference="ape").table
    for name in ("estimate", "std_error"):
        theirs = np.ravel(case["results"][cov][name])
        np.testing.assert_allclose(found[name], theirs, rtol=1e-8, err_msg=name)
    np.testing.assert_allclose(
        found["p_value"], np.ravel(case["results"][cov]["p_value"]), rtol=1e-6
    )
    assert found["class"].tolist() == ["bee"] * 4 + ["cat"] * 4


@pytest.mark.parametrize("cov", ["iid", "greene", "kernel"])
def test_quantile_errors_are_those_of_statsmodels_and_quantreg(cov):
    case = CASES["quantiles"]
    X, y = arrays(case)
    found = infer(MLERegressor("laplace").fit(X, y), X, y, cov=cov).table
    np.testing.assert_allclose(found["std_error"][:4], case["results"][cov], rtol=1e-6)


@pytest.mark.parametrize("name", sorted(NIST))
def test_standard_errors_are_those_certified_by_nist(name):
    """In the powers of filip, rounded to double precision, no more than eight digits are left."""
    case = NIST[name]
    X = np.array(case["x"], dtype=float)
    X = X if case["degree"] == 0 else X ** np.arange(1, case["degree"] + 1)
    y = np.array(case["y"], dtype=float)
    model = MLERegressor(fit_intercept=case["fit_intercept"]).fit(X, y)
    found = infer(model, X, y).table["std_error"][:-1]
    certified = np.array(case["se"], dtype=float)
    ours = np.roll(found, 1) if case["fit_intercept"] else found
    np.testing.assert_allclose(ours, certified, rtol=1e-7 if name == "filip" else 1e-10)


@pytest.mark.parametrize("name", sorted(NIST))
def test_the_certified_numbers_follow_from_the_data(name):
    case = NIST[name]
    x = [[Fraction(v) for v in row] for row in case["x"]]
    if case["degree"]:
        x = [[row[0] ** k for k in range(1, case["degree"] + 1)] for row in x]
    rows = [[Fraction(1)] * case["fit_intercept"] + row for row in x]
    y = [Fraction(v) for v in case["y"]]
    p = len(rows[0])
    inverse, b = solved(rows, y)
    rss = sum((v - sum(c * z for c, z in zip(b, row))) ** 2 for row, v in zip(rows, y))
    for j in range(p):
        square = inverse[j][j] * rss / (len(rows) - p)
        assert float(square) ** 0.5 == pytest.approx(float(case["se"][j]), rel=1e-13)


def solved(rows, y):
    """The inverse normal matrix and the least squares coefficients, in fractions."""
    p = len(rows[0])
    A = [
        [sum(r[i] * r[j] for r in rows) for j in range(p)]
        + [Fraction(int(i == j)) for j in range(p)]
        + [sum(r[i] * v for r, v in zip(rows, y))]
        for i in range(p)
    ]
    for i in range(p):
        pivot = next(k for k in range(i, p) if A[k][i])
        A[i], A[pivot] = A[pivot], A[i]
        A[i] = [v / A[i][i] for v in A[i]]
        for k in range(p):
            if k != i:
                A[k] = [a - A[k][i] * b for a, b in zip(A[k], A[i])]
    return [row[p : 2 * p] for row in A], [row[-1] for row in A]
