"""What is wrong with a chunk is said in three beats, and nothing hangs."""

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

from sklearn_mle import MLEClassifier, MLERegressor, infer

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 3)), RNG.normal(size=60)
LABELS = np.where(Y > 0, "up", "down")


def cut(values, chunks=20):
    return da.from_array(values, chunks=chunks)


def with_entry(values, place, entry):
    values = values.copy()
    values[place] = entry
    return values


@pytest.mark.parametrize(
    ("table", "y", "weight", "message"),
    [
        (with_entry(X, (45, 1), np.nan), Y, None, "contains NaN.*row 5, column 1 in chunk 2.*Drop"),
        (with_entry(X, (45, 1), -np.inf), Y, None, "infinity.*row 5, column 1 in chunk 2.*Clip"),
        (X, with_entry(Y, 30, np.nan), None, "y must be finite.*row 10 in chunk 1.*Drop"),
        (X, Y, with_entry(np.ones(60), 3, -2.0), "must not be negative; got -2 in row 3.*Use 0"),
        (X, Y, with_entry(np.ones(60), 3, np.inf), "sample_weight must be finite.*row 3.*Replace"),
        (X, Y, np.zeros(60), "positive for at least one row.*Leave"),
        (X, Y[:50], None, "same number of rows; got 60 and 50.*Pass one y"),
        (X, Y, np.ones(50), "sample_weight must have one entry.*60 and 50"),
        (X, np.column_stack([Y, Y]), None, "1d array.*one column"),
        (X * 1j, Y, None, "Complex data not supported"),
        (np.full(X.shape, "red"), Y, None, "needs numbers; got text"),
        (X[:, 0], Y, None, "must be a table"),
        (X[:0], Y[:0], None, r"Found array with 0 sample\(s\)"),
    ],
)
def test_bad_data(table, y, weight, message):
    size = 20 if len(table) else 1
    given = [cut(a, (size, *a.shape[1:])) for a in (table, y)]
    with pytest.raises(ValueError, match=f"(?s){message}"):
        MLERegressor().fit(*given, None if weight is None else cut(weight))


def test_text_as_a_target():
    with pytest.raises(ValueError, match=r"needs numbers for y.*MLEClassifier"):
        MLERegressor().fit(cut(X), cut(LABELS.astype(object)))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (Y, "Unknown label type: continuous.*MLERegressor"),
        (np.full(60, "up"), "at least 2 classes.*'up'"),
        (with_entry(LABELS.astype(object), 5, None), "labels of one kind"),
        (with_entry((Y > 0).astype(float), 50, np.nan), "y must be finite.*chunk 2"),
    ],
)
def test_bad_labels(labels, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        MLEClassifier().fit(cut(X), cut(labels))


def test_a_label_seen_in_one_chunk_only():
    labels = with_entry(LABELS.astype("U5"), slice(41, 44), "other")
    mine = MLEClassifier().fit(cut(X), cut(labels))
    theirs = MLEClassifier().fit(X, labels)
    np.testing.assert_array_equal(mine.classes_, theirs.classes_)
    np.testing.assert_allclose(mine.coef_, theirs.coef_, rtol=1e-8, atol=1e-10)
    assert mine.log_likelihood(cut(X), cut(labels)) == pytest.approx(mine.log_likelihood_)
    fewer = MLEClassifier().fit(cut(X), cut(LABELS))
    with pytest.warns(UserWarning, match="labels that fit has not seen.*other"):
        assert fewer.log_likelihood(cut(X), cut(labels)) == -np.inf


@pytest.mark.parametrize("chunks", [(0, 20, 0, 40), (60, 0), (20, 20, 20)])
def test_empty_chunks_and_chunks_without_weight(chunks):
    w = np.ones(60)
    w[20:40] = 0.0
    X_ = da.from_array(X, chunks=(chunks, 3))
    for noise in ("gaussian", "laplace", "huber"):
        mine = MLERegressor(noise).fit(X_, cut(Y), cut(w))
        theirs = MLERegressor(noise).fit(X, Y, w)
        np.testing.assert_allclose(mine.coef_, theirs.coef_, rtol=1e-9)
    prediction = mine.predict(X_)
    assert prediction.chunks == X_.chunks[:1]
    assert prediction.compute().shape == (60,)


def test_an_empty_partition():
    frame = pd.DataFrame(X, columns=list("abc")).assign(y=Y)
    whole = dd.concat([dd.from_pandas(frame[:20], 1), dd.from_pandas(frame[20:], 2)])
    some = whole[whole["a"] > frame["a"][20:].min() - 1.0]
    kept = some[some["y"].isin(Y[20:])]
    mine = MLERegressor("laplace").fit(kept[list("abc")], kept["y"])
    assert mine.log_likelihood_ == pytest.approx(
        MLERegressor("laplace").fit(X[20:], Y[20:]).log_likelihood_
    )
    assert mine.predict(kept[list("abc")]).compute().shape == (40,)


def test_a_chunk_with_other_columns():
    def one(i):
        return X[:20] if i != 1 else X[:20, :2]

    parts = [da.from_delayed(dask.delayed(one)(i), (20, 3), float) for i in range(3)]
    with pytest.raises(ValueError, match=r"columns of the whole.*got 2 columns in chunk 1"):
        MLERegressor().fit(da.concatenate(parts), cut(Y))


def test_a_partition_with_other_columns():
    meta = pd.DataFrame({name: [0.0] for name in "abc"})[:0]

    def one(i):
        return pd.DataFrame(X[:20], columns=list("abc" if i != 1 else "acb"))

    table = dd.from_map(one, range(3), meta=meta, enforce_metadata=False)
    with pytest.raises(ValueError, match=r"columns of the whole.*\['a', 'c', 'b'\] in chunk 1"):
        MLERegressor().fit(table, cut(Y))


def test_a_task_that_fails():
    def one(i):
        if i == 1:
            raise OSError("the disk is gone")
        return X[:20]

    parts = [da.from_delayed(dask.delayed(one)(i), (20, 3), float) for i in range(3)]
    with pytest.raises(RuntimeError, match=r"(?s)every chunk.*the disk is gone.*retries") as failed:
        MLERegressor().fit(da.concatenate(parts), cut(Y))
    assert isinstance(failed.value.__cause__, OSError)


@pytest.mark.parametrize("kind", ["gaussian", "laplace", "student_t", "classes"])
def test_rows_that_are_no_numbers_in_a_later_pass(kind):
    seen = []

    def one(i):
        seen.append(i)
        part = X[20 * i : 20 * i + 20].copy()
        if len(seen) > 3:
            part[0, 0] = np.nan
        return part

    reader = dask.delayed(one, pure=False)
    table = da.concatenate([da.from_delayed(reader(i), (20, 3), float) for i in range(3)])
    model = MLEClassifier() if kind == "classes" else MLERegressor(kind)
    with pytest.raises(ValueError, match=r"same in every pass.*NaN or infinity in X.*persist"):
        model.fit(table, cut(LABELS if kind == "classes" else Y))
    assert not hasattr(model, "coef_")


def test_a_failed_fit_leaves_nothing_behind():
    seen = []

    def fails_once(i):
        if i == 1 and not seen:
            seen.append(i)
            raise OSError("the disk is asleep")
        return X[20 * i : 20 * i + 20]

    table = da.concatenate(
        [da.from_delayed(dask.delayed(fails_once)(i), (20, 3), float) for i in range(3)]
    )
    model = MLERegressor()
    with pytest.raises(RuntimeError, match="the disk is asleep"):
        model.fit(table, cut(Y))
    assert not hasattr(model, "coef_")
    model.fit(table, cut(Y))
    np.testing.assert_allclose(model.coef_, MLERegressor().fit(X, Y).coef_, rtol=1e-10)


@pytest.mark.parametrize(
    ("table", "y", "message"),
    [
        (with_entry(X, (45, 1), np.nan), Y, "contains NaN.*row 5, column 1 in chunk 2.*Drop"),
        (X, with_entry(Y, 30, np.nan), "y must be finite.*row 10 in chunk 1.*Drop"),
        (X, Y[:50], "same number of rows; got 60 and 50"),
        (X[:, :2], Y, "expecting 3 features"),
    ],
)
@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_what_a_fit_is_asked_about_is_looked_at_too(noise, table, y, message):
    model = MLERegressor(noise).fit(cut(X), cut(Y))
    given = cut(table, (20, table.shape[1])), cut(y)
    for ask in (infer, lambda model, *given: model.log_likelihood(*given)):
        with pytest.raises(ValueError, match=f"(?s){message}"):
            ask(model, *given)


def test_a_failing_task_of_inference():
    def one(i):
        if i == 1:
            raise OSError("the disk is gone")
        return X[:20]

    parts = [da.from_delayed(dask.delayed(one)(i), (20, 3), float) for i in range(3)]
    model = MLERegressor().fit(X, Y)
    with pytest.raises(RuntimeError, match=r"(?s)every chunk.*the disk is gone.*retries"):
        infer(model, da.concatenate(parts), cut(Y))


def test_chunks_that_cannot_be_aligned():
    there = cut(np.ones(60, dtype=bool))
    with pytest.raises(ValueError, match=r"same chunks.*3 and 6 chunks.*compute_chunk_sizes"):
        MLERegressor().fit(cut(X)[there], cut(Y, 10)[cut(np.ones(60, dtype=bool), 10)])
    shifted = da.from_array(Y, chunks=((20, 19, 21),))
    with pytest.raises(ValueError, match="same number of rows; got 20 and 19 in chunk 1"):
        MLERegressor().fit(cut(X)[there], shifted)


def test_what_is_no_table():
    bag = pytest.importorskip("dask.bag").from_sequence([1, 2])
    with pytest.raises(TypeError, match="Dask array or DataFrame; got Bag"):
        MLERegressor().fit(bag, cut(Y))
    with pytest.raises(ValueError, match="requires y to be passed"):
        MLERegressor().fit(cut(X), None)
