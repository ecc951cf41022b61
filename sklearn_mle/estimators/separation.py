"""Separation as a question of its own: whether a finite maximum exists, and where it does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from sklearn_mle.estimators import checks, rooms, settings
from sklearn_mle.estimators.speak import refuse
from sklearn_mle.likelihoods.softmax import Softmax
from sklearn_mle.rows.rows import FloatArray, GivenRows
from sklearn_mle.solvers import newton, newton_cg
from sklearn_mle.solvers.far_apart import solve_or_tell
from sklearn_mle.solvers.separation import (
    UNDECIDED,
    Recession,
    find_separation,
    name_features,
)
from sklearn_mle.solvers.solution import Problem, Status


@dataclass(frozen=True)
class Separation:
    """What `detect_separation` found. True in a condition if the classes are separated.

    Parameters
    ----------
    separated : bool
        Whether a plane separates the classes, so that no finite maximum of the likelihood exists.
    complete : bool
        Whether some plane puts every row of positive weight on the side of its own class.
    rows : ndarray of shape (n_samples,), bool
        Rows in which the limit gives some class the probability 0; false for rows of weight zero.
    certain : ndarray of shape (n_samples,), bool
        Rows in which it gives the row's own class the probability 1; the same for two classes.
    features : ndarray of int
        Columns of X that take part in ``direction``, in order. Other choices may separate as well.
    feature_names : tuple of str
        Their names: those of the columns of X where it has any, and otherwise x0, x1, ...
    direction : ndarray of shape (1, n_features) or (n_classes, n_features)
        Coefficients, as in `MLEClassifier.coef_`, along which no row's class loses and those of
        ``rows`` gain, by one at least; zeros if nothing separates. Few features take part.
    intercept : ndarray of shape (1,) or (n_classes,)
        The intercepts of the direction.
    classes : ndarray of shape (n_classes,)
        The labels, in the order of the lines of ``direction``.
    exhaustive : bool
        Whether nothing else is separated. False where that could not be decided, which takes more
        than four thousand coefficients of sparse features: ``rows`` and ``certain`` are then proven
        where they are true, and ``complete`` where it is.
    """

    separated: bool
    complete: bool
    rows: NDArray[np.bool_] = field(repr=False)
    certain: NDArray[np.bool_] = field(repr=False)
    features: NDArray[np.intp]
    feature_names: tuple[str, ...]
    direction: FloatArray = field(repr=False)
    intercept: FloatArray = field(repr=False)
    classes: NDArray[Any] = field(repr=False)
    exhaustive: bool = True

    def __bool__(self) -> bool:
        return self.separated

    def __str__(self) -> str:
        if not self.separated:
            return "No separation: the likelihood has a finite maximum."
        kind = "Complete" if self.complete else "Quasi-complete"
        many = f"{np.count_nonzero(self.rows)} of {self.rows.size} rows"
        named = name_features(np.arange(len(self.feature_names)), self.feature_names)
        rest = "" if self.exhaustive else f" {UNDECIDED}"
        return f"{kind} separation of {many} by {named}: no finite maximum of the likelihood.{rest}"


def detect_separation(
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    fit_intercept: bool = True,
) -> Separation:
    """Whether classes can be separated by a plane, and which rows and features are involved.

    The answer is proven either way: by a direction whose margins were computed on every row, or by
    multipliers that show that there is none. Of very many sparse features more may be separated
    than is found; ``exhaustive`` tells.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Features, finite numbers.
    y : array-like of shape (n_samples,)
        Labels of any kind, at least two different ones.
    sample_weight : array-like of shape (n_samples,), optional
        Rows of weight zero are absent; otherwise weights do not matter.
    fit_intercept : bool, default=True
        Whether the scores have an intercept.

    Returns
    -------
    Separation

    Raises
    ------
    ValueError, TypeError
        For data that are not as described.

    References
    ----------
    Albert, A. and Anderson, J. A. (1984). On the existence of maximum likelihood estimates in
    logistic regression models. Biometrika 71, 1-10.

    Konis, K. (2007). Linear programming algorithms for detecting separated data in binary logistic
    regression models. DPhil thesis, University of Oxford.

    Examples
    --------
    >>> from sklearn_mle import detect_separation
    >>> X = [[0, 1], [0, 2], [0, 3], [0, 4], [1, 2], [1, 3]]
    >>> y = ["no", "yes", "no", "yes", "yes", "yes"]
    >>> found = detect_separation(X, y)
    >>> print(found)
    Quasi-complete separation of 2 of 6 rows by feature x0: no finite maximum of the likelihood.
    >>> found.direction
    array([[1., 0.]])
    """
    settings.check_flag("fit_intercept", fit_intercept)
    asked = _Question()
    labelled = rooms.labelled_rows(asked, X, y, sample_weight, reset=True)
    classes = labelled.classes
    checks.check_two_classes(classes)
    rows = labelled.once()
    there = rooms.present(rows, sample_weight)
    found = _prove(rows, Problem(rows, Softmax(classes.size), bool(fit_intercept)))
    if found is None:
        lines = 1 if classes.size == 2 else classes.size
        none = np.zeros(there.shape[0], dtype=bool)
        return Separation(
            separated=False,
            complete=False,
            rows=none,
            certain=none,
            features=np.empty(0, dtype=np.intp),
            feature_names=(),
            direction=np.zeros((lines, rows.n_columns)),
            intercept=np.zeros(lines),
            classes=classes,
        )
    return _as_answer(found, there, classes, getattr(asked, "feature_names_in_", None))


# whom the checks of features name, and where they leave the names of the features
_Question: Any = type("detect_separation", (BaseEstimator,), {})


def _prove(rows: GivenRows, problem: Problem) -> Recession | None:
    """A proof in any case: where a fit raises no suspicion its maximum is where to look for one.

    Of very many sparse columns (`wide_separation`) a proof is not always found.
    """
    size = rows.n_columns * problem.likelihood.n_scores
    if newton_cg.pays(rows, size) and size > newton_cg.LARGEST_HESSIAN:
        end = newton_cg.solve(problem, start=None, tol=1e-8, max_iter=100)
        if end.separation is None and end.outcome.status is not Status.CONVERGED:
            raise ValueError(
                "detect_separation needs a proof either way, which is always found for at most "
                f"{newton_cg.LARGEST_HESSIAN} coefficients of sparse features; got {size}, and "
                "neither a direction nor a proof that there is none. Leave out features that occur "
                "in one class only, or ask about some of the features at a time."
            )
        return end.separation
    fit = solve_or_tell(newton.solve, problem, rows, start=None, tol=1e-8, max_iter=100)
    refuse(fit.outcome)
    if fit.separation is not None:
        return fit.separation
    K = problem.likelihood.n_classes
    return find_separation(rows, K, problem.fit_intercept, fit.coef, fit.intercept)


def _as_answer(
    found: Recession, there: NDArray[np.bool_], classes: NDArray[Any], names: Any
) -> Separation:
    """The answer about all rows, those of weight zero included."""
    rows, certain = np.zeros_like(there), np.zeros_like(there)
    rows[there], certain[there] = found.rows, found.certain
    called = [f"x{j}" if names is None else str(names[j]) for j in found.features]
    return Separation(
        separated=True,
        complete=found.complete,
        rows=rows,
        certain=certain,
        features=found.features,
        feature_names=tuple(called),
        direction=found.direction,
        intercept=found.level,
        classes=classes,
        exhaustive=found.whole,
    )
