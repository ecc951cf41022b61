"""Scale and shapes where locations are held."""

import numpy as np
import pytest
from scipy import optimize

from sklearn_mle.likelihoods.joint import JointObjective
from sklearn_mle.noises import StudentT
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.solvers.held_location import Residuals, _stays, is_only_end, may_agree, tuned
from sklearn_mle.solvers.joint_ends import descend_jointly


def few_rows(df=3.0, noise=None, weight=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(600, 2))
    y = X @ [1.0, -2.0] + 5.0 + 3.0 * rng.standard_t(df, size=600)
    return JointObjective(InMemoryRows(X, y, weight), noise or StudentT(), True)


def true_start(few, scale=3.0):
    return few.pack(np.array([1.0, -2.0]), 5.0, scale)


@pytest.mark.parametrize("noise", [StudentT(), StudentT(4.0)], ids=str)
def test_derivatives_are_those_of_the_cost(noise):
    few = few_rows(noise=noise, weight=np.random.default_rng(1).integers(1, 4, 600).astype(float))
    residuals = Residuals.of(few, true_start(few))
    place = np.array([0.3, 0.7])[: 1 + few.open.size]
    value, gradient, hessian = residuals.derivatives(place[0], place[1:])
    assert value == pytest.approx(residuals.cost(place[0], place[1:]), rel=1e-13)
    for i, unit in enumerate(1e-5 * np.eye(place.size)):
        up, down = (residuals.derivatives(at[0], at[1:]) for at in (place + unit, place - unit))
        assert gradient[i] == pytest.approx((up[0] - down[0]) / 2e-5, abs=1e-8)
        np.testing.assert_allclose(hessian[i], (up[1] - down[1]) / 2e-5, atol=1e-7)


@pytest.mark.parametrize("scale", [1.0, 3.0, 9.0])
def test_a_tuned_start_is_nearly_best_for_its_residuals(scale):
    few = few_rows()
    start = true_start(few, scale)
    residuals = Residuals.of(few, start)
    best = optimize.minimize(lambda v: residuals.cost(v[0], v[1:]), np.zeros(2)).fun
    theta = tuned(few, start)
    assert few.value(theta) / 600 - np.log(scale) < best + 1e-3
    np.testing.assert_allclose(few.unpack(theta)[0], [1.0, -2.0])


def test_starts_elsewhere_may_lead_elsewhere():
    few = few_rows()
    start = true_start(few)
    end = descend_jointly(few, tuned(few, start), 1e-8, 50, 1e-20)
    elsewhere = few.pack(np.array([1.0, 1.0]), 5.0, 3.0)
    assert may_agree(few, [start, start])
    assert is_only_end(few, [start, 0.5 * start], end)
    assert not may_agree(few, [start, elsewhere])
    assert not is_only_end(few, [start, elsewhere], end)


def test_a_location_between_two_planes_stays_under_light_tails_alone():
    rng = np.random.default_rng(0)
    x = rng.normal(size=600)
    y = np.where(np.arange(600) % 2, x, -x) + 0.01 * rng.normal(size=600)
    rows = InMemoryRows(x[:, None], y)
    between = JointObjective(rows, StudentT(), True).pack(np.zeros(1), 0.0, 1.0)
    assert _stays(JointObjective(rows, StudentT(50.0), True), between)
    assert not _stays(JointObjective(rows, StudentT(1.0), True), between)
    few = few_rows()
    assert _stays(few.of(StudentT(1.0)), true_start(few))
