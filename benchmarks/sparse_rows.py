"""Sparse rows of very many columns beside scikit-learn: ``python benchmarks/sparse_rows.py``.

Fits alternate with those of the rival in one run; the table shows the median time of each, their
ratio (below 1: ours is faster), the memory that ours adds over that of X, and how far the cost of
the rival is above ours, relative to it: how exact it is. At its default tolerance the rival stops
early; the other line holds it to a comparable one.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
import warnings
from statistics import median

import numpy as np
from scipy import sparse
from sklearn.linear_model import LinearRegression, LogisticRegression

from sklearn_mle import MLEClassifier, MLERegressor

LOGISTIC = {"C": np.inf, "solver": "lbfgs"}
TASKS = {
    "classes": (
        MLEClassifier(),
        {
            "lbfgs, default tol": LogisticRegression(**LOGISTIC),
            "lbfgs, tol=1e-8": LogisticRegression(**LOGISTIC, tol=1e-8, max_iter=10_000),
        },
    ),
    "gaussian": (
        MLERegressor(),
        {
            "LinearRegression": LinearRegression(),
            "LinearRegression, tol=1e-12": LinearRegression(tol=1e-12),
        },
    ),
}


def make_data(task, n, p, density, seed=0):
    """Normal entries at random places, about the same number in each row."""
    rng = np.random.default_rng(seed)
    indptr = np.concatenate([[0], np.cumsum(rng.poisson(p * density, n))])
    columns = rng.integers(0, p, indptr[-1])
    X = sparse.csr_array((rng.standard_normal(indptr[-1]), columns, indptr), shape=(n, p))
    X.sum_duplicates()
    signal = X @ (0.5 * rng.standard_normal(p))
    if task == "classes":
        return X, (signal + rng.logistic(size=n) > 0.0).astype(int)
    return X, signal + rng.standard_normal(n)


def cost(task, X, y, model):
    """What the likelihood makes least."""
    score = X @ np.ravel(model.coef_) + np.ravel(model.intercept_)[0]
    if task == "classes":
        return float(np.logaddexp(0.0, score * (1 - 2 * y)).sum())
    return float(np.square(y - score).sum())


def timed(model, X, y):
    begin = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - begin


def memory(model, X, y):
    """The most that a fit adds, over the size of X."""
    tracemalloc.start()
    model.fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=100_000)
    parser.add_argument("--density", type=float, default=1e-4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| task | rival | ours, s | rival, s | ratio | memory over X | rival's cost above |")
    print("|---|---|---|---|---|---|---|")
    for task in args.tasks:
        ours, rivals = TASKS[task]
        X, y = make_data(task, args.rows, args.columns, args.density, args.seed)
        extra = memory(ours, X, y)
        least = cost(task, X, y, ours)
        for name, rival in rivals.items():
            pairs = [(timed(ours, X, y), timed(rival, X, y)) for _ in range(args.repeats)]
            mine, other = (median(side) for side in zip(*pairs))
            ratio = median(a / b for a, b in pairs)
            above = cost(task, X, y, rival) / least - 1.0
            print(
                f"| {task} | {name} | {mine:.2f} | {other:.2f} | {ratio:.2f} | {extra:.2f} "
                f"| {above:.1e} |"
            )
        print(f"  gap {ours.optimality_gap_:.1e}, rank {ours.rank_}, {ours.n_iter_} iterations")


if __name__ == "__main__":
    main()
