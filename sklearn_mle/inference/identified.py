"""Estimates from their parts; what the data do not identify is left out and named."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_mle.inference.covariance import Covariance
from sklearn_mle.inference.estimates import Estimates
from sklearn_mle.inference.parameters import Parameter
from sklearn_mle.inference.valley import Valley
from sklearn_mle.rows.matrix import Matrix


def estimates(
    valley: Valley,
    covariance: Covariance,
    parameters: tuple[Parameter, ...],
    *,
    title: str,
    facts: tuple[tuple[str, str], ...],
    level: float,
    ci: str,
    features_of: Callable[[Any], Matrix],
) -> Estimates:
    """Put the parts together, and name what is not identified."""
    made = Estimates(
        title=title,
        facts=facts,
        parameters=parameters,
        level=level,
        ci=ci,
        df=covariance.df,
        method=covariance.method,
        notes=covariance.notes,
        _valley=valley,
        _of_theta=covariance,
        _features_of=features_of,
    )
    functions = made._functions(np.eye(len(parameters)))
    unidentified = np.asarray(np.isnan(functions).any(axis=1))
    lost = [bool(bad) and not p.is_extra for p, bad in zip(parameters, unidentified)]
    if not any(lost):
        return made
    # among classes a column is named once
    names = list(dict.fromkeys(p.name for p, bad in zip(parameters, lost) if bad))
    why = ENDLESS if covariance.endless is not None else DEPENDENT
    parameters = tuple(
        replace(p, estimate=math.nan) if bad else p for p, bad in zip(parameters, lost)
    )
    note = f"Not identified: {', '.join(names)}. {why}"
    return replace(made, parameters=parameters, notes=(*made.notes, note))


DEPENDENT = (
    "These columns are constant or depend on each other, so that other coefficients give the same "
    "predictions. Remove some of them."
)
ENDLESS = (
    "The classes can be separated by a plane in these columns, along which the likelihood grows "
    "for ever: no finite estimate exists. Remove or merge them, collect more rows, or use a "
    "penalty."
)
