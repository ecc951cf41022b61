"""pyfixest's quantile regression by the interior point method of Frisch and Newton."""

import pandas as pd
import pyfixest

task = "laplace"
largest = 10**7


def fit(X, y):
    names = [f"x{j}" for j in range(X.shape[1])]
    frame = pd.DataFrame(X, columns=names).assign(y=y)
    coef = pyfixest.quantreg(f"y ~ {' + '.join(names)}", frame, quantile=0.5, method="fn").coef()
    return coef[names].to_numpy(), coef["Intercept"]
