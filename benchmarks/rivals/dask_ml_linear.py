"""dask-ml's least squares without a penalty, by the most exact of its solvers; see `dask_ml`."""

from dask_ml.linear_model import LinearRegression

from rivals.dask_ml import cut

__all__ = ["by", "cut", "fit", "largest", "task"]
task = "gaussian"
largest = 10**7


def by(solver, X, y):
    """Coefficients and intercept by one of its solvers."""
    model = LinearRegression(solver=solver, C=1e10).fit(X, y)
    return model.coef_, model.intercept_


def fit(X, y):
    return by("newton", X, y)
