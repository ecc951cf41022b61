"""Two worker processes: the answers of rows in memory, and a worker that ends in the middle."""

import os
import signal
import warnings

import dask
import dask.array as da
import distributed
import numpy as np
import pytest
from sklearn.base import clone

from sklearn_mle import MLEClassifier, MLERegressor
from sklearn_mle.noises import AsymmetricLaplace, StudentT
from sklearn_mle.rows.dask_rows import DaskRows

N, P = 20_000, 4
MODELS = {
    "gaussian": MLERegressor(),
    "laplace": MLERegressor("laplace"),
    "quantile 0.9": MLERegressor(AsymmetricLaplace(quantile=0.9)),
    "student_t": MLERegressor(StudentT(df=4)),
    "two classes": MLEClassifier(),
    "five classes": MLEClassifier(),
}


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def data(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, P))
    weight = rng.integers(0, 3, size=N).astype(float)
    if "classes" not in name:
        return X, X @ rng.normal(size=P) + rng.standard_t(4.0, size=N), weight
    scores = X @ rng.normal(size=(P, 2 if "two" in name else 5))
    return X, (scores + rng.gumbel(size=scores.shape)).argmax(axis=1), weight


def cut(*arrays):
    """Arrays in seven chunks."""
    return [da.from_array(a, chunks=(-(-N // 7), *a.shape[1:])) for a in arrays]


def fit(model, *given):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X is not persisted")
        return model.fit(*given)


def assert_same(one, other):
    for name in ("coef_", "intercept_", "scale_", "log_likelihood_"):
        if hasattr(one, name):
            np.testing.assert_allclose(
                getattr(one, name), getattr(other, name), rtol=1e-10, atol=1e-12, err_msg=name
            )
    assert one.optimality_gap_ == pytest.approx(other.optimality_gap_, abs=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_the_answers_of_rows_in_memory(client, name, weighted):
    given = data(name)[: 3 if weighted else 2]
    theirs = clone(MODELS[name]).fit(*given)
    mine = fit(clone(MODELS[name]), *cut(*given))
    assert_same(mine, theirs)
    (X,) = cut(given[0])
    lazy = mine.predict(X)
    assert lazy.chunks[0] == X.chunks[0]
    np.testing.assert_allclose(lazy.compute(), theirs.predict(given[0]), rtol=1e-9, atol=1e-9)


def chunk_that_fails(i, X, folder, times):
    """A chunk whose reader fails at first; it counts its calls in files, as processes differ."""
    if i == 1:
        calls = len(os.listdir(folder))
        (folder / f"{calls}").touch()
        if calls < times:
            raise OSError("the disk is asleep")
    return X


def failing_table(X, folder, times):
    parts = [
        da.from_delayed(
            dask.delayed(chunk_that_fails)(i, part, folder, times), part.shape, part.dtype
        )
        for i, part in enumerate(np.array_split(X, 4))
    ]
    return da.concatenate(parts)


def test_a_failing_task_is_spoken_of(client, tmp_path):
    X, y, _ = data("gaussian")
    with pytest.raises(RuntimeError, match=r"(?s)every chunk.*the disk is asleep.*retries"):
        fit(MLERegressor(), failing_table(X, tmp_path, 100), da.from_array(y, chunks=N // 4))


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_a_task_may_be_tried_again(client, tmp_path, noise):
    X, y, _ = data("gaussian")
    theirs = MLERegressor(noise).fit(X, y)
    with dask.annotate(retries=3):
        table = failing_table(X, tmp_path, 2)
        mine = fit(MLERegressor(noise), table, da.from_array(y, chunks=N // 4))
    assert len(os.listdir(tmp_path)) > 2
    assert_same(mine, theirs)


def test_a_worker_may_end_in_the_middle_of_a_fit(client, monkeypatch):
    given = data("laplace")
    theirs = MLERegressor("laplace").fit(*given)
    screen, ended = DaskRows.column_and_total, []

    def and_end_a_worker(rows, *args):
        if not ended:
            ended.append(next(iter(client.run(os.getpid).values())))
            os.kill(ended[0], signal.SIGKILL)
        return screen(rows, *args)

    monkeypatch.setattr(DaskRows, "column_and_total", and_end_a_worker)
    mine = fit(MLERegressor("laplace"), *cut(*given))
    assert ended
    assert_same(mine, theirs)
