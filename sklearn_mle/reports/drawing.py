"""What the displays share: where they draw, in which colours, and whose residuals.

matplotlib is imported when a picture is drawn, and not before. Colours are those of Okabe and Ito,
which the colour-blind tell apart; lines differ in dashes as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.reports.behind import estimator_behind

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":")
INFINITELY_LIKELY = (
    "a display of residuals needs a scale above zero; got a fit that goes through every row, or "
    "through so many that its scale is 0. Leave out features, or add rows."
)


def fitted_regressor(estimator: Any) -> Any:
    """The fitted regressor behind pipelines and searches."""
    check_is_fitted(estimator)
    model = estimator_behind(estimator, None)[0]
    if not hasattr(model, "noise_"):
        raise TypeError(
            "a display of noise needs a fitted MLERegressor, alone or as the last step of a "
            f"Pipeline; got {type(model).__name__}. Fit one first."
        )
    return model


def shortened(name: str, longest: int = 48) -> str:
    """A name of at most so many characters, its middle left out where it is longer."""
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f"{name[: longest - 1 - half]}…{name[-half:]}"


def drawing_axes(ax: Any) -> tuple[Any, Any]:
    """Axes and figure to draw in."""
    if ax is None:
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise ImportError(
                "displays need matplotlib; it is not installed. Install it with "
                "pip install 'sklearn_mle[plot]'."
            ) from error
        _, ax = plt.subplots(layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    return ax, ax.figure


def as_weights(sample_weight: ArrayLike | None) -> FloatArray | None:
    return None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
