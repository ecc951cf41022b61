"""The contract that smooth solvers minimise.

A solver for smooth costs sees a function of one flat vector ``theta`` and nothing of the data
behind it. The point of the contract is `Objective.along`: a line search asks for the cost at many
points of one line, and the predictions on a line are ``X @ theta + t * (X @ step)``, so that two
products with X serve the whole search.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows.rows import Rows

FloatArray = NDArray[np.float64]

COEFFICIENTS_A_PASS = 15.0
"""So many add one pass to what a Hessian costs (3 to 200 columns, one score a row)."""


class Derivatives(NamedTuple):
    """Cost, gradient of shape (size,) and Hessian of shape (size, size) at one point."""

    value: float
    gradient: FloatArray
    hessian: FloatArray


class Objective(ABC):
    """A smooth cost of a flat parameter vector.

    Attributes
    ----------
    size : int
    rows : Rows
    n_scores : int
        How often theta runs over the same terms.
    """

    size: int
    rows: Rows
    n_scores: int = 1

    @property
    def hessian_cost(self) -> float:
        """What a Hessian costs beside cost and gradient, in passes for these; about."""
        return 1.0 + self.size / COEFFICIENTS_A_PASS

    @abstractmethod
    def on(self, rows: Rows) -> Self:
        """The same function of the same theta, for other rows: a sample, to begin with."""

    @abstractmethod
    def start(self) -> FloatArray:
        """Where to begin when nothing better is known, shape (size,)."""

    @abstractmethod
    def pack(self, coef: FloatArray, intercept: Any) -> FloatArray:
        """``theta`` from coefficients of raw columns and intercepts."""

    @abstractmethod
    def unpack(self, theta: FloatArray) -> tuple[FloatArray, Any]:
        """Coefficients of raw columns and intercepts from ``theta``."""

    @abstractmethod
    def value(self, theta: FloatArray) -> float:
        """The cost."""

    @abstractmethod
    def value_and_gradient(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """The cost and its gradient of shape (size,), in one pass over the rows."""

    def gradient(self, theta: FloatArray) -> FloatArray:
        """The gradient of the cost, shape (size,)."""
        return self.value_and_gradient(theta)[1]

    @abstractmethod
    def derivatives(self, theta: FloatArray) -> Derivatives:
        """Cost, gradient and Hessian in one pass over the rows."""

    def rough_derivatives(self, theta: FloatArray) -> tuple[Derivatives, bool]:
        """The same for steps, and whether the Hessian is rough: right to single precision only."""
        return self.derivatives(theta), False

    @abstractmethod
    def along(self, theta: FloatArray, step: FloatArray) -> Callable[[float], float]:
        """The cost at ``theta + t * step`` as a function of t; products with X are made once."""


class Products(Objective):
    """An objective of so many parameters that only products with its Hessian are affordable.

    Attributes
    ----------
    n_scores, n_terms : int
        Scores a row; columns and intercept. Theta runs over scores, then terms.
    """

    n_scores: int
    n_terms: int

    @property
    def is_quadratic(self) -> bool:
        """Whether the Hessian is the same everywhere: that of `across_scores`."""
        return False

    @abstractmethod
    def across_scores(self) -> FloatArray:
        """C, where ``kron(C, G)`` is about the mean Hessian as long as nothing else is known."""

    @abstractmethod
    def gram_product(self, v: FloatArray) -> FloatArray:
        """G, the mean product of the terms of a row, times a vector of terms, in one pass."""

    @abstractmethod
    def hessian_diagonal(self, theta: FloatArray) -> FloatArray:
        """The diagonal of the Hessian at theta, shape (size,), in one pass."""

    @abstractmethod
    def hessian_product(self, theta: FloatArray) -> Callable[[FloatArray], FloatArray]:
        """The Hessian at theta times a vector, as a function of that, in one pass a product."""

    def model(
        self, theta: FloatArray
    ) -> tuple[float, FloatArray, Callable[[FloatArray], FloatArray]]:
        """Cost, gradient and `hessian_product` at theta."""
        return (*self.value_and_gradient(theta), self.hessian_product(theta))


class MatrixFree(Products):
    """An objective whose Hessian a sample of terms tells about."""

    @abstractmethod
    def terms(self, m: int, kind: type = np.float64) -> Any:
        """What theta multiplies in m sampled rows, times the root of their share of the weight.

        Shape (m, n_terms), an array of that kind where rows are dense; its product with itself is
        about G.
        """

    @abstractmethod
    def curvature_along(self, theta: FloatArray, V: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The Hessian times directions, ``H V`` and ``V'H V``, to digits of small images.

        Parameters
        ----------
        theta : ndarray of shape (size,)
        V : ndarray of shape (size, r)

        Returns
        -------
        ndarray of shape (size, r) and ndarray of shape (r, r)
        """

    @abstractmethod
    def mean_gram(self, m: int | None = None) -> FloatArray:
        """G, the mean product of the terms of a row, shape (n_terms, n_terms).

        Parameters
        ----------
        m : int, optional
            How many sampled rows tell; all by default.
        """
