"""Names to noises. A new noise is one line here."""

from __future__ import annotations

import difflib

from sklearn_mle.noises.gaussian import Gaussian
from sklearn_mle.noises.laplace import Laplace
from sklearn_mle.noises.noise import Noise

CATALOGUE: dict[str, type[Noise]] = {
    "gaussian": Gaussian,
    "laplace": Laplace,
}


def find_noise(noise: object) -> Noise:
    """The noise that a user means by a name or an object.

    Parameters
    ----------
    noise : str or Noise

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
    if isinstance(noise, Noise):
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


def _nearest(name: str) -> str:
    """A hint at the name that was probably meant."""
    aliases = {"normal": "gaussian", "squared_error": "gaussian", "absolute_error": "laplace"}
    spelled = name.strip().lower().replace("-", "_").replace(" ", "_")
    close = difflib.get_close_matches(spelled, [*CATALOGUE, *aliases], n=1, cutoff=0.5)
    if not close:
        return " Choose one of these names, or pass an object from sklearn_mle.noises."
    return f" Did you mean {aliases.get(close[0], close[0])!r}?"
