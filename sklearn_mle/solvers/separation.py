"""Whether classes can be separated, so that no finite maximum of the likelihood exists: a proof.

**What it is.** Coefficients D are a direction of separation if no row's class loses ground to any
other along it, and some class gains: the margins ``m_ik(D) = z_i' (d_c - d_k)`` of row i of class c
over class k are all at least zero, and some are positive (Albert and Anderson 1984). The likelihood
then grows for ever along D and only approaches its supremum. Without such a D a unique maximum
exists, up to columns that depend on others. Separation is *complete* if some D makes all margins
positive, and *quasi-complete* otherwise. The sum of two such directions is another, so that one D
makes every pair (i, k) positive that any direction can: call these pairs *decided*.

**The limit.** Far out along that D the class k of a decided pair has probability 0 in row i. The
other pairs do not move at all, and what is left of the likelihood is that of their classes alone.
That has a finite maximum: a direction B that separated the rest would, with enough of D added, be a
direction of the whole, and its pairs would be decided. So ``coefficients of the remaining problem +
t D`` gives, for t large enough, the supremum and the probabilities of the limit, and one D is
enough (Geyer 2009). t is taken where the last excluded class has fallen to `EXCLUDED`.

**The proof.** Three steps, each exact, the later ones for what the earlier leave open:

1. If the coefficients at hand put every row's class ahead, they separate: complete.
2. Newton steps prove of most pairs that nothing separates them (`overlap`). A direction must keep
   all of their margins at zero, which leaves a space of few dimensions, or none: overlap.
3. In that space the coefficients at hand, projected, mostly keep all other margins positive: found,
   and checked on every row. If not, a linear program over the open pairs decides (Konis 2007), as

       maximise sum z   with  z_ik <= m_ik(D),  0 <= z_ik <= 1.

   A cone can be scaled, so that z is 1 for pairs that can be decided and 0 for the others. The
   latter have positive multipliers with ``sum lambda_ik a_ik = 0``, which prove it, and shrink the
   space. Only the pairs with the least margins enter; those that the answer violates are added.

No verdict of "separated" rests on a solver's tolerance: D has been put into the space, and its
margins on all rows are nonnegative up to the rounding of their own computation. Correia, Guimaraes
and Zylkin (2019) replace the program by weighted least squares with negative parts cut off, which
needs many passes over all rows where steps 1 and 2 need one or two; Newton's steps play its part.

References
----------
Albert, A. and Anderson, J. A. (1984). On the existence of maximum likelihood estimates in logistic
regression models. Biometrika 71, 1-10.

Konis, K. (2007). Linear programming algorithms for detecting separated data in binary logistic
regression models. DPhil thesis, University of Oxford.

Geyer, C. J. (2009). Likelihood inference in exponential families and directions of recession.
Electronic Journal of Statistics 3, 259-289.

Correia, S., Guimaraes, P. and Zylkin, T. (2019). Verifying the existence of maximum likelihood
estimates for generalized linear models. arXiv:1903.01633.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows.rows import Block, FloatArray, Rows
from sklearn_mle.solvers.involved import few_features
from sklearn_mle.solvers.margins import BoolArray, Margins, lead
from sklearn_mle.solvers.overlap import proven, still_space
from sklearn_mle.solvers.recession import Widest, projected, searched
from sklearn_mle.solvers.solution import Outcome, Status

EXCLUDED = 40.0
"""Margin at which a class counts as excluded: its probability, 4e-18, is less than half of what one
is rounded to."""
HARDLY = 25.0
"""Range of a row's scores from which a class may have been excluded: where none is as wide, the
tiny Newton decrement of a fit moves no margin."""
MOVED = 16.0
"""Four for a move of a half, and as much again as a probability is known at the end of a step."""
NAMED = 5
UNDECIDED = "Of so many features it is undecided whether more is separated in the limit."


@dataclass(frozen=True)
class Recession:
    """A direction along which the likelihood grows for ever.

    Parameters
    ----------
    direction : ndarray of shape (1, p) or (K, p)
        The coefficients of raw columns, in a direction that few features take part in; every
        decided pair gains at least one along it.
    level : ndarray of shape (1,) or (K,)
        Its intercepts.
    features : ndarray of int
        The columns that take part, sorted.
    rows : ndarray of shape (n,), bool
        Rows, among those of positive weight, in which some class is excluded in the limit.
    certain : ndarray of shape (n,), bool
        Rows in which all but their own class are.
    decided : ndarray of shape (n, K), bool
        The pairs of row and excluded class.
    margins : Margins
    share : ndarray of shape (m,)
        What the margins of each decided pair are in units of (`Margins.shares`).
    along : ndarray of shape (K, t)
        Coefficients of the terms: of the directions at hand the one that is shortest for the least
        that a decided pair gains.
    far : ndarray of shape (K, t)
        The coefficients at hand, so far out that excluded classes have no probability left.
    whole : bool
        Whether nothing else can be separated; false where that could not be decided.
    """

    direction: FloatArray
    level: FloatArray
    features: NDArray[np.intp]
    rows: BoolArray
    certain: BoolArray
    decided: BoolArray
    margins: Margins
    share: FloatArray
    along: FloatArray
    far: FloatArray
    whole: bool = True

    @property
    def complete(self) -> bool:
        """Whether every row's class is certain in the limit."""
        return bool(self.certain.all())

    def start(self) -> tuple[FloatArray, FloatArray]:
        """Raw coefficients and intercepts with which only the remaining problem costs anything."""
        return self.margins.to_raw(self.far)

    def excess(self, coef: FloatArray, intercept: FloatArray) -> float:
        """What the excluded classes still add to the cost at these coefficients, at most."""
        B = self.margins.from_raw(coef, intercept)

        def per_block(block: Block, decided: BoolArray) -> tuple[float]:
            M = lead(block, self.margins.terms(block) @ B.T)
            odds = np.where(decided, np.exp(np.minimum(-M, 0.0)), 0.0)
            return (float(block.weigh(odds.sum(axis=1)).sum()),)

        return float(self.margins.rows.total(per_block, self.decided)[0])


def any_excluded(
    rows: Rows, coef: FloatArray, intercept: FloatArray, decrement: float = 0.0
) -> bool:
    """Whether some class has next to no probability in some row.

    Or so little that a Newton step of this decrement could have moved its margin by a half, as
    steps do for ever where classes are separated (`overlap`): w p times the square of the move of
    any pair is part of the decrement.
    """
    floor = MOVED * decrement

    def per_block(block: Block) -> tuple[int]:
        scores = block.X @ coef.T + intercept
        one = scores.shape[1] == 1
        width = np.abs(scores[:, 0]) if one else np.ptp(scores, axis=1)
        hardly = width > HARDLY
        if floor > 0.0:
            hardly |= block.weigh(np.exp(-width)) < floor
        return (int(np.count_nonzero(hardly)),)

    return bool(rows.total(per_block)[0])


def separated(found: Recession, names: Sequence[str] | None = None) -> Outcome:
    """How a fit to separated classes ended; features are called x0, x1, ... without names."""
    n, count = found.rows.size, int(np.count_nonzero(found.rows))
    kind = "complete" if found.complete else "quasi-complete"
    many = f"all {n} rows" if found.complete else f"{count} of {n} rows"
    rest = "" if found.whole else f" {UNDECIDED}"
    sure = found.complete or found.decided.shape[1] == 2
    effect = "the class is certain" if sure else "some class is ruled out"
    return Outcome(
        Status.SEPARATED,
        "The likelihood has a finite maximum only where no plane separates classes; got "
        f"{kind} separation by {name_features(found.features, names)}, so that no finite maximum "
        f"exists: in {many} {effect} in the limit.{rest} Predictions are those of the limit, the "
        "coefficients go a finite way towards it and have no standard errors. Drop or merge these "
        "features or levels, collect more rows, or use a penalty "
        "(sklearn.linear_model.LogisticRegression).",
    )


def name_features(features: NDArray[np.intp], names: Sequence[str] | None = None) -> str:
    """At most `NAMED` features by name, and how many others there are."""
    called = [f"x{j}" if names is None else str(names[j]) for j in features]
    shown, others = called[:NAMED], len(called) - NAMED
    word = "feature" if len(called) == 1 else "features"
    if others > 0:
        return f"{word} {', '.join(shown)} and {others} other{'s' if others > 1 else ''}"
    start = ", ".join(shown[:-1])
    return f"{word} {start} and {shown[-1]}" if start else f"{word} {shown[0]}"


def find_separation(
    rows: Rows, n_classes: int, fit_intercept: bool, coef: FloatArray, intercept: FloatArray
) -> Recession | None:
    """A direction that separates all pairs which can be, or None where a finite maximum exists.

    Parameters
    ----------
    rows : Rows
        ``y`` holds class codes.
    n_classes : int
    fit_intercept : bool
    coef : ndarray of shape (1, p) or (K, p)
        Coefficients of raw columns near the maximum, or far on the way to where there is none. The
        verdict does not depend on them, the time does.
    intercept : ndarray of shape (1,) or (K,)
    """
    margins = Margins.of(rows, n_classes, fit_intercept)
    B = margins.from_raw(coef, intercept)
    others = margins.others()
    here = margins.margins(B)
    found: Widest | None
    if np.all(here[others] > 0.0):
        found = Widest(B, others, still_space(margins, np.zeros_like(others)))
    else:
        found = _widest(margins, others, B)
    return None if found is None else recession_along(margins, found, B, here)


def recession_along(margins: Margins, found: Widest, B: FloatArray, here: FloatArray) -> Recession:
    """The recession of a direction, with the margins at hand.

    Pairs that it decides by no more than rounding are left among those that cost something.
    """
    D, ahead = found.direction, margins.margins(found.direction)
    decided = found.decided & (ahead > 0.0)
    found = replace(found, decided=decided)
    share = np.broadcast_to(margins.shares()[:, None], decided.shape)[decided]
    short = (EXCLUDED * share - here[decided]) / ahead[decided]
    far = B + max(0.0, float(short.max())) * D
    slim, features = few_features(margins, found)
    slim = slim / (margins.margins(slim)[decided] / share).min()
    whole = D / (ahead[decided] / share).min()
    direction, level = margins.to_raw(slim)
    return Recession(
        direction=direction,
        level=level,
        features=features,
        rows=np.asarray(decided.any(axis=1)),
        certain=np.asarray((decided | ~margins.others()).all(axis=1)),
        decided=decided,
        margins=margins,
        share=share,
        along=min(slim, whole, key=lambda B: float(np.abs(B).max())),
        far=far,
    )


def _widest(margins: Margins, others: BoolArray, B: FloatArray) -> Widest | None:
    """Steps 2 and 3: a sample of many rows may prove enough; programs see only all of them."""
    for part in (margins.sample(), margins):
        if part is None:
            continue
        closed = proven(part, B)
        space = still_space(part, closed)
        if not space.shape[0]:
            return None
        reach = margins.reach(space)
        open_pairs = others & (reach > 0.0)
        if part is margins:
            open_pairs &= ~closed
        if not open_pairs.any():
            return None
        found = projected(margins, open_pairs, space, B)
        if found is not None:
            return found
    return searched(margins, open_pairs, space, reach)
