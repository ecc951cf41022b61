"""Every check of the data that users pass in. Below this file arrays are trusted.

Messages have three beats: the rule; what was got; the way out.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import get_config
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from sklearn_mle.estimators.finite import is_large, is_plain, is_plain_target, surely_finite
from sklearn_mle.estimators.labels import Labelled, labelled
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import FloatArray

DTYPES = (np.float64, np.float32)
MOST_COEFFICIENTS = 10_000
"""Coefficients whose covariance is affordable: 800 MB."""
LABEL_KINDS = "biuU"
"""Booleans, whole numbers and text: labels without further questions."""
WAYS_OUT = {
    "Unknown label type": "Pass labels of one kind; for a numeric target use MLERegressor.",
    "y should be a 1d array": "Fit one column of y at a time.",
    "0 sample(s)": "Check the filter or split that these rows come from.",
    "0 feature(s)": "Pass at least one column.",
    "features as input": "Pass the features that fit has seen, in the same order.",
    "feature names should match": "Pass the features that fit has seen, in the same order.",
    "Found array with dim": "Pass a table, one row a sample and one column a feature.",
    "Complex data": "Pass real and imaginary parts as two columns.",
    "requires y to be passed": "Pass one y for each row of X.",
}
"""What to do about messages of scikit-learn that state the rule and what was got."""
NO_WEIGHT = (
    "sample_weight must be positive for at least one row; got weights that are all zero. Leave "
    "sample_weight out to count every row once."
)


def rows_for_regression(
    estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool
) -> InMemoryRows:
    """Checked rows with a numeric target.

    Parameters
    ----------
    estimator : MLERegressor
        Remembers the number and names of features where ``reset`` is true, and is held to them
        otherwise.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    sample_weight : array-like of shape (n_samples,), float or None
    reset : bool

    Raises
    ------
    ValueError
        For shapes that do not fit, text, NaN, infinity, or weights that are no weights.
    """
    table, target = _validated(estimator, X, y, reset=reset, y_numeric=True)
    weight = checked_weight(sample_weight, table.shape[0])
    return InMemoryRows(table, _as_numbers(target, type(estimator).__name__), weight)


def labelled_rows(
    estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool
) -> Labelled:
    """Checked rows with labels.

    Parameters, errors
        As `rows_for_regression`, with labels of any kind in ``y``.
    """
    table, labels, weight = labelled_features(estimator, X, y, sample_weight, reset=reset)
    return labelled(table, labels, weight)


def labelled_features(
    estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool
) -> tuple[NDArray[np.floating], NDArray[Any], FloatArray | None]:
    """Checked features, labels and weights for classes.

    Parameters, errors
        As `rows_for_regression`, with labels of any kind in ``y``.
    """
    table, labels = _validated(estimator, X, y, reset=reset)
    if labels.dtype.kind not in LABEL_KINDS:
        if labels.dtype == object:
            check_one_kind({type(label).__name__ for label in labels.ravel()})
        try:
            check_classification_targets(labels)
        except ValueError as error:
            raise ValueError(_with_way_out(str(error), type(estimator).__name__)) from None
    return table, labels, checked_weight(sample_weight, table.shape[0])


def check_one_kind(found: Collection[str]) -> None:
    """Labels among objects, of which these are the types, can be put in order."""
    kinds = sorted(found)
    if len(kinds) > 1 and ("NoneType" in kinds or "str" in kinds):
        raise ValueError(
            f"y must hold labels of one kind; got labels of types {', '.join(kinds)}. Drop rows "
            "without a label, and write the others alike, for example all as text."
        )


def features(estimator: Any, X: ArrayLike, *, reset: bool = False) -> NDArray[np.floating]:
    """Checked features, for a fitted estimator by default, shape (n_samples, n_features)."""
    return _validated(estimator, X, reset=reset)


def check_two_classes(classes: NDArray[Any]) -> None:
    """At least two classes among the rows whose weight is not zero."""
    if classes.size < 2:
        raise ValueError(
            "y must hold at least 2 classes in rows of positive weight; got only one class: "
            f"{classes.tolist()[0]!r}. Add rows of another class, or predict this class without a "
            "model."
        )


def class_factors(class_weight: Any, classes: NDArray[Any], counts: NDArray[Any]) -> FloatArray:
    """The factor of each class on the weight of its rows, shape (n_classes,).

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        Factors by label (1 for labels it leaves out), or so that all classes weigh the same.
    classes : ndarray of shape (n_classes,)
    counts : ndarray of shape (n_classes,)
        Total weight of each class.
    """
    if class_weight is None:
        return np.ones(classes.size)
    if isinstance(class_weight, str) and class_weight == "balanced":
        return counts.sum() / (classes.size * counts)
    if not isinstance(class_weight, dict):
        raise ValueError(
            f"class_weight must be a dict from label to factor, 'balanced' or None; got "
            f"{class_weight!r}. Use class_weight='balanced' to give all classes the same weight."
        )
    labels = classes.tolist()
    unknown = [label for label in class_weight if label not in labels]
    if unknown:
        raise ValueError(
            f"class_weight must name classes of y, which are {labels}; got {unknown}. Remove these."
        )
    try:
        factors = np.array([float(class_weight.get(label, 1.0)) for label in labels])
    except (TypeError, ValueError):
        factors = np.full(classes.size, np.nan)
    if not np.all(np.isfinite(factors) & (factors > 0.0)):
        raise ValueError(
            f"class_weight must hold positive, finite factors; got {class_weight!r}. To leave a "
            "class out, drop its rows."
        )
    return factors


def checked_weight(sample_weight: ArrayLike | None, n_rows: int) -> FloatArray | None:
    """Weights as float64 of shape (n_rows,), or None where every row counts once."""
    if sample_weight is None:
        return None
    try:
        given = np.asarray(sample_weight)
        casting: Any = "unsafe" if given.dtype == object else "same_kind"
        weight = given.astype(np.float64, casting=casting, copy=False)
    except (TypeError, ValueError):
        raise ValueError(
            "sample_weight must hold numbers, one a row; got entries that are not. Pass how many "
            "times each row counts."
        ) from None
    if weight.ndim == 0:
        weight = np.full(n_rows, float(weight))
    if weight.shape != (n_rows,):
        raise ValueError(
            f"sample_weight must be 1D with one entry a row, shape ({n_rows},); got shape "
            f"{weight.shape}. Pass how many times each row counts."
        )
    if not np.isfinite(weight.sum()):
        raise ValueError(
            f"sample_weight must be finite; got NaN or infinity, first in row "
            f"{_first(~np.isfinite(weight))}. Replace it, or use 0 to leave a row out."
        )
    if weight.min() < 0.0:
        raise ValueError(
            f"Negative values in data passed to `sample_weight`: it must not be negative; got "
            f"{weight.min():g}, first in row {_first(weight < 0.0)}. Use 0 to leave a row out."
        )
    if weight.max() == 0.0:
        raise ValueError(NO_WEIGHT)
    return weight


def _as_numbers(target: NDArray[Any], name: str) -> FloatArray:
    """The target in float64; None among objects is seen only here, where it becomes NaN."""
    try:
        numbers = np.asarray(target, dtype=np.float64)
    except ValueError as error:
        raise ValueError(_with_way_out(str(error), name)) from None
    if not np.isfinite(numbers.sum()) and not np.isfinite(numbers).all():
        raise ValueError(_with_way_out("Input y contains NaN or infinity.", name))
    return numbers


def _first(wrong: NDArray[np.bool_]) -> int:
    return int(np.flatnonzero(wrong)[0]) if wrong.any() else 0


def _validated(estimator: Any, X: Any, y: Any = "no_validation", **how: Any) -> Any:
    """scikit-learn's own validation, with the way out where its message has none.

    Of arrays that it would not change, and that are finite, only the names and the number of
    features that a fitted estimator knows are left for it to look at.
    """
    finite = False
    if is_plain(X) or is_large(X):
        finite = get_config()["assume_finite"] or surely_finite(X)
    targetless = isinstance(y, str)
    taken = finite and is_plain(X) and (targetless or is_plain_target(y, X.shape[0]))
    if taken and how["reset"]:
        _remember_features(estimator, X.shape[1])
        return X if targetless else (X, y)
    if finite:
        how["ensure_all_finite"] = False
    try:
        if taken:
            return validate_data(estimator, X, y, reset=False, skip_check_array=True)
        return validate_data(estimator, X, y, accept_sparse="csr", dtype=DTYPES, **how)
    except ValueError as error:
        message = _with_way_out(str(error), type(estimator).__name__)
        if message == str(error):
            raise
        raise ValueError(message) from None


def _remember_features(estimator: Any, n_features: int) -> None:
    """What a fit to an array without names leaves behind (scikit-learn's SLEP 7 and 10)."""
    estimator.n_features_in_ = n_features
    if hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def _with_way_out(message: str, name: str) -> str:
    if "could not convert string" in message or "dtype='numeric'" in message:
        return (
            f"{name} needs numbers; got text: {message}. Encode text features, for example with "
            "sklearn.preprocessing.OneHotEncoder; for text labels use MLEClassifier."
        )
    if "inconsistent numbers of samples" in message:
        return (
            f"X and y must have the same number of rows. {message}. Pass one y for each row of X."
        )
    if message.startswith(("Input y contains", "Input contains NaN")):
        return f"y must be finite. {message} Drop these rows: a missing target tells nothing."
    if "contains infinity" in message:
        return f"{message} Clip such values, or drop their rows."
    for found, way_out in WAYS_OUT.items():
        if found in message:
            return message + ("" if message.endswith("\n") else " ") + way_out
    return message


def check_coefficients(size: int) -> None:
    """The covariance of so many coefficients fits in memory."""
    if size > MOST_COEFFICIENTS:
        raise ValueError(
            "infer makes a matrix of all coefficients with each other, which may be "
            f"{MOST_COEFFICIENTS} at most; got {size}. Fit fewer features, for example sums of "
            "them or one column a group."
        )
