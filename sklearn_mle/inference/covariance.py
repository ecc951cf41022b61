"""Covariances of a fit: by the law, by sandwiches of what was seen, for rows in clusters.

====================  ======================================================================
``"model"``           the inverse information; right where the law is. Of costs with corners,
                      averaged over the error of the fit (`corners`)
``"HC0"``             the sandwich ``A^-1 B A^-1`` of information A and summed squares B of the
                      rows' slopes; right where the location is, whatever the spread
``"HC1"``             HC0 times ``n / (n - p)``
``"HC2"``, ``"HC3"``  slopes first divided by ``sqrt(1 - leverage)``, or ``1 - leverage``
``"cluster"``         slopes first added up over groups; times
                      ``G / (G - 1) * (n - 1) / (n - p)``
``"iid"``             quantiles: one estimated density at zero for all rows
``"greene"``          quantiles: the same, with the signs that were seen
``"kernel"``          quantiles: a density at zero for each row (Powell 1991)
====================  ======================================================================

Weights are repeats: a row of weight k has k slopes, each with the leverage of one.

References
----------
White, H. (1982). Maximum likelihood estimation of misspecified models. Econometrica 50, 1-25.
MacKinnon, J. G. and White, H. (1985). Some heteroskedasticity-consistent covariance matrix
estimators with improved finite sample properties. Journal of Econometrics 29, 305-325.
Powell, J. L. (1991). Estimation of monotonic regression models under quantile restrictions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.inference.cornered_information import common_information, kernel_information
from sklearn_mle.inference.corners import averaged_information
from sklearn_mle.inference.information import information
from sklearn_mle.inference.inverse_information import endless_directions, inverse
from sklearn_mle.inference.row_slopes import squared_slopes, squared_slopes_of_groups
from sklearn_mle.inference.sparsity import slopes_of_sides
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.noise import Fact, FloatArray
from sklearn_mle.rows.threads import blocks_share_cores

SANDWICHES = ("HC0", "HC1", "HC2", "HC3", "cluster")
DENSITIES = ("iid", "greene", "kernel")
"""Covariances that only fitted quantiles have."""
NARROW = 0.1
"""Standard error on the line of a shape up to which ends of normal intervals are those of the
profile but for a few hundredths of their distance."""


@dataclass(frozen=True)
class Covariance:
    """The covariance of theta.

    Parameters
    ----------
    matrix : ndarray of shape (size, size)
        NaN where nothing can be said.
    df : float
        Degrees of freedom of t for coefficients; infinite for the normal law.
    method : str
        In words.
    notes : tuple of str
    cost : float or None
        The cost at the bottom, where a pass has met it.
    endless : ndarray of shape (size, d)
        Orthonormal directions in which the cost falls for ever; none by default.
    profiles_extras : bool
        Whether intervals of scale and shapes are better read from the likelihood than from this
        matrix.
    """

    matrix: FloatArray
    df: float
    method: str
    notes: tuple[str, ...] = ()
    cost: float | None = None
    endless: FloatArray | None = None
    profiles_extras: bool = False


def covariance(valley: Valley, cov: str, groups: NDArray[np.intp] | None = None) -> Covariance:
    """The covariance of theta at the bottom of a valley.

    Parameters
    ----------
    valley : Valley
    cov : str
        One of the names in the table above.
    groups : ndarray of shape (n,), optional
        Codes 0 .. G - 1 of the groups, for ``"cluster"``.
    """
    n, p = valley.rows.total_weight, valley.n_location
    if n <= p and valley.noise is not None:
        return nothing(valley, f"There are {n:g} rows for {p} coefficients: {NO_SPREAD}")
    with blocks_share_cores(valley.rows.n_columns):
        if cov == "model":
            made = _by_model(valley)
        elif cov in DENSITIES:
            made = _by_density(valley, cov)
        else:
            made = _sandwich(valley, cov, groups)
    if not valley.endless:
        return made
    return replace(made, endless=endless_directions(information(valley).matrix)[0])


NO_SPREAD = "none are left to tell the spread, and standard errors do not exist."


ALONE = (
    "{} divides by 1 - leverage, and the leverage of some rows is 1: each decides a coefficient "
    "alone, and nothing tells its spread. Use cov='HC1', or leave such rows and columns out."
)


def nothing(valley: Valley, note: str) -> Covariance:
    """The covariance of which nothing is known, and why."""
    unknown = np.full((valley.size, valley.size), np.nan)
    return Covariance(unknown, math.inf, "not available", (note,))


def _by_model(valley: Valley) -> Covariance:
    info = information(valley)
    matrix, notes = inverse(valley, info.matrix)
    n, q = valley.rows.total_weight, valley.n_location
    df, cornered = math.inf, False
    if valley.normal:
        df = n - q
        matrix[:q, :q] *= n / df
    elif valley.noise is not None and Fact.PIECEWISE_LINEAR in valley.noise.facts:
        cornered = True
        averaged = averaged_information(valley, info.matrix, matrix)
        bread, notes = inverse(valley, averaged)
        matrix = bread @ info.matrix @ bread
    method = f"model ({info.kind} information)"
    # every place of a profile of a cost with corners would be an exact fit
    profiles = valley.costs.n_extras > 1 and not cornered and _is_wide(matrix[q:, q:])
    return Covariance(matrix, df, method, notes, info.cost, profiles_extras=profiles)


def _is_wide(of_extras: FloatArray) -> bool:
    """Whether scale and shapes are known so little that their cost is no parabola within that."""
    return not bool((np.diagonal(of_extras) <= NARROW**2).all())


def _sandwich(valley: Valley, cov: str, groups: NDArray[np.intp] | None) -> Covariance:
    noise, n, q = valley.noise, valley.rows.total_weight, valley.n_location
    method = "sandwich " + cov
    if noise is not None and Fact.PIECEWISE_LINEAR in noise.facts:
        info, cost = kernel_information(valley), None
        method += ", kernel density"
    else:
        info, _, cost = information(valley)
    bread, notes = inverse(valley, info)
    if groups is None:
        meat, cost = squared_slopes(valley, cov, bread)
        notes = (*notes, ALONE.format(cov)) if np.isnan(meat).any() else notes
        factor = n / (n - q) if cov == "HC1" else 1.0
        df = n - q
    else:
        count = int(groups.max()) + 1
        meat, cost = squared_slopes_of_groups(valley, groups, count)
        df = count - 1.0
        factor = count / (count - 1.0) * (n - 1.0) / (n - q)
        method = f"{method}, {count} groups"
    known = np.isfinite(np.diagonal(bread))
    matrix = np.full_like(bread, np.nan)
    inner = bread[np.ix_(known, known)]
    matrix[np.ix_(known, known)] = factor * inner @ meat[np.ix_(known, known)] @ inner
    return Covariance(matrix, df if valley.normal else math.inf, method, notes, cost)


def _by_density(valley: Valley, cov: str) -> Covariance:
    """Sandwiches of fitted quantiles from densities at zero.

    The scale's entry is the mean square of its own slopes, which is right for any law.
    """
    assert valley.noise is not None
    q, n = valley.n_location, valley.rows.total_weight
    left, right = slopes_of_sides(valley.noise)
    info = kernel_information(valley) if cov == "kernel" else common_information(valley)
    bread, notes = inverse(valley, info)
    meat, cost = squared_slopes(valley, cov, bread)
    meat[:q, q:] = meat[q:, :q] = 0.0
    if cov != "greene":
        meat[:q, :q] = np.eye(q) * n * left * right / valley.scale**2
    names = {
        "iid": "sparsity, one density for all rows",
        "greene": "sparsity, one density for all rows, observed signs",
        "kernel": "Powell kernel sandwich",
    }
    return Covariance(bread @ meat @ bread, math.inf, names[cov], notes, cost)
