"""`infer`: what a fit tells of its parameters. Checks here, numbers on the floor of inference."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_mle.estimators import checks, rooms
from sklearn_mle.estimators.classifier import MLEClassifier
from sklearn_mle.estimators.criteria import akaike, bayesian
from sklearn_mle.estimators.regressor import MLERegressor
from sklearn_mle.inference import parameters as lines
from sklearn_mle.inference.bootstrap import Refit, bootstrap
from sklearn_mle.inference.covariance import (
    Covariance,
    covariance,
    nothing,
)
from sklearn_mle.inference.estimates import Estimates
from sklearn_mle.inference.identified import estimates
from sklearn_mle.inference.levels import checked_level
from sklearn_mle.inference.summary import number
from sklearn_mle.inference.valley import Valley
from sklearn_mle.likelihoods.location_scale import LocationScale
from sklearn_mle.likelihoods.softmax import Softmax
from sklearn_mle.noises.catalogue import find_noise
from sklearn_mle.noises.noise import Fact
from sklearn_mle.reports.behind import estimator_behind, feature_names
from sklearn_mle.reports.group_codes import group_codes
from sklearn_mle.reports.infer_choices import check_choices, check_place, check_resamples
from sklearn_mle.reports.valleys import rows_and_valley
from sklearn_mle.rows.matrix import Matrix, canonical, is_sparse
from sklearn_mle.solvers.solution import Start

SAME_DATA = 1e-6
"""Relative difference of log-likelihoods above which data are not those of the fit."""
THROUGH_EVERY_ROW = (
    "The model goes through every row, or so many that its scale is 0: nothing is left to tell the "
    "spread, and standard errors do not exist. Use more rows, fewer features or lighter tails."
)

UNSEEN = (
    "The density of this noise has corners, cusps or zeros inside, which the curvature of its "
    "likelihood does not see: standard errors, and all that is made of them, are rough. "
    "cov='bootstrap' takes no curvature."
)


def infer(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    cov: str = "model",
    groups: ArrayLike | None = None,
    level: float = 0.95,
    ci: str = "wald",
    reference: Any = None,
    n_resamples: int = 999,
    random_state: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Estimates:
    """Standard errors, tests and intervals for everything that a fit has estimated.

    Parameters
    ----------
    estimator : MLERegressor or MLEClassifier
        Fitted; or a pipeline or search that ends in one.
    X : array-like of shape (n_samples, n_features)
        The data of the fit, as the estimator or pipeline takes them.
    y : array-like of shape (n_samples,)
    sample_weight : array-like of shape (n_samples,), optional
        As in the fit; weights count as repeats, so that 100 rows of weight 3 are 300 rows.
    cov : str, default="model"
        Where the covariance is from.

        - ``"model"``: the inverse information; observed, or Fisher's where the cost has corners.
          Believe it where the noise is as assumed. For Gaussian noise with the unbiased variance;
          where the cost has corners averaged over the error of the fit, which makes it larger by a
          share of order ``sqrt(p / n)`` and intervals of small samples as wide as they should be.
        - ``"HC0"`` to ``"HC3"``: sandwiches that stay right where the spread varies over the rows;
          ``"HC3"`` is the safest with few rows. The law may be wrong, the location may not.
        - ``"cluster"``: the same where rows of a group are not independent; with the correction
          ``G / (G - 1) * (n - 1) / (n - p)``. Needs many groups.
        - ``"bootstrap"``: from fits to rows drawn again, or groups drawn again where given.
        - ``"iid"``, ``"greene"``, ``"kernel"``: for quantile laws (Laplace, asymmetric Laplace)
          only, whose model-based errors hold only if the noise really is of that law. ``"iid"``
          estimates the density of the residuals at zero and is right for any one law of all rows;
          ``"kernel"``, Powell's sandwich, also where the law varies over the rows, and needs more
          of them; ``"greene"`` takes one density and the signs that were seen. The bandwidth is
          that of Hall and Sheather. Sandwiches of these laws take the kernel's density.
    groups : array-like of shape (n_samples,), optional
        Labels of groups, for ``"cluster"`` and ``"bootstrap"``.
    level : float, default=0.95
    ci : {"wald", "profile"}, default="wald"
        Intervals from standard errors, or from the likelihood's own profile. With
        ``cov="model"`` those of open shapes of smooth laws, and of the scale beside them, are from
        the profile in any case: near the end of a range the likelihood is no parabola on any scale
        (of 10 degrees of freedom of a Student t in 300 rows, intervals from standard errors hold
        the truth in 90 % of samples).
    reference : label, optional
        The class that the scores of the others are taken against. By default the first of two
        classes; among more, scores sum to zero over the classes.
    n_resamples : int, default=999
        For ``"bootstrap"``.
    random_state : int, RandomState or None, default=None
        For ``"bootstrap"``; with an int the numbers are always the same, whatever ``n_jobs``.
    n_jobs : int or None, default=None
        Processes of joblib for ``"bootstrap"``.
    verbose : int, default=0
        Above 0 joblib shows the progress of ``"bootstrap"``.

    Returns
    -------
    Estimates
        ``table``, ``to_frame()``, ``covariance``, ``conf_int(level)``, ``wald_test(R, r)``,
        ``predict(X, level, kind)``; shows itself as a table.

    Raises
    ------
    ValueError, TypeError
        For parameters that are not as described, and for data that are not those of the fit.

    Notes
    -----
    For Gaussian noise statistics are t with ``n - p`` degrees of freedom (``G - 1`` for groups);
    otherwise normal. Intervals of the scale are made on the logarithmic scale, and those of open
    shapes that are not from the profile on their range stretched to the line; ends are mapped back.

    An end of a profile is infinite where the likelihood never falls far enough, and NaN where it
    rises above that of the fit, which is then not the best.

    What is not identified is NaN, and a note says why: dependent or constant columns, separated
    classes, a scale of 0, no more rows than coefficients. Where the density has corners, cusps or
    zeros inside (``scipy.stats.triang``), standard errors are rough, and a note says so.

    References
    ----------
    White, H. (1982). Maximum likelihood estimation of misspecified models. Econometrica 50, 1-25.
    Koenker, R. (2005). Quantile Regression. Cambridge University Press, chapter 3.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_mle import MLERegressor, infer
    >>> X, y = load_diabetes(return_X_y=True)
    >>> infer(MLERegressor().fit(X, y), X, y).table["std_error"][2].round(3)
    np.float64(66.533)
    """
    level = checked_level(level)
    check_resamples(n_resamples)
    model, table = estimator_behind(estimator, X)
    if not isinstance(model, (MLERegressor, MLEClassifier)):
        raise TypeError(
            "infer needs a fitted MLERegressor or MLEClassifier, alone or as the last step of a "
            f"Pipeline; got {type(model).__name__}. Fit one of these."
        )
    check_is_fitted(model)
    checks.check_coefficients(np.size(model.coef_))
    names = feature_names(estimator)
    place = check_choices(model, cov, ci, groups, reference)
    rows, valley = rows_and_valley(model, table, y, sample_weight)
    problem = _unanswerable(model, valley)
    if problem is not None:
        found, ci = problem, "wald"
    else:
        check_place(rows, model, cov, ci)
        there = np.empty(0, dtype=bool) if groups is None else rooms.present(rows, sample_weight)
        codes = None if groups is None else group_codes(groups, there)
        if cov == "bootstrap":
            _check_same_data(model, valley, None)
            seed = int(check_random_state(random_state).randint(2**31 - 1))
            found = bootstrap(valley, _refit(model), n_resamples, seed, n_jobs, verbose, codes)
        else:
            of_rows = codes if codes is None or there.all() else codes[there]
            found = covariance(valley, cov, of_rows)
            _check_same_data(model, valley, found.cost)
            if valley.noise is not None and Fact.CORNERED in valley.noise.facts:
                found = replace(found, notes=(*found.notes, UNSEEN))
    return estimates(
        valley,
        found,
        _lines(model, names, place),
        title=_title(model, place),
        facts=_facts(model, valley, found, level, ci),
        level=level,
        ci=ci,
        features_of=partial(_features_of, estimator),
    )


def _features_of(estimator: Any, X: Any) -> Matrix:
    """New X as the model behind an estimator takes it."""
    model, table = estimator_behind(estimator, X)
    features = checks.features(model, table)
    return canonical(features) if is_sparse(features) else features


def _lines(model: Any, names: Any, reference: int | None) -> tuple[lines.Parameter, ...]:
    level = model.intercept_ if model.fit_intercept else None
    if isinstance(model, MLERegressor):
        shapes = find_noise(model.noise).shapes
        return lines.of_regression(names, model.coef_, level, model.scale_, model.noise_, shapes)
    labels = [str(label) for label in model.classes_]
    return lines.of_classes(names, labels, model.coef_, level, reference)


def _title(model: Any, reference: int | None) -> str:
    if isinstance(model, MLERegressor):
        return f"Linear regression, {model.noise_.name} noise"
    labels = model.classes_.tolist()
    if len(labels) == 2:
        against = reference or 0
        return (
            f"Linear classification, log-odds of {labels[1 - against]!r} over {labels[against]!r}"
        )
    if reference is None:
        return f"Linear classification, {len(labels)} classes, scores that sum to zero"
    return f"Linear classification, {len(labels)} classes, log-odds over {labels[reference]!r}"


def _unanswerable(model: Any, valley: Valley) -> Covariance | None:
    """Why no standard errors exist, if none do."""
    if isinstance(model, MLERegressor) and not model.scale_ > 0.0:
        return nothing(valley, THROUGH_EVERY_ROW)
    return None


def _check_same_data(model: Any, valley: Valley, cost: float | None) -> None:
    """The likelihood of these data is that of the fit."""
    here = -(valley.value(valley.bottom) if cost is None else cost)
    if abs(here - model.log_likelihood_) > SAME_DATA * max(1.0, abs(model.log_likelihood_)):
        raise ValueError(
            "infer needs the data of the fit, whose log-likelihood is "
            f"{number(model.log_likelihood_)}; got data whose log-likelihood is {number(here)}. "
            "Pass X, y and sample_weight as to fit."
        )


def _refit(model: Any) -> Refit:
    regression = isinstance(model, MLERegressor)
    likelihood = (
        LocationScale(find_noise(model.noise)) if regression else Softmax(model.classes_.size)
    )
    start = Start(model.coef_, model.intercept_)
    intercept = bool(model.fit_intercept)
    return Refit(likelihood, model.solver, intercept, model.tol, model.max_iter, start)


def _facts(
    model: Any, valley: Valley, found: Covariance, level: float, ci: str
) -> tuple[tuple[str, str], ...]:
    """What stands above the table."""
    n, log_likelihood = valley.rows.total_weight, float(model.log_likelihood_)
    count = int(model._n_parameters)
    finite = math.isfinite(log_likelihood)
    aic = akaike(log_likelihood, count) if finite else math.nan
    bic = bayesian(log_likelihood, count, n) if finite else math.nan
    method, kind = found.method, "profile" if ci == "profile" else "Wald"
    if kind == "Wald" and found.profiles_extras:
        kind = "Wald; scale, shapes: profile"
    if math.isfinite(found.df):
        method += f"; t with {found.df:g} df"
    return (
        ("Rows", f"{n:g}"),
        ("Log-likelihood", number(log_likelihood)),
        ("Parameters", f"{count}"),
        ("AIC", number(aic)),
        ("Intervals", f"{100 * level:g} % {kind}"),
        ("BIC", number(bic)),
        ("Covariance", method),
    )
