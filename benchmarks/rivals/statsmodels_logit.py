"""statsmodels' Logit."""

import numpy as np
import statsmodels.api as sm

task = "classes"
largest = 10**7


def fit(X, y):
    design = np.column_stack([np.ones(len(y)), X])
    params = sm.Logit(y, design).fit(disp=0, tol=1e-12).params
    return params[1:], params[0]
