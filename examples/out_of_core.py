"""
More rows than memory
=====================

Trips of taxis are written to Parquet files, a month at a time, and fitted without ever being in
memory together: Dask reads the files again in each pass, and the fit needs two or three.

``python examples/out_of_core.py --rows 40_000_000`` goes through 1.3 GB of numbers.
"""

import argparse
import resource
import tempfile
import warnings
from pathlib import Path

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd

from sklearn_mle import MLEClassifier, MLERegressor

parser = argparse.ArgumentParser()
parser.add_argument("--rows", type=int, default=200_000)
options, _ = parser.parse_known_args()

FEATURES = ["km", "rush_hour", "rain"]


def month(seed, n):
    """Trips with a heavy-tailed delay, and whether the passenger tipped."""
    rng = np.random.default_rng(seed)
    trips = pd.DataFrame({"km": rng.gamma(2.0, 3.0, n)})
    trips["rush_hour"] = rng.random(n) < 0.3
    trips["rain"] = rng.random(n) < 0.2
    trips = trips.astype("float64")
    trips["minutes"] = 3.0 + 2.0 * trips.km + 4.0 * trips.rush_hour + 2.0 * trips.rain
    trips["minutes"] += rng.laplace(scale=2.0, size=n)
    trips["tip"] = 0.1 * trips.km - trips.rain + rng.logistic(size=n) > 0.0
    return trips


# %%
# A file a month. The threads of Dask read a few of them at a time, so that files, not rows, decide
# how much memory is needed.

folder = tempfile.TemporaryDirectory()
n_files = max(4, options.rows // 500_000)
for i in range(n_files):
    month(i, options.rows // n_files).to_parquet(Path(folder.name) / f"month_{i:03}.parquet")

trips = dd.read_parquet(folder.name)
size = options.rows * (len(FEATURES) + 1) * 8 / 1e9
print(f"{options.rows:,} trips in {n_files} files, {size:.3f} GB of numbers")

# %%
# The same estimators as for rows in memory, and the same answers. They mention how often the files
# were read.

with dask.config.set(scheduler="threads"), warnings.catch_warnings():
    warnings.filterwarnings("ignore", "X is not persisted")
    for noise in ("gaussian", "laplace"):
        model = MLERegressor(noise).fit(trips[FEATURES], trips["minutes"])
        print(f"{noise:9}", np.round(model.coef_, 3), f"gap {model.optimality_gap_:.0e}")
    tips = MLEClassifier().fit(trips[FEATURES], trips["tip"])
    print("tip      ", np.round(tips.coef_[0], 3), f"gap {tips.optimality_gap_:.0e}")

# %%
# Predictions are lazy: a series with the index of the frame, computed file by file when it is
# written or summed up.

expected = model.predict(trips[FEATURES])
print(f"mean expected minutes: {expected.mean().compute():.2f}")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(f"peak memory: {peak:.2f} GB, libraries included")
folder.cleanup()
