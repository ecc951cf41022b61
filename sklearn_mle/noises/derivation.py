"""From an assumption to a loss, step by step, for people to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import indent


@dataclass(frozen=True)
class Formulas:
    """The formulas of a law, each as text and as LaTeX, of the standardised residual z.

    Parameters
    ----------
    law : str
        Name of the law.
    density, loss : tuple of (str, str)
        The density; what remains of minus its logarithm.
    constant : tuple of (str, str), optional
        What a loss drops of it; nothing by default.
    cost : tuple of (str, str), optional
        Minus the logarithm of the density; the sum of loss and constant by default.
    symbols : dict of str to (str, str), optional
        How parameters of the noise are written in the formulas.
    """

    law: str
    density: tuple[str, str]
    loss: tuple[str, str]
    constant: tuple[str, str] | None = None
    cost: tuple[str, str] | None = None
    symbols: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def whole(self) -> tuple[str, str]:
        """Minus the logarithm of the density."""
        if self.cost is not None or self.constant is None:
            return self.cost or self.loss
        return f"{self.loss[0]} + {self.constant[0]}", f"{self.loss[1]} + {self.constant[1]}"


GENERIC = ("-log f(z)", r"-\log f(z)")
"""The loss of a law whose formulas are not written down, of which no constant is known."""


def unwritten(law: str, names: list[str]) -> Formulas:
    """What stands for formulas of a law, with these parameters, that are not written down."""
    symbols = {name: (name, rf"\text{{{_plain(name)}}}") for name in names}
    texts, formats = [", ".join(["z", *(symbols[n][k] for n in names)]) for k in (0, 1)]
    density = f"{law}.pdf({texts})", rf"\text{{{_plain(law)}.pdf}}({formats})"
    return Formulas(law, density, GENERIC, symbols=symbols)


@dataclass(frozen=True)
class Step:
    """One step of a derivation.

    Parameters
    ----------
    title : str
    text, latex : str
    """

    title: str
    text: str
    latex: str


@dataclass(frozen=True, repr=False)
class Derivation:
    """Why a loss is what it is: from the assumption to what its minimiser estimates.

    Shows itself as text, and as LaTeX in notebooks.

    Parameters
    ----------
    title : str
    steps : tuple of Step
        Assumption, density, negative log-likelihood, constants dropped, loss, estimate.
    """

    title: str
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        lines = [self.title, "=" * len(self.title)]
        for number, step in enumerate(self.steps, start=1):
            lines += ["", f"{number}. {step.title}", indent(step.text, "   ")]
        return "\n".join(lines)

    def to_latex(self) -> str:
        """The steps as an aligned LaTeX environment.

        Returns
        -------
        str
        """
        lines = [rf"&\text{{{step.title}}} && {step.latex}" for step in self.steps]
        body = " \\\\\n".join(lines)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    def _repr_latex_(self) -> str:
        return f"$$\n{self.to_latex()}\n$$"


def from_density_to_loss(
    formulas: Formulas, loss_name: str, estimates: str, values: Mapping[str, float | None]
) -> Derivation:
    """The derivation of the loss of a noise.

    Parameters
    ----------
    formulas : Formulas
    loss_name, estimates : str
    values : mapping of str to float or None
        Those of the parameters that have symbols; None if the fit estimates them.
    """
    density, cost, loss = formulas.density, formulas.whole, formulas.loss
    named = rf"\text{{{_plain(loss_name)}}}"
    steps = (
        _assumption(formulas, values),
        Step("Density", f"f(z) = {density[0]}", f"f(z) = {density[1]}"),
        Step(
            "Negative log-likelihood",
            f"sum over rows of  {cost[0]} + log(scale),  z = residual / scale",
            rf"\sum_i \left[{cost[1]} + \log\sigma\right],"
            r"\quad z = z_i = (y_i - x_i^\top\beta - \beta_0) / \sigma",
        ),
        _constants_dropped(formulas, values),
        Step("Loss", f"{loss[0]}: the {loss_name}", rf"{loss[1]}\quad({named})"),
        Step(
            "What its minimiser estimates",
            f"the {estimates} of y given x",
            rf"\text{{the {estimates} of }} y \mid x",
        ),
    )
    return Derivation(f"From {formulas.law} noise to the {loss_name}", steps)


def _assumption(formulas: Formulas, values: Mapping[str, float | None]) -> Step:
    """The model, and the values of the parameters of its law."""
    told = [
        (f"{text} estimated", rf"{latex}\ \text{{estimated}}")
        if values[name] is None
        else (f"{text} = {values[name]:.4g}", f"{latex} = {values[name]:.4g}")
        for name, (text, latex) in formulas.symbols.items()
    ]
    texts, formats = [text for text, _ in told], [latex for _, latex in told]
    beside = f", {', '.join(texts)}" if told else ""
    return Step(
        "Assumption",
        f"y = X @ coef + intercept + scale * z, the z independent and {formulas.law}{beside}",
        r"y_i = x_i^\top \beta + \beta_0 + \sigma z_i,\quad z_i \sim "
        + r",\ ".join([rf"\text{{{_plain(formulas.law)}}}", *formats]),
    )


def _plain(text: str) -> str:
    """A name as LaTeX shows it."""
    return text.replace("_", r"\_")


def _constants_dropped(formulas: Formulas, values: Mapping[str, float | None]) -> Step:
    """What does not depend on the coefficients; only other estimates need their parts."""
    title, constant = "Constants dropped", formulas.constant
    if constant is None:
        return Step(
            title,
            "log(scale) does not depend on the coefficients; the fit of the scale keeps it",
            r"\log\sigma \text{ does not depend on } \beta"
            r"\text{; the fit of } \sigma \text{ keeps it}",
        )
    still_open = [symbol for name, symbol in formulas.symbols.items() if values[name] is None]
    also = "".join(f", that of {text} keeps {constant[0]}" for text, _ in still_open)
    shown = "".join(
        rf"\text{{, that of }} {latex} \text{{ keeps }} {constant[1]}" for _, latex in still_open
    )
    return Step(
        title,
        f"{constant[0]} and log(scale) do not depend on the coefficients;\n"
        f"the fit of the scale keeps log(scale){also}",
        rf"{constant[1]} \text{{ and }} \log\sigma \text{{ do not depend on }} \beta"
        rf"\text{{; the fit of }} \sigma \text{{ keeps }} \log\sigma{shown}",
    )


BERNOULLI = Derivation(
    "From a Bernoulli label to binary cross-entropy",
    (
        Step(
            "Assumption",
            "y is 1 with probability p = 1 / (1 + exp(-s)), s = X @ coef + intercept, else 0",
            r"y_i \sim \text{Bernoulli}(p_i),\quad p_i = 1 / (1 + e^{-s_i}),\quad"
            r" s_i = x_i^\top\beta + \beta_0",
        ),
        Step(
            "Probability", "f(y) = p**y (1 - p)**(1 - y)", r"f(y_i) = p_i^{y_i} (1 - p_i)^{1 - y_i}"
        ),
        Step(
            "Negative log-likelihood",
            "sum over rows of  -y log(p) - (1 - y) log(1 - p)",
            r"\sum_i \left[-y_i \log p_i - (1 - y_i) \log (1 - p_i)\right]",
        ),
        Step("Constants dropped", "none", r"\text{none}"),
        Step(
            "Loss",
            "log(1 + exp(s)) - y s: the binary cross-entropy",
            r"\log(1 + e^{s_i}) - y_i s_i\quad\text{(binary cross-entropy)}",
        ),
        Step(
            "What its minimiser estimates",
            "the probability of class 1 given x",
            r"\text{the probability } P(y = 1 \mid x)",
        ),
    ),
)

CATEGORICAL = Derivation(
    "From a categorical label to cross-entropy",
    (
        Step(
            "Assumption",
            "y is class k with probability p_k = exp(s_k) / sum_j exp(s_j),\n"
            "s = X @ coef.T + intercept",
            r"P(y_i = k) = p_{ik} = e^{s_{ik}} / \textstyle\sum_j e^{s_{ij}},\quad"
            r" s_{ik} = x_i^\top\beta_k + \beta_{0k}",
        ),
        Step("Probability", "f(y) = p_y", r"f(y_i) = p_{i y_i}"),
        Step(
            "Negative log-likelihood",
            "sum over rows of  -log(p_y)",
            r"-\sum_i \log p_{i y_i}",
        ),
        Step("Constants dropped", "none", r"\text{none}"),
        Step(
            "Loss",
            "log(sum_j exp(s_j)) - s_y: the cross-entropy with softmax",
            r"\log \textstyle\sum_j e^{s_{ij}} - s_{i y_i}\quad\text{(cross-entropy with softmax)}",
        ),
        Step(
            "What its minimiser estimates",
            "the probabilities of the classes given x",
            r"\text{the probabilities } P(y = k \mid x)",
        ),
    ),
)
