"""More rows than the process may hold: ``python benchmarks/out_of_memory.py``.

Chunks of a Dask array are made from seeds, again in each pass, on the threads of one process that
may not allocate more than a share of what the whole array takes (``RLIMIT_DATA``, libraries
included): a fit that gathered the rows would end with a MemoryError. Each fit has a process of its
own. The table shows its time, the most memory that was resident at once (``ru_maxrss``), libraries
included, and that over the size of X and y.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings

MODELS = ("gaussian", "laplace", "two classes")


def make_chunk(task, n, p, seed):
    """Features and targets of one chunk, one column the target: shape (n, p + 1)."""
    import numpy as np

    rng = np.random.default_rng(seed)
    made = np.empty((n, p + 1))
    rng.random(out=made)
    target = made[:, p]
    target[:] = rng.logistic(size=n) if task == "two classes" else rng.laplace(size=n)
    for column, slope in enumerate(np.linspace(-1.0, 1.5, p)):
        target += slope * made[:, column]
    if task == "two classes":
        target[:] = target > 0.25 * p
    return made


def lazy_table(task, n, p, chunk_rows):
    """A Dask array of shape (n, p + 1) whose chunks are made when they are asked for."""
    import dask
    import dask.array as da

    parts = []
    for seed, first in enumerate(range(0, n, chunk_rows)):
        m = min(chunk_rows, n - first)
        part = dask.delayed(make_chunk)(task, m, p, seed)
        parts.append(da.from_delayed(part, (m, p + 1), float))
    return da.concatenate(parts)


def fit_within(task, n, p, chunk_rows, limit):
    """One fit in this process, which may allocate no more than ``limit`` bytes of data."""
    import dask

    from sklearn_mle import MLEClassifier, MLERegressor

    table = lazy_table(task, n, p, chunk_rows)
    model = MLEClassifier() if task == "two classes" else MLERegressor(task)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    begin = time.perf_counter()
    with dask.config.set(scheduler="threads"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X is not persisted")  # it does not fit into memory
        model.fit(table[:, :p], table[:, p])
    return {
        "seconds": time.perf_counter() - begin,
        "peak": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "gap": model.optimality_gap_,
        "n_iter": model.n_iter_,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=32_000_000)
    parser.add_argument("--columns", type=int, default=10)
    parser.add_argument("--chunk-rows", type=int, default=100_000)
    parser.add_argument("--times", type=float, default=4.0, help="the data over the limit")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    size = 8 * args.rows * (args.columns + 1)
    limit = int(size / args.times)
    if args.child:
        found = fit_within(args.child, args.rows, args.columns, args.chunk_rows, limit)
        print(json.dumps(found))
        return
    print(f"{args.rows:,} x {args.columns}: {size / 1e6:,.0f} MB, limit {limit / 1e6:,.0f} MB\n")
    print("| fit | seconds | peak, MB | peak over data | gap | iterations |")
    print("|---|---|---|---|---|---|")
    for model in args.models:
        child = subprocess.run(
            [sys.executable, *sys.argv, "--child", model], capture_output=True, text=True
        )
        if child.returncode:
            print(f"| {model} | failed: {child.stderr.strip().splitlines()[-1][:200]} |")
            continue
        found = json.loads(child.stdout)
        print(
            f"| {model} | {found['seconds']:.1f} | {found['peak'] / 1e6:,.0f} "
            f"| {found['peak'] / size:.2f} | {found['gap']:.1e} | {found['n_iter']} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
