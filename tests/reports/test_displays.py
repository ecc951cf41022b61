"""Displays hold the right numbers and draw them; matplotlib is wanted only when they do."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mle import (
    CoefficientDisplay,
    LossDisplay,
    MLERegressor,
    NoiseFitDisplay,
    PITDisplay,
    infer,
)
from sklearn_mle.noises import Gaussian, Laplace

matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    return X, X @ [1.0, 2.0, 3.0] + rng.normal(size=200)


def test_losses_and_slopes_are_the_noises_own():
    display = LossDisplay.from_noises(["gaussian", Laplace()], z=[-2.0, 0.5, 3.0])
    drawn = [line.get_ydata().tolist() for line in display.lines_]
    assert drawn == [[2.0, 0.125, 4.5], [-2.0, 0.5, 3.0], [2.0, 0.5, 3.0], [-1.0, 1.0, 1.0]]
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["gaussian: squared error", "Laplace(): absolute error"]


def test_a_display_draws_where_it_is_told(data):
    X, y = data
    model = make_pipeline(StandardScaler(), MLERegressor()).fit(X, y)
    figure, axes = plt.subplots(1, 4)
    displays = [
        LossDisplay.from_estimator(model, ax=axes[0]),
        NoiseFitDisplay.from_estimator(model, X, y, ax=axes[1]),
        NoiseFitDisplay.from_estimator(model, X, y, kind="qq", n_simulations=5, ax=axes[2]),
        PITDisplay.from_estimator(model, X, y, ax=axes[3]),
    ]
    assert [display.ax_ for display in displays] == axes.tolist()
    assert all(display.figure_ is figure for display in displays)


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_residuals_are_standardised(data, noise):
    X, y = data
    model = MLERegressor(noise=noise).fit(X, y)
    display = NoiseFitDisplay.from_estimator(model, X, y)
    assert display.residuals == pytest.approx((y - model.predict(X)) / model.scale_)
    again = NoiseFitDisplay.from_predictions(
        y, model.predict(X), noise=noise, scale=model.scale_, kind="qq"
    )
    assert again.residuals == pytest.approx(display.residuals)


def test_the_envelope_holds_residuals_of_the_right_law_and_not_of_a_wrong_one(data):
    X, y = data
    wild = y + stats.cauchy.rvs(size=200, random_state=1)
    outside = []
    for response in (y, wild):
        model = MLERegressor().fit(X, response)
        display = NoiseFitDisplay.from_estimator(model, X, response, kind="qq", random_state=0)
        low, high = np.quantile(display.simulated, [0.025, 0.975], axis=0)
        seen = np.sort(display.residuals)
        outside.append(np.mean((seen < low) | (seen > high)))
    assert outside[0] < 0.2 and outside[1] > 0.5


def test_the_envelope_is_the_same_on_every_run_with_a_seed(data):
    X, y = data
    model = MLERegressor().fit(X, y)
    draws = [
        NoiseFitDisplay.from_estimator(
            model, X, y, kind="qq", n_simulations=3, random_state=7
        ).simulated
        for _ in range(2)
    ]
    assert np.array_equal(*draws)


def test_the_transform_is_the_distribution_function_at_y(data):
    X, y = data
    model = MLERegressor(noise="laplace").fit(X, y)
    display = PITDisplay.from_estimator(model, X, y)
    law = stats.laplace(model.predict(X), model.scale_)
    assert display.pit == pytest.approx(law.cdf(y))


def test_weights_count_in_the_histograms(data):
    X, y = data
    w = np.arange(200) % 3
    model = MLERegressor().fit(X, y, sample_weight=w)
    repeated = PITDisplay.from_estimator(model, np.repeat(X, w, axis=0), np.repeat(y, w), n_bins=5)
    weighted = PITDisplay.from_estimator(model, X, y, sample_weight=w, n_bins=5)
    heights = [display.ax_.patches[-1].get_xy() for display in (weighted, repeated)]
    assert heights[0] == pytest.approx(heights[1])
    NoiseFitDisplay.from_estimator(model, X, y, sample_weight=w)
    shown = NoiseFitDisplay.from_estimator(model, X, y, sample_weight=w, kind="qq", n_simulations=2)
    assert shown.simulated.shape == (2, np.count_nonzero(w))


def test_what_cannot_be_drawn_is_refused(data):
    X, y = data
    with pytest.raises(ValueError, match=r"kind must be.*got 'pie'. Pass"):
        NoiseFitDisplay.from_estimator(MLERegressor().fit(X, y), X, y, kind="pie")
    with pytest.raises(TypeError, match=r"needs a fitted MLERegressor.*got LinearRegression"):
        PITDisplay.from_estimator(LinearRegression().fit(X, y), X, y)
    with pytest.warns(UserWarning):
        exact = MLERegressor().fit(X, np.ones(200))
    for display in (NoiseFitDisplay, PITDisplay):
        with pytest.raises(ValueError, match=r"needs a scale above zero; got.*Leave out"):
            display.from_estimator(exact, X, np.ones(200))


def test_without_matplotlib_the_message_says_what_to_install():
    probe = (
        "import sys; sys.modules['matplotlib'] = None; sys.modules['matplotlib.pyplot'] = None\n"
        "from sklearn_mle import LossDisplay\n"
        "try:\n    LossDisplay.from_noises(['gaussian'])\n"
        "except ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "need matplotlib; it is not installed" in done.stdout
    assert "sklearn_mle[plot]" in done.stdout


def test_a_law_with_its_noise_object_is_named_by_its_class(data):
    X, y = data
    model = MLERegressor(noise=Gaussian()).fit(X, y)
    assert NoiseFitDisplay.from_estimator(model, X, y).ax_.get_title() == "Gaussian fit"


def test_coefficients_are_those_of_infer(data):
    X, y = data
    model = make_pipeline(StandardScaler(), MLERegressor()).fit(X, y)
    display = CoefficientDisplay.from_estimator(model, X, y, cov="HC3", level=0.9)
    found = infer(model, X, y, cov="HC3", level=0.9)
    assert display.names == ["x0", "x1", "x2"]
    np.testing.assert_array_equal(display.estimate, found.table["estimate"][:3])
    np.testing.assert_array_equal(display.points_.get_xdata(), display.estimate)
    ends = np.array([segment[:, 0] for segment in display.intervals_.get_segments()])
    np.testing.assert_allclose(ends, found.conf_int()[:3])
    assert "90 %" in display.ax_.get_xlabel()


def overlaps(texts, figure):
    """Whether the boxes of some texts meet, or leave the figure."""
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    whole = figure.bbox
    outside = any(
        box.x0 < whole.x0 - 1 or box.x1 > whole.x1 + 1 or box.y0 < whole.y0 - 1 for box in boxes
    )
    return outside or any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("p", [1, 5, 60])
def test_names_of_coefficients_are_readable(p):
    rng = np.random.default_rng(p)
    names = [f"the {j}th of many features, in units that take long to say" for j in range(p)]
    display = CoefficientDisplay(names, rng.normal(size=p), -np.ones(p), np.ones(p)).plot()
    assert not overlaps(display.ax_.get_yticklabels(), display.figure_)
    shown = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert len(set(shown)) == p and max(map(len, shown)) <= 48
    label = display.ax_.xaxis.label
    assert not overlaps([label], display.figure_)


def test_what_is_not_identified_says_so(data):
    X, y = data
    display = CoefficientDisplay.from_estimator(
        MLERegressor().fit(np.c_[X, X[:, 0]], y), np.c_[X, X[:, 0]], y
    )
    said = [text.get_position()[1] for text in display.ax_.texts]
    assert said == [3, 0] and display.ax_.texts[0].get_text() == "not identified"


def test_a_loss_that_explodes_leaves_the_others_to_be_seen():
    names = ["gaussian", "laplace", "student_t", "logistic", "gumbel", "huber"]
    display = LossDisplay.from_noises(names)
    low, high = display.ax_.get_ylim()
    assert -10.0 < low < -1.0 and 3.0 < high < 20.0
    display.figure_.canvas.draw()
    legend = display.ax_.get_legend().get_window_extent()
    assert not legend.overlaps(display.ax_.get_window_extent())
    assert legend.x1 <= display.figure_.bbox.x1


def test_shapes_are_written_short(data):
    display = LossDisplay.from_estimator(MLERegressor("student_t").fit(*data))
    (label,) = (text.get_text() for text in display.ax_.get_legend().get_texts())
    assert len(label) < 40


def test_few_rows_get_few_bars(data):
    X, y = data
    few = PITDisplay.from_estimator(MLERegressor().fit(X, y), X[:60], y[:60])
    steps = few.ax_.patches[-1].get_path().vertices[:, 0]
    assert len(np.unique(steps.round(6))) == 7


def test_envelopes_of_rows_that_count(data):
    X, y = data
    weight = np.r_[np.zeros(20), np.ones(180)]
    model = MLERegressor().fit(X, y, weight)
    weighted = NoiseFitDisplay.from_estimator(
        model, X, y, sample_weight=weight, kind="qq", n_simulations=5, random_state=0
    )
    alone = NoiseFitDisplay.from_estimator(
        MLERegressor().fit(X[20:], y[20:]),
        X[20:],
        y[20:],
        kind="qq",
        n_simulations=5,
        random_state=0,
    )
    np.testing.assert_allclose(weighted.simulated, alone.simulated, rtol=1e-9)
