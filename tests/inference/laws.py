"""Two laws by the contract of noises, and fits of any law by a general optimiser."""

import math

import numpy as np
from scipy import optimize, stats
from sklearn.base import clone

from sklearn_mle import MLERegressor
from sklearn_mle.noises.noise import Fact, Noise, Shape


class LogisticLaw(Noise):
    facts = Fact.SMOOTH | Fact.LOG_CONCAVE
    loss_name, estimates = "logistic", "mean"

    def cost(self, z):
        return -stats.logistic.logpdf(z)

    def slope(self, z):
        return np.tanh(0.5 * np.asarray(z))

    def curvature(self, z):
        return 0.5 / np.cosh(0.5 * np.asarray(z)) ** 2

    def distribution(self, loc=0.0, scale=1.0):
        return stats.logistic(loc, scale)


class StudentLaw(Noise):
    facts = Fact.SMOOTH
    loss_name, estimates = "student", "location"

    def __init__(self, df=None):
        self.df = df

    @property
    def shapes(self):
        return () if self.df is not None else (Shape("df", 0.0, math.inf, 5.0),)

    def cost(self, z):
        return -stats.t.logpdf(z, self.df)

    def slope(self, z):
        z = np.asarray(z)
        return (self.df + 1.0) * z / (self.df + z * z)

    def curvature(self, z):
        square = np.square(z)
        return (self.df + 1.0) * (self.df - square) / (self.df + square) ** 2

    def distribution(self, loc=0.0, scale=1.0):
        return stats.t(self.df, loc, scale)


def noise_at(noise, shapes):
    return clone(noise).set_params(**{s.name: float(v) for s, v in zip(noise.shapes, shapes)})


def log_likelihood(noise, X, y, weight, parameters):
    """Of coefficients, intercept, log scale and log shapes, one after the other."""
    p = X.shape[1]
    law = noise_at(noise, np.exp(parameters[p + 2 :])) if noise.shapes else noise
    z = (y - X @ parameters[:p] - parameters[p]) / np.exp(parameters[p + 1])
    return weight @ (-law.cost(z) - parameters[p + 1])


def fitted(noise, X, y, weight=None):
    """An estimator with the attributes of a fit, found by Newton with differences."""
    w = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float)
    centre, unit = X.mean(axis=0), X.std(axis=0)
    Z = (X - centre) / unit
    least = MLERegressor().fit(Z, y, weight)
    start = [*least.coef_, least.intercept_, np.log(0.7 * least.scale_)]
    start = np.array([*start, *(np.log(s.start) for s in noise.shapes)])

    def cost(u):
        return -log_likelihood(noise, Z, y, w, u) / w.sum()

    u = optimize.minimize(cost, start, method="BFGS", options={"gtol": 1e-7}).x
    for _ in range(3):
        u = u - np.linalg.solve(*derivatives(cost, u))
    p = X.shape[1]
    model = MLERegressor(noise=noise)
    model.coef_ = u[:p] / unit
    model.intercept_ = float(u[p] - model.coef_ @ centre)
    model.scale_ = float(np.exp(u[p + 1]))
    model.noise_ = noise_at(noise, np.exp(u[p + 2 :])) if noise.shapes else noise
    model.log_likelihood_ = -float(cost(u)) * w.sum()
    model.n_iter_, model.optimality_gap_, model.rank_ = 1, 1e-12, p
    model.n_features_in_ = p
    return model


def derivatives(f, u, h=1e-3):
    """Hessian and gradient by differences of the fourth order."""
    E = h * np.eye(u.size)

    def gradient(at):
        return np.array(
            [(8 * (f(at + e) - f(at - e)) - f(at + 2 * e) + f(at - 2 * e)) / (12 * h) for e in E]
        )

    rows = [
        (8 * (gradient(u + e) - gradient(u - e)) - gradient(u + 2 * e) + gradient(u - 2 * e))
        / (12 * h)
        for e in E
    ]
    H = np.array(rows)
    return 0.5 * (H + H.T), gradient(u)


def sample(noise, n, seed, p=2, units=(1.0, 50.0, 0.01)):
    """Features in units of their own and a response with this noise; slopes of one a spread."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, p))
    X = Z * np.array(units[:p]) + 3.0
    z = noise.distribution().rvs(size=n, random_state=rng)
    return X, Z.sum(axis=1) + 2.0 + 1.5 * z
