"""R's quantreg by the interior point method after preprocessing (Portnoy and Koenker)."""

from r_bridge import fit_in_r, require_r

require_r("quantreg")
task = "laplace"
largest = 10**7


def fit(X, y):
    call = 'rq.fit(cbind(1, X), y, method = "pfn")'
    return fit_in_r(call, X, y, "suppressMessages(library(quantreg))")
