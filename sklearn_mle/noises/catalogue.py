"""Names to noises. A new noise is one line here."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from scipy import stats

from sklearn_mle.noises.asymmetric_laplace import AsymmetricLaplace
from sklearn_mle.noises.from_scipy import FromScipy, is_law
from sklearn_mle.noises.gaussian import Gaussian
from sklearn_mle.noises.gumbel import Gumbel
from sklearn_mle.noises.huber import Huber
from sklearn_mle.noises.laplace import Laplace
from sklearn_mle.noises.logistic import Logistic
from sklearn_mle.noises.noise import Noise
from sklearn_mle.noises.student_t import StudentT

CATALOGUE: dict[str, type[Noise]] = {
    "gaussian": Gaussian,
    "laplace": Laplace,
    "asymmetric_laplace": AsymmetricLaplace,
    "student_t": StudentT,
    "logistic": Logistic,
    "gumbel": Gumbel,
    "huber": Huber,
}

TWINS: dict[str, Callable[..., Noise]] = {
    stats.norm.name: Gaussian,
    stats.laplace.name: Laplace,
    stats.logistic.name: Logistic,
    stats.gumbel_r.name: Gumbel,
    stats.t.name: StudentT,
    stats.cauchy.name: lambda: StudentT(df=1.0),
    stats.laplace_asymmetric.name: lambda kappa=None: AsymmetricLaplace(
        quantile=None if kappa is None else kappa**2 / (1.0 + kappa**2)
    ),
}
"""Laws of scipy.stats that the catalogue has in closed form, from their shapes."""


def find_noise(noise: object) -> Noise:
    """The noise that a user means by a name or an object.

    Parameters
    ----------
    noise : str, Noise, or scipy.stats distribution

    Returns
    -------
    Noise

    Raises
    ------
    ValueError
        If the name is not in the catalogue.
    TypeError
        If it is neither a name nor a noise.
    """
    if is_law(noise):
        noise = twin(noise) or FromScipy(noise)
    if isinstance(noise, Noise):
        noise.check()
        return noise
    names = ", ".join(repr(name) for name in CATALOGUE)
    if isinstance(noise, str):
        if noise in CATALOGUE:
            return CATALOGUE[noise]()
        raise ValueError(f"noise must be one of {names}; got {noise!r}.{_nearest(noise)}")
    if isinstance(noise, type) and issubclass(noise, Noise):
        raise TypeError(
            f"noise must be a name or a noise object; got the class {noise.__name__}. "
            f"Call it: noise={noise.__name__}()."
        )
    raise TypeError(
        f"noise must be one of {names}, or an object from sklearn_mle.noises; "
        f"got {noise!r} of type {type(noise).__name__}. Pass one of these names."
    )


def twin(law: Any) -> Noise | None:
    """The noise of the catalogue that is this scipy.stats distribution, if there is one."""
    plain = getattr(law, "dist", law)
    if plain.name not in TWINS:
        return None
    if plain is law:
        return TWINS[plain.name]()
    shapes, _, _ = plain._parse_args(*law.args, **law.kwds)
    return TWINS[plain.name](*(float(value) for value in shapes))


def _nearest(name: str) -> str:
    """A hint at the name that was probably meant."""
    aliases = {"normal": "gaussian", "squared_error": "gaussian", "absolute_error": "laplace"}
    spelled = name.strip().lower().replace("-", "_").replace(" ", "_")
    close = difflib.get_close_matches(spelled, [*CATALOGUE, *aliases], n=1, cutoff=0.55)
    if not close:
        return " Choose one of these names, or pass an object from sklearn_mle.noises."
    return f" Did you mean {aliases.get(close[0], close[0])!r}?"
