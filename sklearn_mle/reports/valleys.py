"""The valley at whose bottom a fitted estimator is, from the data of its fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_mle.estimators import rooms
from sklearn_mle.estimators.classifier import MLEClassifier
from sklearn_mle.estimators.regressor import MLERegressor
from sklearn_mle.inference.row_costs import LocationScaleCosts, SoftmaxCosts
from sklearn_mle.inference.terms import terms_of
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.catalogue import find_noise
from sklearn_mle.rows.rows import Rows
from sklearn_mle.rows.written_out import written_out


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
