"""The valley at whose bottom a fitted estimator is, from the data of its fit."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn import config_context

from sklearn_mle.estimators import rooms
from sklearn_mle.estimators.classifier import MLEClassifier
from sklearn_mle.estimators.finite import is_large, is_plain
from sklearn_mle.estimators.regressor import MLERegressor
from sklearn_mle.inference.row_costs import LocationScaleCosts, SoftmaxCosts
from sklearn_mle.inference.terms import NotFiniteError, terms_of
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.catalogue import find_noise
from sklearn_mle.rows.rows import Rows
from sklearn_mle.rows.written_out import written_out


def rows_and_valley(
    model: MLERegressor | MLEClassifier, X: Any, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Rows, Valley]:
    """The rows of the data of a fit, checked, and the valley.

    Entries of X that are not finite show in the sums that terms are made of, so that a large array
    is not read a time more to look for them; if there are any, the checks tell where.
    """
    of_rows: Callable[..., Rows] = rows_of_regression
    of_model: Callable[..., Valley] = valley_of_regression
    if isinstance(model, MLEClassifier):
        of_rows, of_model = rows_of_classes, valley_of_classes
    tall = is_plain(X) and is_large(X) and X.shape[0] > X.shape[1]
    if tall and sample_weight is None:
        with config_context(assume_finite=True), np.errstate(all="ignore"):
            rows = of_rows(model, X, y, None)
            with contextlib.suppress(NotFiniteError):
                return rows, of_model(model, rows)
    rows = of_rows(model, X, y, sample_weight)
    return rows, of_model(model, rows)


def valley_of_regression(model: MLERegressor, rows: Rows) -> Valley:
    terms = terms_of(rows, bool(model.fit_intercept))
    costs = LocationScaleCosts(model.noise_, find_noise(model.noise).shapes)
    values = [model.scale_, *model.noise_.shape_values([s.name for s in costs.shapes])]
    extras = [float(r.stretched(v)) if v > r.low else 0.0 for r, v in zip(costs.stretches, values)]
    gamma = terms.inside(model.coef_[None, :], np.array([model.intercept_]))
    return Valley(written_out(rows), costs, terms, np.concatenate([gamma.ravel(), extras]))


def valley_of_classes(model: MLEClassifier, rows: Rows) -> Valley:
    terms = terms_of(rows, bool(model.fit_intercept))
    costs = SoftmaxCosts(model.classes_.size)
    coef, level = model.coef_, model.intercept_
    if costs.n_scores > 1:
        coef, level = costs.basis.T @ coef, costs.basis.T @ level
    bottom = terms.inside(coef, level).ravel()
    return Valley(written_out(rows), costs, terms, bottom, endless=bool(model.separated_))


def rows_of_regression(
    model: MLERegressor, X: Any, y: ArrayLike, sample_weight: ArrayLike | None
) -> Rows:
    return rooms.rows_for_regression(model, X, y, sample_weight, reset=False)


def rows_of_classes(
    model: MLEClassifier, X: Any, y: ArrayLike, sample_weight: ArrayLike | None
) -> Rows:
    classes, rows = model._rows(rooms.labelled_rows(model, X, y, sample_weight, reset=False))
    if not np.array_equal(classes, model.classes_):
        raise ValueError(
            f"infer needs the data of the fit, with classes {model.classes_.tolist()}; got classes "
            f"{classes.tolist()}. Pass X, y and sample_weight as to fit."
        )
    return rows
