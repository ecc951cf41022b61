"""`infer` as people call it: pipelines, names, honest limits, messages, the text of the table."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler

from sklearn_mle import MLEClassifier, MLERegressor, infer

REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    return X, X @ [1.0, 2.0, 3.0] + rng.normal(size=90)


def frame_of(bunch):
    pytest.importorskip("pandas")
    return bunch(return_X_y=True, as_frame=True)


def golden_cases():
    X, y = frame_of(load_diabetes)
    yield "gaussian", infer(MLERegressor().fit(X, y), X, y)
    X2, y2 = X[["age", "bmi", "bp"]], y > 140
    yield "two_classes", infer(MLEClassifier().fit(X2, y2), X2, y2, cov="HC3")
    X3, y3 = frame_of(load_iris)
    names = load_iris().target_names[y3]
    X3 = X3.iloc[:, [1]]
    yield "three_classes", infer(MLEClassifier().fit(X3, names), X3, names, reference="setosa")
    X4 = X2.assign(twice=2 * X2["bmi"], one=1.0)
    yield "dependent", infer(MLERegressor("laplace").fit(X4, y), X4, y, cov="kernel")


def test_the_text_is_what_people_read():
    for name, found in golden_cases():
        assert found.summary() + "\n" == (REFERENCE / f"summary_{name}.txt").read_text(), name


def test_no_line_of_the_text_is_longer_than_its_rule():
    for name, found in golden_cases():
        lines = found.summary().splitlines()
        assert max(map(len, lines)) == len(lines[1]), name
        assert not any("*" in line for line in lines)


def test_a_note_tells_where_the_curvature_does_not_see_all_of_the_likelihood():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 1))
    y = X[:, 0] + stats.dgamma(1.5).rvs(size=80, random_state=rng)
    with pytest.warns(ConvergenceWarning, match="proven|prove"):
        model = MLERegressor(stats.dgamma(1.5)).fit(X, y)
        resampled = infer(model, X, y, cov="bootstrap", n_resamples=20, random_state=0)
    assert "rough" in infer(model, X, y).summary()
    assert "rough" in infer(model, X, y, cov="HC1").summary()
    assert "rough" not in resampled.summary()
    smooth = MLERegressor(stats.gumbel_l).fit(X, y)
    assert infer(smooth, X, y).notes == ()


def test_html_holds_the_same_numbers(data):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(data[0], columns=["a<b", "c", "d"])
    found = infer(MLERegressor().fit(X, data[1]), X, data[1])
    html = found._repr_html_()
    assert "a&lt;b" in html and "a<b" not in html
    for word in found.summary().split():
        if word.replace(".", "").isdigit():
            assert word in html


def test_pipelines_and_searches_are_seen_through(data):
    X, y = data
    pipe = make_pipeline(StandardScaler(), MLERegressor()).fit(X, y)
    search = GridSearchCV(pipe, {"mleregressor__noise": ["gaussian"]}, cv=3).fit(X, y)
    bare = infer(MLERegressor().fit(X, y), X, y)
    for model in (pipe, search, make_pipeline(search)):
        found = infer(model.fit(X, y), X, y)
        unit = X.std(axis=0)
        np.testing.assert_allclose(found.std_error[:3], bare.std_error[:3] * unit, rtol=1e-9)
        told, plain = found.predict(X[:4]), bare.predict(X[:4])
        np.testing.assert_allclose(told.lower, plain.lower, rtol=1e-9)


def test_names_come_from_where_they_are(data):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(data[0], columns=["age", "size", "cost"])
    powers = make_pipeline(PolynomialFeatures(2, include_bias=False), MLERegressor())
    found = infer(powers.fit(X, data[1]), X, data[1])
    assert found.names[:5] == ("age", "size", "cost", "age^2", "age size")
    picked = make_column_transformer((StandardScaler(), ["size"]), verbose_feature_names_out=False)
    found = infer(make_pipeline(picked, MLERegressor()).fit(X, data[1]), X, data[1])
    assert found.names == ("size", "intercept", "scale")
    nameless = make_pipeline(FunctionTransformer(np.abs), MLERegressor()).fit(data[0], data[1])
    assert infer(nameless, *data).names[:3] == ("x0", "x1", "x2")
    assert infer(MLERegressor(fit_intercept=False).fit(*data), *data).names[-1] == "scale"


def assert_unknown(found, names):
    for line in found.table:
        numbers = [line[n] for n in ("std_error", "statistic", "p_value", "lower", "upper")]
        if line["name"] in names:
            assert np.isnan(numbers).all() and np.isnan(line["estimate"]), line
        elif line["name"] != "scale":
            assert np.isfinite(numbers).all(), line


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_dependent_columns_are_named_and_the_others_told(data, noise):
    X, y = data
    X = np.column_stack([X, X[:, 0] - 2 * X[:, 1], np.full(90, 7.0)])
    full = infer(MLERegressor(noise).fit(X[:, :3], y), X[:, :3], y)
    found = infer(MLERegressor(noise).fit(X, y), X, y)
    assert_unknown(found, {"x0", "x1", "x3", "x4", "intercept"})
    assert "x0, x1, x3, x4, intercept" in found.notes[-1]
    np.testing.assert_allclose(found.table["std_error"][2], full.table["std_error"][2], rtol=1e-8)
    # what all fits agree on is told: predictions along the rows, sums that do not depend
    told, plain = found.predict(X[:3]), full.predict(X[:3, :3])
    np.testing.assert_allclose(told.lower, plain.lower, rtol=1e-7)
    strange = X[:2].copy()
    strange[0, 4] = 8.0
    assert np.isnan(found.predict(strange).lower).tolist() == [True, False]
    assert np.isnan(found.wald_test("x0").p_value)


def test_dependent_columns_of_classes(data):
    X, y = data
    X = np.column_stack([X, X[:, 0]])
    labels = np.digitize(y + 4 * np.random.default_rng(1).normal(size=90), [-2, 2])
    assert_unknown(infer(MLEClassifier().fit(X, labels), X, labels), {"x0", "x3"})
    assert_unknown(
        infer(MLEClassifier().fit(X, labels > 0), X, labels > 0, cov="HC1"), {"x0", "x3"}
    )


def test_separated_classes_have_no_errors(data):
    X, _ = data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLEClassifier().fit(X, X[:, 0] > 0)
    found = infer(model, X, X[:, 0] > 0)
    assert_unknown(found, {"x0", "x1", "x2", "intercept"})
    assert "separated" in found.notes[-1] and "x0, x1, x2" in found.notes[-1]
    assert np.isnan(infer(model, X, X[:, 0] > 0, cov="bootstrap").std_error).all()


def test_a_column_that_separates_does_not_hide_the_others():
    """Rows with a flag are all of one class: it diverges, the rest is the fit without them."""
    rng = np.random.default_rng(2)
    X = np.column_stack([rng.normal(size=(300, 2)), rng.random(300) < 0.2])
    y = (X[:, 0] + rng.logistic(size=300) > 0) | (X[:, 2] == 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLEClassifier().fit(X, y)
    assert model.separated_
    found, free = infer(model, X, y), X[:, 2] == 0.0
    assert_unknown(found, {"x2"})
    rest = infer(MLEClassifier().fit(X[free, :2], y[free]), X[free, :2], y[free])
    np.testing.assert_allclose(
        found.table["estimate"][[0, 1, 3]], rest.table["estimate"], rtol=1e-4
    )
    np.testing.assert_allclose(found.std_error[[0, 1, 3]], rest.std_error, rtol=1e-4)
    assert np.isnan(found.predict(X).lower[:, 0]).tolist() == (~free).tolist()


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
@pytest.mark.parametrize("n", [3, 4, 5])
def test_too_few_rows_tell_no_errors(noise, n):
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(n, 4)), rng.normal(size=n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLERegressor(noise).fit(X, y)
    for cov in ("model", "HC3", "bootstrap"):
        found = infer(model, X, y, cov=cov, n_resamples=30)
        assert np.isnan(found.std_error).all(), cov
        assert found.notes
        str(found), found._repr_html_()


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_a_fit_through_every_row_tells_no_errors(noise):
    X = np.arange(20.0)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLERegressor(noise).fit(X, 2 * X[:, 0] + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = infer(model, X, 2 * X[:, 0] + 1, ci="profile")
        assert np.isnan(found.std_error).all() and "every row" in found.notes[0]
        assert np.isnan(found.predict(X, kind="observation").lower).all()
        str(found)


def test_other_data_than_those_of_the_fit_are_refused(data):
    X, y = data
    model = MLERegressor().fit(X, y)
    with pytest.raises(ValueError, match=r"needs the data of the fit.*got data.*Pass X, y"):
        infer(model, X[:50], y[:50])
    with pytest.raises(ValueError, match=r"needs the data of the fit"):
        infer(MLERegressor().fit(X, y, np.arange(90)), X, y)
    labels = np.digitize(y, [-2, 2])
    with pytest.raises(ValueError, match=r"with classes \[0, 1, 2\]; got classes \[0, 1\]"):
        infer(MLEClassifier().fit(X, labels), X[labels < 2], labels[labels < 2])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"cov": "HC4"}, r"cov must be one of 'model'.*; got 'HC4'.*Use 'HC3'"),
        ({"cov": "iid"}, r"cov must be one of.*got 'iid'. The last|cov must be one of.*quantile"),
        ({"ci": "exact"}, r"ci must be 'wald' or 'profile'; got 'exact'. Use"),
        ({"ci": "profile", "cov": "HC0"}, r"ci='profile' needs cov='model'.*got cov='HC0'"),
        ({"cov": "cluster"}, r"needs groups; got None. Pass groups="),
        ({"groups": [1, 2]}, r"groups are for cov='cluster' or 'bootstrap'; got cov='model'"),
        ({"cov": "cluster", "groups": [1, 2]}, r"groups must be 1D.*got shape \(2,\). Pass"),
        ({"cov": "cluster", "groups": [1] * 90}, r"at least 2 groups; got only \[1\]. Use"),
        ({"reference": "a"}, r"reference names a class; got 'a' with a regressor. Leave"),
        ({"level": 1.0}, r"level must be a number between 0 and 1; got 1.0"),
        ({"cov": "bootstrap", "n_resamples": 0}, r"n_resamples must be.*got 0. The default is 999"),
    ],
)
def test_wrong_choices_are_answered_in_three_beats(data, changes, message):
    with pytest.raises(ValueError, match=message):
        infer(MLERegressor().fit(*data), *data, **changes)


def test_wrong_estimators_are_answered_in_three_beats(data):
    with pytest.raises(TypeError, match=r"needs a fitted MLERegressor.*got LinearRegression. Fit"):
        infer(LinearRegression().fit(*data), *data)
    X, y = load_iris(return_X_y=True)
    X = X[:, [1]]
    with pytest.raises(ValueError, match=r"reference must be one of the classes.*got 'rose'"):
        infer(MLEClassifier().fit(X, y), X, y, reference="rose")
    with pytest.raises(Exception, match=r"not fitted"):
        infer(MLERegressor(), *data)


def test_class_weights_are_those_of_the_fit(data):
    X, y = data
    labels = (y + 3 * np.random.default_rng(5).normal(size=90) > 2).astype(int)
    factors = {0: 2, 1: 3}
    ours = infer(MLEClassifier(class_weight=factors).fit(X, labels), X, labels)
    w = np.where(labels == 0, 2, 3)
    theirs = infer(MLEClassifier().fit(X, labels, w), X, labels, sample_weight=w)
    np.testing.assert_allclose(ours.std_error, theirs.std_error, rtol=1e-10)


def test_units_of_the_features_play_no_part(data):
    X, y = data
    units, offsets = np.array([1e-8, 1.0, 1e12]), np.array([3.0, 1e5, -1e13])
    plain = infer(MLERegressor().fit(X, y), X, y, cov="HC3")
    moved = infer(MLERegressor().fit(X * units + offsets, y), X * units + offsets, y, cov="HC3")
    # 1e5 spreads from zero, a column has lost five digits before anyone computes
    np.testing.assert_allclose(moved.std_error[:3] * units, plain.std_error[:3], rtol=2e-7)


@pytest.mark.parametrize("cov", ["HC2", "HC3"])
def test_a_row_that_decides_a_coefficient_alone_leaves_no_answer(cov):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=30), np.arange(30) == 7])
    y = X[:, 0] + rng.normal(size=30)
    model = MLERegressor().fit(X, y)
    found = infer(model, X, y, cov=cov)
    assert np.isnan(found.std_error).all() and np.isfinite(found.table["estimate"]).all()
    assert f"{cov} divides by 1 - leverage" in " ".join(found.notes)
    assert np.isfinite(infer(model, X, y, cov="HC1").std_error).all()


def test_a_scale_of_zero_is_not_said_to_be_a_column():
    X = np.random.default_rng(0).normal(size=(20, 2))
    y = 2.0 * X[:, 0] + 1.0
    found = infer(MLERegressor("laplace").fit(X, y), X, y)
    assert np.isnan(found.std_error).all() and found.table["estimate"][-1] == 0.0
    assert len(found.notes) == 1 and "its scale is 0" in found.notes[0]
