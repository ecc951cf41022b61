"""Classes: labels of any kind, exact probabilities, honesty about separation."""

import warnings

import numpy as np
import pytest
from scipy import optimize
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from sklearn_mle import MLEClassifier, SeparationWarning


def overlapping(n_classes=2, n=300, p=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    scores = X @ rng.normal(size=(p, n_classes)) + rng.gumbel(size=(n, n_classes))
    return X, scores.argmax(axis=1)


@pytest.mark.parametrize(
    "names",
    [["no", "yes"], [False, True], [-5, 12], [0.0, 2.0], np.array(["a", "b"], dtype=object)],
    ids=["text", "booleans", "integers", "whole floats", "objects"],
)
def test_labels_of_any_kind(names):
    X, codes = overlapping()
    labels = np.asarray(names)[codes]
    model, plain = MLEClassifier().fit(X, labels), MLEClassifier().fit(X, codes)
    np.testing.assert_array_equal(model.classes_, np.unique(labels))
    np.testing.assert_array_equal(model.predict(X), np.asarray(names)[plain.predict(X)])
    np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_shapes_and_identities(n_classes):
    X, y = overlapping(n_classes)
    model = MLEClassifier().fit(X, y)
    lines = 1 if n_classes == 2 else n_classes
    assert model.coef_.shape == (lines, 3)
    assert model.intercept_.shape == (lines,)
    P = model.predict_proba(X)
    assert P.shape == (300, n_classes)
    np.testing.assert_allclose(P.sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(np.log(P), model.predict_log_proba(X), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(model.predict(X), P.argmax(axis=1))
    logs = model.log_prob(X, y)
    np.testing.assert_allclose(logs, np.log(P[np.arange(300), y]), rtol=1e-10)
    assert model.log_likelihood_ == pytest.approx(logs.sum(), rel=1e-12)
    assert model.log_likelihood(X, y) == pytest.approx(logs.sum(), rel=1e-12)
    k = (n_classes - 1) * 4
    assert model.aic(X, y) == pytest.approx(2 * k - 2 * logs.sum(), rel=1e-12)
    assert model.bic(X, y) == pytest.approx(np.log(300) * k - 2 * logs.sum(), rel=1e-12)
    if n_classes > 2:
        np.testing.assert_allclose(model.coef_.sum(axis=0), 0.0, atol=1e-13)
        assert model.intercept_.sum() == pytest.approx(0.0, abs=1e-13)
    assert not model.separated_
    assert model.optimality_gap_ < 1e-12
    assert model.rank_ == 3


def test_log_probabilities_stay_exact_where_probabilities_vanish():
    X, y = overlapping()
    model = MLEClassifier().fit(X, y)
    far = np.sign(model.coef_) * 1e4
    score = model.decision_function(far)[0]
    np.testing.assert_allclose(model.predict_log_proba(far)[0, 0], -score, rtol=1e-12)
    np.testing.assert_allclose(
        model.predict_log_proba(-far)[0, 1], -(score - 2 * model.intercept_[0]), rtol=1e-12
    )


def test_the_maximum_is_not_below_what_a_general_optimiser_finds():
    X, y = overlapping()
    Z, sign = np.column_stack([X, np.ones(300)]), np.where(y == 1, 1.0, -1.0)
    best = optimize.minimize(
        lambda b: np.logaddexp(0.0, -sign * (Z @ b)).sum(), np.zeros(4), tol=1e-12
    )
    model = MLEClassifier().fit(X, y)
    assert -model.log_likelihood_ <= best.fun * (1.0 + 1e-13)
    np.testing.assert_allclose([*model.coef_[0], *model.intercept_], best.x, rtol=1e-4)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0}, {0: 0.5, 1: 2.0, 2: 1.0}])
def test_class_weights_are_those_of_scikit_learn(class_weight):
    X, y = overlapping(3, seed=4)
    w = np.random.default_rng(0).integers(1, 4, size=300)
    ours = MLEClassifier(class_weight=class_weight).fit(X, y)
    theirs = LogisticRegression(
        C=np.inf, class_weight=class_weight, tol=1e-12, solver="newton-cg", max_iter=1000
    ).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    repeated = np.repeat(np.arange(300), w)
    np.testing.assert_allclose(
        MLEClassifier(class_weight=class_weight).fit(X, y, sample_weight=w).coef_,
        MLEClassifier(class_weight=class_weight).fit(X[repeated], y[repeated]).coef_,
        rtol=1e-8,
    )


def separable(X, y):
    """Whether a linear program finds a plane with no row on the wrong side, and some not on it.

    The total of the margins is made as large as possible with coefficients between -1 and 1.
    """
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    signed = np.where(y == 1, 1.0, -1.0)[:, None] * np.column_stack([Z, np.ones(len(Z))])
    best = optimize.linprog(
        -signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(Z)), bounds=(-1, 1), method="highs"
    )
    return -best.fun > 1e-5


@pytest.mark.parametrize("units", [1.0, 1e-6, 1e6])
@pytest.mark.parametrize("columns", [5, 10, 20, 30])
def test_the_breast_cancer_data_get_the_true_answer(columns, units):
    X, y = load_breast_cancer(return_X_y=True)
    X = X[:, :columns]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeparationWarning)
        assert MLEClassifier().fit(X * units, y).separated_ is separable(X, y)


@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_complete_and_quasi_complete_separation_of_three_classes(load):
    X, y = load(return_X_y=True)
    with pytest.warns(SeparationWarning, match="no finite maximum.*limit.*Drop or merge"):
        model = MLEClassifier().fit(X, y)
    assert model.separated_
    assert np.isfinite(model.coef_).all()
    again = MLEClassifier()
    with pytest.warns(SeparationWarning):
        again.fit(X, y)
    np.testing.assert_array_equal(again.coef_, model.coef_)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_completely_separated_classes_are_certain_and_finite(n_classes, weighted):
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(n_classes), 20)
    X = rng.uniform(-1.0, 1.0, size=(len(y), 2)) + 5.0 * np.array([[0, 0], [1, 0], [0, 1]])[y]
    weight = rng.uniform(0.1, 9.0, size=len(y)) if weighted else None
    with pytest.warns(SeparationWarning, match="no finite maximum"):
        model = MLEClassifier().fit(X, y, weight)
    assert model.separated_
    assert np.isfinite(model.coef_).all() and np.isfinite(model.intercept_).all()
    np.testing.assert_array_equal(model.predict(X), y)
    np.testing.assert_allclose(model.predict_proba(X), np.eye(n_classes)[y], atol=1e-6)
    assert -1e-6 <= model.log_likelihood_ <= 0.0
    assert model.optimality_gap_ <= 1e-6


def test_three_classes_of_which_one_stands_apart_leave_the_others_at_their_own_fit():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(150, 2))
    y = np.where(X[:, 0] + rng.logistic(size=150) > 0.0, 1, 0)
    X, y = np.vstack([X, rng.normal(size=(30, 2)) + 50.0]), np.append(y, np.full(30, 2))
    with pytest.warns(SeparationWarning):
        model = MLEClassifier().fit(X, y)
    pair = MLEClassifier().fit(X[:150], y[:150])
    np.testing.assert_allclose(
        model.predict_proba(X[:150])[:, :2], pair.predict_proba(X[:150]), atol=1e-6
    )
    np.testing.assert_allclose(model.predict_proba(X[150:])[:, 2], 1.0, atol=1e-6)
    assert model.log_likelihood_ == pytest.approx(pair.log_likelihood_, abs=1e-6)


def test_predictions_of_separated_classes_are_those_of_the_limit():
    X = np.array([[0.0, 0], [0, 1], [0, 2], [0, 3], [1, 0], [1, 1], [1, 2]])
    y = np.array([0, 1, 0, 1, 1, 1, 1])
    with pytest.warns(SeparationWarning):
        model = MLEClassifier().fit(X, y)
    undecided = MLEClassifier().fit(X[:4, 1:], y[:4])
    P = model.predict_proba(X)
    np.testing.assert_allclose(P[:4], undecided.predict_proba(X[:4, 1:]), atol=1e-6)
    np.testing.assert_allclose(P[4:, 1], 1.0, atol=1e-7)
    assert model.log_likelihood_ == pytest.approx(undecided.log_likelihood_, abs=1e-7)


def test_far_rows_and_overlapping_classes_in_any_units_are_no_separation():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(400, 2)) * [1e-3, 1e5]
    X[:3] *= 1e4
    y = rng.integers(2, size=400)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not MLEClassifier().fit(X, y).separated_


def test_extreme_but_overlapping_classes_are_fitted_without_a_word():
    x = np.linspace(-300, 300, 2000)
    y = (x > 0).astype(int)
    y[999:1001] = 1, 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MLEClassifier().fit(x[:, None], y)
    assert not model.separated_
    assert model.optimality_gap_ < 1e-12


def test_stopping_early_warns_and_the_gap_is_true():
    X, y = overlapping(3)
    least = -MLEClassifier().fit(X, y).log_likelihood_
    with pytest.warns(ConvergenceWarning, match=r"max_iter=1 .*raise max_iter"):
        model = MLEClassifier(max_iter=1).fit(X, y)
    cost = -model.log_likelihood_
    assert model.n_iter_ == 1
    assert model.optimality_gap_ >= (cost - least) / max(1.0, cost)


def exact_cost(model, X, y):
    """The cost in extended precision, and what is left of it after two Newton steps there."""
    Z = np.column_stack([X, np.ones(len(X))]).astype(np.longdouble)
    sign = np.where(y == 1, 1.0, -1.0)
    theta = np.append(model.coef_[0], model.intercept_).astype(np.longdouble)

    def cost(theta):
        return np.logaddexp(0, -sign * (Z @ theta)).sum()

    least = theta
    for _ in range(2):
        p = 1 / (1 + np.exp(-(Z @ least)))
        hessian = np.asarray((Z.T * (p * (1 - p))) @ Z, dtype=float)
        gradient = np.asarray(Z.T @ (p - (y == 1)), dtype=float)
        least = least - np.linalg.solve(hessian, gradient)
    return float(cost(theta) - cost(least)), float(cost(least))


@pytest.mark.parametrize("tol", [1e-2, 1e-5, 1e-8])
@pytest.mark.parametrize("max_iter", [2, 3, 100])
def test_the_gap_bounds_what_extended_precision_still_finds(tol, max_iter):
    X, y = load_breast_cancer(return_X_y=True)
    X = X[:, [1, 4]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = MLEClassifier(tol=tol, max_iter=max_iter).fit(X, y)
    left, least = exact_cost(MLEClassifier().fit(X, y), X, y)
    assert left <= 1e-15 * least
    cost = -model.log_likelihood_
    assert cost - least <= model.optimality_gap_ * max(1.0, cost) + 1e-14 * least


def test_a_warm_start_goes_on_where_the_last_fit_ended():
    X, y = overlapping()
    model = MLEClassifier(warm_start=True).fit(X, y)
    cold = model.n_iter_
    model.fit(X[5:], y[5:])
    assert model.n_iter_ < cold
    np.testing.assert_allclose(model.coef_, MLEClassifier().fit(X[5:], y[5:]).coef_, rtol=1e-9)
    model.fit(X[:, :2], np.array(["a", "b"])[y])
    assert model.coef_.shape == (1, 2)


def test_a_label_never_seen_has_probability_zero_and_a_warning():
    X, y = overlapping()
    model = MLEClassifier().fit(X, y)
    with pytest.warns(UserWarning, match=r"labels that fit has not seen: \[7\].*minus infinity"):
        logs = model.log_prob(X[:3], [0, 7, 1])
    assert np.isneginf(logs).tolist() == [False, True, False]


def test_classes_without_weight_are_no_classes():
    X, y = overlapping(3)
    w = (y != 1).astype(float)
    model = MLEClassifier().fit(X, y, sample_weight=w)
    assert model.classes_.tolist() == [0, 2]
    np.testing.assert_allclose(
        model.coef_, MLEClassifier().fit(X[y != 1], y[y != 1]).coef_, rtol=1e-9
    )
