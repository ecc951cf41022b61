"""The same class and the same answer where X is a Dask array or DataFrame."""

import pickle
import warnings

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_mle import (
    MLEClassifier,
    MLERegressor,
    compare,
    detect_separation,
    infer,
    log_likelihood_scorer,
)
from sklearn_mle.noises import AsymmetricLaplace, StudentT

MODELS = {
    "gaussian": MLERegressor(),
    "laplace": MLERegressor(noise="laplace"),
    "quantile": MLERegressor(noise=AsymmetricLaplace(quantile=0.9)),
    "student_t": MLERegressor(noise=StudentT(df=4.0)),
    "two classes": MLEClassifier(),
    "five classes": MLEClassifier(),
}
KINDS = [
    "seven chunks",
    "ragged",
    "columns cut",
    "unknown",
    "frame",
    "numpy y",
    "lazy",
    "sparse chunks",
    "threads",
]


def make(name, n=9000):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, 4)) * [1.0, 10.0, 0.1, 1.0] + [0.0, 5.0, 0.0, -30.0]
    signal = X @ [1.0, 0.1, -5.0, 0.5]
    w = rng.integers(0, 4, size=n).astype(float)
    if name == "two classes":
        return X, np.where(signal + 15.0 + rng.logistic(size=n) > 0, "yes", "no"), w
    if name == "five classes":
        return X, np.digitize(signal + 15.0 + 2 * rng.logistic(size=n), [-2, -1, 0, 2]), w
    return X, signal + rng.standard_t(4.0, size=n), w


def as_dask(kind, X, y, w):
    n = X.shape[0]
    seven = -(-n // 7)
    arrays = [da.from_array(a, chunks=seven) for a in (y, w)]
    if kind == "seven chunks":
        return da.from_array(X, chunks=(seven, 4)), *arrays
    if kind == "ragged":
        cuts = (1, 17, 3000, n - 3018)
        return da.from_array(X, chunks=(cuts, 4)), *arrays
    if kind == "columns cut":
        return da.from_array(X, chunks=(seven, 3)), *arrays
    if kind == "unknown":
        there = da.from_array(np.ones(n, dtype=bool), chunks=seven)
        return da.from_array(X, chunks=(seven, 4))[there], *(a[there] for a in arrays)
    if kind == "frame":
        frame = pd.DataFrame(X, columns=list("abcd")).assign(y=y, w=w)
        whole = dd.from_pandas(frame, npartitions=5)
        return whole[list("abcd")], whole["y"], whole["w"]
    if kind == "sparse chunks":
        whole = da.from_array(X, chunks=(seven, 4))
        return whole.map_blocks(sparse.csr_array, dtype=float), *arrays
    if kind == "numpy y":
        return da.from_array(X, chunks=(seven, 4)), y, w
    return da.from_array(X, chunks=(seven, 4)) * 1.0, *arrays


def fitted(model, X, y, w=None):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X is not persisted")
        return clone(model).fit(X, y, sample_weight=w)


def assert_same(mine, theirs, rtol=1e-10):
    size = np.abs(theirs.coef_).max()
    np.testing.assert_allclose(mine.coef_, theirs.coef_, rtol=rtol, atol=rtol * size)
    np.testing.assert_allclose(mine.intercept_, theirs.intercept_, rtol=rtol)
    assert mine.log_likelihood_ == pytest.approx(theirs.log_likelihood_, rel=rtol)
    assert mine.optimality_gap_ == pytest.approx(theirs.optimality_gap_, abs=1e-10)
    if hasattr(theirs, "scale_"):
        assert mine.scale_ == pytest.approx(theirs.scale_, rel=rtol)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MODELS)
def test_the_answer_is_that_of_rows_in_memory(name, kind):
    X, y, w = make(name)
    dX, dy, dw = as_dask(kind, X, y, w)
    workers = {"scheduler": "threads", "num_workers": 4} if kind == "threads" else {}
    for mine, theirs in ((None, None), (dw, w)):
        expected = fitted(MODELS[name], X, y, theirs)
        with dask.config.set(workers):
            assert_same(fitted(MODELS[name], dX, dy, mine), expected)


@pytest.mark.parametrize("noise", ["student_t", "logistic", "gumbel", "huber"])
def test_smooth_noises_with_their_shapes(noise):
    X, y, w = make("student_t", 3000)
    dX, dy, dw = as_dask("seven chunks", X, y, w)
    mine, theirs = fitted(MLERegressor(noise), dX, dy, dw), fitted(MLERegressor(noise), X, y, w)
    # an open shape is searched for to the square root of rounding
    assert_same(mine, theirs, 1e-7 if noise == "student_t" else 1e-10)


@pytest.mark.parametrize(
    "law", [scipy.stats.gamma(3.0), scipy.stats.lognorm(0.5), scipy.stats.weibull_min]
)
@pytest.mark.parametrize("intercept", [True, False])
def test_laws_with_ends_of_few_rows(law, intercept):
    """Residuals are drawn inside of ends, wherever the rows are; a linear programme may look."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 2))
    y = X @ [1.0, 2.0] + scipy.stats.gamma(3.0).rvs(size=300, random_state=rng)
    if not intercept:
        X = np.column_stack([X, np.ones(300)])
    model = MLERegressor(law, fit_intercept=intercept)
    theirs = fitted(model, X, y)
    mine = fitted(model, da.from_array(X, chunks=(70, -1)), da.from_array(y, chunks=70))
    assert_same(mine, theirs, 1e-7)


def test_balanced_classes_and_other_settings():
    X, y, w = make("five classes")
    dX, dy, dw = as_dask("frame", X, y, w)
    for model in (MLEClassifier(class_weight="balanced"), MLEClassifier(fit_intercept=False)):
        assert_same(fitted(model, dX, dy, dw), fitted(model, X, y, w))


def test_what_is_left_is_small_ordinary_and_named():
    X, y, w = make("gaussian")
    dX, dy, dw = as_dask("frame", X, y, w)
    model = fitted(MLERegressor(), dX, dy, dw)
    assert isinstance(model.coef_, np.ndarray) and isinstance(model.scale_, float)
    assert len(pickle.dumps(model)) < 3000
    np.testing.assert_array_equal(model.feature_names_in_, list("abcd"))
    again = pickle.loads(pickle.dumps(model))
    frame = pd.DataFrame(X, columns=list("abcd"))
    np.testing.assert_array_equal(again.predict(frame), model.predict(frame))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(dX.rename(columns={"a": "z"}))
    with pytest.raises(ValueError, match="features"):
        fitted(MLERegressor(), X, y).predict(da.ones((10, 5), chunks=5))


@pytest.mark.parametrize("kind", ["seven chunks", "columns cut", "unknown", "frame"])
@pytest.mark.parametrize("name", ["gaussian", "two classes", "five classes"])
def test_predictions_are_lazy_and_keep_partitions_and_index(name, kind):
    X, y, w = make(name, 700)
    model = fitted(MODELS[name], X, y)
    dX, dy, _ = as_dask(kind, X, y, w)
    if kind == "frame":
        model.feature_names_in_ = np.array(list("abcd"), dtype=object)
    calls = [("predict",), ("log_prob", "y")]
    if name == "gaussian":
        calls += [
            ("predict_interval", 0.8),
            ("predict_quantile", [0.1, 0.5]),
            ("predict_quantile", 0.9),
        ]
    else:
        calls += [("predict_proba",), ("predict_log_proba",), ("decision_function",)]
    frame = pd.DataFrame(X, columns=list("abcd")) if kind == "frame" else X
    for method, *rest in calls:
        given = [dy if a == "y" else a for a in rest] if rest else []
        expected = getattr(model, method)(frame, *[y if isinstance(a, str) else a for a in rest])
        found = getattr(model, method)(dX, *given)
        assert dask.is_dask_collection(found)
        if kind == "frame":
            assert found.divisions == dX.divisions
            made = found.compute()
            np.testing.assert_array_equal(made.index, frame.index)
            np.testing.assert_allclose(
                made.to_numpy().astype(expected.dtype) if expected.dtype.kind == "f" else 0.0,
                expected if expected.dtype.kind == "f" else 0.0,
                rtol=1e-12,
            )
            if expected.dtype.kind != "f":
                np.testing.assert_array_equal(made.to_numpy(), expected)
            if expected.ndim == 2 and name != "gaussian":
                assert list(found.columns) == model.classes_.tolist()
        else:
            assert found.ndim == expected.ndim
            assert found.numblocks[0] == dX.numblocks[0]
            if expected.dtype.kind == "f":
                np.testing.assert_allclose(found.compute(), expected, rtol=1e-12)
            else:
                np.testing.assert_array_equal(found.compute(), expected)


@pytest.mark.parametrize("name", ["gaussian", "laplace", "two classes"])
def test_scores_are_numbers(name):
    X, y, w = make(name)
    model = fitted(MODELS[name], X, y)
    for kind in ("seven chunks", "unknown"):
        dX, dy, dw = as_dask(kind, X, y, w)
        assert model.score(dX, dy, dw) == pytest.approx(model.score(X, y, w), rel=1e-10)
        assert model.log_likelihood(dX, dy, dw) == pytest.approx(
            model.log_likelihood(X, y, w), rel=1e-12
        )
        assert model.aic(dX, dy) == pytest.approx(model.aic(X, y), rel=1e-12)
        assert model.bic(dX, dy) == pytest.approx(model.bic(X, y), rel=1e-12)
        for mine, theirs in ((None, None), (dw, w)):
            assert log_likelihood_scorer(model, dX, dy, sample_weight=mine) == pytest.approx(
                log_likelihood_scorer(model, X, y, sample_weight=theirs), rel=1e-12
            )


@pytest.mark.parametrize("cov", ["model", "HC3", "cluster"])
@pytest.mark.parametrize("name", ["gaussian", "laplace", "two classes"])
def test_standard_errors_are_those_of_rows_in_memory(name, cov):
    X, y, w = make(name)
    dX, dy, dw = as_dask("unknown", X, y, w)
    model = fitted(MODELS[name], X, y, w)
    groups = np.arange(X.shape[0]) % 40 if cov == "cluster" else None
    theirs = infer(model, X, y, sample_weight=w, cov=cov, groups=groups)
    mine = infer(model, dX, dy, sample_weight=dw, cov=cov, groups=groups)
    np.testing.assert_allclose(mine.covariance, theirs.covariance, rtol=1e-8, atol=1e-14)


def test_what_fits_again_and_again_says_that_it_needs_memory():
    X, y, w = make("laplace")
    dX, dy, _ = as_dask("seven chunks", X, y, w)
    model = fitted(MODELS["laplace"], X, y)
    with pytest.raises(ValueError, match="needs them in memory"):
        infer(model, dX, dy, cov="bootstrap")
    with pytest.raises(TypeError, match="predict_quantile"):
        model.predict_dist(dX)


def test_noises_are_compared():
    X, y, w = make("gaussian", 2000)
    dX, dy, dw = as_dask("unknown", X, y, w)
    theirs = compare(["gaussian", "laplace"], X, y, sample_weight=w)
    mine = compare(["gaussian", "laplace"], dX, dy, sample_weight=dw)
    assert mine.best_ == theirs.best_
    for name in ("log_likelihood", "bic", "vuong_z"):
        np.testing.assert_allclose(mine.table[name], theirs.table[name], rtol=1e-8)


@pytest.mark.parametrize("kind", ["seven chunks", "unknown", "frame"])
@pytest.mark.parametrize("weighted", [False, True])
def test_noises_are_compared_on_rows_held_out(kind, weighted):
    X, y, w = make("gaussian", 1500)
    dX, dy, dw = as_dask(kind, X, y, w)
    mine, theirs = (dw, w) if weighted else (None, None)
    expected = compare(["gaussian", "laplace"], X, y, sample_weight=theirs, cv=3)
    found = compare(["gaussian", "laplace"], dX, dy, sample_weight=mine, cv=3)
    assert found.best_ == expected.best_
    for name in ("held_out", "held_out_se"):
        np.testing.assert_allclose(found.table[name], expected.table[name], rtol=1e-9)


def test_classes_are_compared_on_rows_held_out():
    X, y, w = make("five classes", 1500)
    dX, dy, _ = as_dask("seven chunks", X, y, w)
    models = {"free": MLEClassifier(), "through zero": MLEClassifier(fit_intercept=False)}
    expected, found = compare(models, X, y, cv=3), compare(models, dX, dy, cv=3)
    assert found.best_ == expected.best_
    np.testing.assert_allclose(found.table["held_out"], expected.table["held_out"], rtol=1e-9)


def test_steps_that_would_see_held_out_rows_are_refused():
    X, y, w = make("gaussian", 300)
    dX, dy, _ = as_dask("seven chunks", X, y, w)
    pipeline = make_pipeline(FunctionTransformer(), MLERegressor())
    with pytest.raises(ValueError, match=r"cv.*steps before the likelihood.*Pipeline.*Transform"):
        compare({"a": pipeline, "b": "laplace"}, dX, dy, cv=3)


def test_separation_is_found_and_the_limit_fitted():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 3))
    X[:, 2] = rng.random(3000) < 0.1
    y = (X[:, 0] + rng.logistic(size=3000) > 0) | (X[:, 2] == 1.0)
    dX, dy = da.from_array(X, chunks=(400, 3)), da.from_array(y, chunks=400)
    theirs, mine = detect_separation(X, y), detect_separation(dX, dy)
    assert mine.separated
    np.testing.assert_array_equal(mine.rows, theirs.rows)
    np.testing.assert_array_equal(mine.features, theirs.features)
    with pytest.warns(UserWarning, match="quasi-complete"):
        model = MLEClassifier().fit(dX, dy)
    with pytest.warns(UserWarning, match="quasi-complete"):
        expected = MLEClassifier().fit(X, y)
    assert model.separated_
    assert model.log_likelihood_ == pytest.approx(expected.log_likelihood_, rel=1e-10)


def test_data_that_must_be_computed_again_are_spoken_of():
    X, y, w = make("laplace")
    dX, dy, _ = as_dask("lazy", X, y, w)
    with pytest.warns(UserWarning, match=r"computed its chunks \d+ times.*X.persist"):
        MLERegressor("laplace").fit(dX, dy)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLERegressor("laplace").fit(dX.persist(), dy)


def test_sparse_chunks_are_not_filled_in():
    X, y, _ = make("two classes", 2000)
    X = X * (np.random.default_rng(0).random(X.shape) < 0.3)
    dX = da.from_array(X, chunks=(300, 4)).map_blocks(sparse.csr_array, dtype=float)
    for model, target in ((MLEClassifier(), y), (MLERegressor(), X @ np.ones(4) + (y == "yes"))):
        assert_same(fitted(model, dX, da.from_array(target, chunks=300)), fitted(model, X, target))


def test_files_are_read_in_the_same_chunks_for_features_and_target(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(400, 5)), columns=list("abcde"))
    table["y"] = table["a"] - table["b"] + rng.normal(size=400)
    dd.from_pandas(table, npartitions=4).to_parquet(tmp_path / "table")
    frame = dd.read_parquet(tmp_path / "table")
    with pytest.warns(UserWarning, match="not persisted"):
        mine = MLERegressor("laplace").fit(frame[["a", "b"]], frame["y"])
    theirs = MLERegressor("laplace").fit(table[["a", "b"]], table["y"])
    np.testing.assert_allclose(mine.coef_, theirs.coef_, rtol=1e-10)
    assert list(mine.feature_names_in_) == ["a", "b"]
