"""The exact solution of a reduced problem of a few thousand rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from scipy.optimize import linprog

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import in_full, times_rows
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers.reduced_problem import (
    Answer,
    IntArray,
    Reduced,
    solve_positive,
    spread_excess,
    weighted_gram,
)
from sklearn_mle.solvers.smoothed_newton import (
    LEAST_WIDTH,
    SLACK_WIDTH,
    Smoothed,
    active_count,
    follow,
    minimise_smoothed,
    smoothing_error,
)
from sklearn_mle.solvers.vertex import Fitted, Vertex, descend, fit_of, guess_basis, null_direction

JITTER_SEED = 1973
SPARE = 10
"""Active rows beyond those of the basis that pivots are left with."""
FEW_ACTIVE = 4
STEPS = 8
UNNOTICED = 1e-13
"""Part of the box that the dual of a basis may move without anybody noticing."""
PHASES = 40
"""Widths that the path may visit, each at most half of the one before."""


def solve_exactly(problem: Reduced, at: Smoothed, tally: Counter[str]) -> Answer:
    """An optimal vertex with its dual, from a smoothed solution nearby.

    The smoothed path names the rows of the basis, pivots correct the guess. Where more rows than
    the basis has are fitted exactly, least squares may find their dual at once; otherwise the
    pivots run on responses moved by a tiny random amount, which makes every vertex simple. Whether
    a dual is feasible does not depend on the responses, so that the basis found is optimal for the
    true ones up to residuals of that size, and their part in the gap is checked.
    """
    q = problem.Z.shape[1]
    if problem.Z.shape[0] < q:
        return _no_hold(problem, np.arange(problem.Z.shape[0]))
    steps = at.steps
    at = shrink(problem, at)
    tally["newton_steps"] += at.steps - steps
    if at.ray is not None and problem.growth(at.ray) < 0.0:
        return _unbounded(problem, at.b, at.ray)
    basis = guess_basis(problem, at.residuals, at.width)
    if basis.shape[0] < q:
        return _no_hold(problem, basis)
    max_pivots = 100 + 20 * q + problem.y.shape[0] // 4
    n = problem.y.shape[0]
    scale = float(np.abs(at.residuals).sum()) / n
    size = float(np.abs(problem.y).sum()) / n
    size = max(min(scale, size), 1e-9 * size, np.finfo(float).tiny)
    fitted = fit_of(problem, basis)
    atoms = fitted_exactly(problem, fitted, 1e-12 * size)
    if atoms is not None:
        answer = _dual_of_atoms(problem, *atoms)
        if answer is not None:
            tally["atoms"] += 1
            return answer
    for jitter in (0.0, 1e-9, 1e-6) if atoms is None else (1e-9, 1e-7, 1e-5):
        answer = _pivot(problem, basis, jitter * size, max_pivots, tally, fitted)
        if answer is not None:
            return answer
        tally["restarts"] += 1
    tally["fallbacks"] += 1
    return by_linear_programme(problem, at.b)


def solve_again(problem: Reduced, basis: IntArray, tally: Counter[str]) -> Answer | None:
    """The exact solution from the optimal basis of almost the same rows, by pivots alone.

    None if they do not end soon.
    """
    answer = _pivot(problem, basis, 0.0, 50 + problem.c.shape[0], tally)
    return answer if answer is not None and answer.ray is None else None


def shrink(problem: Reduced, at: Smoothed) -> Smoothed:
    """The smoothed path, until few more rows are active than the basis has.

    Each of those costs several pivots; of many columns ten take as long as a Newton step. While
    many rows are active one step brings the path near enough for the next width; with few, a width
    leads to the next on a line, and each is followed from its minimum.
    """
    q = problem.Z.shape[1]
    floor = narrowest(at)
    width, steps = max(at.width, floor), 1
    for _ in range(PHASES):
        at = minimise_smoothed(problem, at, width, steps)
        active = active_count(at)
        if at.ray is not None or active <= q + max(SPARE, q // 100) or width <= floor:
            break
        width = max(floor, min(0.5 * width, SLACK_WIDTH * smoothing_error(problem, at)))
        if q < active < FEW_ACTIVE * q:
            at, steps = follow(problem, at, width), STEPS
    return at


def narrowest(at: Smoothed) -> float:
    """A width at which residuals within are taken for zero."""
    return max(
        1e-9 * float(np.abs(at.residuals).sum()) / max(1, at.residuals.shape[0]), LEAST_WIDTH
    )


def fitted_exactly(
    problem: Reduced, fitted: Fitted, rounding: float
) -> tuple[FloatArray, FloatArray] | None:
    """The vertex and its residuals, if it fits more rows than its basis; else None."""
    b, r = fitted.b, fitted.residuals
    if np.count_nonzero(np.abs(r) <= 1e3 * rounding) <= b.shape[0]:
        return None
    r = problem.y - problem.Z @ b
    terms = 1e-15 * (np.abs(problem.y) + abs(problem.Z) @ np.abs(b))
    r[np.abs(r) <= np.minimum(rounding + terms, 1e3 * rounding)] = 0.0
    return (b, r) if np.count_nonzero(r == 0.0) > b.shape[0] else None


def _dual_of_atoms(problem: Reduced, b: FloatArray, r: FloatArray) -> Answer | None:
    """The dual of least weighted norm on the rows fitted exactly, if it is within the box.

    ``a = -W Z_0 G^-1 g`` with ``G = Z_0' W Z_0`` and g the sum that the other rows leave.
    """
    zero = r == 0.0
    dual = np.sign(r) * problem.w
    g = dual @ problem.Z + problem.c
    Z0, w0 = problem.Z[zero], problem.w[zero]
    share = -(Z0 @ solve_positive(weighted_gram(Z0, w0), g))
    if float(np.abs(share).max()) > 1.0 + 1e-12:
        return None
    dual[zero] = w0 * np.clip(share, -1.0, 1.0)
    slack = spread_excess(problem, dual)
    return Answer(b, dual, slack) if slack <= 1e-11 else None


def _pivot(
    problem: Reduced,
    basis: IntArray,
    jitter: float,
    max_pivots: int,
    tally: Counter[str],
    fitted: Fitted | None = None,
) -> Answer | None:
    """Pivots on responses moved by up to ``jitter``; None unless the true ones agree."""
    moved = problem
    if jitter:
        noise = np.random.default_rng(JITTER_SEED).random(problem.y.shape[0]) - 0.5
        moved, fitted = replace(problem, y=problem.y + 2.0 * jitter * noise), None
    with blocks_share_cores(0):  # BLAS on one thread: what a pivot multiplies are vectors
        vertex = descend(moved, basis, max_pivots, fitted=fitted)
    tally["pivots"] += vertex.pivots
    if vertex.ray is not None:
        growth = problem.growth(vertex.ray)
        return _unbounded(problem, vertex.b, vertex.ray) if growth < 0.0 else None
    if not vertex.optimal:
        return None
    return certified(problem, vertex, moved=jitter > 0.0)


def certified(problem: Reduced, vertex: Vertex, moved: bool = False) -> Answer | None:
    """The vertex, if its dual closes the gap up to rounding.

    With the true responses where it was found with others.
    """
    b, r = vertex.b, vertex.residuals
    if moved or r is None:
        fitted = fit_of(problem, vertex.basis)
        b, r = fitted.b, fitted.residuals
    dual: FloatArray = np.clip(vertex.dual, -problem.w, problem.w)
    answer = Answer(b, dual, _excess(problem, vertex, dual), basis=vertex.basis)
    return answer if answer.slack <= 1e-10 and is_tight(problem, answer, r) else None


def _excess(problem: Reduced, vertex: Vertex, dual: FloatArray) -> float:
    """By how much of its box the dual has to move, as `spread_excess` says.

    If the basis alone can take it without notice, that is a bound, and costs no Gram matrix.
    """
    if vertex.inverse is not None:
        e = dual @ problem.Z + problem.c
        alone = np.abs(e @ vertex.inverse) / problem.w[vertex.basis]
        if float(alone.max(initial=0.0)) <= UNNOTICED:
            return float(alone.max(initial=0.0))
    return spread_excess(problem, dual)


def is_tight(problem: Reduced, answer: Answer, r: FloatArray | None = None) -> bool:
    """Whether the dual of an answer closes its gap, up to rounding; r are its residuals."""
    if r is None:
        r = problem.y - problem.Z @ answer.b
    terms = problem.w * np.abs(r)
    gap = float(np.sum(terms - answer.dual * r))
    return gap <= 1e-12 * float(terms.sum()) + 1e-15 * float(problem.w @ np.abs(problem.y))


def _no_hold(problem: Reduced, basis: IntArray) -> Answer:
    """Too few independent rows: the cost is linear on a direction, and at best constant."""
    v = null_direction(problem.Z, basis)
    return _unbounded(problem, np.zeros_like(v), v if problem.c @ v > 0.0 else -v)


def _unbounded(problem: Reduced, b: FloatArray, ray: FloatArray) -> Answer:
    return Answer(b, np.zeros_like(problem.y), 0.0, ray / float(np.abs(ray).max()))


def by_linear_programme(problem: Reduced, b: FloatArray) -> Answer:
    """The last resort: HiGHS on the dual, ``max y'a`` over the box with ``Z'a + c = 0``.

    Its basis is then polished by pivots; where that fails too, its dual is taken as it is, and the
    slack says what it is worth.
    """
    w = problem.w
    found = linprog(
        -problem.y * w,
        A_eq=in_full(times_rows(problem.Z, w)).T,
        b_eq=-problem.c,
        bounds=(-1.0, 1.0),
        method="highs-ds",
    )
    if found.x is None:
        return Answer(b, np.zeros_like(problem.y), 1.0)
    b = -np.asarray(found.eqlin.marginals, dtype=np.float64)
    r = problem.y - problem.Z @ b
    basis = guess_basis(problem, r, 1e-6 * float(np.abs(r).mean()) + np.finfo(float).tiny)
    inside = np.where(np.abs(found.x) < 1.0 - 1e-9, 0.0, found.x)
    if basis.shape[0] == b.shape[0]:
        vertex = descend(problem, basis, 50 * b.shape[0], np.where(inside >= 0.0, 1.0, -1.0))
        answer = certified(problem, vertex) if vertex.optimal else None
        if answer is not None:
            return answer
    dual = np.clip(found.x, -1.0, 1.0) * w
    return Answer(b, dual, spread_excess(problem, dual))
