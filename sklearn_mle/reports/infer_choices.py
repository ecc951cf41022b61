"""What `infer` offers for which models and data."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_mle.estimators.classifier import MLEClassifier
from sklearn_mle.estimators.regressor import MLERegressor
from sklearn_mle.inference.bootstrap import FEW
from sklearn_mle.inference.covariance import (
    DENSITIES,
    SANDWICHES,
)
from sklearn_mle.noises.noise import Fact
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Rows


def check_choices(model: Any, cov: Any, ci: Any, groups: Any, reference: Any) -> int | None:
    """Choices that are on offer for this model, and the place of the reference class."""
    cornered = isinstance(model, MLERegressor) and Fact.PIECEWISE_LINEAR in model.noise_.facts
    offered = ["model", *SANDWICHES, "bootstrap", *(DENSITIES if cornered else ())]
    if cov not in offered:
        why = " The last three are for quantile laws." if cov in DENSITIES else ""
        choice = ", ".join(repr(name) for name in offered)
        raise ValueError(
            f"cov must be one of {choice} for this model; got {cov!r}.{why} Use 'HC3'."
        )
    if ci not in ("wald", "profile"):
        raise ValueError(f"ci must be 'wald' or 'profile'; got {ci!r}. Use ci='wald'.")
    if ci == "profile" and cov != "model":
        raise ValueError(
            f"ci='profile' needs cov='model', as it reads the likelihood itself; got cov={cov!r}. "
            f"Use ci='wald' with cov={cov!r}."
        )
    if cov == "cluster" and groups is None:
        raise ValueError(
            "cov='cluster' needs groups; got None. Pass groups=, a label for each row."
        )
    if groups is not None and cov not in ("cluster", "bootstrap"):
        raise ValueError(
            f"groups are for cov='cluster' or 'bootstrap'; got cov={cov!r}. Use cov='cluster'."
        )
    if reference is None:
        return None
    if not isinstance(model, MLEClassifier):
        raise ValueError(
            f"reference names a class; got {reference!r} with a regressor. Leave reference out."
        )
    places = np.flatnonzero(model.classes_ == reference)
    if places.size != 1:
        raise ValueError(
            f"reference must be one of the classes, {model.classes_.tolist()}; got {reference!r}. "
            "Pass one of these labels."
        )
    return int(places[0])


def check_resamples(n_resamples: Any) -> None:
    whole = isinstance(n_resamples, (int, np.integer)) and not isinstance(n_resamples, bool)
    if not whole or n_resamples < FEW:
        raise ValueError(
            f"n_resamples must be a whole number, at least {FEW}; got {n_resamples!r}. The default "
            "is 999."
        )


def check_place(rows: Rows, model: Any, cov: str, ci: str) -> None:
    """What fits the rows again and again takes them in memory."""
    if isinstance(rows, InMemoryRows):
        return
    cornered = isinstance(model, MLERegressor) and Fact.PIECEWISE_LINEAR in model.noise_.facts
    if cov == "bootstrap" or (ci == "profile" and cornered):
        asked = "cov='bootstrap'" if cov == "bootstrap" else "ci='profile' for a quantile law"
        raise ValueError(
            f"{asked} fits all rows many times and needs them in memory; got a Dask collection. "
            "Pass X.compute(), or use cov='HC3' and ci='wald'."
        )
