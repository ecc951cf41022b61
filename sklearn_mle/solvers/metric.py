"""What a sample of rows says of the Hessian of many coefficients, as a metric for their steps.

The Hessian is about the Gram matrix of the columns beside that of the classes. A sample's
correlations are shrunk towards none by what its sampling error asks for (Chen, Wiesel, Eldar & Hero
2010), so that correlated columns are as easy as independent ones.

References
----------
Chen, Y., Wiesel, A., Eldar, Y. C. and Hero, A. O. (2010). Shrinkage algorithms for MMSE covariance
estimation. IEEE Transactions on Signal Processing 58, 5016-5029.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from sklearn_mle.likelihoods.objective import FloatArray, MatrixFree
from sklearn_mle.rows.design import in_full
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers.curvature import FLAT

SAMPLE_ROWS = 2000
SAMPLE_ROWS_A_COLUMN = 10
AFFORDABLE = 100
"""Rows times columns of a sample, over all rows, whose Gram matrix costs less than three passes."""
GLANCE_ROWS = 500
"""Rows that show whether columns are correlated at all."""
NEARLY_DEPENDENT = 1e-5
NEARLY_DEPENDENT_SINGLE = 0.03
"""Length that a unit column keeps beside others, below which rounding errors may be all of it."""
ALONE = 1000
"""Terms up to which one thread factors their Gram matrix in a few milliseconds, which is what it
takes others to begin where something else holds a core."""
WORTHWHILE = 0.5
"""Weight of the diagonal from which on it serves alone."""


@dataclass(frozen=True)
class Metric:
    """A guess of the Hessian whose inverse is cheap: ``kron(C, G)``, in units of its diagonal.

    Parameters
    ----------
    shape : tuple of int
        Scores and terms of theta.
    across : ndarray
        Inverse of the part across scores.
    unit : ndarray of shape (n_terms,)
    factor : ndarray of shape (n_terms, n_terms) or None
        Cholesky factor of the part across terms over their units. None for the identity, with
        which steps from zero lead to the shortest of all best thetas.
    """

    shape: tuple[int, int]
    across: FloatArray
    unit: FloatArray
    factor: FloatArray | None

    def solve(self, gradient: FloatArray) -> FloatArray:
        """The inverse times a gradient."""
        part = self.across @ gradient.reshape(self.shape) / self.unit
        if self.factor is not None:
            part = linalg.lapack.dpotrs(self.factor, part.T, lower=True)[0].T
        return (part / self.unit).ravel()


def sampled_metric(objective: MatrixFree) -> Metric | None:
    """What a sample of rows says of the Hessian; None if terms depend on others there."""
    rows, terms = objective.rows, objective.n_terms
    m = max(SAMPLE_ROWS, SAMPLE_ROWS_A_COLUMN * terms)
    if m * terms > AFFORDABLE * rows.n_rows:
        m = SAMPLE_ROWS
    m = min(m, rows.n_rows)
    across = objective.across_scores()
    shape, inverse = (across.shape[0], terms), np.linalg.inv(across).astype(np.float64)
    unit = np.full(terms, np.sqrt(rows.total_weight))
    with blocks_share_cores(0):  # threads of BLAS would go on holding cores in the first passes
        squares = squared_correlations(in_full(objective.terms(GLANCE_ROWS)))
    if oracle_shrinkage(squares + terms**2 / m, terms, m) > WORTHWHILE:
        return Metric(shape, inverse, unit, None)
    correlation, root = scaled(objective.mean_gram(m))
    if m > terms and independent(correlation) is None:
        return None
    correlation *= 1.0 - oracle_shrinkage(float(np.vdot(correlation, correlation)), terms, m)
    correlation[np.diag_indices(terms)] = 1.0
    factor = independent(correlation)
    return None if factor is None else Metric(shape, inverse, root * unit, factor)


def scaled(gram: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """A Gram matrix with its diagonal brought to ones, in place, and the roots of that."""
    diagonal = np.diag(gram)
    root = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    gram /= root
    gram /= root[:, None]
    return gram, root


def squared_correlations(Z: FloatArray) -> float:
    """The sum of all squared correlations of the columns, without bias, from few rows."""
    size = np.sqrt(np.einsum("ij,ij->j", Z, Z))
    Z = Z / np.where(size > 0.0, size, 1.0)
    beside = Z @ Z.T
    own = np.diag(beside)
    return float(np.vdot(beside, beside) - own @ own)


def independent(correlation: NDArray[Any]) -> NDArray[Any] | None:
    """The Cholesky factor, if no term nearly depends on those before it."""
    single = correlation.dtype == np.float32
    cholesky = linalg.lapack.spotrf if single else linalg.lapack.dpotrf
    factor, failed = cholesky(correlation.T, lower=True, clean=False)
    least = NEARLY_DEPENDENT_SINGLE if single else NEARLY_DEPENDENT
    return None if failed or np.diag(factor).min() < least else factor


def rank_of_terms(objective: MatrixFree) -> int:
    """How many terms do not depend on others.

    Terms that are independent in some rows are so in all, and a few more rows than terms mostly
    tell, even in single precision.
    """
    p = objective.n_terms
    m = p + p // 16 + 50
    quiet = np.errstate(over="ignore", under="ignore", invalid="ignore")
    with quiet, blocks_share_cores(0) if p <= ALONE else contextlib.nullcontext():
        Z = objective.terms(m, np.float32)
        sampled = single_gram(Z) if isinstance(Z, np.ndarray) else objective.mean_gram(m)
        if independent(scaled(sampled)[0]) is not None:
            return p
    size = np.linalg.eigvalsh(scaled(objective.mean_gram())[0])
    return int(np.count_nonzero(size > FLAT * p * size[-1]))


def single_gram(Z: NDArray[np.float32]) -> NDArray[np.float32]:
    """``Z'Z``, its upper triangle only.

    NumPy and SciPy each bring a BLAS with threads of its own, and those of one still hold the cores
    when the other begins (2000 columns: a Cholesky factor in 19 ms after SciPy's product, in up to
    114 after NumPy's).
    """
    made: NDArray[np.float32] = linalg.blas.ssyrk(1.0, Z.T, lower=True)
    return made.T


def oracle_shrinkage(squares: float, p: int, n_rows: int) -> float:
    """The weight of the identity that brings a sample's correlations nearest to the true ones.

    Parameters
    ----------
    squares : float
        Sum of the squared correlations of p columns in ``n_rows`` rows.
    p, n_rows : int
    """
    spread = squares - p
    if not spread > 0.0:
        return 1.0
    about = 1.0 - 2.0 / p
    return min(1.0, (about * squares + p**2) / ((n_rows + about) * spread))
