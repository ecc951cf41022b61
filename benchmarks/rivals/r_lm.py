"""R's lm, by its fitting routine without the formula around it."""

from r_bridge import fit_in_r, require_r

require_r()
task = "gaussian"
largest = 10**7


def fit(X, y):
    return fit_in_r("lm.fit(cbind(1, X), y)", X, y)
