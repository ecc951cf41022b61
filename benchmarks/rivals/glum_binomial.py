"""glum's binomial regression without a penalty."""

from glum import GeneralizedLinearRegressor

task = "classes"
largest = 10**7
most_classes = 2


def fit(X, y, tol=1e-10):
    model = GeneralizedLinearRegressor(
        family="binomial", alpha=0.0, gradient_tol=tol, max_iter=100
    ).fit(X, y)
    return model.coef_, model.intercept_
