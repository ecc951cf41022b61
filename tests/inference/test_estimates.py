"""What the result offers: table, frame, intervals, restrictions, predictions, texts."""

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy import stats

from sklearn_mle import MLEClassifier, MLERegressor, infer
from sklearn_mle.noises import Gaussian, Laplace
from tests.inference.laws import LogisticLaw, StudentLaw, fitted, sample


@pytest.fixture(scope="module")
def gaussian():
    X, y = sample(Gaussian(), 60, 1)
    return infer(MLERegressor().fit(X, y), X, y), X, y


@pytest.fixture(scope="module")
def three_classes():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 2))
    y = np.array(["a", "b", "c"])[
        (X @ rng.normal(size=(2, 3)) + rng.gumbel(size=(200, 3))).argmax(1)
    ]
    model = MLEClassifier().fit(X, y)
    return infer(model, X, y), model, X, y


def test_the_table_has_a_line_for_every_parameter(gaussian):
    table = gaussian[0].table
    assert table["name"].tolist() == ["x0", "x1", "intercept", "scale"]
    np.testing.assert_allclose(table["statistic"][:3], (table["estimate"] / table["std_error"])[:3])
    assert np.isnan(table["statistic"][3]) and np.isnan(table["p_value"][3])
    np.testing.assert_allclose(gaussian[0].conf_int(), np.array([table["lower"], table["upper"]]).T)


def test_intervals_of_another_level(gaussian):
    found = gaussian[0]
    half = stats.t.ppf(0.75, 57) * found.table["std_error"][0]
    assert found.conf_int(0.5)[0, 1] == pytest.approx(found.table["estimate"][0] + half, rel=1e-12)


def test_the_result_is_frozen_and_travels(gaussian):
    found = gaussian[0]
    with pytest.raises(FrozenInstanceError):
        found.level = 0.5
    assert str(pickle.loads(pickle.dumps(found))) == str(found)


def test_the_frame_is_indexed_by_names(gaussian, three_classes):
    pytest.importorskip("pandas")
    frame = gaussian[0].to_frame()
    assert frame.loc["x1", "std_error"] == gaussian[0].table["std_error"][1]
    assert three_classes[0].to_frame().loc[("b", "x1"), "estimate"] == three_classes[1].coef_[1, 1]


def test_names_and_matrices_restrict_alike(gaussian):
    found = gaussian[0]
    by_name, by_matrix = found.wald_test(["x0", "x1"]), found.wald_test(np.eye(4)[:2])
    assert by_name == by_matrix
    one = found.wald_test("x0")
    assert one.statistic == pytest.approx(found.table["statistic"][0] ** 2)
    assert one.p_value == pytest.approx(found.table["p_value"][0])
    true = found.wald_test([1, 0, 0, 0], found.table["estimate"][0])
    assert true.statistic == pytest.approx(0.0) and true.p_value == pytest.approx(1.0)


def test_restrictions_that_follow_from_others_do_not_count(gaussian):
    twice = gaussian[0].wald_test([[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0]])
    once = gaussian[0].wald_test(["x0", "x1"])
    assert twice.df == once.df == 2
    assert twice.statistic == pytest.approx(once.statistic, rel=1e-8)


def test_coefficients_that_sum_to_zero_have_a_covariance_that_does(three_classes):
    found = three_classes[0]
    V = found.covariance.reshape(3, 3, 3, 3)
    np.testing.assert_allclose(V.sum(axis=0), 0.0, atol=1e-12)
    assert np.linalg.matrix_rank(found.covariance) == 6
    test = found.wald_test(["a: x0", "b: x0", "c: x0"])
    assert test.df == 2 and test.p_value < 0.05


def test_the_test_of_classes_does_not_depend_on_the_reference(three_classes):
    found, model, X, y = three_classes
    zero = found.wald_test(["a: x0", "b: x0", "c: x0"])
    for label in "abc":
        others = [f"{k}: x0" for k in "abc" if k != label]
        test = infer(model, X, y, reference=label).wald_test(others)
        assert test.statistic == pytest.approx(zero.statistic, rel=1e-9)


def test_probabilities_of_many_classes_have_intervals_by_the_delta_method(three_classes):
    found, model, X, _ = three_classes
    told = found.predict(X[:4])
    np.testing.assert_allclose(told.estimate, model.predict_proba(X[:4]), rtol=1e-10)
    z = 1.959963984540054
    for i, x in enumerate(X[:4]):
        beta = np.column_stack([model.coef_, model.intercept_])

        def logit(b, k, x=x):
            scores = b.reshape(3, 3) @ np.append(x, 1.0)
            p = np.exp(scores - scores.max())
            return np.log(p[k] / (p.sum() - p[k]))

        for k in range(3):
            g = [
                (logit(beta.ravel() + e, k) - logit(beta.ravel() - e, k)) / 2e-6
                for e in 1e-6 * np.eye(9)
            ]
            se = np.sqrt(np.array(g) @ found.covariance @ g)
            at = np.log(told.estimate[i, k] / (1 - told.estimate[i, k]))
            assert told.lower[i, k] == pytest.approx(1 / (1 + np.exp(-at + z * se)), rel=1e-6)
            assert told.upper[i, k] == pytest.approx(1 / (1 + np.exp(-at - z * se)), rel=1e-6)


@pytest.mark.parametrize("law", [LogisticLaw(), Laplace(), StudentLaw()])
def test_new_observations_are_averaged_over_what_is_not_known(law):
    X, y = sample(StudentLaw(4.0) if law.shapes else law, 150, 3)
    model = MLERegressor("laplace").fit(X, y) if isinstance(law, Laplace) else fitted(law, X, y)
    found = infer(model, X, y)
    new = np.array([[3.0, 3.0], [6.0, -150.0]])
    told = found.predict(new, level=0.9, kind="observation")
    plain = model.noise_.distribution(told.estimate, model.scale_).interval(0.9)
    assert np.all(told.lower < plain[0]) and np.all(told.upper > plain[1])
    # by simulation: draw parameters, then an observation
    rng = np.random.default_rng(0)
    m = 400_000
    for i, x in enumerate(new):
        J = np.zeros((2, found.covariance.shape[0]))
        J[0, :3], J[1, 3] = [*x, 1.0], 1.0 / model.scale_
        if law.shapes:
            J = np.vstack([J, np.append(np.zeros(4), 1.0 / model.noise_.df)])
        V = J @ found.covariance @ J.T
        draws = rng.multivariate_normal(np.zeros(V.shape[0]), V, size=m)
        z = law.distribution().ppf(rng.random(m)) if not law.shapes else None
        if law.shapes:
            z = stats.t.rvs(model.noise_.df * np.exp(draws[:, 2]), random_state=rng)
        seen = told.estimate[i] + draws[:, 0] + model.scale_ * np.exp(draws[:, 1]) * z
        assert np.mean(seen < told.lower[i]) == pytest.approx(0.05, abs=0.0015)
        assert np.mean(seen > told.upper[i]) == pytest.approx(0.05, abs=0.0015)


def test_wrong_requests_are_answered_in_three_beats(gaussian, three_classes):
    found = gaussian[0]
    with pytest.raises(ValueError, match=r"must have one column a parameter, 4 in all; got shape"):
        found.wald_test([1.0, 2.0])
    with pytest.raises(ValueError, match=r"must name parameters.*got \['z'\].*Use these"):
        found.wald_test(["z"])
    with pytest.raises(ValueError, match=r"r must be a number.*got shape \(3,\)"):
        found.wald_test("x0", [1, 2, 3])
    with pytest.raises(
        ValueError, match=r"level must be.*between 0 and 1; got 95.*default is 0.95"
    ):
        found.conf_int(95)
    with pytest.raises(TypeError, match=r"level must be a number"):
        found.conf_int("high")
    with pytest.raises(ValueError, match=r"kind must be 'mean' or 'observation'; got 'new'"):
        found.predict(gaussian[1], kind="new")
    with pytest.raises(ValueError, match=r"needs a numeric target; got a classifier"):
        three_classes[0].predict(gaussian[1], kind="observation")
    with pytest.raises(ValueError, match=r"features"):
        found.predict(np.zeros((2, 5)))
