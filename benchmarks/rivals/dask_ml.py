"""dask-ml's logistic regression without a penalty, by the most exact of its solvers.

Its pins lag behind those of the other rivals: it has an environment of its own, in two commands::

    python -m venv .venv-dask-ml && .venv-dask-ml/bin/pip install -e ".[dask]" dask-ml
    .venv-dask-ml/bin/python benchmarks/run.py --sizes large --rivals dask_ml dask_ml_lbfgs \
        dask_ml_admm dask_ml_linear dask_ml_linear_admm

Both sides get the same chunks, held in memory.
"""

import dask.array
from dask_ml.linear_model import LogisticRegression

task = "classes"
largest = 10**7
most_classes = 2
N_CHUNKS = 8


def cut(X, y):
    """The same rows in chunks that are held."""
    step = -(-len(y) // N_CHUNKS)
    return (
        dask.array.from_array(X, chunks=(step, X.shape[1])).persist(),
        dask.array.from_array(y, chunks=step).persist(),
    )


def by(solver, X, y, tol):
    """Coefficients and intercept by one of its solvers."""
    # newton takes no penalty at all, and the others none that counts
    model = LogisticRegression(solver=solver, C=1e10, tol=tol, max_iter=200).fit(X, y)
    return model.coef_, model.intercept_


def fit(X, y, tol=1e-8):
    return by("newton", X, y, tol)
