"""Log-likelihoods of statsmodels that fits of classes are held against.

``python tests/reference/make_classes.py`` writes ``classes.json`` beside this file, data and
results; it needs statsmodels 0.15. statsmodels gets standardised columns, which the likelihood
does not depend on: its own Newton steps need them.
"""

import json
from pathlib import Path

import numpy as np
import statsmodels.api as sm

HERE = Path(__file__).parent


def data(n, p, n_classes, scales, seed):
    """Columns whose units differ by up to ``10**scales``, one skewed, one of zeros and ones."""
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, p))
    Z[:, 0] = np.exp(Z[:, 0])
    Z[:, -1] = rng.random(n) < 0.3
    scores = 0.7 * Z @ rng.standard_normal((p, n_classes))
    y = (scores + rng.gumbel(size=(n, n_classes))).argmax(axis=1)
    X = (Z + rng.uniform(-2.0, 2.0, p)) * 10.0 ** (scales * (rng.permutation(p) / (p - 1) - 0.5))
    return X.round(12), y, rng.integers(1, 6, n)


def maximum(X, y, weight):
    """The log-likelihood of statsmodels' fit."""
    design = sm.add_constant((X - X.mean(axis=0)) / X.std(axis=0))
    again = np.repeat(np.arange(len(y)), weight)
    law = sm.Logit if y.max() == 1 else sm.MNLogit
    model = law(y[again], design[again])
    fit = model.fit(disp=0, method="newton", tol=1e-14, maxiter=200)
    assert np.abs(model.score(np.asarray(fit.params).ravel(order="F"))).max() < 1e-8
    return float(fit.llf)


def case(n, p, n_classes, scales, seed):
    X, y, weight = data(n, p, n_classes, scales, seed)
    return {
        "X": X.tolist(),
        "y": y.tolist(),
        "weight": weight.tolist(),
        "once": maximum(X, y, np.ones_like(weight)),
        "weighted": maximum(X, y, weight),
    }


if __name__ == "__main__":
    cases = {
        "two": case(120, 4, 2, 2.0, 1),
        "two, scales apart": case(120, 5, 2, 8.0, 2),
        "three": case(200, 4, 3, 2.0, 3),
        "five, scales apart": case(300, 4, 5, 8.0, 4),
    }
    (HERE / "classes.json").write_text(json.dumps(cases) + "\n")
