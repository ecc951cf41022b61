"""What a derivation states is true, in numbers."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import (
    log_loss,
    mean_absolute_error,
    mean_pinball_loss,
    mean_squared_error,
)

from sklearn_mle import MLEClassifier
from sklearn_mle.noises import (
    AsymmetricLaplace,
    FromScipy,
    Gaussian,
    Gumbel,
    Huber,
    Laplace,
    Logistic,
    StudentT,
)
from sklearn_mle.noises.catalogue import CATALOGUE

rng = np.random.default_rng(0)
y, location = rng.normal(size=50), rng.normal(size=50)
r = y - location

STATED = {
    "gaussian": (Gaussian(), lambda z: z**2 / 2, np.log(2 * np.pi) / 2),
    "laplace": (Laplace(), np.abs, np.log(2)),
    "asymmetric": (AsymmetricLaplace(0.8), lambda z: z * (0.8 - (z < 0)), -np.log(0.8 * 0.2)),
    "logistic": (Logistic(), lambda z: 2 * np.log(np.cosh(z / 2)), np.log(4)),
    "gumbel": (Gumbel(), lambda z: z + np.exp(-z) - 1, 1.0),
    "student": (
        StudentT(4.0),
        lambda z: 2.5 * np.log(1 + z**2 / 4),
        -stats.t(4).logpdf(0.0),
    ),
    "huber": (
        Huber(1.0),
        lambda z: np.where(np.abs(z) <= 1, z**2 / 2, np.abs(z) - 0.5),
        -Huber(1.0).distribution().logpdf(0.0),
    ),
}


@pytest.mark.parametrize("name", STATED)
def test_the_density_is_the_loss_and_the_constant(name):
    noise, loss, constant = STATED[name]
    for scale in (0.5, 3.0):
        law = noise.distribution(loc=location, scale=scale)
        costs = loss(r / scale) + constant + np.log(scale)
        np.testing.assert_allclose(costs, -law.logpdf(y), rtol=1e-12)
    np.testing.assert_allclose(noise.loss(r), loss(r), rtol=1e-9, atol=1e-15)


def test_losses_are_those_of_scikit_learn():
    assert 2 * np.mean(Gaussian().loss(r)) == pytest.approx(mean_squared_error(y, location))
    assert np.mean(Laplace().loss(r)) == pytest.approx(mean_absolute_error(y, location))
    pinball = mean_pinball_loss(y, location, alpha=0.3)
    assert np.mean(AsymmetricLaplace(0.3).loss(r)) == pytest.approx(pinball)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_cost_of_classes_is_cross_entropy(n_classes):
    X = rng.normal(size=(90, 2))
    labels = rng.integers(n_classes, size=90)
    model = MLEClassifier().fit(X, labels)
    entropy = log_loss(labels, model.predict_proba(X), normalize=False)
    assert -model.log_likelihood_ == pytest.approx(entropy)
    words = "binary cross-entropy" if n_classes == 2 else "cross-entropy with softmax"
    assert words in repr(model.derivation())


@pytest.mark.parametrize("noise", [*(cls() for cls in CATALOGUE.values()), FromScipy(stats.t)])
def test_every_noise_tells_six_steps_as_text_and_as_latex(noise):
    told = noise.derivation()
    titles = [step.title for step in told.steps]
    assert titles[:3] == ["Assumption", "Density", "Negative log-likelihood"]
    assert titles[3:] == ["Constants dropped", "Loss", "What its minimiser estimates"]
    assert noise.loss_name in repr(told)
    assert noise.estimates in repr(told)
    latex = told._repr_latex_()
    assert latex.startswith("$$") and latex.count("{") == latex.count("}")


def test_a_law_without_written_formulas_drops_nothing_but_the_scale():
    """Its density may be zero at zero, where no constant can be taken off."""
    told = repr(FromScipy(stats.gamma(4.0)).derivation())
    assert "gamma.pdf(z, a)" in told
    assert "independent and gamma, a = 4\n" in told
    assert "f(0)" not in told
    assert "the fit of the scale keeps it" in told


@pytest.mark.parametrize(
    ("noise", "told", "latex"),
    [
        (StudentT(), "Student t, df estimated\n", r"\nu\ \text{estimated}"),
        (StudentT(3), "Student t, df = 3\n", r"\nu = 3"),
        (Huber(), "Huber, delta = 1.345\n", r"\delta = 1.345"),
        (AsymmetricLaplace(0.9), "Laplace, q = 0.9\n", "q = 0.9"),
        (AsymmetricLaplace(None), "Laplace, q estimated\n", r"q\ \text{estimated}"),
        (FromScipy(stats.gumbel_l), "independent and gumbel_l\n", r"\text{gumbel\_l}"),
        (FromScipy(stats.skewnorm), "skewnorm, a estimated\n", r"\text{a}\ \text{estimated}"),
    ],
)
def test_parameters_are_told_with_the_assumption(noise, told, latex):
    derivation = noise.derivation()
    assert told in repr(derivation)
    assert latex in derivation.steps[0].latex
    still_open = "that of" in derivation.steps[3].text
    assert still_open == ("estimated" in told and noise.formulas is not None)


def test_the_constant_of_huber_is_the_mass_of_its_density():
    delta = 0.7
    mass = np.sqrt(2 * np.pi) * (2 * stats.norm.cdf(delta) - 1) + 2 * np.exp(-0.245) / delta
    assert -Huber(delta).distribution().logpdf(0.0) == pytest.approx(np.log(mass))
    assert "C = sqrt(2 pi) (2 Phi(delta) - 1)" in repr(Huber(delta).derivation())


@pytest.mark.parametrize("name", STATED)
def test_costs_as_told_are_those_of_the_noise(name):
    """The text of the third step is a formula that Python can read, but for a few names."""
    noise, _, constant = STATED[name]
    told = noise.derivation().steps[2].text
    formula = told.removeprefix("sum over rows of  ").split(" + log(scale)")[0]
    if name == "huber":
        formula = formula.replace("H(z)", "noise.loss(z)").replace("log(C)", "constant")
    formula = formula.replace("log(1 / C(df))", "constant").replace("|z|", "np.abs(z)")
    formula = formula.replace("[z < 0]", "(z < 0)").replace("2 pi", "2 * np.pi")
    formula = formula.replace(") (", ") * (").replace(" (", " * (").replace("* * (", "* (")
    formula = formula.replace("- * (", "- (").replace("/ * (", "/ (").replace("2 log", "2 * np.log")
    for word in ("log(", "exp(", "cosh("):
        formula = formula.replace("np." + word, word).replace(word, "np." + word)
    names = {"np": np, "z": r, "q": 0.8, "df": 4.0, "noise": noise, "constant": constant}
    np.testing.assert_allclose(eval(formula, names), noise.cost(r), rtol=1e-12)
