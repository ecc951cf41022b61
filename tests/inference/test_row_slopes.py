"""Meats of sandwiches do not depend on how the rows are cut, or on how X lies in memory."""

import numpy as np
import pytest

from sklearn_mle import MLERegressor, infer
from sklearn_mle.inference import row_slopes
from sklearn_mle.inference.gradient_squares import gradient_squares
from sklearn_mle.rows import in_memory


@pytest.mark.parametrize("cov", ["HC0", "HC2", "HC3", "cluster"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("weighted", [True, False])
def test_blocks_and_pieces_only_cut(monkeypatch, cov, order, weighted):
    rng = np.random.default_rng(0)
    X = np.array(rng.normal(size=(4000, 3)) + [0.0, 5.0, 0.0], order=order)
    y = X.sum(axis=1) + rng.normal(size=4000) * (1.0 + X[:, 0] ** 2)
    weight = rng.integers(0, 3, 4000).astype(float) if weighted else None
    groups = rng.integers(0, 50, 4000) if cov == "cluster" else None
    model = MLERegressor().fit(X, y, sample_weight=weight)
    how = {"cov": cov, "groups": groups, "sample_weight": weight}
    plain = infer(model, X, y, **how).covariance
    pieces = []

    def counted(*parts):
        pieces.append(parts[2].shape[0])
        return gradient_squares(*parts)

    monkeypatch.setattr(row_slopes, "PIECE_BYTES", 2**12)
    monkeypatch.setattr(row_slopes, "gradient_squares", counted)
    monkeypatch.setattr(in_memory, "BLOCK_ROWS", 64)
    monkeypatch.setattr(in_memory, "BLOCK_BYTES", 2**12)
    np.testing.assert_allclose(infer(model, X, y, **how).covariance, plain, rtol=1e-10, atol=1e-18)
    assert cov == "cluster" or len(pieces) >= 16


def test_robust_errors_ask_for_long_blocks(monkeypatch):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40_000, 8))
    y = X[:, 0] + rng.normal(size=40_000)
    monkeypatch.setattr(in_memory, "BLOCK_ROWS", 500)
    monkeypatch.setattr(in_memory, "BLOCK_BYTES", 500 * 64)
    rows = in_memory.InMemoryRows(X, y)
    (blocks,) = rows.total(lambda block: (1,))
    (long_blocks,) = rows.in_long_blocks().total(lambda block: (1,))
    assert blocks >= 40
    assert long_blocks == in_memory.LONG_BLOCKS
    (sums,) = rows.in_long_blocks().total(lambda block: (block.X.sum(axis=0),))
    np.testing.assert_allclose(sums, X.sum(axis=0), rtol=1e-9)
