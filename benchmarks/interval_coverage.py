"""How often intervals of level 0.95 hold the truth, law by law.

``python benchmarks/interval_coverage.py [--samples 1000] [--rows 300] [--seed 0]`` prints a table.
Each law of the catalogue makes the data and is then fitted to them, shapes left open where it has
any. Below, data whose spread or dependence the law does not know, with the errors that know no
better and those that do. With 1000 samples the standard error of a coverage of 0.95 is 0.007.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from scipy import stats
from sklearn.base import clone

from sklearn_mle import MLEClassifier, MLERegressor, infer
from sklearn_mle.noises.catalogue import CATALOGUE

COEF = np.array([1.0, -0.5])
INTERCEPT, SCALE = 2.0, 1.5


def from_the_law(name, open_shapes=True, **shapes):
    """Data of a law, the model, and the true parameters in the order of the table."""
    law = CATALOGUE[name](**shapes)
    noise = CATALOGUE[name](**dict.fromkeys(shapes) if open_shapes else shapes)
    truth = [*COEF, INTERCEPT, SCALE, *law.shape_values([shape.name for shape in noise.shapes])]

    def draw(rng, n):
        X = rng.normal(size=(n, 2))
        z = law.distribution().rvs(size=n, random_state=rng)
        return X, X @ COEF + INTERCEPT + SCALE * z, None

    return MLERegressor(noise=noise), draw, np.array(truth)


def of_classes(n_classes):
    """Labels of a softmax; the truth is that of contrasts with the first class."""
    B = np.column_stack([np.zeros(3), [1.0, -0.5, 0.3], [-0.7, 0.4, -0.2]])[:, :n_classes]

    def draw(rng, n):
        X = rng.normal(size=(n, 2))
        scores = X @ B[:2] + B[2] + rng.gumbel(size=(n, n_classes))
        return X, scores.argmax(axis=1), None

    return MLEClassifier(), draw, B[:, 1:].T.ravel()


def uneven(noise):
    """A spread that grows with the first feature, on which a slope then hangs."""

    def draw(rng, n):
        X = rng.normal(size=(n, 2))
        return X, X @ COEF + INTERCEPT + (0.3 + X[:, 0] ** 2) * rng.normal(size=n), None

    return MLERegressor(noise), draw, np.array([*COEF, INTERCEPT])


def clustered():
    """Groups of ten rows that share a part of the first feature and of the noise."""

    def draw(rng, n):
        groups = np.arange(n) // 10
        shared = rng.normal(size=(n // 10 + 1, 2))[groups]
        X = rng.normal(size=(n, 2)) * 0.5
        X[:, 0] += shared[:, 0]
        return X, X @ COEF + INTERCEPT + shared[:, 1] + rng.normal(size=n), groups

    return MLERegressor(), draw, np.array([*COEF, INTERCEPT])


def coverage(case, cov, samples, rows, seed=0):
    """Share of samples whose intervals hold the truth, one number a parameter."""
    model, draw, truth = case
    rng = np.random.default_rng(seed)
    held = np.zeros(truth.size)
    for _ in range(samples):
        X, y, groups = draw(rng, rows)
        how = {"groups": groups} if cov == "cluster" else {}
        if isinstance(model, MLEClassifier):
            how["reference"] = 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ends = infer(clone(model).fit(X, y), X, y, cov=cov, **how).conf_int()[: truth.size]
        held += (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    return held / samples


def laws():
    """Every law of the catalogue, and the errors that are tried."""
    everything = ("model", "HC3")
    yield "gaussian", from_the_law("gaussian"), everything
    yield "laplace", from_the_law("laplace"), (*everything, "iid", "kernel")
    for q in (0.5, 0.9):
        case = from_the_law("asymmetric_laplace", open_shapes=False, quantile=q)
        yield f"asymmetric Laplace, quantile {q}", case, ("model",)
    for q in (0.5, 0.3, 0.85):
        case = from_the_law("asymmetric_laplace", quantile=q)
        yield f"asymmetric Laplace, quantile {q} open", case, ("model",)
    for df in (3.0, 5.0, 10.0):
        yield f"Student t, df {df:g} open", from_the_law("student_t", df=df), ("model",)
    case = from_the_law("student_t", open_shapes=False, df=4.0)
    yield "Student t, df 4", case, everything
    for name in ("logistic", "gumbel", "huber"):
        yield name, from_the_law(name), everything


def lines(*how_many):
    """What is in the table: data, errors, and the coverages."""
    for name, case, kinds in laws():
        for cov in kinds:
            yield name, cov, coverage(case, cov, *how_many)
    for n_classes in (2, 3):
        yield f"{n_classes} classes", "model", coverage(of_classes(n_classes), "model", *how_many)
    for noise, errors in (("gaussian", ("model", "HC0", "HC3")), ("laplace", ("model", "kernel"))):
        for cov in errors:
            yield f"{noise}, uneven spread", cov, coverage(uneven(noise), cov, *how_many)
    samples, rows, seed = how_many
    for cov in ("model", "HC3", "cluster"):
        told = f"gaussian, {rows // 10} groups"
        yield told, cov, coverage(clustered(), cov, *how_many)
    told, many = f"gaussian, {rows // 3} groups", 10 * (rows // 3)
    yield told, "cluster", coverage(clustered(), "cluster", samples, many, seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    error = 3.0 * np.sqrt(stats.bernoulli(0.95).var() / told.samples)
    print(f"Within three standard errors: {0.95 - error:.3f} to {0.95 + error:.3f}\n")
    print("| data | errors | coverage of coefficients, intercept, scale, shapes |\n|---|---|---|")
    for data, cov, shares in lines(told.samples, told.rows, told.seed):
        print(f"| {data} | `{cov}` | {', '.join(f'{share:.3f}' for share in shares)} |", flush=True)


if __name__ == "__main__":
    main()
