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
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Column
from sklearn_mle.solvers.approach import approach
from sklearn_mle.solvers.approach import pays as approach_pays
from sklearn_mle.solvers.atoms import (
    solve_on_plane,
)
from sklearn_mle.solvers.band_sampling import Band, screen_within_reach
from sklearn_mle.solvers.influence import measure_influence
from sklearn_mle.solvers.narrowing import solve_from, solve_near
from sklearn_mle.solvers.reduced_problem import Answer
from sklearn_mle.solvers.sign_passes import (
    Check,
    Level,
    growth,
    nowhere,
    return_hit,
    verify,
)
from sklearn_mle.solvers.sign_prediction import (
    WIDEST,
    Predicted,
    Sample,
    band_of,
    safety,
    with_heavy_rows,
)
from sklearn_mle.solvers.smoothed_newton import (
    SLACK_WIDTH,
    Smoothed,
    crowded,
    predict_from_afar,
    sampling_error,
    sharpen,
)

SMALL = 2500
"""Rows that are solved directly."""
UNFINISHED_ROWS = 2000
"""Rows that tell the size of residuals where a fit stops early."""


def small_enough(m: int, q: int) -> bool:
    """Whether m rows of q columns are solved directly."""
    return m <= max(SMALL, 12 * q)


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


def predict_signs(
    level: Level,
    sample: Sample,
    b: FloatArray,
    tally: Counter[str],
    budget: int,
    *,
    warm: bool = False,
) -> Predicted | Screened | None:
    """Which rows are in doubt after the fit of a sample, or of a sample and steps on all rows.

    None if most are; what there is, if the budget is spent on the sample or the fit goes through
    many rows.
    """
    influence = measure_influence(sample.problem, sample.light, sample.fraction)
    reach: tuple[Column, ...] = ()
    if influence is not None:
        tally["influence"] += 1
        reach, sample = with_heavy_rows(level, sample, influence, tally)
    elif approach_pays(level.rows, sample.light):
        near = _approached(level, sample, b, tally, budget, warm)
        if near is not None:
            return near
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
    kappa, phi = band_of(level.rows.n_rows, sample, at, influence, beside)
    if phi > WIDEST or at.ray is not None:
        return None
    error = sampling_error(sample.problem, at) * math.sqrt(1.0 - sample.fraction)
    band = Band(b, kappa, error, phi * level.rows.n_rows)
    return Predicted.of(sample, band, reach, used)


def _approached(
    level: Level, sample: Sample, b: FloatArray, tally: Counter[str], budget: int, warm: bool
) -> Predicted | Screened | None:
    """Which rows are in doubt after Newton steps on all of them, if they are ordinary."""
    near = approach(level, sample.problem, b, tally, budget, warm=warm)
    if near is None:
        return None
    tally["approached"] += 1
    if near.band is None:
        return _unfinished(level, near.b, near.steps)
    return Predicted.of(sample, near.band, (), near.steps)


def screen_and_verify(
    level: Level, predicted: Predicted, tally: Counter[str], budget: int
) -> Screened:
    """Screen, solve the band and verify, until all signs agree.

    A band that has no minimum (its rows have no hold on some direction) hands back a ray: if the
    level itself is unbounded on it, so is the answer; otherwise the rows first hit along the ray
    return to the band, four times more after each ray.
    """
    found, signs, c, rows = screen_within_reach(level, predicted.band, predicted.reach, tally)
    predicted = replace(predicted, band=found)
    return _verified(level, predicted, signs, rows, c, tally, budget)


def _verified(
    level: Level,
    predicted: Predicted,
    signs: Column,
    band: InMemoryRows,
    c: FloatArray,
    tally: Counter[str],
    budget: int,
) -> Screened:
    """Rounds of solving the band, verifying all signs and returning rows to the band."""
    b, rays, basis, used = predicted.band.b, 0, None, predicted.used
    error = predicted.band.half_width / safety(level.rows.n_rows)
    while used < budget:
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
            limit = predicted.first_hits(b, answer.ray, wanted)
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
