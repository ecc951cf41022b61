"""Compare fits with rivals: ``python benchmarks/run.py``.

Each rival alternates with our fit of the same data in one run, so that what else the machine does
hits both; the table shows the median time of each, their ratio (below 1: ours is faster), and how
far the rival's cost is above the lower of both, relative to it: how exact it is.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import time
import warnings
from pathlib import Path
from statistics import median

import numpy as np

import rivals
from sklearn_mle import MLEClassifier, MLERegressor

OURS = {
    "gaussian": lambda: MLERegressor(noise="gaussian"),
    "laplace": lambda: MLERegressor(noise="laplace"),
    "huber": lambda: MLERegressor(noise="huber"),
    "student_t": lambda: MLERegressor(noise="student_t"),
    "classes": lambda: MLEClassifier(),
}
SIZES = {
    "small": [(1_000, 10), (10_000, 10), (100_000, 10)],
    "large": [
        (1_000, 10),
        (10_000, 10),
        (100_000, 10),
        (100_000, 50),
        (1_000_000, 10),
        (1_000_000, 50),
    ],
}

ENOUGH = 1.0
"""Seconds that a pair of fits takes in all."""


def make_data(task, n, p, seed=0):
    """Normal features; noise as the task assumes it, or labels of two overlapping classes."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    signal = X @ rng.standard_normal(p) / np.sqrt(p)
    if task == "classes":
        return X, (signal + rng.logistic(size=n) > 0).astype(int)
    noise = {
        "gaussian": lambda: rng.standard_normal(n),
        "laplace": lambda: rng.laplace(size=n),
    }.get(task, lambda: rng.standard_t(4.0, size=n))
    return X, signal + noise()


def cost(task, X, y, coef, intercept):
    """The loss that the task's likelihood makes least."""
    score = X @ np.ravel(coef) + np.ravel(intercept)[0]
    if task == "classes":
        return np.logaddexp(0.0, np.where(y == 1, -score, score)).sum()
    if task == "laplace":
        return np.abs(y - score).sum()
    if task == "gaussian":
        return np.square(y - score).sum()
    return np.nan  # laws with a scale of their own: coefficients alone have no cost


def alternate(ours, theirs, repeats):
    """Results and median times of two functions, called in turn.

    Quick ones are called until a second has passed.
    """
    times = ([], [])
    while len(times[0]) < repeats or sum(map(sum, times)) < ENOUGH:
        results = []
        for fit, taken in zip((ours, theirs), times):
            begin = time.perf_counter()
            coef, intercept, *seconds = fit()
            taken.append(seconds[0] if seconds else time.perf_counter() - begin)
            results.append((coef, intercept))
    return results, median(times[0]), median(times[1])


def find_rivals(wanted):
    """The rival modules that can be imported, by name."""
    found = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent / "rivals")]):
        if wanted and module.name not in wanted:
            continue
        try:
            found[module.name] = importlib.import_module(f"{rivals.__name__}.{module.name}")
        except ImportError as error:
            print(f"{module.name}: left out, {error}")
    return found


def compare(name, rival, n, p, repeats):
    """One line of the table."""
    X, y = make_data(rival.task, n, p)
    data = rival.cut(X, y) if hasattr(rival, "cut") else (X, y)

    def ours():
        model = OURS[rival.task]().fit(*data)
        return model.coef_, model.intercept_

    (mine, other), mine_took, other_took = alternate(ours, lambda: rival.fit(*data), repeats)
    costs = [cost(rival.task, X, y, *fit) for fit in (mine, other)]
    excess = [(c - min(costs)) / min(costs) for c in costs]
    return (
        f"| {name} | {n:.0e} x {p} | {mine_took:.4f} | {other_took:.4f} | "
        f"{mine_took / other_took:.3f} | {excess[0]:.0e} | {excess[1]:.0e} |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", choices=SIZES, default="small")
    parser.add_argument("--rivals", nargs="*", default=[], help="names of files in rivals/")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| rival | rows x columns | ours, s | rival, s | ratio | our excess | its excess |")
    print("|---|---|---|---|---|---|---|")
    for name, rival in find_rivals(options.rivals).items():
        for n, p in SIZES[options.sizes]:
            if n * p <= rival.largest:
                print(compare(name, rival, n, p, options.repeats), flush=True)


if __name__ == "__main__":
    main()
