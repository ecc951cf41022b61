"""scikit-learn's LinearRegression beside a fit of least absolute deviations: hare and tortoise.

Not the same loss: its excess says what least squares costs where the noise is Laplace's.
"""

from sklearn.linear_model import LinearRegression

task = "laplace"
largest = 10**8


def fit(X, y):
    model = LinearRegression().fit(X, y)
    return model.coef_, model.intercept_
