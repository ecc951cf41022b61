"""What ``infer`` costs beside the fit that it tells about.

``python benchmarks/inference.py [--rows 1000000] [--columns 20] [--repeats 3]`` prints a Markdown
table: for every law and two classes, the time of the fit, and that of the table of ``infer`` with
each kind of errors over it. Both alternate in one run; the ratio is the median of the pairs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from sklearn_mle import MLEClassifier, MLERegressor, infer
from sklearn_mle.inference.estimates import Estimates
from sklearn_mle.noises import AsymmetricLaplace, Gumbel, Huber, Logistic, StudentT
from stopwatch import seconds

GROUP_SIZE = 100


def models() -> Iterator[tuple[str, MLERegressor | MLEClassifier, tuple[str, ...]]]:
    """Name, model, and the kinds of errors to time."""
    usual = ("model", "HC0", "HC3", "cluster")
    yield "Gaussian", MLERegressor(), usual
    yield "Laplace", MLERegressor("laplace"), ("model", "iid", "kernel", "HC3")
    yield "asymmetric Laplace, 0.8", MLERegressor(AsymmetricLaplace(0.8)), ("model", "kernel")
    yield "Student t, df 4", MLERegressor(StudentT(4.0)), usual
    yield "Student t, df open", MLERegressor(StudentT()), usual
    for noise in (Logistic(), Gumbel(), Huber()):
        yield type(noise).__name__, MLERegressor(noise), usual
    yield "two classes", MLEClassifier(), usual


def data(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, a response with tails, and groups."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, columns))
    y = X @ np.linspace(-1.0, 1.0, columns) + rng.standard_t(4.0, size=rows)
    return X, y, np.arange(rows) // GROUP_SIZE


def table_of(inference: Callable[[], Estimates]) -> object:
    """Everything that the table shows, intervals as well."""
    return inference().table


def in_turn(
    fit: Callable[[], object], inference: Callable[[], object], repeats: int
) -> tuple[float, float]:
    """The time of a fit, and that of inference over it."""
    pairs = [(seconds(fit), seconds(inference)) for _ in range(repeats)]
    ratio = np.median([after / before for before, after in pairs])
    return float(np.median([before for before, _ in pairs])), float(ratio)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    told = parser.parse_args()
    X, y, groups = data(told.rows, told.columns)
    print("| model | fit, seconds | errors | time of infer over that of fit |\n|---|---|---|---|")
    for name, model, kinds in models():
        target = (y > 0.0).astype(int) if isinstance(model, MLEClassifier) else y
        fit = partial(model.fit, X, target)
        fit()
        for cov in kinds:
            told_of = partial(infer, model, X, target, cov=cov)
            if cov == "cluster":
                told_of = partial(told_of, groups=groups)
            cost, ratio = in_turn(fit, partial(table_of, told_of), told.repeats)
            print(f"| {name} | {cost:.2f} | `{cov}` | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
