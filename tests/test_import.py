"""``import sklearn_mle`` costs little and drags nothing optional along."""

import json
import os
import subprocess
import sys

import pytest

PROBE = """
import json, sys, time
begin = time.process_time()
import sklearn.linear_model
before, middle = set(sys.modules), time.process_time()
import sklearn_mle
share = (time.process_time() - middle) / (middle - begin)
print(json.dumps([share, sorted({name.split(".")[0] for name in set(sys.modules) - before})]))
"""


@pytest.fixture(scope="module")
def bytecode(tmp_path_factory):
    return tmp_path_factory.mktemp("bytecode")


def probe(bytecode):
    """In an interpreter that keeps its bytecode, as the one of an installed package does."""
    surroundings = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode)}
    surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, env=surroundings
    )
    return json.loads(done.stdout)


def test_nothing_optional_is_imported(bytecode):
    _, packages = probe(bytecode)
    assert not {"dask", "matplotlib", "pandas", "polars"} & set(packages)


def test_import_costs_little_beside_that_of_scikit_learn(bytecode):
    """The first probe compiles; a share of 0.06 was usual when the bound was set."""
    probe(bytecode)
    assert min(probe(bytecode)[0] for _ in range(3)) < 0.2
