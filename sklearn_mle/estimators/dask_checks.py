"""Checks of Dask collections: what is wrong with a chunk, in three beats.

Only the shapes that Dask knows are checked beforehand. The values are looked at by the chunks
themselves, once, in the pass that counts rows and labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_mle.estimators import checks
from sklearn_mle.rows.chunk import Recipe
from sklearn_mle.rows.dask_chunks import chunks_of, is_frame, names_of, width_of
from sklearn_mle.rows.dask_labels import LabelledChunks
from sklearn_mle.rows.dask_rows import Chunks, DaskRows, Passes, surveyed
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.survey import MisfitError, Survey

RESHAPE = "Call compute_chunk_sizes() on arrays, or repartition, so that both are cut alike."
MESSAGES = {
    "collection": "X must be a Dask array or DataFrame; got {got}. Use to_dataframe() or "
    "dask.array.from_delayed.",
    "table": "X must be a table, one row a sample and one column a feature; got {got}. Reshape "
    "your data with X.reshape(-1, 1) if it has a single feature.",
    "width": "X must have a known number of columns; got {got}. Pass meta or shape where the array "
    "is made.",
    "columns": "Every chunk of X must have the columns of the whole, {expected}; got {got}{where}. "
    "Select the same columns in every file or chunk.",
    "text": "{name} needs numbers; got text{where}: {got}. Encode text features, for example with "
    "Categorizer and DummyEncoder of dask-ml, or sklearn.preprocessing.OneHotEncoder.",
    "complex": "Complex data not supported: X must hold real numbers; got {got}{where}. Pass real "
    "and imaginary parts as two columns.",
    "NaN": "Input X contains NaN: X must be finite; got {got}{where}. Drop such rows, or fill "
    "them, for example with X.fillna.",
    "infinity": "Input X contains infinity: X must be finite; got {got}{where}. Clip such "
    "values, or drop their rows.",
    "shape of y": "y should be a 1d array; got {got}{where}. Fit one column of y at a time.",
    "rows of y": "X and y must have the same number of rows; got {got}{where}. Pass one y for each "
    "row of X.",
    "chunks of y": "X and y must be cut into the same chunks where their sizes are unknown; got "
    "{got} chunks. " + RESHAPE,
    "text in y": "{name} needs numbers for y; got text{where}: {got}. For text labels use "
    "MLEClassifier.",
    "y": "y must be finite. Input y contains NaN or infinity: got {got}{where}. Drop these rows: a "
    "missing target tells nothing.",
    "continuous": "Unknown label type: continuous; got fractions as labels{where}. Pass labels of "
    "one kind; for a numeric target use MLERegressor.",
    "shape of weight": "sample_weight must be 1D with one entry a row; got {got}{where}. Pass how "
    "many times each row counts.",
    "rows of weight": "sample_weight must have one entry for each row of X; got {got} rows{where}. "
    "Pass how many times each row counts.",
    "chunks of weight": "X and sample_weight must be cut into the same chunks where their sizes "
    "are unknown; got {got} chunks. " + RESHAPE,
    "text in weight": "sample_weight must hold numbers, one a row; got entries that are not"
    "{where}: {got}. Pass how many times each row counts.",
    "weight": "sample_weight must be finite; got {got}{where}. Replace it, or use 0 to leave a row "
    "out.",
    "negative weight": "Negative values in data passed to `sample_weight`: it must not be "
    "negative; got {got}{where}. Use 0 to leave a row out.",
}
"""By what is wrong; the names are those of `MisfitError`."""


def rows_for_regression(
    estimator: Any, X: Any, y: Any, sample_weight: Any, *, reset: bool
) -> DaskRows:
    """Surveyed rows with a numeric target; parameters and errors as in `checks`."""
    chunks, recipe, found, samples, passes = _opened(
        estimator, X, y, sample_weight, reset=reset, labels=False
    )
    weight, sizes = found.total_weight, found.sizes
    return DaskRows(chunks, recipe, found.present, weight, sizes, passes, samples)


def labelled_rows(
    estimator: Any, X: Any, y: Any, sample_weight: Any, *, reset: bool
) -> LabelledChunks:
    """Surveyed rows with labels; parameters and errors as in `checks`."""
    chunks, recipe, found, _, passes = _opened(
        estimator, X, y, sample_weight, reset=reset, labels=True
    )
    return LabelledChunks(found.classes, found.mass, chunks, recipe, found, passes)


def check_features(estimator: Any, X: Any, *, reset: bool) -> None:
    """The number and the names of columns, with the messages of a table in memory."""
    try:
        width = width_of(X)
    except MisfitError as misfit:
        raise _spoken(misfit, estimator, X) from None
    checks.features(estimator, one_row(X, width), reset=reset)


def one_row(X: Any, width: int) -> Any:
    """A row of zeros with the names of the columns."""
    if not is_frame(X):
        return np.zeros((1, width))
    frame: Any = type(X._meta)
    return frame(np.zeros((1, width)), columns=list(X.columns))


def _opened(
    estimator: Any, X: Any, y: ArrayLike, weight: Any, *, reset: bool, labels: bool
) -> tuple[Chunks, Recipe, Survey, dict[int, InMemoryRows], Passes]:
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None. Pass "
            "one y for each row of X."
        )
    check_features(estimator, X, reset=reset)
    passes = Passes()
    try:
        chunks = chunks_of(X, y, weight)
        recipe = Recipe(names_of(X), width_of(X), labels)
        found, samples = surveyed(chunks, recipe, passes)
        if found.faults:
            fault = found.faults[0]
            raise MisfitError(fault.kind, fault.got, f" in chunk {fault.chunk}")
    except MisfitError as misfit:
        raise _spoken(misfit, estimator, X) from None
    if labels:
        checks.check_one_kind(found.kinds)
    if not sum(found.lengths):
        raise ValueError(
            f"Found array with 0 sample(s) (shape=(0, {recipe.n_columns})) while a minimum of 1 is "
            "required. Check the filter that these rows come from."
        )
    if not found.total_weight > 0.0:
        raise ValueError(checks.NO_WEIGHT)
    return chunks, recipe, found, samples, passes


def _spoken(misfit: MisfitError, estimator: Any, X: Any) -> ValueError | TypeError:
    """The exception that tells the user."""
    names = list(X.columns) if is_frame(X) and X.ndim == 2 else None
    text = MESSAGES[misfit.kind].format(
        name=type(estimator).__name__,
        got=misfit.got,
        where=misfit.args[2] if len(misfit.args) > 2 else "",
        expected=names or f"{getattr(X, 'shape', (0, 0))[-1]} of them",
    )
    return TypeError(text) if misfit.kind == "collection" else ValueError(text)
