"""Compare classifiers at an equal relative score: ``python benchmarks/classes.py``.

The relative score of a fit is the largest ``|sum (p - y) x_j| / sum |x_j|`` of all columns and
classes, in extended precision: zero at the maximum of the likelihood. Each rival is run twice, at
its usual tolerance, and at the loosest at which its score is as small as asked for, or else as
small as it gets. Each run alternates with our fit of the same data; the table shows
medians.
"""

from __future__ import annotations

import argparse
import time
import warnings
from statistics import median

import numpy as np

from run import find_rivals
from sklearn_mle import MLEClassifier

SIZES = {
    "small": [(1_000, 10, 2), (10_000, 10, 3), (100_000, 10, 2)],
    "large": [
        (1_000, 10, 2),
        (100_000, 10, 2),
        (100_000, 50, 2),
        (1_000_000, 10, 2),
        (1_000_000, 50, 2),
        (100_000, 20, 5),
        (50_000, 500, 2),
        (20_000, 2_000, 2),
    ],
    "classes": [(10_000, 10, 3), (100_000, 20, 5), (20_000, 20, 10), (20_000, 10, 30)],
}
TOLERANCES = tuple(10.0**-k for k in range(4, 14))
FASTEST = ["logistic_regression_lbfgs", "logistic_regression_newton"]
PIECE = 2**21


def make_data(n, p, n_classes, seed):
    """Normal features and labels of overlapping classes, none of them rare."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    scores = X @ rng.standard_normal((p, n_classes)) / np.sqrt(p)
    return X, (1.4 * scores + rng.gumbel(size=(n, n_classes))).argmax(axis=1)


def relative_score(X, y, n_classes, coef, intercept):
    """The largest ``|sum (p - y) x_j| / sum |x_j|`` over columns, the intercept's, and classes."""
    coef = np.asarray(coef, dtype=np.longdouble).reshape(-1, X.shape[1])
    surplus, size = 0.0, 0.0
    step = max(1, PIECE // X.shape[1])
    for first in range(0, len(X), step):
        Z, seen = X[first : first + step].astype(np.longdouble), y[first : first + step]
        scores = Z @ coef.T + intercept
        if scores.shape[1] == 1:
            scores = np.hstack([np.zeros_like(scores), scores])
        P = np.exp(scores - scores.max(axis=1, keepdims=True))
        P /= P.sum(axis=1, keepdims=True)
        P[np.arange(len(seen)), seen] -= 1.0
        Z = np.column_stack([Z, np.ones(len(Z))])
        surplus, size = surplus + P.T @ Z, size + np.abs(Z).sum(axis=0)
    return float(np.max(np.abs(surplus) / size))


def loosest(fit, score, asked):
    """The loosest tolerance that gives the score asked for, or that of the smallest score."""
    scores = {}
    for tol in TOLERANCES:
        scores[tol] = score(*fit(tol=tol))
        if scores[tol] <= asked:
            return tol
    return min(scores, key=scores.get)


def alternate(ours, theirs, repeats):
    """Median times of two functions called in turn, of their ratios, and the last results."""
    taken, results = [], (None, None)
    for _ in range(repeats):
        results, begin = [], time.perf_counter()
        for fit in (ours, theirs):
            results.append(fit())
            taken.append(time.perf_counter() - begin)
            begin = time.perf_counter()
    ratios = [mine / other for mine, other in zip(taken[::2], taken[1::2])]
    return median(taken[::2]), median(taken[1::2]), median(ratios), results


def lines(name, rival, size, options):
    """The lines of the table for one rival and one set of data."""
    n, p, n_classes = size
    X, y = make_data(n, p, n_classes, options.seed)

    def ours():
        model = MLEClassifier().fit(X, y)
        return model.coef_, model.intercept_

    def fit(**settings):
        return rival.fit(X, y, **settings)

    def score(coef, intercept):
        return relative_score(X, y, n_classes, coef, intercept)

    tols = [None] if options.usual else [None, loosest(fit, score, options.score)]
    for tol in tols:
        settings = {} if tol is None else {"tol": tol}
        mine_took, other_took, ratio, (mine, other) = alternate(
            ours, lambda settings=settings: fit(**settings), options.repeats
        )
        called = f"{tol:.0e}" if tol else "usual"
        yield (
            f"| {name} | {n:.0e} x {p}, {n_classes} | {called} | {mine_took:.4f} | "
            f"{other_took:.4f} | {ratio:.3f} | {score(*mine):.0e} | {score(*other):.0e} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", choices=SIZES, default="small")
    parser.add_argument("--only", type=int, nargs=3, help="rows, columns, classes of one size")
    parser.add_argument("--rivals", nargs="*", default=FASTEST, help="names of files; none for all")
    parser.add_argument("--score", type=float, default=1e-10, help="relative score asked for")
    parser.add_argument("--usual", action="store_true", help="usual tolerances only")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| rival | rows x columns, classes | its tol | ours, s | rival, s | ratio | ", end="")
    print("our score | its score |")
    print("|---|---|---|---|---|---|---|---|")
    for size in [options.only] if options.only else SIZES[options.sizes]:
        for name, rival in find_rivals(options.rivals).items():
            fits = size[0] * size[1] <= rival.largest and rival.task == "classes"
            if fits and size[2] <= rival.most_classes:
                for line in lines(name, rival, size, options):
                    print(line, flush=True)


if __name__ == "__main__":
    main()
