"""Numbers of statsmodels and R that the tests of inference are held against.

``python tests/reference/make_inference.py`` writes ``inference.json`` beside this file, data and
results; it needs statsmodels 0.15, and R with the package quantreg.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import statsmodels.api as sm

HERE = Path(__file__).parent
R_KERNEL = """
library(quantreg)
d <- read.csv(commandArgs(trailingOnly = TRUE)[1])
s <- summary(rq(y ~ ., tau = 0.5, data = d), se = "ker", hs = TRUE)
cat(format(s$coefficients[, 2], digits = 17))
"""


def listed(**arrays):
    return {name: np.asarray(values).tolist() for name, values in arrays.items()}


def ends_last(values):
    """The intercept, first in statsmodels' design, comes last."""
    return np.roll(np.asarray(values), -1, axis=0)


def columns(rng, n):
    return rng.normal(size=(n, 3)) * [1.0, 30.0, 0.01] + [0.0, 500.0, 1.0]


def least_squares(seed):
    rng = np.random.default_rng(seed)
    X, groups, weight = columns(rng, 80), rng.integers(0, 9, 80), rng.integers(1, 5, 80)
    y = X @ [1.0, 0.1, 20.0] + rng.normal(size=80) * (0.5 + np.abs(X[:, 0]))
    design = sm.add_constant(X)
    results = {"model": sm.OLS(y, design).fit()}
    for cov in ("HC0", "HC1", "HC2", "HC3"):
        results[cov] = sm.OLS(y, design).fit(cov_type=cov, use_t=True)
    results["cluster"] = sm.OLS(y, design).fit(
        cov_type="cluster", cov_kwds={"groups": groups}, use_t=True
    )
    again = np.repeat(np.arange(80), weight)
    results["repeated"] = sm.OLS(y[again], design[again]).fit()
    results["repeated HC3"] = sm.OLS(y[again], design[again]).fit(cov_type="HC3", use_t=True)
    results["repeated cluster"] = sm.OLS(y[again], design[again]).fit(
        cov_type="cluster", cov_kwds={"groups": groups[again]}, use_t=True
    )
    new = columns(rng, 5)
    found = results["model"].get_prediction(np.column_stack([np.ones(5), new]))
    frame = found.summary_frame(alpha=0.1)
    restriction = results["model"].f_test(np.array([[0, 1, 0, 0], [1, 0, 5, 0.0]]))
    return listed(X=X, y=y, groups=groups, weight=weight, new=new) | {
        "results": {cov: told(result) for cov, result in results.items()},
        "prediction": listed(**{name: frame[name] for name in frame}),
        "f_test": [float(restriction.fvalue), float(restriction.pvalue)],
    }


def told(result):
    return listed(
        estimate=ends_last(result.params),
        std_error=ends_last(result.bse),
        statistic=ends_last(result.tvalues),
        p_value=ends_last(result.pvalues),
        interval=ends_last(result.conf_int()),
    )


def two_classes(seed):
    rng = np.random.default_rng(seed)
    X, groups = columns(rng, 150), rng.integers(0, 12, 150)
    y = (X @ [1.0, 0.02, 20.0] - 30.0 + rng.logistic(size=150) > 0.0).astype(int)
    model, how = sm.Logit(y, sm.add_constant(X)), {"disp": 0, "tol": 1e-14, "method": "newton"}
    results = {"model": model.fit(**how)}
    results |= {cov: model.fit(cov_type=cov, **how) for cov in ("HC0", "HC1")}
    results["cluster"] = model.fit(cov_type="cluster", cov_kwds={"groups": groups}, **how)
    frame = results["model"].get_prediction(sm.add_constant(X)[:6]).summary_frame()
    return listed(X=X, y=y, groups=groups) | {
        "results": {cov: told(result) for cov, result in results.items()},
        "prediction": listed(predicted=frame["predicted"], se=frame["se"]),
    }


def three_classes(seed):
    rng = np.random.default_rng(seed)
    X = columns(rng, 200)
    scores = (X - X.mean(axis=0)) / X.std(axis=0) @ rng.normal(size=(3, 3))
    y = (scores + rng.gumbel(size=(200, 3))).argmax(axis=1)
    model, how = sm.MNLogit(y, sm.add_constant(X)), {"disp": 0, "tol": 1e-14, "method": "newton"}
    results = {"model": model.fit(**how), "HC0": model.fit(cov_type="HC0", **how)}
    kept = {}
    for cov, result in results.items():
        kept[cov] = listed(
            estimate=ends_last(result.params).T,
            std_error=ends_last(result.bse).T,
            p_value=ends_last(result.pvalues).T,
        )
    return listed(X=X, y=y) | {"results": kept}


def quantiles(seed):
    rng = np.random.default_rng(seed)
    X = columns(rng, 400)
    y = X @ [1.0, 0.1, 20.0] + rng.standard_t(3, size=400) * (0.5 + np.abs(X[:, 0]))
    model = sm.QuantReg(y, sm.add_constant(X))
    results = {
        ours: ends_last(model.fit(q=0.5, vcov=theirs, p_tol=1e-13, max_iter=20000).bse)
        for ours, theirs in (("iid", "iid"), ("greene", "robust"))
    }
    with tempfile.TemporaryDirectory() as folder:
        table, script = Path(folder) / "data.csv", Path(folder) / "kernel.R"
        rows = np.column_stack([X, y])
        np.savetxt(table, rows, fmt="%.17g", delimiter=",", header="a,b,c,y", comments="")
        script.write_text(R_KERNEL)
        command = ["Rscript", "--vanilla", str(script), str(table)]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    results["kernel"] = ends_last([float(x) for x in out.split()])
    return listed(X=X, y=y) | {"results": listed(**results)}


if __name__ == "__main__":
    cases = {
        "least_squares": least_squares(1),
        "two_classes": two_classes(2),
        "three_classes": three_classes(3),
        "quantiles": quantiles(4),
    }
    (HERE / "inference.json").write_text(json.dumps(cases) + "\n")
