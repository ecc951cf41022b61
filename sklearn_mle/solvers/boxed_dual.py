"""Quantile fits of sparse columns by an interior-point method on normal equations.

The dual of a quantile fit is a linear program in a box, ``max y'a, Z'a = 0, low <= a <= high``.
Its central path is followed by Mehrotra's predictor and corrector (1992; for quantiles Portnoy and
Koenker 1997): each step solves ``Z' diag(d) Z`` twice, and some twenty steps bring the gap down to
rounding, nearly whatever the number of rows.

Certificate: a is freed of what rounding leaves in ``Z'a``, by the equations of the last step, and
divided by its largest ratio to its box; what is left then counts against it, times coefficients as
large as those found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from sklearn_mle.likelihoods.location_scale import share_above
from sklearn_mle.rows.rows import FloatArray
from sklearn_mle.solvers.sparse_normal import SparseNormal

STEPS = 80
CLOSE = 0.9995
"""Share of the way to the box that a step may go."""
ASIDE = 0.01
"""How far inside multipliers begin, relative to the mean size of residuals."""
EXACT = 1e-13
"""Gap that is only rounding."""
NO_GAIN = 4
"""Steps without a smaller gap after which rounding is all that is left."""


@dataclass(frozen=True)
class Central:
    """A point inside the box, and its multipliers.

    Parameters
    ----------
    b : ndarray of shape (q,)
    x, s : ndarray of shape (n,)
        Distances of the dual from the ends of its box.
    low, high : ndarray of shape (n,)
        Multipliers of these; their difference becomes the residuals.
    """

    b: FloatArray
    x: FloatArray
    s: FloatArray
    low: FloatArray
    high: FloatArray

    @property
    def energy(self) -> float:
        """The complementarity, which goes to zero."""
        return float(self.x @ self.low + self.s @ self.high)

    def moved(self, by: Central, dual: float, primal: float) -> Central:
        """A step of different lengths in the dual and in the coefficients."""
        return Central(
            self.b + primal * by.b,
            self.x + dual * by.x,
            self.s + dual * by.s,
            self.low + primal * by.low,
            self.high + primal * by.high,
        )

    def room(self, by: Central) -> tuple[float, float]:
        """How far a step may go, in the dual and in the coefficients."""
        dual = min(_room(self.x, by.x), _room(self.s, by.s))
        return dual, min(_room(self.low, by.low), _room(self.high, by.high))


@dataclass(frozen=True)
class Followed:
    """The end of a path.

    Parameters
    ----------
    b : ndarray of shape (q,)
        Or a theta.
    gap : float
        A bound on ``(loss - least loss) / loss``.
    steps : int
    stopped : bool
        Whether a watch ended it.
    """

    b: FloatArray
    gap: float
    steps: int
    stopped: bool = False


def follow(
    Z: sparse.csr_array,
    y: FloatArray,
    w: FloatArray,
    tilt: float,
    normal: SparseNormal,
    most: int,
    stops: Callable[[FloatArray], bool],
) -> Followed | None:
    """Minimise ``sum w (|r| + tilt r)``, ``r = y - Z b``, to rounding.

    Parameters
    ----------
    Z : csr_array of shape (n, q)
        Independent columns in units of about one.
    y, w : ndarray of shape (n,)
    tilt : float
    normal : SparseNormal
        Of Z.
    most : int
        Steps.
    stops : callable
        Takes b; says whether to stop.

    Returns
    -------
    Followed or None
        None where the columns depend on each other.
    """
    solve = normal.factored(w)
    if solve is None:
        return None
    b = solve(Z.T @ (w * y))
    r = y - Z @ b
    aside = ASIDE * float(np.abs(r).mean())
    if aside == 0.0:
        return Followed(b, 0.0, 1)
    high = np.maximum(r, 0.0) + aside
    at = Central(b, (1.0 - tilt) * w, (1.0 + tilt) * w, high - r, high)
    target = Z.T @ at.x
    best, since = Followed(b, 1.0, 0), 0
    for step in range(1, min(most, STEPS) + 1):
        d = 1.0 / (at.low / at.x + at.high / at.s)
        solve = normal.factored(d)
        if solve is None:
            break
        gap = _gap(Z, y, w, tilt, at, d, solve)
        since = 0 if gap < best.gap else since + 1
        best = Followed(at.b, gap, step) if gap < best.gap else replace(best, steps=step)
        if since >= NO_GAIN or at.energy == 0.0 or gap <= EXACT:
            break
        if stops(at.b):
            return replace(best, stopped=True)
        at = _step(Z, y, at, d, solve, target)
        if not np.isfinite(at.energy):
            break
    return best


def _step(
    Z: sparse.csr_array,
    y: FloatArray,
    at: Central,
    d: FloatArray,
    solve: Callable[[FloatArray], FloatArray],
    target: FloatArray,
) -> Central:
    """A step along the path: a prediction, and one that corrects it."""
    residual = y - Z @ at.b - at.high + at.low
    missing = target - Z.T @ at.x

    def direction(mu: float, low: FloatArray | float, high: FloatArray | float) -> Central:
        to_low = (mu - low) / at.x - at.low
        to_high = (mu - high) / at.s - at.high
        pull = residual - to_high + to_low
        b = solve(Z.T @ (d * pull) - missing)
        x = d * (pull - Z @ b)
        return Central(b, x, -x, to_low - at.low / at.x * x, to_high + at.high / at.s * x)

    ahead = direction(0.0, 0.0, 0.0)
    room = at.room(ahead)
    if min(room) < 1.0:
        mean = at.energy / (2.0 * y.shape[0])
        share = at.moved(ahead, *room).energy / at.energy
        ahead = direction(mean * share**3, ahead.x * ahead.low, ahead.s * ahead.high)
        room = at.room(ahead)
    return at.moved(ahead, *room)


def _room(values: FloatArray, change: FloatArray) -> float:
    falls = change < 0.0
    return min(1.0, CLOSE * float((values[falls] / -change[falls]).min(initial=np.inf)))


def _gap(
    Z: sparse.csr_array,
    y: FloatArray,
    w: FloatArray,
    tilt: float,
    at: Central,
    d: FloatArray,
    solve: Callable[[FloatArray], FloatArray],
) -> float:
    r = y - Z @ at.b
    loss = float(w @ (np.abs(r) + tilt * r))
    a = at.x - (1.0 - tilt) * w
    for _ in range(2):
        a = a - d * (Z @ solve(Z.T @ a))
    ratio = np.maximum(a / ((1.0 + tilt) * w), -a / ((1.0 - tilt) * w))
    left = float(np.linalg.norm(Z.T @ a) * np.linalg.norm(at.b))
    # a'y as a'r, which is smaller and has more digits
    value = float(a @ r) - 2.0 * left
    return share_above(loss, value / max(1.0, float(ratio.max())))
