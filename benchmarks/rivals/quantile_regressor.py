"""scikit-learn's QuantileRegressor, without its penalty."""

from sklearn.linear_model import QuantileRegressor

task = "laplace"
largest = 10**5


def fit(X, y):
    model = QuantileRegressor(alpha=0).fit(X, y)
    return model.coef_, model.intercept_
