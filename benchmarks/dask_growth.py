"""Time against rows, on chunks of Dask: ``python benchmarks/dask_growth.py``.

Chunks are made from seeds, again in each pass, so that a hundred million rows need the memory of a
few chunks. Making them takes most of the time: the column "one pass" is a sum over all of them, and
"passes" how often a fit took as long. The exponent is the slope of the logarithms of time over
rows: 1 is linear.

``--in-memory`` compares instead with the same rows as NumPy arrays, both held in memory and fits
alternating; the table shows the median of the ratios.
"""

from __future__ import annotations

import argparse
import warnings
from statistics import median

import numpy as np

from out_of_memory import MODELS, lazy_table
from sklearn_mle import MLEClassifier, MLERegressor
from stopwatch import timed


def model_for(task):
    return MLEClassifier() if task == "two classes" else MLERegressor(task)


def growth(sizes, p, chunk_rows, models):
    """A table of times, a line for each size, and the exponents."""
    print("| fit | rows | seconds | one pass | passes | gap |\n|---|---|---|---|---|---|")
    for task in models:
        times = []
        for n in sizes:
            table = lazy_table(task, n, p, chunk_rows)
            reading, _ = timed(lambda table=table: table.sum().compute())
            X, y = table[:, :p], table[:, p]
            seconds, model = timed(lambda X=X, y=y, task=task: model_for(task).fit(X, y))
            times.append(seconds)
            print(
                f"| {task} | {n:.0e} | {seconds:.2f} | {reading:.2f} | {seconds / reading:.1f} "
                f"| {model.optimality_gap_:.1e} |",
                flush=True,
            )
        if len(sizes) > 1:
            slope = np.polyfit(np.log(sizes), np.log(times), 1)[0]
            print(f"| {task} | exponent | {slope:.2f} | | | |", flush=True)


def beside_memory(n, p, chunk_rows, models, repeats):
    """A table of the same fits of arrays and of chunks that are held."""
    print("| fit | NumPy, s | Dask, s | ratio | difference |\n|---|---|---|---|---|")
    for task in models:
        held = lazy_table(task, n, p, chunk_rows).persist()
        # each side holds rows that lie side by side, and not a part of a wider table
        dask_X = held[:, :p].map_blocks(np.ascontiguousarray).persist()
        dask_y = held[:, p].map_blocks(np.ascontiguousarray).persist()
        table = held.compute()
        X, y = np.ascontiguousarray(table[:, :p]), table[:, p].copy()
        del held, table
        pairs = []
        for _ in range(repeats):
            here, one = timed(lambda X=X, y=y, task=task: model_for(task).fit(X, y))
            there, other = timed(lambda X=dask_X, y=dask_y, task=task: model_for(task).fit(X, y))
            pairs.append((here, there))
        apart = np.abs(one.coef_ - other.coef_).max() / np.abs(one.coef_).max()
        mine, theirs = (median(side) for side in zip(*pairs))
        ratio = median(there / here for here, there in pairs)
        print(f"| {task} | {mine:.2f} | {theirs:.2f} | {ratio:.2f} | {apart:.1e} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=float, nargs="+", default=[1e6, 1e7, 3e7, 1e8])
    parser.add_argument("--columns", type=int, default=10)
    parser.add_argument("--chunk-rows", type=int, default=200_000)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--in-memory", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    warnings.filterwarnings("ignore", "X is not persisted")  # that is what is measured
    sizes = [int(n) for n in args.rows]
    if not args.in_memory:
        growth(sizes, args.columns, args.chunk_rows, args.models)
        return
    for n in [10_000_000] if len(sizes) > 1 else sizes:
        beside_memory(n, args.columns, args.chunk_rows, args.models, args.repeats)


if __name__ == "__main__":
    main()
