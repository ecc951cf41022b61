"""statsmodels' MNLogit; the first class is the reference, so its coefficients are zero."""

import numpy as np
import statsmodels.api as sm

task = "classes"
largest = 10**7
most_classes = 10


def fit(X, y, tol=1e-12):
    design = np.column_stack([np.ones(len(y)), X])
    model = sm.MNLogit(y, design).fit(method="newton", disp=0, tol=tol, maxiter=100)
    params = np.column_stack([np.zeros(design.shape[1]), model.params])
    params = params[:, 1:] - params[:, :1] if params.shape[1] == 2 else params
    return params[1:].T, params[0]
