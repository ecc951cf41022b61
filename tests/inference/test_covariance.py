"""Covariances against their definitions, written out with whole matrices."""

import numpy as np
import pytest
from scipy import optimize, stats

from sklearn_mle import MLEClassifier, MLERegressor, infer
from sklearn_mle.inference.covariance import covariance
from sklearn_mle.inference.row_costs import LocationScaleCosts
from sklearn_mle.inference.terms import terms_of
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises import Gaussian, Laplace
from sklearn_mle.rows.in_memory import InMemoryRows
from tests.inference.laws import (
    LogisticLaw,
    StudentLaw,
    derivatives,
    fitted,
    log_likelihood,
    sample,
)


@pytest.mark.parametrize("law", [LogisticLaw(), StudentLaw(3.0), StudentLaw()])
def test_the_model_covariance_is_the_inverse_of_the_hessian(law):
    X, y = sample(law if law.get_params().get("df", 1) else StudentLaw(4.0), 300, 1)
    w = np.random.default_rng(2).integers(1, 4, 300).astype(float)
    model = fitted(law, X, y, w)
    found = infer(model, X, y, sample_weight=w)
    shapes = [model.noise_.get_params()[s.name] for s in law.shapes]
    natural = np.array([*model.coef_, model.intercept_, model.scale_, *shapes])
    unit = np.array([*(1.0 / X.std(axis=0)), 1.0, 1.0, *np.ones(len(shapes))])

    def cost(v):
        u = v * unit
        u[3:] = np.log(natural[3:]) + v[3:]
        return -log_likelihood(law, X, y, w, u)

    at = np.concatenate([natural[:3] / unit[:3], np.zeros(natural.size - 3)])
    H, g = derivatives(cost, at)
    assert np.abs(g).max() < 1e-4
    expected = np.sqrt(np.diagonal(np.linalg.inv(H)))
    expected = expected * np.where(np.arange(at.size) < 3, unit, natural)
    np.testing.assert_allclose(found.table["std_error"], expected, rtol=1e-5)
    if not shapes:
        ends = np.exp(np.log(natural[3]) + 1.959963984540054 * expected[3] / natural[3])
        assert found.table["upper"][3] == pytest.approx(ends, rel=1e-5)
        return

    def rise(k, end):
        """How far the least cost rises where one entry is held at an end of its interval."""

        def held(others):
            return cost(np.insert(others, k, np.log(end / natural[k])))

        return optimize.minimize(held, np.delete(at, k), method="BFGS").fun - cost(at)

    for k in (3, 4):  # an open shape, and the scale beside it, are read from the profile
        for end in (found.table["lower"][k], found.table["upper"][k]):
            assert rise(k, end) == pytest.approx(stats.chi2(1).ppf(0.95) / 2.0, rel=1e-4)


def test_laplace_has_fishers_information_averaged_over_the_error_of_the_fit():
    X, y = sample(Laplace(), 200, 3)
    model = MLERegressor("laplace").fit(X, y)
    found = infer(model, X, y)
    design = np.column_stack([X, np.ones(200)])
    B = design.T @ design / model.scale_**2
    V = np.linalg.inv(B)
    for own in (False, True):
        square = np.einsum("ij,jk,ik->i", design, V, design) / model.scale_**2
        sigma = np.sqrt(square if own else np.full(200, square.mean()))
        # what exp(-|d|) is on average, d normal with deviation sigma
        nodes = np.linspace(-12, 12, 20001)
        met = (
            np.exp(-np.abs(sigma[:, None] * nodes)) @ stats.norm.pdf(nodes) * (nodes[1] - nodes[0])
        )
        A = np.linalg.inv((design * met[:, None]).T @ design / model.scale_**2)
        V = A @ B @ A
    np.testing.assert_allclose(found.std_error[:3], np.sqrt(np.diagonal(V)), rtol=1e-6)
    assert found.table["std_error"][3] == pytest.approx(model.scale_ / np.sqrt(200), rel=1e-9)
    assert "Fisher" in found.method


def test_the_average_over_the_error_of_a_fit_vanishes_with_many_rows():
    for n in (100, 10_000):
        X, y = sample(Laplace(), n, 3)
        model = MLERegressor("laplace").fit(X, y)
        design = np.column_stack([X, np.ones(n)])
        fisher = np.sqrt(np.diagonal(np.linalg.inv(design.T @ design))) * model.scale_
        more = infer(model, X, y).std_error[:3] / fisher - 1.0
        assert np.all((more > 0.5 * np.sqrt(3 / n)) & (more < 2.5 * np.sqrt(3 / n)))


@pytest.mark.parametrize("cov", ["HC0", "HC1", "HC2", "HC3"])
def test_sandwiches_of_classes_are_as_defined(cov):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(120, 2)) + 5.0
    y = (X + rng.gumbel(size=(120, 2)) * 2 - 5.0).sum(axis=1) > 1.0
    model = MLEClassifier().fit(X, y)
    design = np.column_stack([X, np.ones(120)])
    p = model.predict_proba(X)[:, 1]
    A = np.linalg.inv((design * (p * (1 - p))[:, None]).T @ design)
    leverage = p * (1 - p) * np.einsum("ij,jk,ik->i", design, A, design)
    power = {"HC0": 0.0, "HC1": 0.0, "HC2": 0.5, "HC3": 1.0}[cov]
    G = design * ((y - p) / (1 - leverage) ** power)[:, None]
    V = A @ G.T @ G @ A * (120 / 117 if cov == "HC1" else 1.0)
    found = infer(model, X, y, cov=cov)
    np.testing.assert_allclose(found.covariance, V, rtol=1e-9)


@pytest.mark.parametrize("cov", ["HC2", "HC3"])
def test_two_of_many_classes_and_two_classes_have_the_same_leverage(cov):
    """A third class that is never near has no part in the contrast of the first two."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(200, 2))
    scores = X @ rng.normal(size=(2, 3)) + rng.gumbel(size=(200, 3))
    y = scores.argmax(axis=1)
    model = MLEClassifier().fit(X, y)
    found = infer(model, X, y, cov=cov, reference=0)
    design = np.column_stack([X, np.ones(200)])
    P = model.predict_proba(X)[:, 1:]
    bends = [np.diag(p) - np.outer(p, p) for p in P]
    A = np.linalg.inv(sum(np.kron(W, np.outer(d, d)) for W, d in zip(bends, design)))
    B = np.zeros((6, 6))
    for k, (p, W, d) in enumerate(zip(P, bends, design)):
        D = np.kron(np.eye(2), d[:, None])
        u = p - (y[k] == np.arange(1, 3))
        values, vectors = np.linalg.eig(np.eye(2) - W @ D.T @ A @ D)
        power = -0.5 if cov == "HC2" else -1.0
        u = vectors @ (values**power * np.linalg.solve(vectors, u))
        B += np.outer(D @ u, D @ u)
    np.testing.assert_allclose(found.covariance, A @ B @ A, rtol=1e-8)


MODELS = {
    "gaussian": lambda: MLERegressor(),
    "laplace": lambda: MLERegressor("laplace"),
    "classes": lambda: MLEClassifier(),
}
KINDS = [(m, c) for m in MODELS for c in ("model", "HC0", "HC1", "HC2", "HC3", "cluster")]
KINDS += [("laplace", c) for c in ("iid", "greene", "kernel")]


@pytest.mark.parametrize("model, cov", KINDS)
def test_weights_are_repeats_and_rows_of_weight_zero_absent(model, cov):
    rng = np.random.default_rng(6)
    X = rng.normal(size=(150, 2))
    y = X.sum(axis=1) + rng.normal(size=150)
    if model == "classes":
        y = np.digitize(y + rng.normal(size=150) * 2, [-0.5, 0.5])
    w, groups = rng.integers(0, 4, 150), rng.integers(0, 20, 150)
    again = np.repeat(np.arange(150), w)
    cluster = cov == "cluster"
    one = infer(
        MODELS[model]().fit(X, y, w),
        X,
        y,
        sample_weight=w,
        cov=cov,
        groups=groups if cluster else None,
    )
    fit = MODELS[model]().fit(X[again], y[again])
    many = infer(fit, X[again], y[again], cov=cov, groups=groups[again] if cluster else None)
    np.testing.assert_allclose(one.table["std_error"], many.table["std_error"], rtol=1e-7)
    np.testing.assert_allclose(one.table["p_value"], many.table["p_value"], rtol=1e-5, atol=1e-12)


def test_blocks_play_no_part():
    X, y = sample(StudentLaw(4.0), 900, 7)
    model = fitted(StudentLaw(), X, y)
    made = []
    for size in (64, 100, 10_000):
        rows = InMemoryRows(X, y, block_rows=size)
        costs = LocationScaleCosts(model.noise_, StudentLaw().shapes)
        terms = terms_of(rows, True)
        gamma = terms.inside(model.coef_[None], np.array([model.intercept_]))[0]
        valley = Valley(
            rows, costs, terms, np.array([*gamma, np.log(model.scale_), np.log(model.noise_.df)])
        )
        F = terms.functions(np.eye(2), np.zeros(2))
        made.append(
            [F @ covariance(valley, cov).matrix[:3, :3] @ F.T for cov in ("model", "HC0", "HC3")]
        )
    for other in made[1:]:
        np.testing.assert_allclose(other, made[0], rtol=1e-9)


def test_a_shape_at_the_end_of_its_range_is_held():
    X, y = sample(Gaussian(), 300, 8)
    model = MLERegressor().fit(X, y)
    model.noise, model.noise_ = StudentLaw(), StudentLaw(1e12)
    model.log_likelihood_ = model.log_likelihood(X, y)
    found = infer(model, X, y)
    assert np.isnan(found.table["std_error"][-1]) and np.isinf(found.table["upper"][-1])
    assert np.isnan(infer(model, X, y, cov="HC0").conf_int()[-1]).all()
    assert np.isfinite(found.table["std_error"][:-1]).all()
    assert any("end of its range" in note for note in found.notes)


def test_no_pass_makes_a_copy_as_large_as_the_features():
    import tracemalloc

    rng = np.random.default_rng(9)
    X = rng.normal(size=(200_000, 20))
    y = X.sum(axis=1) + rng.normal(size=200_000)
    model = MLERegressor().fit(X, y)
    for cov in ("model", "HC0", "HC3"):
        tracemalloc.start()
        infer(model, X, y, cov=cov)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 0.5 * X.nbytes, cov
