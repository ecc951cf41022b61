"""Many columns in memory: ``python benchmarks/wide.py``, 61,296 x 2,846 unless told otherwise.

The size of scikit-learn's pull request #9978 (quantile regression): X takes 1.4 GB. Each fit is run
once; the table shows its time, the most memory that the process held beyond what it held before
the fit, as a share of X, and the certificate.
"""

from __future__ import annotations

import argparse
import resource
import threading
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LinearRegression

from sklearn_mle import MLERegressor

BLOCK = 4096


def make_data(n, p, seed=0):
    """Correlated normal features and Laplace noise, made a few rows at a time."""
    rng = np.random.default_rng(seed)
    X, y = np.empty((n, p)), np.empty(n)
    slope = rng.standard_normal(p) / np.sqrt(p)
    for first in range(0, n, BLOCK):
        part = X[first : first + BLOCK]
        rng.standard_normal(out=part)
        part += rng.standard_normal((part.shape[0], 1))
        y[first : first + BLOCK] = part @ slope + rng.laplace(size=part.shape[0])
    return X, y


def resident():
    """Bytes of memory that this process holds."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


class Peak:
    """The most memory held in a ``with`` block beyond what was held before."""

    def __enter__(self):
        self.before = self.most = resident()
        self.done = threading.Event()
        self.watcher = threading.Thread(target=self.watch)
        self.watcher.start()
        return self

    def watch(self):
        while not self.done.wait(0.02):
            self.most = max(self.most, resident())

    def __exit__(self, *_):
        self.done.set()
        self.watcher.join()

    @property
    def bytes(self):
        return self.most - self.before


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=61_296)
    parser.add_argument("--columns", type=int, default=2_846)
    options = parser.parse_args()
    X, y = make_data(options.rows, options.columns)
    print(f"{options.rows} x {options.columns}, X takes {X.nbytes / 1e9:.2f} GB", flush=True)
    print("| fit | seconds | over LinearRegression | memory over X | gap |")
    print("|---|---|---|---|---|", flush=True)
    rivals = {
        "LinearRegression": LinearRegression(),
        "MLERegressor(noise='gaussian')": MLERegressor(),
        "MLERegressor(noise='laplace')": MLERegressor(noise="laplace"),
    }
    first = None
    for name, model in rivals.items():
        with Peak() as peak:
            begin = time.perf_counter()
            model.fit(X, y)
            took = time.perf_counter() - begin
        first = first or took
        gap = getattr(model, "optimality_gap_", None)
        share = peak.bytes / X.nbytes
        certificate = "" if gap is None else f"{gap:.0e}"
        print(
            f"| {name} | {took:.1f} | {took / first:.2f} | {share:.2f} | {certificate} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
