"""scikit-learn's LogisticRegression without a penalty, solver lbfgs."""

import numpy as np
from sklearn.linear_model import LogisticRegression

task = "classes"
largest = 10**8
most_classes = 100


def fit(X, y, tol=1e-8):
    model = LogisticRegression(C=np.inf, solver="lbfgs", tol=tol, max_iter=10_000).fit(X, y)
    return model.coef_, model.intercept_
