"""Checks of the numbers and flags that users set, beside the data.

Messages have three beats: the rule; what was got; the way out.
"""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_settings(estimator: Any) -> None:
    """The constructor parameters that every estimator here has.

    Raises
    ------
    TypeError
        If a parameter is not of the kind it should be.
    ValueError
        If it is out of range.
    """
    _check_number("tol", estimator.tol, whole=False)
    _check_number("max_iter", estimator.max_iter, whole=True)
    for name in ("fit_intercept", "warm_start"):
        check_flag(name, getattr(estimator, name))
    if not isinstance(estimator.solver, str):
        raise TypeError(
            f"solver must be the name of a solver; got {estimator.solver!r} of type "
            f"{type(estimator.solver).__name__}. Pass solver='auto'."
        )


def check_flag(name: str, value: Any) -> None:
    """A parameter that is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(
            f"{name} must be True or False; got {value!r} of type {type(value).__name__}. "
            f"Pass {name}=True or {name}=False."
        )


def _check_number(name: str, value: Any, *, whole: bool) -> None:
    kind: Any = numbers.Integral if whole else numbers.Real
    rule = "a whole number, at least 1" if whole else "a number above 0 and below 1"
    usual = "100" if whole else "1e-8"
    got = f"{name} must be {rule}; got {value!r}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, kind):
        raise TypeError(f"{got} of type {type(value).__name__}. The default is {name}={usual}.")
    in_range = value >= 1 if whole else 0.0 < value < 1.0
    if not in_range:
        raise ValueError(f"{got}. The default is {name}={usual}.")


def check_probabilities(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Probabilities strictly between 0 and 1, a number or a row of them."""
    found = np.asarray(value, dtype=np.float64)
    if found.ndim > 1 or not np.all((found > 0.0) & (found < 1.0)):
        raise ValueError(
            f"{name} must be between 0 and 1, both excluded; got {value!r}. Pass a probability "
            "such as 0.9, or several in a list."
        )
    return found
