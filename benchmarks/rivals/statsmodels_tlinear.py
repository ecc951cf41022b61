"""statsmodels' TLinearModel: Student t noise, degrees of freedom estimated as well."""

import numpy as np
from statsmodels.miscmodels.tmodel import TLinearModel

task = "student_t"
largest = 10**5


def fit(X, y):
    model = TLinearModel(y, np.column_stack([np.ones(len(y)), X]))
    params = model.fit(disp=0, maxiter=2000).params
    return params[1:-2], params[0]
