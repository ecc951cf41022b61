"""statsmodels' QuantReg."""

import numpy as np
import statsmodels.api as sm

task = "laplace"
largest = 10**7


def fit(X, y):
    params = sm.QuantReg(y, np.column_stack([np.ones(len(y)), X])).fit(q=0.5).params
    return params[1:], params[0]
