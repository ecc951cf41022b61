"""scikit-learn's HuberRegressor without a penalty; its scale is its own."""

from sklearn.linear_model import HuberRegressor

task = "huber"
largest = 2 * 10**6


def fit(X, y):
    model = HuberRegressor(alpha=0.0, max_iter=10_000, tol=1e-8).fit(X, y)
    return model.coef_, model.intercept_
