"""Linear classification: Bernoulli for two classes, categorical with softmax for more."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from sklearn_mle.estimators import checks, rooms, settings
from sklearn_mle.estimators.by_likelihood import ByLikelihoodMixin
from sklearn_mle.estimators.class_predictions import ClassPredictions
from sklearn_mle.estimators.progress import (
    CallbackSupportMixin,
    finish,
    watch_of,
    watched,
    with_callbacks,
)
from sklearn_mle.estimators.speak import refuse, speak, speak_of_passes
from sklearn_mle.likelihoods.softmax import Softmax
from sklearn_mle.noises.derivation import BERNOULLI, CATEGORICAL, Derivation
from sklearn_mle.rows.rows import GivenRows, Rows
from sklearn_mle.solvers.choose import choose
from sklearn_mle.solvers.far_apart import solve_or_tell
from sklearn_mle.solvers.separation import separated
from sklearn_mle.solvers.solution import Problem, Solution, Start, Status
from sklearn_mle.solvers.units import in_ordinary_units
from sklearn_mle.solvers.watch import Place


class MLEClassifier(CallbackSupportMixin, ByLikelihoodMixin, ClassPredictions, BaseEstimator):
    """Linear classification by maximum likelihood.

    The label of a row is Bernoulli for two classes, which gives the binary cross-entropy as loss,
    and categorical for more, with the softmax of linear scores as probabilities, which gives the
    cross-entropy. There is no penalty: the estimate is that of ``LogisticRegression(C=numpy.inf)``.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether the scores have an intercept.
    class_weight : dict, "balanced" or None, default=None
        A factor on the weight of the rows of each class; ``"balanced"`` gives all classes the same
        total weight.
    solver : str, default="auto"
        How the likelihood is maximised: ``"newton"``, which ``"auto"`` chooses.
    tol : float, default=1e-8
        The optimality gap at which a fit counts as converged.
    max_iter : int, default=100
        The most iterations that a solver may take. A fit that uses them up warns.
    warm_start : bool, default=False
        Whether `fit` begins at the coefficients of the fit before.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels seen in rows of positive weight, sorted.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Coefficients of the score of the second of two classes over the first; or of the score of
        each class, summing to zero over the classes.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts of the scores; zeros if ``fit_intercept=False``.
    log_likelihood_ : float
        Total log-likelihood of the training data, each row counted by its weight times the factor
        of its class.
    n_iter_ : int
        Iterations of the solver, at least 1.
    optimality_gap_ : float
        How far the cost of the fit, minus its log-likelihood, can be above the least possible, by
        the squared Newton decrement or because no cost is below zero, relative to
        ``max(1, abs(cost))``.
    separated_ : bool
        Whether a plane separates the classes, so that no finite maximum of the likelihood exists;
        proven, not guessed from large coefficients. `detect_separation` tells where.
    rank_ : int
        Rank of the features, centred if there is an intercept.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `X` had names that are all strings.

    Notes
    -----
    Weights mean repeats: ``sample_weight=k`` gives what k copies of a row give. A row of weight
    zero is absent, and a class that has no other rows is not a class.

    When a plane separates the classes, some or all of the rows, the likelihood has no maximum: it
    grows for ever along a direction. `fit` then warns with `SeparationWarning`, and gives the
    limit. Classes that the limit rules out in a row have a probability of at most ``exp(-40)``
    there; all other probabilities are those of the maximum likelihood fit to what is left, which
    exists. Of all coefficients that do both, ``coef_`` are those of least norm, in units of the
    standard deviations of the features, whatever holds the rows (of a thousand coefficients, or
    where more than a hundred are open, some finite ones that do both); between classes that are
    completely separated, the plane of widest margin. ``log_likelihood_`` is the supremum to
    rounding, and ``optimality_gap_`` bounds how far it is.

    See Also
    --------
    MLERegressor : The same for numbers.
    detect_separation : Which rows and features are separated, without a fit.
    log_likelihood_scorer : Scores either by held-out likelihood.

    References
    ----------
    Albert, A. and Anderson, J. A. (1984). On the existence of maximum likelihood estimates in
    logistic regression models. Biometrika 71, 1-10.

    Konis, K. (2007). Linear programming algorithms for detecting separated data in binary logistic
    regression models. DPhil thesis, University of Oxford.

    Correia, S., Guimaraes, P. and Zylkin, T. (2019). Verifying the existence of maximum likelihood
    estimates for generalized linear models. arXiv:1903.01633.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mle import MLEClassifier
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> y = np.array(["no", "yes", "no", "yes"])
    >>> MLEClassifier().fit(X, y).predict_proba([[1.5]]).round(6)
    array([[0.5, 0.5]])
    """

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        class_weight: Any = None,
        solver: str = "auto",
        tol: float = 1e-8,
        max_iter: int = 100,
        warm_start: bool = False,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @with_callbacks
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> MLEClassifier:
        """Maximise the likelihood over the coefficients of the scores.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features, finite numbers.
        y : array-like of shape (n_samples,)
            Labels of any kind, at least two different ones.
        sample_weight : array-like of shape (n_samples,), optional
            How many times each row counts; not negative.

        Returns
        -------
        MLEClassifier
            This estimator.

        Raises
        ------
        ValueError, TypeError
            For parameters or data that are not as described.

        Warns
        -----
        SeparationWarning
            Where a plane separates the classes.
        ConvergenceWarning
            Where the fit is not to ``tol``, or a callback stopped it.
        """
        settings.check_settings(self)
        # the codes are not kept beside the rows that are made of them
        classes, given = self._rows(rooms.labelled_rows(self, X, y, sample_weight, reset=True))
        rows, units = in_ordinary_units(given, has_target=False)
        likelihood = Softmax(classes.size)
        solver = choose(likelihood, self.solver, rows)

        def attributes(at: Place) -> dict[str, Any]:
            return _attributes(units.place(at), classes)

        watch = watch_of(self, rows, X, y, sample_weight, solver, attributes)
        problem = Problem(watched(rows, watch), likelihood, bool(self.fit_intercept), watch)
        start = units.start(self._start(rows, classes))
        how = {"start": start, "tol": self.tol, "max_iter": self.max_iter}
        solution = units.solution(solve_or_tell(solver.solve, problem, given, **how), self.tol)
        refuse(solution.outcome)
        self._keep(solution, classes)
        finish(watch)
        limit = solution.separation
        names = getattr(self, "feature_names_in_", None)
        speak(solution.outcome if limit is None else separated(limit, names))
        speak_of_passes(rows.reread())
        return self

    def derivation(self) -> Derivation:
        """The steps from the assumption about labels to the cross-entropy.

        Returns
        -------
        Derivation
            For two classes or an estimator that is not fitted, that of a Bernoulli label; for
            more, that of a categorical one. Shows itself as text, and as LaTeX in notebooks.
        """
        return CATEGORICAL if len(getattr(self, "classes_", ())) > 2 else BERNOULLI

    def _rows(self, found: Any) -> tuple[NDArray[Any], GivenRows]:
        """The classes, and rows with their codes for y and class factors in the weights."""
        checks.check_two_classes(found.classes)
        factors = checks.class_factors(self.class_weight, found.classes, found.mass)
        return found.classes, found.rows(factors)

    @property
    def _n_parameters(self) -> int:
        return (self.classes_.size - 1) * (self.rank_ + int(self.fit_intercept))

    def _start(self, rows: Rows, classes: NDArray[Any]) -> Start | None:
        if not self.warm_start or not hasattr(self, "coef_"):
            return None
        same = np.array_equal(self.classes_, classes) and self.coef_.shape[1] == rows.n_columns
        return Start(self.coef_, self.intercept_) if same else None

    def _keep(self, solution: Solution, classes: NDArray[Any]) -> None:
        self.classes_ = classes
        self.coef_ = solution.coef
        self.intercept_ = solution.intercept
        self.log_likelihood_ = -solution.cost
        self.n_iter_ = solution.n_iter
        self.optimality_gap_ = solution.gap
        self.separated_ = solution.outcome.status is Status.SEPARATED
        self.rank_ = solution.rank


def _attributes(place: Place, classes: NDArray[Any]) -> dict[str, Any]:
    """The fitted attributes at a place on the way."""
    return {"classes_": classes, "coef_": place.coef, "intercept_": place.intercept}
