"""statsmodels' Logit."""

import numpy as np
import statsmodels.api as sm

task = "classes"
largest = 10**7
most_classes = 2


def fit(X, y, tol=1e-12):
    design = np.column_stack([np.ones(len(y)), X])
    params = sm.Logit(y, design).fit(disp=0, tol=tol, maxiter=100).params
    return params[1:], params[0]
