"""Least squares, exact: ``min sum_i w_i * (y_i - x_i'b - b0)**2``.

One pass over the rows gives the Gram matrix of shifted columns (`gram`); scaled to unit columns,
its Cholesky factor solves the problem and estimates the condition. This squares the condition,
which is harmless for most data and cheaper than anything else. Where it is not harmless, the same
factor serves to refine the coefficients on the rows themselves (`refinement`); and where even that
would not converge, or the rank may be short, the factor comes from an orthogonal factorisation of
the rows (`orthogonal`), and its singular values decide the rank (`normal_inverse`).

Certificate: with the gradient g at the coefficients, ``loss - least loss <= g'(Z'WZ)^-1 g / 2``,
an equality in exact arithmetic. What rounding may hide of g is added before the square is taken.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from scipy.linalg.lapack import dpocon, dpotrf

from sklearn_mle.likelihoods import location_scale
from sklearn_mle.noises.noise import Fact
from sklearn_mle.rows.rows import FloatArray, Rows
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers import least_squares_cg
from sklearn_mle.solvers.extended_precision import two_product
from sklearn_mle.solvers.gram import (
    EPS,
    Frame,
    Gram,
    estimate_frame,
    gram,
    varying,
    weighted_sums,
)
from sklearn_mle.solvers.newton_cg import SPARSE
from sklearn_mle.solvers.normal_inverse import TriangularInverse, from_rows
from sklearn_mle.solvers.orthogonal import factor
from sklearn_mle.solvers.refinement import (
    CLEAR_SHARE,
    Factored,
    Refined,
    evaluate,
    exact_means,
    refine,
)
from sklearn_mle.solvers.solution import (
    Problem,
    Solution,
    Start,
)
from sklearn_mle.solvers.squares_fit import Trace, finished
from sklearn_mle.solvers.watch import Place

NEEDS = Fact.QUADRATIC
WITHIN_MAX_ITER = True

TRUSTED_CONTRACTION = 0.1
"""A Cholesky factor is used if refinement with it would converge at least this fast for certain."""
GOOD_RCOND = 1e-4
"""Coefficients from a Gram matrix with a better condition have 11 digits or more at once."""
MANY = 20
"""Sparse columns from which on conjugate gradients are tried before an orthogonal factorisation:
they solve for dependent columns (all levels of a factor beside an intercept) by passes alone."""
SMALL = 1024
"""Numbers in X up to which refinement costs less than the rest of a fit."""
CERTAIN_GAP = 1e-12
"""A gap above this is worth a refinement step, which lowers both the gap and what bounds it."""


def solve(problem: Problem, *, start: Start | None, tol: float, max_iter: int) -> Solution:
    """The maximum likelihood fit of a noise with a quadratic cost.

    Parameters
    ----------
    problem : Problem
    start : Start or None
        Not used: the first step needs no start.
    tol : float
        Gap above which running out of iterations is reported.
    max_iter : int
        One for the factorisation, one for each refinement step.
    """
    return solve_traced(problem, tol, max_iter)[0]


def solve_traced(problem: Problem, tol: float, max_iter: int) -> tuple[Solution, Trace]:
    """`solve`, and how it went."""
    with blocks_share_cores(problem.rows.n_columns):
        return _solve(problem, tol, max_iter)


def _solve(problem: Problem, tol: float, max_iter: int) -> tuple[Solution, Trace]:
    rows, fit_intercept = problem.rows, problem.fit_intercept

    def refined(factored: Factored) -> Refined:
        at, weight = partial(evaluate, rows), rows.total_weight
        means = partial(exact_means, rows)
        return refine(at, weight, factored, fit_intercept, max_iter - 1, problem.watch, means)

    frame = estimate_frame(rows, fit_intercept)
    sums = None
    if rows.n_rows - fit_intercept >= rows.n_columns:
        sums = gram(rows, frame, fit_intercept)
    factored = None if sums is None else by_cholesky(sums, rows.total_weight)
    if factored is None and rows.density < SPARSE and rows.n_columns >= MANY:
        solution, sure = least_squares_cg.attempt(problem, None, tol, max_iter)
        if sure:
            return solution, Trace("conjugate", 1.0, solution.n_iter - 1, True)
    method = "cholesky" if factored is not None else "orthogonal"
    if sums is None or factored is None:
        factored = by_orthogonal(rows, centred_frame(rows, frame, sums, fit_intercept))
        fit = refined(factored)
    else:
        fit = direct(sums, factored, rows.total_weight, fit_intercept)
        if max_iter > 1 and asks_for_refinement(rows, sums, factored, fit):
            fit = refined(factored)
        else:
            problem.watch.stops(lambda: Place(fit.coef, fit.intercept))
    noise = problem.likelihood.noise
    again = partial(location_scale.mean_loss, rows, noise, fit.coef, fit.intercept)
    return finished(noise, rows.total_weight, again, factored, fit, method, tol, max_iter)


def by_cholesky(sums: Gram, weight: float) -> Factored | None:
    """The factor of the scaled Gram matrix, or None where it might be too inaccurate.

    The computed matrix is that of perturbed columns, by up to ``rounding * growth`` in each entry,
    and Cholesky's own error is below ``(p + 1) * eps`` (Higham 2002, theorem 10.3). Both over the
    reciprocal condition bound the contraction of refinement.
    """
    centre = (sums.frame.shift + sums.mean / sums.frame.unit)[:-1]
    unit, y_unit = sums.frame.unit[:-1], float(sums.frame.unit[-1])
    size = np.sqrt(np.maximum(sums.cross.diagonal(), 0.0))
    if not np.isfinite(size).all():
        return None
    varies = varying(size / math.sqrt(weight), centre * unit)
    A, c = sums.cross, sums.with_y
    if not varies.all():
        A, c, size, unit = A[np.ix_(varies, varies)], c[varies], size[varies], unit[varies]
    p = size.shape[0]
    scales = np.multiply.outer(size, size)
    A = np.divide(A, scales, out=scales)
    R, rcond = A, 1.0
    if p:
        norm = float(np.abs(A).sum(axis=0).max())
        R, failed = dpotrf(A.T, clean=1, overwrite_a=1)
        if failed:
            return None
        rcond = float(dpocon(R, norm)[0])
    contraction = 10.0 * (sums.rounding * sums.growth + (p + 1) * EPS) / max(rcond, EPS**2)
    if not contraction < TRUSTED_CONTRACTION:
        return None
    inverse = TriangularInverse(size / unit, p, math.sqrt(rcond), R)
    h = inverse.half(c / unit) / y_unit
    y_centre = float(sums.frame.shift[-1] + sums.mean[-1] / y_unit)
    return Factored(inverse, h, varies, centre, y_centre, contraction)


def direct(sums: Gram, factored: Factored, weight: float, fit_intercept: bool) -> Refined:
    """Coefficients from the Gram matrix alone, and how far they may be from the best.

    In unit columns, with ``A = R'R``: ``rss = y'y - b'c - b'g`` with ``g = c - A b``. Entries of A
    and c are off by up to e, so that those of g are by ``e * (|y| + sum |b|)``; R'^-1 enlarges
    that by at most the root of ``|A^-1| <= p / rcond``, with a factor of 3 for the estimate.
    """
    inverse, unit = factored.inverse, sums.frame.unit
    h = factored.h
    step = inverse.step(h)
    coef = factored.spread_out(step)
    scaled = step * inverse.size
    at_centre = inverse.R @ scaled if isinstance(inverse, TriangularInverse) else h
    left = h - at_centre
    y_squared = sums.y_squared / float(unit[-1]) ** 2
    rss = float(np.maximum(0.0, y_squared - at_centre @ (h + left)))
    terms = math.sqrt(y_squared) + float(np.abs(scaled).sum())
    hidden = (sums.rounding * sums.growth + EPS) * terms
    p = scaled.shape[0]
    enlarged = math.sqrt(3.0 * p) / inverse.rcond * math.sqrt(p) * hidden
    intercept, hidden0 = 0.0, 0.0
    if fit_intercept:
        intercept = intercept_of(sums, coef)
        hidden0 = hidden + EPS * math.sqrt(weight) * abs(intercept)
    excess = (float(np.linalg.norm(left)) + enlarged) ** 2 + hidden0**2
    clear = rss > CLEAR_SHARE * y_squared
    return Refined(coef, intercept, rss, sums.y_size, clear, excess, 0)


def intercept_of(sums: Gram, coef: FloatArray) -> float:
    """``mean(y) - mean(X)'b``, rounded once: its terms may be far larger than itself."""
    means = np.stack([sums.frame.shift, sums.mean / sums.frame.unit])
    products, errors = two_product(means[:, :-1], -coef)
    return math.fsum([*means[:, -1].tolist(), *products.ravel().tolist(), *errors.ravel().tolist()])


def asks_for_refinement(rows: Rows, sums: Gram, factored: Factored, fit: Refined) -> bool:
    """Whether a pass in extended precision earns digits that matter, or costs next to nothing."""
    return (
        rows.n_rows * rows.n_columns <= SMALL
        or factored.inverse.rcond**2 < GOOD_RCOND
        or sums.growth > 1.0 / math.sqrt(GOOD_RCOND)
        or fit.excess > CERTAIN_GAP * fit.rss
    )


def centred_frame(rows: Rows, frame: Frame, sums: Gram | None, fit_intercept: bool) -> Frame:
    """The frame with the means themselves for a shift."""
    if not fit_intercept:
        return frame
    if sums is None:
        totals, _, weight, _ = rows.total(weighted_sums)
        return Frame(totals / weight, frame.unit, frame.far)
    return Frame(frame.shift + sums.mean / frame.unit, frame.unit, frame.far)


def by_orthogonal(rows: Rows, frame: Frame) -> Factored:
    """The factor of the rows, its rank decided on unit columns.

    Householder's errors are a modest multiple of ``sqrt(p) * eps`` in each unit column.
    """
    return from_factor(factor(rows, frame), frame, rows.total_weight)


def from_factor(R: FloatArray, frame: Frame, weight: float, lost: float = 0.0) -> Factored:
    """What a factor of the columns and of y in a frame tells, with y its last column.

    Parameters
    ----------
    R : ndarray of shape (k, p + 1)
    frame : Frame
    weight : float
        Total weight of the rows.
    lost : float, optional
        Squared length of a combination of unit columns that R may not know.
    """
    A, z = R[:, :-1], R[:, -1] / float(frame.unit[-1])
    size = np.sqrt(np.einsum("ij,ij->j", A, A))
    root_weight = math.sqrt(weight)
    centre, unit = frame.shift[:-1], frame.unit[:-1]
    varies = varying(size / root_weight, centre * unit)
    size = size[varies]
    offset = np.abs(centre * unit)[varies] * root_weight / size
    inverse, h = from_rows(A[:, varies] / size, z, size / unit[varies], np.hypot(1.0, offset))
    contraction = 20.0 * math.sqrt(size.shape[0] + 1.0) * EPS / inverse.rcond
    contraction += lost / inverse.rcond**2
    return Factored(inverse, h, varies, centre, float(frame.shift[-1]), contraction)
