"""dask-ml's logistic regression without a penalty, solver lbfgs; see `dask_ml`."""

from rivals.dask_ml import by, cut, most_classes, task

__all__ = ["cut", "fit", "largest", "most_classes", "task"]
largest = 10**7


def fit(X, y, tol=1e-8):
    return by("lbfgs", X, y, tol)
