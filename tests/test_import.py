"""``import sklearn_mle`` costs little and drags nothing optional along."""

import json
import subprocess
import sys

PROBE = """
import json, sys, time
import sklearn.linear_model
before = set(sys.modules)
begin = time.perf_counter()
import sklearn_mle
took = time.perf_counter() - begin
print(json.dumps([took, sorted({name.split(".")[0] for name in set(sys.modules) - before})]))
"""


def probe():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_nothing_optional_is_imported():
    _, packages = probe()
    assert not {"dask", "matplotlib", "pandas", "polars"} & set(packages)


def test_import_costs_less_than_a_fifth_of_a_second_beyond_scikit_learn():
    assert min(probe()[0] for _ in range(3)) < 0.2
