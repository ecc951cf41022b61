"""Rows of which a process may hold a quarter: its memory is limited, and the fits are exact."""

import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
    import resource, sys, warnings
    import dask
    import dask.array as da
    import numpy as np
    from sklearn_mle import MLEClassifier, MLERegressor

    P, STEP, TASK = 10, 50_000, sys.argv[1]
    warnings.filterwarnings("ignore", "X is not persisted")
    slopes = np.linspace(-1.0, 1.5, P)

    def make(seed):
        rng = np.random.default_rng(seed)
        table = rng.random((STEP, P + 1))
        score = rng.logistic(size=STEP)
        for column, slope in enumerate(slopes):
            score += slope * table[:, column]
        table[:, P] = score > 2.5 if TASK == "classes" else score
        return table

    def fit(n):
        made = dask.delayed(make, pure=True)
        parts = [da.from_delayed(made(i), (STEP, P + 1), float) for i in range(n // STEP)]
        table = da.concatenate(parts)
        model = MLEClassifier() if TASK == "classes" else MLERegressor(TASK)
        return model.fit(table[:, :P], table[:, P])

    def allocated():
        with open("/proc/self/status") as lines:
            return next(1024 * int(line.split()[1]) for line in lines if "VmData" in line)

    n = 10_000_000
    with dask.config.set(scheduler="threads", num_workers=2):
        fit(200_000)
        most = allocated() + 8 * n * (P + 1) // 4
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
        model = fit(n)
    assert model.optimality_gap_ < 1e-9
    assert np.abs(np.ravel(model.coef_) - slopes).max() < 0.02
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("task", ["gaussian", "laplace", "classes"])
def test_a_quarter_of_the_data_is_enough_memory(task):
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), task], capture_output=True, text=True
    )
    assert child.returncode == 0, child.stderr[-2000:]
