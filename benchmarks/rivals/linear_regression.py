"""scikit-learn's LinearRegression."""

from sklearn.linear_model import LinearRegression

task = "gaussian"
largest = 10**8


def fit(X, y):
    model = LinearRegression().fit(X, y)
    return model.coef_, model.intercept_
