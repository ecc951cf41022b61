"""Location and scale in one cost that is known by products: for very many sparse columns."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, Self

import numpy as np

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.likelihoods.objective import Derivatives, Products
from sklearn_mle.noises.noise import FloatArray, Noise
from sklearn_mle.rows.design import column_squares, dot
from sklearn_mle.rows.rows import Block, Rows


class JointProducts(Products):
    """The cost of `JointObjective`, with its Hessian in products.

    Parameters
    ----------
    inner : JointObjective
        Of a noise with all shapes filled in.
    noise : Noise
        That noise.
    true : bool
        Whether curvatures are those of the cost. Where the noise is not log-concave some may be
        negative; otherwise they are those of parabolas which touch the cost from above (De Leeuw
        and Lange 2009), so that every step goes downhill.
    """

    n_scores = 1

    def __init__(self, inner: JointObjective, noise: Noise, *, true: bool) -> None:
        self.true = true
        self.inner = inner
        self.noise = noise
        self.rows: Rows = inner.rows
        self.size = self.n_terms = inner.size

    def on(self, rows: Rows) -> Self:
        other = copy(self)
        other.rows, other.inner = rows, self.inner.on(rows)
        return other

    def start(self) -> FloatArray:
        return self.inner.start()

    def pack(self, coef: FloatArray, intercept: Any) -> FloatArray:
        return self.inner.pack(coef, intercept)

    def unpack(self, theta: FloatArray) -> tuple[FloatArray, float]:
        return self.inner.unpack(theta)

    def value(self, theta: FloatArray) -> float:
        return self.inner.value(theta)

    def value_and_gradient(self, theta: FloatArray) -> tuple[float, FloatArray]:
        return self.inner.value_and_gradient(theta)

    def derivatives(self, theta: FloatArray) -> Derivatives:
        return self.inner.derivatives(theta)

    def along(self, theta: FloatArray, step: FloatArray) -> Callable[[float], float]:
        return self.inner.along(theta, step)

    def across_scores(self) -> FloatArray:
        return np.ones((1, 1))

    def gram_product(self, v: FloatArray) -> FloatArray:
        """Of the columns of X and the intercept; that of the scale counts as orthogonal to all."""
        weight = self.rows.total_weight
        inner = np.append(v[:-1], 0.0)

        def per_block(block: Block) -> tuple[FloatArray]:
            A = self.inner._columns(block)
            return (dot(block.weigh(A @ inner), A),)

        product: FloatArray = self.rows.total(per_block)[0] / weight
        product[-1] = v[-1]
        return product

    def hessian_diagonal(self, theta: FloatArray) -> FloatArray:
        def per_block(block: Block) -> tuple[FloatArray]:
            A = self.inner._columns(block)
            return (column_squares(A, block.weigh(self._bend(A @ theta))),)

        diagonal: FloatArray = self.rows.total(per_block)[0]
        diagonal[-1] += self.rows.total_weight / theta[-1] ** 2
        return diagonal

    def hessian_product(self, theta: FloatArray) -> Callable[[FloatArray], FloatArray]:
        bends = self.rows.column(lambda block: self._bend(self.inner._columns(block) @ theta))
        of_scale = self.rows.total_weight / float(theta[-1]) ** 2

        def product(v: FloatArray) -> FloatArray:
            def per_block(block: Block, bend: FloatArray) -> tuple[FloatArray]:
                A = self.inner._columns(block)
                return (dot(block.weigh(bend * (A @ v)), A),)

            made: FloatArray = self.rows.total(per_block, bends)[0]
            made[-1] += of_scale * v[-1]
            return made

        return product

    def _bend(self, z: FloatArray) -> FloatArray:
        """Curvatures of the rows."""
        bend = self.noise.curvature(z)
        if self.true:
            return np.maximum(bend, 0.0) if self.inner.convex else bend
        return np.maximum(bend, self.noise.slope(z) / np.where(z == 0.0, np.inf, z))
