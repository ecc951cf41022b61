"""Bad input: the rule, what was got, the way out; and answers where the data still allow one."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from sklearn_mle import MLEClassifier, MLERegressor
from sklearn_mle.noises import Laplace

X = np.random.default_rng(0).normal(size=(20, 2))
Y = X @ [1.0, 2.0] + np.random.default_rng(1).normal(size=20)
LABELS = np.where(np.median(Y) < Y, "high", "low")
LABELS[:2] = "high", "low"
MODELS = [
    (MLERegressor(), Y),
    (MLERegressor(noise="laplace"), Y),
    (MLEClassifier(), LABELS),
]


@pytest.fixture(params=MODELS, ids=["gaussian", "laplace", "classes"])
def model_and_y(request):
    return request.param


def changed(array, place, value):
    array = np.array(array, dtype=float)
    array[place] = value
    return array


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_x_that_is_not_finite(model_and_y, value):
    model, y = model_and_y
    with pytest.raises(ValueError, match=r"X contains (NaN|infinity)[\s\S]*(imput|Clip|drop)"):
        model.fit(changed(X, (3, 1), value), y)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_y_that_is_not_finite(noise, value):
    with pytest.raises(ValueError, match=r"y must be finite. Input y contains.*Drop these rows"):
        MLERegressor(noise=noise).fit(X, changed(Y, 3, value))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (changed(np.ones(20), 4, np.nan), r"must be finite; got NaN.*row 4.*use 0"),
        (changed(np.ones(20), 4, np.inf), r"must be finite; got NaN or infinity.*row 4"),
        (changed(np.ones(20), 4, -2.0), r"must not be negative; got -2, first in row 4.*Use 0"),
        (np.zeros(20), r"positive for at least one row; got.*all zero.*Leave sample_weight out"),
        (np.ones(19), r"one entry a row, shape \(20,\); got shape \(19,\)"),
        (np.ones((20, 2)), r"must be 1D.*got shape \(20, 2\)"),
        (["much"] * 20, r"must hold numbers.*got entries that are not.*Pass how many"),
        (1j * np.ones(20), r"must hold numbers.*got entries that are not.*Pass how many"),
    ],
)
def test_weights_that_are_none(model_and_y, weight, message):
    model, y = model_and_y
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, sample_weight=weight)


def test_weights_that_are_none_for_held_out_rows(model_and_y):
    model, y = model_and_y
    model.fit(X, y)
    with pytest.raises(ValueError, match=r"must not be negative; got -1.*Use 0"):
        model.log_likelihood(X, y, sample_weight=-np.ones(20))


def test_rows_to_predict_that_are_not_finite(model_and_y):
    model, y = model_and_y
    with pytest.raises(ValueError, match=r"X contains NaN[\s\S]*imput"):
        model.fit(X, y).predict(changed(X, (3, 1), np.nan))


def test_lengths_that_differ(model_and_y):
    model, y = model_and_y
    with pytest.raises(ValueError, match=r"same number of rows.*\[20, 19\].*one y for each row"):
        model.fit(X, y[:-1])


def test_text_where_numbers_belong(model_and_y):
    model, y = model_and_y
    table = pd.DataFrame({"a": X[:, 0], "town": ["Ulm"] * 20})
    with pytest.raises(ValueError, match=r"needs numbers; got text.*Ulm.*OneHotEncoder"):
        model.fit(table, y)
    with pytest.raises(ValueError, match=r"needs numbers; got text.*OneHotEncoder"):
        model.fit([["a", "b"]] * 20, y)


def test_text_for_a_numeric_target_points_to_the_classifier():
    with pytest.raises(ValueError, match=r"needs numbers; got text.*MLEClassifier"):
        MLERegressor().fit(X, LABELS)


def test_numbers_for_classes_point_to_the_regressor():
    with pytest.raises(ValueError, match=r"Unknown label type: continuous.*use MLERegressor"):
        MLEClassifier().fit(X, Y)


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
@pytest.mark.parametrize("value", [None, np.nan, np.inf])
def test_a_missing_target_among_objects_is_found(noise, value):
    y = Y.astype(object)
    y[3] = value
    with pytest.raises(ValueError, match=r"y must be finite.*Drop these rows"):
        MLERegressor(noise=noise).fit(X, y)


def test_a_missing_label_is_found():
    with pytest.raises(ValueError, match=r"y must be finite.*NaN. Drop these rows"):
        MLEClassifier().fit(X, changed(LABELS == "low", 3, np.nan))
    for missing in (None, 7, np.nan):
        y = LABELS.astype(object)
        y[3] = missing
        with pytest.raises(ValueError, match=r"y must .*(got labels of types|NaN).*Drop"):
            MLEClassifier().fit(X, y)


def test_a_target_of_two_columns(model_and_y):
    model, y = model_and_y
    with pytest.raises(ValueError, match=r"1d array, got.*\(20, 2\).*one column of y at a time"):
        model.fit(X, np.column_stack([y, y]))


def test_no_target(model_and_y):
    model, _ = model_and_y
    with pytest.raises(ValueError, match=r"requires y.*None. Pass one y for each row"):
        model.fit(X, None)


def test_a_table_of_one_or_three_dimensions(model_and_y):
    model, y = model_and_y
    with pytest.raises(ValueError, match=r"Expected 2D array, got 1D array[\s\S]*reshape"):
        model.fit(X[:, 0], y)
    with pytest.raises(ValueError, match=r"dim 3.*<= 2.*Pass a table"):
        model.fit(X[None], y)


def test_complex_numbers(model_and_y):
    model, y = model_and_y
    with pytest.raises(ValueError, match=r"Complex data not supported[\s\S]*as two columns"):
        model.fit(X + 1j, y)


@pytest.mark.parametrize(
    ("noise", "error", "message"),
    [
        ("laplacian", ValueError, r"one of 'gaussian', .*got 'laplacian'. Did you mean 'laplace'"),
        ("normal", ValueError, r"got 'normal'. Did you mean 'gaussian'"),
        ("weather", ValueError, r"got 'weather'. Choose one of these names"),
        (Laplace, TypeError, r"got the class Laplace. Call it: noise=Laplace\(\)"),
        (None, TypeError, r"must be one of.*got None of type NoneType. Pass one of these names"),
    ],
)
def test_a_noise_that_is_none(noise, error, message):
    with pytest.raises(error, match=message):
        MLERegressor(noise=noise).fit(X, Y)


@pytest.mark.parametrize(
    ("setting", "error", "message"),
    [
        ({"tol": 0.0}, ValueError, r"tol must be a number above 0.*got 0.0.*default is tol=1e-8"),
        ({"tol": -1.0}, ValueError, r"tol must be.*got -1.0"),
        ({"tol": np.nan}, ValueError, r"tol must be.*got nan"),
        ({"tol": "small"}, TypeError, r"tol must be.*got 'small' of type str"),
        ({"max_iter": 0}, ValueError, r"max_iter must be a whole number, at least 1; got 0"),
        ({"max_iter": 1.5}, TypeError, r"max_iter must be.*got 1.5 of type float"),
        ({"max_iter": True}, TypeError, r"max_iter must be.*got True of type bool"),
        ({"fit_intercept": "no"}, TypeError, r"fit_intercept must be True or False; got 'no'"),
        ({"warm_start": 1}, TypeError, r"warm_start must be True or False; got 1"),
        ({"solver": "adam"}, ValueError, r"solver must be one of 'auto'.*got 'adam'. Use 'auto'"),
        ({"solver": None}, TypeError, r"solver must be the name.*got None"),
    ],
)
def test_settings_out_of_range(model_and_y, setting, error, message):
    model, y = model_and_y
    with pytest.raises(error, match=message):
        type(model)(**{**model.get_params(), **setting}).fit(X, y)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            MLERegressor(noise="laplace", solver="least_squares"),
            r"needs a cost that is quadratic.*got solver='least_squares'.*'least_absolute'",
        ),
        (
            MLERegressor(solver="newton"),
            r"'newton' does not fit this model.*Use one of 'auto', 'least_squares'",
        ),
        (
            MLEClassifier(solver="least_absolute"),
            r"needs a cost that is piecewise linear.*Use one of 'auto', 'newton'",
        ),
    ],
)
def test_a_solver_that_does_not_fit_the_model(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X, LABELS if isinstance(model, MLEClassifier) else Y)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ("even", r"dict.*'balanced' or None; got 'even'"),
        ({"middle": 1.0}, r"must name classes of y.*got \['middle'\]"),
        ({"low": -1.0}, r"positive, finite factors; got.*drop its rows"),
        ({"low": "much"}, r"positive, finite factors; got"),
        (3, r"dict.*'balanced' or None; got 3. Use class_weight='balanced'"),
    ],
)
def test_class_weights_that_are_none(class_weight, message):
    with pytest.raises(ValueError, match=message):
        MLEClassifier(class_weight=class_weight).fit(X, LABELS)


def test_asking_before_fit(model_and_y):
    model, y = model_and_y
    fresh = type(model)()
    for ask in (
        lambda: fresh.predict(X),
        lambda: fresh.log_likelihood(X, y),
        lambda: fresh.aic(X, y),
    ):
        with pytest.raises(NotFittedError, match=r"not fitted yet. Call 'fit'"):
            ask()


def test_other_features_than_at_fit(model_and_y):
    model, y = model_and_y
    model.fit(pd.DataFrame(X, columns=["a", "b"]), y)
    with pytest.raises(ValueError, match=r"names should match[\s\S]*- c[\s\S]*in the same order"):
        model.predict(pd.DataFrame(X, columns=["a", "c"]))
    model.fit(X, y)
    with pytest.raises(ValueError, match=r"3 features.*expecting 2.*in the same order"):
        model.predict(np.ones((4, 3)))


def test_one_class_only():
    with pytest.raises(ValueError, match=r"at least 2 classes.*only one class.*'low'"):
        MLEClassifier().fit(X, ["low"] * 20)
    weight = (LABELS == "high").astype(float)
    with pytest.raises(ValueError, match=r"in rows of positive weight; got only one class"):
        MLEClassifier().fit(X, LABELS, sample_weight=weight)


def test_nothing_at_all(model_and_y):
    model, _ = model_and_y
    with pytest.raises(ValueError, match=r"0 sample.*minimum of 1 is required.*filter or split"):
        model.fit(np.empty((0, 2)), np.empty(0))
    with pytest.raises(
        ValueError, match=r"0 feature.*minimum of 1 is required.*at least one column"
    ):
        model.fit(np.empty((5, 0)), np.arange(5) % 2)


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
@pytest.mark.parametrize("level", [0.0, 0.1, -1e8])
def test_a_constant_target_has_scale_zero_and_says_so(noise, level):
    with pytest.warns(ConvergenceWarning, match="scale is 0 and the log-likelihood is infinite"):
        model = MLERegressor(noise=noise).fit(X, np.full(20, level))
    np.testing.assert_allclose(model.coef_, 0.0, atol=1e-14 * max(1.0, abs(level)))
    assert model.intercept_ == pytest.approx(level, rel=1e-14)
    assert model.scale_ == 0.0
    assert model.log_likelihood_ == np.inf
    assert model.optimality_gap_ == 0.0
    logs = model.log_prob(X[:2], [level, level + 1.0])
    assert logs.tolist() == [np.inf, -np.inf]
    assert model.log_likelihood(X, np.full(20, level)) == np.inf
    assert model.log_likelihood(X[:2], [level, level + 1.0]) == -np.inf


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_a_plane_through_every_row_is_kept_and_named(noise, n):
    wide = np.random.default_rng(n).normal(size=(n, 5))
    y = np.arange(1.0, n + 1.0)
    with pytest.warns(ConvergenceWarning, match="goes through every row"):
        model = MLERegressor(noise=noise).fit(wide, y)
    np.testing.assert_allclose(model.predict(wide), y, rtol=1e-10)
    assert model.scale_ == 0.0
    assert model.log_likelihood(wide, y) == np.inf


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_an_exact_linear_target_has_scale_zero_and_keeps_its_coefficients(noise, fit_intercept):
    y = X @ [0.1, -0.7] + 0.3 * fit_intercept
    with pytest.warns(ConvergenceWarning, match="goes through every row.*can be used to predict"):
        model = MLERegressor(noise=noise, fit_intercept=fit_intercept).fit(X, y)
    np.testing.assert_allclose(model.coef_, [0.1, -0.7], rtol=1e-13)
    assert model.intercept_ == pytest.approx(0.3 * fit_intercept, rel=1e-13)
    assert (model.scale_, model.log_likelihood_) == (0.0, np.inf)
    assert model.log_likelihood(X, y) == np.inf
    assert (model.aic(X, y), model.bic(X, y)) == (-np.inf, -np.inf)


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_an_impossible_row_of_weight_zero_does_not_count(noise):
    level = np.full(20, 2.0)
    with pytest.warns(ConvergenceWarning, match="scale is 0"):
        model = MLERegressor(noise=noise).fit(X, level)
    off, weight = changed(level, 0, 3.0), changed(np.ones(20), 0, 0.0)
    assert model.log_likelihood(X, off) == -np.inf
    assert model.log_likelihood(X, off, sample_weight=weight) == np.inf


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
@pytest.mark.parametrize("factor", [1e-100, 1e100])
def test_targets_of_extreme_size_are_fitted_as_any_other(noise, factor):
    model, other = MLERegressor(noise=noise).fit(X, Y), MLERegressor(noise=noise).fit(X, Y * factor)
    np.testing.assert_allclose(other.coef_, model.coef_ * factor, rtol=1e-12)
    assert other.scale_ == pytest.approx(model.scale_ * factor, rel=1e-12)
    moved = model.log_likelihood_ - 20 * np.log(factor)
    assert other.log_likelihood_ == pytest.approx(moved, rel=1e-12)


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_an_ordinary_fit_says_nothing(noise):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLERegressor(noise=noise).fit(X, Y)
