"""glum's binomial regression without a penalty."""

from glum import GeneralizedLinearRegressor

task = "classes"
largest = 10**7


def fit(X, y):
    model = GeneralizedLinearRegressor(
        family="binomial", alpha=0.0, gradient_tol=1e-10, max_iter=100
    ).fit(X, y)
    return model.coef_, model.intercept_
