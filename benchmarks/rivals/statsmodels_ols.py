"""statsmodels' OLS."""

import numpy as np
import statsmodels.api as sm

task = "gaussian"
largest = 10**8


def fit(X, y):
    params = sm.OLS(y, np.column_stack([np.ones(len(y)), X])).fit().params
    return params[1:], params[0]
