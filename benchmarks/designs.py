"""Quantile fits of designs that are not kind: ``python benchmarks/designs.py``.

Each alternates with scikit-learn's LinearRegression on the same rows and weights; the table shows
median times, their ratio (below 1: the exact quantile fit is faster than least squares), and the
gap that its dual proves. The last line is scikit-learn#22922.
"""

from __future__ import annotations

import argparse
import time
import warnings
from statistics import median

import numpy as np
from sklearn.linear_model import LinearRegression

from sklearn_mle import MLERegressor
from sklearn_mle.noises import AsymmetricLaplace


def plain(rng, n, p):
    X = rng.standard_normal((n, p))
    return X, X @ np.ones(p) + rng.laplace(size=n), None


def t2_columns(rng, n, p):
    X = rng.standard_t(2, size=(n, p))
    return X, X @ np.ones(p) + rng.laplace(size=n), None


def lognormal_columns(rng, n, p):
    X = rng.lognormal(size=(n, p))
    return X, X @ np.ones(p) + rng.laplace(size=n), None


def rounded_response(rng, n, p):
    X, y, _ = plain(rng, n, p)
    return X, np.round(y), None


def rare_dummies(rng, n, p):
    X = rng.standard_normal((n, p))
    X[:, : p // 2] = rng.random((n, p // 2)) < 1e-3
    return X, X @ np.ones(p) + rng.laplace(size=n), None


def lognormal_weights(rng, n, p):
    X, y, _ = plain(rng, n, p)
    return X, y, rng.lognormal(0.0, 2.0, size=n)


def fortran_order(rng, n, p):
    X, y, _ = plain(rng, n, p)
    return np.asfortranarray(X), y, None


DESIGNS = [
    plain,
    t2_columns,
    lognormal_columns,
    rounded_response,
    rare_dummies,
    lognormal_weights,
    fortran_order,
]


def line(name, X, y, weight, quantile, repeats):
    """One line of the table."""
    taken = ([], [])
    for _ in range(repeats):
        models = MLERegressor(AsymmetricLaplace(quantile)), LinearRegression()
        for model, times in zip(models, taken):
            begin = time.perf_counter()
            model.fit(X, y, sample_weight=weight)
            times.append(time.perf_counter() - begin)
    ours, hare = map(median, taken)
    ratio = median(a / b for a, b in zip(*taken))
    gap = models[0].optimality_gap_
    size = f"{X.shape[0]:.1e} x {X.shape[1]}"
    return f"| {name} | {size} | {quantile} | {ours:.3f} | {hare:.3f} | {ratio:.2f} | {gap:.0e} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| design | size | quantile | ours, s | LinearRegression, s | ratio | gap |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for make in DESIGNS:
        rng = np.random.default_rng(options.seed)
        X, y, weight = make(rng, options.rows, options.columns)
        name = make.__name__.replace("_", " ")
        print(line(name, X, y, weight, 0.5, options.repeats), flush=True)
    X, y, weight = plain(np.random.default_rng(options.seed), int(2.9 * options.rows), 8)
    print(line("plain", X, y, weight, 0.8, options.repeats), flush=True)


if __name__ == "__main__":
    main()
