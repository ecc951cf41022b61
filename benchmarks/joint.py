"""Smooth noises beside what others offer: ``python benchmarks/joint.py``.

``[--sizes 1000x10 10000x10 100000x10 100000x20] [--repeats 7]`` prints a Markdown table: the time
of each fit, and how many times longer it takes than LinearRegression and HuberRegressor, all
alternating; a ratio is the median of those of the rounds. Below 1: ours is faster. For Student t
noise statsmodels' TLinearModel, with the degrees of freedom treated alike, which searches without
derivatives, is run once beside the median of five of our fits.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from sklearn.linear_model import HuberRegressor, LinearRegression

from sklearn_mle import MLERegressor
from sklearn_mle.noises import Gumbel, Huber, Logistic, StudentT
from stopwatch import seconds

DF = 4.0
LARGEST = 10**6
"""Numbers in X up to which TLinearModel is asked."""
LAWS = {
    "Huber": Huber(),
    "logistic": Logistic(),
    "Gumbel": Gumbel(),
    "Student t, df given": StudentT(DF),
    "Student t, df open": StudentT(),
}


def data(law: str, n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal features, and a response with the noise that is assumed."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    truth = StudentT(DF) if "Student" in law else LAWS[law]
    noise = truth.distribution().rvs(size=n, random_state=rng)
    return X, X @ rng.standard_normal(p) / np.sqrt(p) + noise


def line(law: str, n: int, p: int, repeats: int) -> str:
    """One line of the table."""
    X, y = data(law, n, p)
    fits = [MLERegressor(LAWS[law]), LinearRegression(), HuberRegressor()]
    fits[0].fit(X, y)
    rounds = [[seconds(lambda m=m: m.fit(X, y)) for m in fits] for _ in range(repeats)]
    took = np.median([each[0] for each in rounds])
    ratios = [np.median([each[0] / each[k] for each in rounds]) for k in (1, 2)]
    t_linear = ""
    if "Student" in law and n * p <= LARGEST:
        t_linear = _beside_t_linear(fits[0], X, y, "given" in law)
    cells = [law, f"{n:,} x {p}", f"{1e3 * took:.2f}", *(f"{ratio:.2f}" for ratio in ratios)]
    return f"| {' | '.join(cells)} | {t_linear} |"


def _beside_t_linear(ours: MLERegressor, X: np.ndarray, y: np.ndarray, given: bool) -> str:
    try:
        from rivals import statsmodels_tlinear as rival
    except ImportError:
        return "not installed"
    theirs = seconds(lambda: rival.fit_given(X, y, DF) if given else rival.fit(X, y))
    mine = np.median([seconds(lambda: ours.fit(X, y)) for _ in range(5)])
    return f"{mine / theirs:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    sizes = ["1000x10", "10000x10", "100000x10", "100000x20"]
    parser.add_argument("--sizes", nargs="*", default=sizes)
    parser.add_argument("--laws", nargs="*", default=list(LAWS), choices=LAWS)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # rivals that stop before they have converged
    print("| law | rows x columns | ms | LinearRegression | HuberRegressor | TLinearModel |")
    print("|---|---|---|---|---|---|")
    for size in options.sizes:
        n, p = map(int, size.split("x"))
        for law in options.laws:
            print(line(law, n, p, options.repeats), flush=True)


if __name__ == "__main__":
    main()
