"""Least absolute deviations and every other quantile: the exact solution, with its proof.

A sample predicts the signs of most residuals, the few rows in doubt are solved exactly, all signs
are verified, and the dual closes the gap (`row_screening`, `exact_vertex`). Two or three passes
over the data, where a Newton or interior point method on all rows takes dozens.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_mle.likelihoods.location_scale import (
    residuals,
    rounding_error,
)
from sklearn_mle.noises.noise import Fact, FloatArray
from sklearn_mle.rows.duplicates import merge_duplicates
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.matrix import (
    in_float64,
    stack_rows,
)
from sklearn_mle.rows.rows import Block, Rows
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers.column_frame import Frame, fit_frame, frame_of_few
from sklearn_mle.solvers.duality_gap import prove
from sklearn_mle.solvers.exact_vertex import by_linear_programme
from sklearn_mle.solvers.narrowing import solve_near
from sklearn_mle.solvers.quantile_fit import Fit, Trace, solution_of, tilt_of
from sklearn_mle.solvers.reduced_problem import (
    Answer,
    Reduced,
    least_squares,
    solve_positive,
)
from sklearn_mle.solvers.rounded_together import ROUNDED_ALONE, through_basis
from sklearn_mle.solvers.row_screening import (
    Screened,
    predict_signs,
    screen_and_verify,
    small_enough,
)
from sklearn_mle.solvers.sign_passes import Level
from sklearn_mle.solvers.sign_prediction import Predicted, Sample, pays, sample_size
from sklearn_mle.solvers.smoothed_newton import (
    SLACK_WIDTH,
    Smoothed,
    predict_from_afar,
    sampling_error,
    smoothing_error,
)
from sklearn_mle.solvers.solution import (
    Problem,
    Solution,
    Start,
)
from sklearn_mle.solvers.watch import never

NEEDS = Fact.PIECEWISE_LINEAR
WITHIN_MAX_ITER = True
DIRECT_ROWS = 12
"""Rows a column that tell units and rank where no sample can tell signs."""
GUESS_ROWS = 8000
"""Rows of a sample that least squares is asked for."""
ROUNDED_LOSS = 1e-11
"""Relative difference of losses that counts as none."""


def solve(problem: Problem, *, start: Start | None, tol: float, max_iter: int) -> Solution:
    """Fit a linear quantile: the coefficients of least total loss, exactly.

    Parameters
    ----------
    problem : Problem
        With a noise whose loss is linear on each side of zero; its two slopes say which quantile.
    start : Start or None
        Where the search begins.
    tol : float
        A gap up to which an early stop counts as converged; a fit that ends is exact anyway.
    max_iter : int
        Bounds the iterations on the outermost level: one for each width of the smoothed path
        and one for each round of screening, exact solution of the band and verification.

    Returns
    -------
    Solution
        Of many optimal vertices, one. Where columns depend on others, the coefficients of least
        norm among those with the same predictions.
    """
    with blocks_share_cores(problem.rows.n_columns):
        fit = fit_exactly(problem, start=start, max_iter=max_iter)
        return solution_of(problem, fit, tol, max_iter)


def fit_exactly(problem: Problem, *, start: Start | None, max_iter: int) -> Fit:
    """The fit that `solve` wraps, with its dual and the trace of what it did."""
    tally: Counter[str] = Counter()
    rows = problem.rows
    tilt, _ = tilt_of(problem.likelihood.noise)
    n, q = rows.n_rows, rows.n_columns + problem.fit_intercept
    small, screened = small_enough(n, q), None
    m = sample_size(n, q, rows.handful)
    direct = not small and not pays(n, q, m)
    drawn = rows.sample(n if small else DIRECT_ROWS * q if direct else m)
    if small:
        rows = drawn = merge_duplicates(drawn)
    frame, level, sample = _framed(problem, rows, drawn, tilt)
    if frame.size == 0:
        return _fit_of_nothing(level)
    b, close = _least_squares_guess(sample.problem)
    if close and _only_rounding(rows, *frame.raw(b)):
        return _fit_through(level, drawn, b)
    b = b if start is None else _from_start(frame, start)
    if small:
        return _fit_in_memory(level, drawn, None, b, tally, max_iter)
    del drawn
    if not direct:
        warm = start is not None
        screened = predict_signs(level, sample, b, tally, max_iter, warm=warm)
    if screened is None:
        tally["direct"] += 1
        known = None if direct else sample.problem
        del sample
        return _fit_in_memory(level, rows.sample(n), known, b, tally, max_iter)
    del sample  # it is as large as the band
    return _fit_screened(level, screened, tally, max_iter)


def _from_start(frame: Frame, start: Start) -> FloatArray:
    return frame.from_raw(np.asarray(start.coef, dtype=np.float64), float(start.intercept))


def _framed(
    problem: Problem, rows: Any, drawn: InMemoryRows, tilt: float
) -> tuple[Frame, Level, Sample]:
    """The frame, decided on a sample and checked on all rows, and the sample in it.

    A column that depends on others in the sample may not do so elsewhere (a rare dummy): the rows
    that break the relation join the sample, each for a fraction of a row, until it holds.
    """
    light, fraction = drawn.n_rows, drawn.n_rows / rows.n_rows
    X, y = in_float64(drawn.X), drawn.y
    weight = np.ones(light) if drawn.weight is None else drawn.weight
    share = np.ones(light)
    while True:
        fit = fit_frame if fraction == 1.0 else frame_of_few
        frame = fit(X, y, share, problem.fit_intercept)
        if fraction == 1.0 or not frame.dropped.shape[0]:
            break
        more = rows.keep(lambda block, f=frame: f.broken(block.X))
        if not more.n_rows:
            break
        more = more.sample(light)
        X, y = stack_rows([X, more.X]), np.concatenate([y, more.y])
        w = np.ones(more.n_rows) if more.weight is None else more.weight
        weight = np.concatenate([weight, fraction * w])
        share = np.concatenate([share, np.full(more.n_rows, fraction)])
    level = Level(rows, frame, np.zeros(frame.size), tilt, problem.watch)
    Z = frame.scaled(X)
    sample = Reduced(Z, y - frame.y_centre, weight, tilt * (weight @ Z))
    return frame, level, Sample(sample, light, fraction)


def _least_squares_guess(sample: Reduced) -> tuple[FloatArray, bool]:
    """Least squares of the sample, a stride of it if it is large, and whether it fits exactly."""
    coarse = sample.every(max(1, sample.y.shape[0] // GUESS_ROWS))
    b = solve_positive(coarse.gram, (coarse.w * coarse.y) @ coarse.Z)
    size = float(np.mean(np.abs(coarse.y)))
    if float(np.mean(np.abs(coarse.y - coarse.Z @ b))) > 1e-7 * size:
        return b, False
    for _ in range(2):
        b = b + least_squares(coarse.Z, coarse.y - coarse.Z @ b, coarse.w)
    return b, True


def _only_rounding(rows: Rows, coef: FloatArray, intercept: float) -> bool:
    """Whether the residuals of all rows together are no larger than rounding errors."""

    def sums(block: Block) -> tuple[float, float]:
        size = np.abs(residuals(block, coef, intercept))
        error = rounding_error(block.X, block.y, coef, intercept)
        return float(block.weigh(size).sum()), float(block.weigh(error).sum())

    size, error = rows.total(sums)
    return bool(size <= error)


def _fit_through(level: Level, rows: InMemoryRows, b: FloatArray) -> Fit:
    """A fit that leaves no residuals; a dual of zeros proves it."""
    w = np.ones(rows.n_rows) if rows.weight is None else rows.weight
    answer = Answer(b, -level.tilt * w, 0.0)
    coef, intercept = level.frame.raw(b)
    least = level.frame.least_norm(coef, intercept)
    if least[0] is not coef and _only_rounding(level.rows, *least):
        coef, intercept = least
    return Fit(level, coef, intercept, answer, rows, None, 0.0, 0.0, 1, Trace())


def _fit_of_nothing(level: Level) -> Fit:
    """No column is left to fit; every sign is that of the response."""
    signs = level.rows.column(lambda block: np.where(block.y < 0.0, -1, 1).astype(np.int8))
    none = level.rows.keep(lambda block, s: s == 0, signs)
    answer = Answer(np.empty(0), np.empty(0), 0.0)
    coef = np.zeros(level.rows.n_columns)
    return Fit(level, coef, 0.0, answer, none, signs, float("nan"), 0.0, 1, Trace())


def _fit_in_memory(
    level: Level,
    rows: InMemoryRows,
    sample: Reduced | None,
    b: FloatArray,
    tally: Counter[str],
    max_iter: int,
) -> Fit:
    """All rows at once, without screening; from the fit of a sample, or of strides of the rows."""
    problem = level.reduced(rows, level.c)
    problem = replace(problem, c=level.tilt * (problem.w @ problem.Z))
    path = problem if sample is None else sample
    at = predict_from_afar(path, max_iter, b, never if sample else level.stops)
    if at.phases >= max_iter or at.stopped:
        screened = Screened(Answer(at.b, at.b, np.inf), rows, None, None, at.phases, False)
    else:
        tally["newton_steps"] += at.steps
        if sample is None:
            near = replace(at, width=SLACK_WIDTH * smoothing_error(problem, at), steps=0)
        else:
            r = problem.y - problem.Z @ at.b
            near = Smoothed(at.b, r, SLACK_WIDTH * sampling_error(sample, at))
        answer = solve_near(problem, near, tally)
        if answer.ray is not None:
            tally["fallbacks"] += 1
            answer = by_linear_programme(problem, at.b)
        level.stops(answer.b)
        screened = Screened(answer, rows, None, None, at.phases + 1, True)
    return _fit_screened(level, screened, tally, max_iter)


def _fit_screened(
    level: Level, screened: Predicted | Screened, tally: Counter[str], max_iter: int
) -> Fit:
    """The fit in the units of the data, with a bound on its relative gap."""
    if isinstance(screened, Predicted):
        screened = screen_and_verify(level, screened, tally, max_iter)
    answer = screened.answer
    coef, intercept = _shortest(level, *level.frame.raw(answer.b))
    proof = prove(level, screened, coef, intercept)
    if proof.by_rounding > ROUNDED_ALONE:
        beside = through_basis(level, screened, coef, intercept, proof.loss)
        its = prove(level, screened, *beside)
        if its.gap < proof.gap:
            (coef, intercept), proof = beside, its
    trace, used = Trace(**tally), screened.iterations
    return Fit(
        level,
        coef,
        intercept,
        answer,
        screened.band,
        screened.signs,
        proof.loss,
        proof.gap,
        used,
        trace,
        screened.shares,
    )


def _shortest(level: Level, coef: FloatArray, intercept: float) -> tuple[FloatArray, float]:
    """The coefficients of least norm, unless their loss is larger.

    Columns in very different units may depend on each other up to rounding, and yet the rounding
    of one may be as large as all of another.
    """
    least = level.frame.least_norm(coef, intercept)
    if least[0] is coef:
        return least

    def losses(block: Block) -> tuple[float, float]:
        both = (residuals(block, *fit) for fit in ((coef, intercept), least))
        kept, shortest = (block.weigh(np.abs(r) + level.tilt * r).sum() for r in both)
        return float(kept), float(shortest)

    loss, of_least = level.rows.total(losses)
    return least if of_least <= loss * (1.0 + ROUNDED_LOSS) else (coef, intercept)
