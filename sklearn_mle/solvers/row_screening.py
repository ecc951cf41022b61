"""Setting aside rows whose residual sign is already decided.

Portnoy and Koenker (1997, The Gaussian hare and the Laplacian tortoise): a fit of a sample tells
the sign of the residual of most rows. Those rows enter the problem as one sum, the few in a band
around zero are solved exactly, and the signs are verified on all rows. A wrong sign sends its row
back into the band, so that the answer is exact whatever the sample said.

The band rows are a problem of the same form (`Reduced`) in memory, solved by `narrowing`. The sum
over the rows set aside is exact, so that no sampling error is left.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.design import stacked
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Block, Column
from sklearn_mle.solvers.atoms import (
    solve_on_plane,
)
from sklearn_mle.solvers.band_sampling import Band, most_rows, screen_within_reach
from sklearn_mle.solvers.influence import Influence, measure_influence
from sklearn_mle.solvers.narrowing import SAFETY, solve_from, solve_near
from sklearn_mle.solvers.reduced_problem import Answer, Reduced
from sklearn_mle.solvers.sign_passes import (
    Check,
    Level,
    growth,
    is_heavy,
    nowhere,
    return_hit,
    verify,
)
from sklearn_mle.solvers.smoothed_newton import (
    SLACK_WIDTH,
    Smoothed,
    crowded,
    predict_from_afar,
    sampling_error,
    sharpen,
)

BEYOND_NORMAL = 0.9
"""Half width of a band in standard errors, below the size of the largest of n normal errors."""
SMALL = 2500
"""Rows that are solved directly."""
WIDEST = 0.6
"""Share of the rows in the band from which on screening is no gain; a copy of X is the price of
doing without."""
UNFINISHED_ROWS = 2000
"""Rows that tell the size of residuals where a fit stops early."""


def small_enough(m: int, q: int) -> bool:
    """Whether m rows of q columns are solved directly."""
    return m <= max(SMALL, 12 * q)


def safety(n: int) -> float:
    """Half width of the band among n rows, in standard errors of a prediction.

    As many rows get the wrong sign, whatever n is, if it grows as the largest of n normal errors,
    about ``sqrt(2 log n)``: one fit of ten needs a second round.
    """
    return max(SAFETY, math.sqrt(2.0 * math.log(n)) - BEYOND_NORMAL)


def sample_size(n: int, q: int, handful: int) -> int:
    """The sample at which sample and band are in balance: ``(k**2 q / 4)**(1/3) * n**(2/3)``.

    The band has about ``k * n * sqrt(q / m)`` rows; the size above is where the sum of m and half
    of that is least. It is less where so many rows are too much to be brought together.
    """
    balanced = int((safety(n) ** 2 * q / 4.0) ** (1.0 / 3.0) * n ** (2.0 / 3.0)) + 1
    return min(n, balanced, most_rows(handful, q))


def pays(n: int, q: int, m: int) -> bool:
    """Whether a sample of m can tell the signs of many of n rows with weights alike."""
    return band_share(n, q, 1.0 / m, m / n) <= WIDEST


def band_share(n: int, q: int, noise: float, fraction: float) -> float:
    """Share of n rows in the band (see `_band`)."""
    return safety(n) * math.sqrt(q * noise * (1.0 - fraction))


@dataclass(frozen=True)
class Sample:
    """A sample of a level, in its frame.

    Parameters
    ----------
    problem : Reduced
    light : int
        The first rows are an even sample; those after it are all rows of great influence, with
        weights in proportion.
    fraction : float
        Sampled rows over all rows.
    """

    problem: Reduced
    light: int
    fraction: float


@dataclass(frozen=True)
class Screened:
    """What came of a level.

    Parameters
    ----------
    answer : Answer
        Of the band; its dual belongs to the rows whose sign is 0, in order.
    band : InMemoryRows
    signs : Column
        Entries 1, -1, and 0 in the band.
    check : Check or None
    iterations : int
        Widths of the smoothed path and rounds of screening.
    finished : bool
        False if those ran out before all signs agreed; then only ``answer.b`` means anything.
    shares : Column or None
        If the fit goes through many rows, all those of sign 0 and none of them in the band: their
        dual over their weight.
    """

    answer: Answer
    band: InMemoryRows
    signs: Column
    check: Check | None
    iterations: int
    finished: bool
    shares: Column = None


def solve_level(
    level: Level, sample: Sample, b: FloatArray, tally: Counter[str], budget: int
) -> Screened | None:
    """Predict, screen, solve the band and verify, until all signs agree.

    None if the band would hold most rows. A band that has no minimum (its rows have no hold on
    some direction) hands back a ray: if the level itself is unbounded on it, so is the answer;
    otherwise the rows first hit along the ray return to the band, four times more after each ray.
    """
    influence = measure_influence(sample.problem, sample.light, sample.fraction)
    reach: tuple[Column, ...] = ()
    if influence is not None:
        tally["influence"] += 1
        reach, sample = _with_heavy_rows(level, sample, influence, tally)
    at = predict_from_afar(sample.problem, budget, b, level.stops)
    tally["newton_steps"] += at.steps
    b, used = at.b, at.phases
    if used >= budget or at.stopped:
        return _unfinished(level, b, used)
    beside = np.ones(at.residuals.shape[0], dtype=np.bool_)
    if crowded(sample.problem, at):
        sharp = sharpen(sample.problem, at)
        plane = solve_on_plane(level, sample.problem, sharp, tally)
        if plane is not None:
            level.stops(plane.answer.b)
            none = level.rows.keep(nowhere, plane.signs)
            return Screened(
                plane.answer, none, plane.signs, plane.check, used + 1, True, plane.shares
            )
        beside = np.abs(sharp.residuals) > sharp.width
    kappa, phi = _band(level.rows.n_rows, sample, at, influence, beside)
    if phi > WIDEST or at.ray is not None:
        return None
    error = sampling_error(sample.problem, at) * math.sqrt(1.0 - sample.fraction)
    wide = Band(b, kappa, error, phi * level.rows.n_rows)
    found, signs, c, rows = screen_within_reach(level, wide, reach, tally)
    return _verified(level, sample, found, signs, rows, c, tally, range(used, budget))


def _verified(
    level: Level,
    sample: Sample,
    predicted: Band,
    signs: Column,
    band: InMemoryRows,
    c: FloatArray,
    tally: Counter[str],
    budget: range,
) -> Screened:
    """Rounds of solving the band, verifying all signs and returning rows to the band."""
    b, rays, basis, used = predicted.b, 0, None, budget.start
    error = predicted.half_width / safety(level.rows.n_rows)
    while used < budget.stop:
        used += 1
        tally["rounds"] += 1
        tally["passes"] += 1
        tally["band"] = band.n_rows
        problem = level.reduced(band, c)
        answer = None if basis is None else solve_from(problem, basis, tally)
        if answer is None:
            near = Smoothed(b, problem.y - problem.Z @ b, SLACK_WIDTH * error)
            answer = solve_near(problem, near, tally)
        if answer.ray is not None:
            tally["rays"] += 1
            tally["passes"] += 1
            stop = level.stops(b)
            if growth(level, answer.ray) < 0.0:
                return Screened(answer, band, signs, None, used, False)
            rays += 1
            wanted = max(20 * b.shape[0], band.n_rows) * 4**rays
            limit = _first_hits(sample, b, answer.ray, wanted)
            signs, returned = return_hit(level, signs, b, answer.ray, limit)
        else:
            b = answer.b
            check, signs, returned = verify(level, b, signs)
            stop = level.stops(b)
            if returned is None:
                return Screened(answer, band, signs, check, used, True)
        if stop:
            break
        basis = None
        if returned is not None:
            c, error = returned.taken_from(level, c), returned.size(level, b)
            if answer.basis is not None:
                basis = (~returned.inside).nonzero()[0][answer.basis]
            band = returned.among(band)
    return _unfinished(level, b, used)


def _unfinished(level: Level, b: FloatArray, used: int) -> Screened:
    """The best b there is when the budget is spent."""
    rows = level.rows.sample(UNFINISHED_ROWS)
    return Screened(Answer(b, np.zeros(rows.n_rows), np.inf), rows, None, None, used, False)


def _band(
    n: int, sample: Sample, at: Smoothed, influence: Influence | None, beside: np.ndarray
) -> tuple[float, float]:
    """Half width of the band and the share of rows within, from rows that are not fitted exactly.

    The sum of sampled signs has the variance ``v * sum w**2`` with v that of one sign; over the
    information ``sum w * f(0)`` this is the error of a prediction, and the density f(0) cancels
    when the width is read off as a quantile of the sample's own residuals: the share of rows in
    the band is ``k * sqrt(v * q * sum w**2 / (sum w)**2 * (1 - fraction))``.
    """
    q = sample.problem.Z.shape[1]
    beside = beside[: sample.light]
    r, w = at.residuals[: sample.light][beside], sample.problem.w[: sample.light][beside]
    if not r.shape[0]:
        return 0.0, 1.0
    size = np.abs(r)
    spread = 1.0 - (float(np.sign(r).sum()) / r.shape[0]) ** 2
    total = float(w.sum()) + float(sample.problem.w[sample.light :].sum())
    noise = float(w @ w) / total**2
    phi = band_share(n, q, max(spread, 0.01) * noise, sample.fraction)
    if influence is not None:
        size = size / influence.reach(sample.problem.Z[: sample.light][beside])
    place = min(size.shape[0] - 1, int(phi * size.shape[0]))
    return float(np.partition(size, place)[place]), phi


def _with_heavy_rows(
    level: Level, sample: Sample, influence: Influence, tally: Counter[str]
) -> tuple[tuple[Column], Sample]:
    """How far the band reaches at each row, negative at heavy rows; the sample with all of those.

    Heavy rows decide directions that a sample hardly sees. All of them enter the sample, each for
    its fraction; those of high leverage are never set aside.
    """
    matrix, row = level.frame.directions(influence.whitening)

    def reach(block: Block) -> FloatArray:
        return influence.reach_of(block.X @ matrix + row, block.weight).astype(np.float32)

    column = level.rows.column(reach)
    tally["passes"] += 1
    heavy = level.reduced(level.rows.keep(is_heavy, column), sample.problem.c)
    problem = sample.problem
    drawn = influence.reach_of(problem.Z @ influence.whitening, problem.w)
    light = np.flatnonzero(drawn[: sample.light] > 0.0)
    merged = Reduced(
        stacked(problem.Z[light], heavy.Z),
        np.concatenate([problem.y[light], heavy.y]),
        np.concatenate([problem.w[light], heavy.w * sample.fraction]),
        problem.c,
    )
    if level.tilt:
        merged = replace(merged, c=level.tilt * (merged.w @ merged.Z))
    return (column,), Sample(merged, light.shape[0], sample.fraction)


def _first_hits(sample: Sample, b: FloatArray, ray: FloatArray, wanted: int) -> float:
    """How far along the ray to go until about ``wanted`` rows change their sign."""
    problem, light = sample.problem, sample.light
    r = problem.y[:light] - problem.Z[:light] @ b
    u = problem.Z[:light] @ ray
    ahead = r * u > 0.0
    hits = np.sort(r[ahead] / u[ahead])
    place = int(wanted * sample.fraction)
    return float(hits[place]) if place < hits.shape[0] else float("inf")
