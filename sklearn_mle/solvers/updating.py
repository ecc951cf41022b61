"""Least squares from moments: the fit of all rows that were ever added, without the rows.

The solver is that of `least_squares`; only its sources differ. The Gram matrix and the sums of a
refinement step come from the moments, which hold them to twice the working precision. Where a
Cholesky factor in double precision is not good enough, a root of the Gram matrix takes the place of
the triangular factor of the rows. It is found in two steps, as in shifted Cholesky QR (Fukaya,
Kannan, Nakatsukasa, Yamamoto and Yanagisawa 2020): the Cholesky factor R of ``C + shift * I``
exists in double precision whatever the condition; ``R'^-1 C R^-1``, computed to twice the
precision, has the root of the condition of C, and its spectrum gives what R lacks.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from sklearn_mle.likelihoods.location_scale import ROUNDING_UNITS
from sklearn_mle.noises.noise import Noise
from sklearn_mle.rows.rows import FloatArray
from sklearn_mle.solvers.exact_products import cross
from sklearn_mle.solvers.extended_precision import Extended, exactly
from sklearn_mle.solvers.gram import EPS, Frame, Gram
from sklearn_mle.solvers.least_squares import by_cholesky, from_factor
from sklearn_mle.solvers.moments import Moments
from sklearn_mle.solvers.refinement import Factored, Refined, refine
from sklearn_mle.solvers.solution import Solution
from sklearn_mle.solvers.squares_fit import finished, unit_loss


def solve_moments(
    moments: Moments, noise: Noise, fit_intercept: bool, tol: float, max_iter: int
) -> Solution:
    """The maximum likelihood fit of a noise with a quadratic cost to all rows behind the moments.

    Parameters
    ----------
    moments : Moments
    noise : Noise
    fit_intercept : bool
    tol : float
        Gap above which running out of iterations is reported.
    max_iter : int
        One for the factorisation, one for each refinement step.
    """
    if not fit_intercept:
        moments = moments.shifted(np.zeros_like(moments.frame.shift))
    weight = float(moments.weight.hi)
    centred = moments.centred(fit_intercept)
    factored = by_cholesky(_gram(moments, centred, fit_intercept), weight)
    method = "cholesky" if factored is not None else "root"
    if factored is None:
        factored = _by_root(moments, centred, fit_intercept)
    means = moments.column_means
    fit = refine(moments.evaluate, weight, factored, fit_intercept, max_iter - 1, means=means)
    return finished(
        noise, weight, lambda: _mean_loss(moments, noise, fit), factored, fit, method, tol, max_iter
    )[0]


def _gram(moments: Moments, centred: Extended, fit_intercept: bool) -> Gram:
    """The normal equations, rounded to double precision."""
    C = centred.hi
    mean = moments.mean().hi if fit_intercept else np.zeros_like(moments.frame.shift)
    y_size = float(moments.sizes[-2, -2]) / float(moments.frame.unit[-1]) ** 2
    return Gram(
        moments.frame, mean, C[:-1, :-1].copy(), C[:-1, -1], float(C[-1, -1]), y_size, 1.0, EPS
    )


def _by_root(moments: Moments, centred: Extended, fit_intercept: bool) -> Factored:
    frame = moments.frame
    if fit_intercept:
        frame = Frame(frame.shift + moments.mean().hi / frame.unit, frame.unit)
    R, lost = symmetric_root(centred)
    return from_factor(R, frame, float(moments.weight.hi), lost)


def symmetric_root(C: Extended) -> tuple[FloatArray, float]:
    """R with ``R'R = C`` for a matrix without negative directions; what is lost, as a square.

    Errors are small relative to each column of R. In columns of unit length, the squared length of
    a combination is good to the second number returned.
    """
    m = C.hi.shape[0]
    exponent = np.frexp(np.sqrt(np.maximum(C.hi.diagonal(), 0.0)))[1]
    both = -np.add.outer(exponent, exponent)
    C = Extended(np.ldexp(C.hi, both), np.ldexp(C.lo, both))
    shift = 4.0 * m * EPS
    shifted = C.hi + shift * np.eye(m)
    R = linalg.cholesky(0.5 * (shifted + shifted.T))
    inverse = exactly(linalg.solve_triangular(R, np.eye(m)))
    rest = cross(inverse, cross(C, inverse)).hi
    size, V = linalg.eigh(0.5 * (rest + rest.T))
    root = np.sqrt(np.maximum(size, 0.0))[:, None] * (V.T @ R)
    return np.ldexp(root, exponent), 4.0 * m * EPS * shift


def _mean_loss(moments: Moments, noise: Noise, fit: Refined) -> float:
    """The mean loss of residuals; exactly 0.0 where they are only rounding."""
    at = moments.evaluate(exactly(fit.coef), exactly(fit.intercept))
    least = (ROUNDING_UNITS * EPS) ** 2 * moments.terms_squared(fit.coef, fit.intercept)
    doubtful = at.rss <= 1e-10 * at.y_size or not fit.coef.any()
    rss = 0.0 if doubtful and at.rss <= least else at.rss
    return unit_loss(noise) * rss / float(moments.weight.hi)
