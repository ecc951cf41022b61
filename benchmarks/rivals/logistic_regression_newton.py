"""scikit-learn's LogisticRegression without a penalty, solver newton-cholesky."""

import numpy as np
from sklearn.linear_model import LogisticRegression

task = "classes"
largest = 10**8


def fit(X, y):
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8).fit(X, y)
    return model.coef_, model.intercept_
