"""Compare classifiers at an equal relative score: ``python benchmarks/classes.py``.

The relative score of a fit is the largest ``|sum (p - y) x_j| / sum |x_j|`` of all columns and
classes, in extended precision: zero at the maximum of the likelihood. Each rival is run at its
usual tolerance beside ours at its own; and, for each score asked for (``--score``), at the loosest
tolerance at which its score is as small as that, beside our usual fit, and beside ours at the
loosest tolerance that reaches the score. Who does not reach it is run where its score is least, and
the line says so. Runs alternate with our fit of the same data; the table shows medians.

Threads of OpenBLAS that have nothing more to do keep their cores for about a tenth of a second.
``--pause 0.2`` waits before each fit until those of the fit before have let go.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass
from functools import cache, partial
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


@dataclass(frozen=True)
class Setting:
    """A tolerance, the usual one if there is none, and whether it gives the score asked for."""

    tol: float | None = None
    reaches: bool = True

    @property
    def arguments(self):
        return {} if self.tol is None else {"tol": self.tol}

    def __str__(self):
        if self.tol is None:
            return "usual"
        return f"{self.tol:.0e}" if self.reaches else f"{self.tol:.0e}, not reached"


def loosest(scores, asked):
    """The loosest tolerance that gives the score asked for, or that of the smallest score.

    Parameters
    ----------
    scores : callable
        Takes a tolerance.
    asked : float
    """
    seen = {}
    for tol in TOLERANCES:
        seen[tol] = scores(tol)
        if seen[tol] <= asked:
            return Setting(tol)
    return Setting(min(seen, key=seen.get), reaches=False)


def alternate(ours, theirs, repeats, pause=0.0):
    """Median times of two functions called in turn, of their ratios, and the last results."""
    taken, results = [], (None, None)
    for _ in range(repeats):
        results = []
        for fit in (ours, theirs):
            time.sleep(pause)
            begin = time.perf_counter()
            results.append(fit())
            taken.append(time.perf_counter() - begin)
    ratios = [mine / other for mine, other in zip(taken[::2], taken[1::2])]
    return median(taken[::2]), median(taken[1::2]), median(ratios), results


def lines(name, rival, size, options):
    """The lines of the table for one rival and one set of data."""
    n, p, n_classes = size
    X, y = make_data(n, p, n_classes, options.seed)

    def ours(**settings):
        model = MLEClassifier(**settings).fit(X, y)
        return model.coef_, model.intercept_

    def theirs(**settings):
        return rival.fit(X, y, **settings)

    @cache
    def score(fit, tol):
        return relative_score(X, y, n_classes, *fit(tol=tol))

    runs = [("", Setting(), Setting())]
    for asked in [] if options.usual else options.score:
        mine, other = (loosest(partial(score, fit), asked) for fit in (ours, theirs))
        runs += [(f"{asked:.0e}", Setting(), other), (f"{asked:.0e}", mine, other)]
    for asked, mine, other in runs:
        mine_took, other_took, ratio, fits = alternate(
            partial(ours, **mine.arguments),
            partial(theirs, **other.arguments),
            options.repeats,
            options.pause,
        )
        scores = [relative_score(X, y, n_classes, *fit) for fit in fits]
        yield (
            f"| {name} | {n:.0e} x {p}, {n_classes} | {asked} | {mine} | {other} | "
            f"{mine_took:.4f} | {other_took:.4f} | {ratio:.3f} | "
            f"{scores[0]:.0e} | {scores[1]:.0e} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", choices=SIZES, default="small")
    parser.add_argument("--only", type=int, nargs=3, help="rows, columns, classes of one size")
    parser.add_argument("--rivals", nargs="*", default=FASTEST, help="names of files; none for all")
    parser.add_argument(
        "--score", type=float, nargs="+", default=[1e-10], help="relative scores asked for"
    )
    parser.add_argument("--usual", action="store_true", help="usual tolerances only")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before each fit")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| rival | rows x columns, classes | score asked | our tol | its tol | ", end="")
    print("ours, s | rival, s | ratio | our score | its score |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for size in [options.only] if options.only else SIZES[options.sizes]:
        for name, rival in find_rivals(options.rivals).items():
            fits = size[0] * size[1] <= rival.largest and rival.task == "classes"
            if fits and size[2] <= rival.most_classes:
                for line in lines(name, rival, size, options):
                    print(line, flush=True)


if __name__ == "__main__":
    main()
