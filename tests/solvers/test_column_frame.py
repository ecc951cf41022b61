"""Frames of columns: how many rows they are made from."""

import numpy as np
import pytest

from sklearn_mle.solvers import column_frame
from sklearn_mle.solvers.column_frame import FEW_ROWS, frame_of_few


@pytest.fixture
def rows_seen(monkeypatch):
    """Counts of rows, one for each frame that is made."""
    seen = []
    fit_frame = column_frame.fit_frame

    def counting(X, *others):
        seen.append(X.shape[0])
        return fit_frame(X, *others)

    monkeypatch.setattr(column_frame, "fit_frame", counting)
    return seen


def frame_of(X):
    m = X.shape[0]
    return frame_of_few(X, np.arange(m) * 1.0, np.ones(m), True)


def test_a_stride_is_enough_for_independent_columns(rows_seen):
    X = np.random.default_rng(0).standard_normal((20_000, 5))
    frame = frame_of(X)
    assert rows_seen == [FEW_ROWS]
    assert frame.kept.shape[0] == 5
    np.testing.assert_allclose(frame.spread, 1.0, rtol=0.15)


@pytest.mark.parametrize("kind", ["rare", "dependent", "nearly dependent"])
def test_all_rows_are_looked_at_where_a_stride_leaves_doubt(kind, rows_seen):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((20_000, 5))
    if kind == "rare":
        X[:, 4] = 0.0
        X[[11, 4711, 12347], 4] = 1.0
    elif kind == "dependent":
        X[:, 4] = X[:, 0] - X[:, 1]
    else:
        X[:, 4] = X[:, 0] + 1e-4 * X[:, 4]
    frame = frame_of(X)
    assert rows_seen == [FEW_ROWS, 20_000]
    assert frame.kept.shape[0] == (4 if kind == "dependent" else 5)
