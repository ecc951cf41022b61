"""``import sklearn_mle`` costs little and drags nothing optional along."""

import json
import subprocess
import sys

PROBE = """
import json, sys, time
begin = time.process_time()
import sklearn.linear_model
before, middle = set(sys.modules), time.process_time()
import sklearn_mle
share = (time.process_time() - middle) / (middle - begin)
print(json.dumps([share, sorted({name.split(".")[0] for name in set(sys.modules) - before})]))
"""


def probe():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_nothing_optional_is_imported():
    _, packages = probe()
    assert not {"dask", "matplotlib", "pandas", "polars"} & set(packages)


def test_import_costs_little_beside_that_of_scikit_learn():
    assert min(probe()[0] for _ in range(3)) < 0.2
