"""Exact solution of a problem in memory: the rows in doubt become fewer at every width.

The minimum for a smoothing width is closer to the exact solution than the width is wide
(`smoothing_error`: with A active rows, ``width * sqrt(q / (3 |A|))``). Rows beyond a few of these
errors have the sign that they will keep; they enter as one sum and leave. What remains is a problem
of the same form and is solved in the same way, at a width that suits the new error: 7e4 rows become
1e3, and a vertex. All signs are verified on the way back; wrong ones return their rows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.solvers.exact_vertex import (
    is_tight,
    narrowest,
    solve_again,
    solve_exactly,
)
from sklearn_mle.solvers.influence import within_reach
from sklearn_mle.solvers.reduced_problem import (
    Answer,
    IntArray,
    Reduced,
    spread_excess,
    weighted_gram,
)
from sklearn_mle.solvers.smoothed_newton import (
    SLACK_WIDTH,
    Smoothed,
    minimise_smoothed,
    predict_from_afar,
    smoothing_error,
)
from sklearn_mle.solvers.vertex import fit_of

SAFETY = 3.9
"""Half width of a band in standard errors of a predicted residual. About ``n f(0) s E(N - k)+``
rows get the wrong sign: at 1e6 rows two for k = 3.5, which cost a second round; 0.3 for 3.9."""
SMALL = (40, 2000, 4)
"""Rows a column up to which a problem goes to the exact solution as it is; where this would be
more than the second number, the larger of that and the third number of rows a column."""
WORTHWHILE = 0.7
"""Share of the rows that may remain; if more would, the width shrinks and all rows stay."""
STEPS = 8
WIDTHS = 40
RAYS = 3
ZERO = 1e-9
"""Residual, over the mean absolute response, that is taken for zero."""
RELEASES = 6
"""How often rows that are fitted exactly are let go, before pivots take over."""


def small_for_pivots(q: int) -> int:
    """Rows up to which a problem goes to the exact solution as it is.

    The number of pivots grows with that of the columns, and each passes over all rows.
    """
    a_column, rows, at_least = SMALL
    return min(a_column * q, max(rows, at_least * q))


def solve_near(problem: Reduced, at: Smoothed, tally: Counter[str]) -> Answer:
    """The exact solution of a problem whose smoothed solution at ``at.width`` is near ``at.b``."""
    m, q = problem.Z.shape
    for _ in range(WIDTHS):
        if m <= small_for_pivots(q) or at.width <= narrowest(at):
            break
        steps = at.steps
        at = minimise_smoothed(problem, at, at.width, STEPS)
        tally["newton_steps"] += at.steps - steps
        if at.ray is not None:
            break
        error = smoothing_error(problem, at)
        if not error > 0.0:
            break
        band = within_reach(problem, at, SAFETY * error)
        if q < band.shape[0] <= WORTHWHILE * m:
            return _narrowed(problem, at, error, band, tally)
        if SLACK_WIDTH * error > 0.5 * at.width:
            break
        at = replace(at, width=SLACK_WIDTH * error)
    if at.ray is None:
        answer = _holding(problem, at, tally)
        if answer is not None:
            return answer
    return solve_exactly(problem, at, tally)


def solve_from(problem: Reduced, basis: IntArray, tally: Counter[str]) -> Answer | None:
    """The exact solution from the optimal basis of all but a few of the rows.

    The rows nearest to the vertex are solved by pivots, the signs of the others are verified. None
    if that does not end soon.
    """
    few = small_for_pivots(problem.c.shape[0])
    if problem.y.shape[0] <= few:
        return solve_again(problem, basis, tally)
    fitted = fit_of(problem, basis)
    size = np.abs(fitted.residuals)
    near = np.partition(size, few)[few]
    at = Smoothed(fitted.b, fitted.residuals, float(near))
    return _narrowed(problem, at, float(near), (size <= near).nonzero()[0], tally, basis)


def _holding(problem: Reduced, at: Smoothed, tally: Counter[str]) -> Answer | None:
    """The solution that goes on fitting the rows that are fitted exactly, if those are many.

    Their rows Z_0 leave the directions N open: ``b = b_0 + N t`` solves a problem for t without
    them. What its dual leaves of ``Z'a + c`` is theirs, and the least norm spreads it over them;
    rows that would leave their box are let go.
    """
    Z, y, w, c = problem.Z, problem.y, problem.w, problem.c
    if not y.shape[0]:
        return None
    zero = min(narrowest(at), ZERO * float(np.abs(y).mean()))
    held = np.abs(at.residuals) <= zero
    b = at.b
    for _ in range(RELEASES):
        if np.count_nonzero(held) <= 3 * c.shape[0] + 5:
            return None
        Z0, w0 = Z[held], w[held]
        values, vectors = np.linalg.eigh(weighted_gram(Z0, w0))
        bound = values > 1e-9 * values[-1]
        across = vectors[:, bound] / values[bound]
        open_ = vectors[:, ~bound]
        for _ in range(2):
            b = b + across @ (((y[held] - Z0 @ b) * w0) @ Z0 @ vectors[:, bound])
        r = y - Z @ b
        dual = np.sign(r) * w
        if open_.shape[1]:
            part = Reduced(Z[~held] @ open_, r[~held], w[~held], c @ open_)
            near = predict_from_afar(part, WIDTHS, np.zeros(open_.shape[1]))
            tally["newton_steps"] += near.steps
            width = SLACK_WIDTH * smoothing_error(part, near)
            answer = solve_near(part, replace(near, width=width, steps=0), tally)
            if answer.ray is not None:
                return replace(answer, ray=open_ @ answer.ray, dual=np.zeros_like(y))
            b = b + open_ @ answer.b
            dual[~held] = answer.dual
        dual[held] = 0.0
        share = -(Z0 @ (across @ ((dual @ Z + c) @ vectors[:, bound])))
        if float(np.abs(share).max()) <= 1.0 + 1e-12:
            dual[held] = w0 * share.clip(-1.0, 1.0)
            answer = Answer(b, dual, spread_excess(problem, dual))
            tally["atoms"] += 1
            return answer if answer.slack <= 1e-11 and is_tight(problem, answer) else None
        held[held.nonzero()[0][np.abs(share) > 1.0]] = False
    return None


def _narrowed(
    problem: Reduced,
    at: Smoothed,
    error: float,
    band: IntArray,
    tally: Counter[str],
    basis: IntArray | None = None,
) -> Answer:
    """Solve the band, verify the signs of the others, and return the rows that had the wrong one.

    Where a basis is known that is optimal but for a few rows, pivots begin there.
    A band without a minimum hands back a ray: if the problem itself is unbounded on it, so is the
    answer; otherwise the rows first hit along the ray return, four times more after each ray.
    """
    Z, y, w = problem.Z, problem.y, problem.w
    q = Z.shape[1]
    signs = np.sign(at.residuals)
    signs[band] = 0.0
    b, rays = at.b, 0
    while True:
        c = problem.c + (signs * w) @ Z
        part = Reduced(Z.take(band, axis=0), y[band], w[band], c)
        answer = None
        if basis is not None:
            tally["warm"] += 1
            answer = solve_again(part, band.searchsorted(basis), tally)
        if answer is None:
            start = Smoothed(b, part.y - part.Z @ b, SLACK_WIDTH * error)
            answer = solve_near(part, start, tally)
        basis = None if answer.basis is None else band[answer.basis]
        if answer.ray is None:
            b = answer.b
            r = y - Z @ b
            product = signs * r
            back = product < -8.0 * np.finfo(float).eps * float(np.abs(b).sum())
            if not back.any():
                signs *= w
                signs[band] = answer.dual
                return replace(answer, dual=signs, basis=basis)
            error = max(error, float(-product[back].mean()))
        else:
            tally["rays"] += 1
            rays += 1
            if problem.growth(answer.ray) < 0.0:
                return replace(answer, dual=np.zeros_like(y))
            if rays > RAYS:
                return solve_exactly(problem, at, tally)
            back = _first_hit(problem, signs, b, answer.ray, max(20 * q, band.shape[0]) * 4**rays)
        signs[back] = 0.0
        band = (signs == 0.0).nonzero()[0]
        if band.shape[0] > WORTHWHILE * y.shape[0]:
            return solve_exactly(problem, at, tally)


def _first_hit(
    problem: Reduced, signs: FloatArray, b: FloatArray, ray: FloatArray, wanted: int
) -> np.ndarray:
    """The rows with a sign that change it first on the way along the ray."""
    r = signs * (problem.y - problem.Z @ b)
    u = signs * (problem.Z @ ray)
    ahead = u > 1e-12
    distance = np.where(ahead, np.maximum(r, 0.0) / np.where(ahead, u, 1.0), np.inf)
    if wanted >= distance.shape[0]:
        return ahead
    limit = np.partition(distance, wanted)[wanted]
    return ahead & (distance <= limit)
