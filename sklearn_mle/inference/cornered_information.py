"""The information of fitted quantiles, from densities of the residuals at zero."""

from __future__ import annotations

import numpy as np

from sklearn_mle.inference.information import information
from sklearn_mle.inference.sparsity import (
    common_density,
    quantile_level,
    row_densities,
    slopes_of_sides,
)
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.rows import Block


def _weights(valley: Valley) -> FloatArray:
    made = valley.rows.column(lambda block: block.weigh(np.ones(block.n_rows)))
    return valley.rows.entries(made)


def common_information(valley: Valley) -> FloatArray:
    assert valley.noise is not None
    rows = valley.rows
    weight, y = _weights(valley), rows.entries(rows.column(lambda block: block.y))
    density = common_density(quantile_level(valley.noise), y, valley.residuals(), weight)
    return _cornered(valley, density * np.eye(valley.n_location) * valley.rows.total_weight)


def kernel_information(valley: Valley) -> FloatArray:
    assert valley.noise is not None
    densities = row_densities(quantile_level(valley.noise), valley.residuals(), _weights(valley))

    def per_block(block: Block, density: FloatArray) -> tuple[FloatArray]:
        return (valley.terms.products(valley.terms.columns(block.X), block.weigh(density)),)

    M = valley.terms.mixing
    return _cornered(valley, M.T @ valley.rows.total(per_block, densities)[0] @ M)


def _cornered(valley: Valley, swept: FloatArray) -> FloatArray:
    """The information of a cost with corners, from how many rows a move sweeps across."""
    assert valley.noise is not None
    q = valley.n_location
    info = information(valley).matrix.copy()
    info[:q, q:] = info[q:, :q] = 0.0
    info[:q, :q] = swept * sum(slopes_of_sides(valley.noise)) / valley.scale
    return info
