"""Hard problems for quantile fits, drawn at random, and a check that trusts no solver."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.linalg import qr

from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.noises.noise import Fact, Noise
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers.solution import Problem

COLUMNS = (
    "normal", "t2", "lognormal", "integer", "dummies", "rare", "collinear", "offset", "scaled",
    "duplicates", "constant", "cauchy", "zero",
)  # fmt: skip
RESPONSES = (
    "laplace", "normal", "integer", "rounded", "constant", "atoms", "exact", "cauchy", "far",
)  # fmt: skip
FEW = 200
WEIGHTS = ("none", "repeats", "lognormal", "mostly zero", "random")


class AsymmetricLaplace(Noise):
    """The loss of one quantile, under a name that no solver can know."""

    facts = Fact.PIECEWISE_LINEAR | Fact.LOG_CONCAVE
    loss_name = "pinball"
    estimates = "quantile"

    def __init__(self, tau=0.5):
        self.tau = tau

    def loss(self, z):
        return z * (self.tau - (z < 0))

    def cost(self, z):
        return self.loss(z) - np.log(self.tau * (1.0 - self.tau))

    def slope(self, z):
        return np.where(z < 0, self.tau - 1.0, self.tau)

    def distribution(self, loc=0.0, scale=1.0):
        raise NotImplementedError


@dataclass(frozen=True)
class Case:
    """A problem in arrays."""

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None
    tau: float
    fit_intercept: bool
    name: str = ""

    @property
    def problem(self) -> Problem:
        rows = InMemoryRows(self.X, self.y, self.weight)
        return Problem(rows, LocationScale(AsymmetricLaplace(self.tau)), self.fit_intercept)

    def loss(self, coef, intercept) -> float:
        """The total loss, in extended precision."""
        r = residuals(self.X, self.y, coef, intercept)
        w = np.ones(r.shape[0]) if self.weight is None else self.weight
        return float(np.sum(w * r * (self.tau - (r < 0))))


def draw_case(seed: int, most: int = 5000) -> Case:
    """A hard case; the same for the same seed."""
    rng = np.random.default_rng(seed)
    n = int(np.exp(rng.uniform(0.0, np.log(most))))
    if seed % 3 == 0:
        n = int(rng.integers(1, most + 1))
    p = int(rng.choice([0, 1, 2, 3, 5, 8, 12, 30], p=[0.02, 0.12, 0.16, 0.2, 0.2, 0.15, 0.1, 0.05]))
    kinds = [str(kind) for kind in rng.choice(COLUMNS, size=rng.integers(1, 4))]
    fit_intercept = bool(rng.random() < 0.75)
    X = rng.standard_normal((n, p))
    for kind in dict.fromkeys(kinds):
        X = _columns(kind, X, rng, 6.0 if fit_intercept else 3.0)
    response = str(rng.choice(RESPONSES))
    y = _response(response, X, rng)
    weighting = str(rng.choice(WEIGHTS, p=[0.4, 0.15, 0.2, 0.1, 0.15]))
    tau = float(rng.choice([0.5, 0.01, 0.1, 0.25, 0.8, 0.99, rng.uniform(0.01, 0.99)]))
    name = f"seed={seed} n={n} p={p} {'+'.join(kinds)} y:{response} w:{weighting} tau={tau:.3g}"
    return Case(X, y, _weights(weighting, n, rng), tau, fit_intercept, name)


def _columns(kind: str, X: np.ndarray, rng: np.random.Generator, digits: float) -> np.ndarray:
    n, p = X.shape
    if kind == "t2":
        return X * rng.standard_t(2, size=X.shape)
    if kind == "lognormal":
        return np.exp(np.clip(X, -20, 20))
    if kind == "cauchy":
        return X * rng.standard_cauchy(X.shape)
    if kind == "integer":
        return np.round(np.clip(2.0 * X, -1e6, 1e6))
    if kind == "dummies":
        return np.heaviside(X - rng.uniform(-1.0, 2.5), 0.0)
    if kind == "rare":
        X[:, : p // 2 + 1] = rng.random((n, min(p, p // 2 + 1))) < 5.0 / n
    if kind == "collinear" and p >= 3:
        X[:, -1] = X[:, 0] - 2.0 * X[:, 1]
    if kind == "offset":
        return X + 10.0 ** rng.uniform(0.0, digits, size=p) * np.sqrt(np.mean(X**2, axis=0))
    if kind == "scaled":
        return X * 10.0 ** rng.uniform(-8, 8, size=p)
    if kind == "duplicates":
        return X[rng.integers(0, max(1, n // 4), size=n)]
    if kind == "constant" and p:
        X[:, 0] = 3.0
    if kind == "zero" and p:
        X[:, p // 2] = 0.0
    return X


def _response(kind: str, X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n, p = X.shape
    spread = np.sqrt(np.mean(np.square(X), axis=0)) + (np.abs(X).max(axis=0, initial=0.0) == 0.0)
    line = X @ (rng.standard_normal(p) / spread) + rng.standard_normal()
    noise = rng.laplace(size=n)
    if kind == "normal":
        return line + rng.standard_normal(n)
    if kind == "cauchy":
        return line + rng.standard_cauchy(n)
    if kind == "integer":
        return rng.integers(0, 4, size=n).astype(float)
    if kind == "rounded":
        return np.round(line + noise)
    if kind == "constant":
        return np.full(n, 2.5)
    if kind == "atoms":
        return line + noise * (rng.random(n) < 0.5)
    if kind == "exact":
        return line
    if kind == "far":
        return line + noise + 1e5
    return line + noise


def _weights(kind: str, n: int, rng: np.random.Generator) -> np.ndarray | None:
    if kind == "none":
        return None
    if kind == "repeats":
        w = rng.integers(0, 5, size=n).astype(float)
    elif kind == "lognormal":
        w = rng.lognormal(0.0, 2.0, size=n)
    elif kind == "mostly zero":
        w = (rng.random(n) < 0.2).astype(float)
    else:
        w = rng.random(n)
    if not w.any():
        w[0] = 1.0
    return w


def residuals(X, y, coef, intercept) -> np.ndarray:
    """Residuals in extended precision; in fractions where they are small differences."""
    long = np.longdouble
    r = y.astype(long) - X.astype(long) @ coef.astype(long) - long(intercept)
    terms = np.abs(y) + np.abs(X) @ np.abs(coef) + abs(intercept)
    for i in np.flatnonzero(np.abs(r) < 1e-12 * terms)[:FEW]:
        exact = sum((Fraction(a) * Fraction(b) for a, b in zip(X[i].tolist(), coef.tolist())))
        r[i] = float(Fraction(float(y[i])) - Fraction(float(intercept)) - exact)
    return r


def certified_gap(X, y, w, tau, fit_intercept, coef, intercept, d) -> float:
    """A bound on the relative gap that d proves, in extended precision; infinite if d is no dual.

    Whatever d leaves of ``X'd = 0`` is projected out (in the metric of the weights), what then is
    outside the box is scaled back, and the value of that dual is a bound by weak duality.
    """
    long = np.longdouble
    r = residuals(X, y, coef, intercept)
    loss = np.sum(w * r * (tau - (r < 0)))
    if loss <= 0.0:
        return 0.0
    root = np.sqrt(w.astype(long))
    A, blur = X.astype(long), 0.0
    if fit_intercept:
        A = A - A.mean(axis=0)
        spread = np.sqrt(np.mean(A**2, axis=0))
        there = spread > 0.0
        offset = np.abs(X.mean(axis=0)[there]) / spread[there]
        blur = float(32.0 * np.finfo(float).eps * (1.0 + np.max(offset, initial=0.0)))
        A = np.column_stack([np.ones(X.shape[0]), A])
    U = orthonormal(A * root[:, None], blur)
    v = d.astype(long) / root
    for _ in range(3):
        v = v - U @ (U.T @ v)
    d = v * root
    over = max(long(1.0), np.max(d / (w * tau)), np.max(-d / (w * (1.0 - tau))))
    return float(1.0 - np.sum(d * r) / over / loss)


def orthonormal(A: np.ndarray, blur: float) -> np.ndarray:
    """An orthonormal basis of the columns, by Gram and Schmidt twice in extended precision.

    QR with pivoting in double precision says which columns are independent, by more than a blur:
    what rounding did to entries is no column.
    """
    length = np.sqrt(np.sum(A**2, axis=0))
    A = A[:, length > 0.0] / length[length > 0.0]
    if not A.shape[1]:
        return A
    _, R, order = qr(A.astype(float), mode="economic", pivoting=True)
    diagonal = np.abs(np.diagonal(R))
    kept = order[: np.count_nonzero(diagonal > max(1e-10, blur) * diagonal[0])]
    U = np.empty((A.shape[0], 0), dtype=np.longdouble)
    for j in kept:
        v = A[:, j]
        for _ in range(2):
            v = v - U @ (U.T @ v)
            v = v / np.sqrt(np.sum(v**2))
        U = np.column_stack([U, v])
    return U
