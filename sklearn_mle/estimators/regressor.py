"""Linear regression under an assumed noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sklearn_mle.estimators import rooms, settings
from sklearn_mle.estimators.batches import BatchesMixin
from sklearn_mle.estimators.by_likelihood import ByLikelihoodMixin
from sklearn_mle.estimators.location_predictions import LocationPredictions
from sklearn_mle.estimators.progress import (
    CallbackSupportMixin,
    finish,
    watch_of,
    watched,
    with_callbacks,
)
from sklearn_mle.estimators.speak import refuse, speak, speak_of_passes
from sklearn_mle.likelihoods.location_scale import (
    LocationScale,
    mean_loss,
)
from sklearn_mle.noises.catalogue import find_noise
from sklearn_mle.rows.rows import Rows
from sklearn_mle.solvers.choose import choose
from sklearn_mle.solvers.far_apart import solve_or_tell
from sklearn_mle.solvers.solution import Problem, Solution, Start
from sklearn_mle.solvers.units import in_ordinary_units
from sklearn_mle.solvers.watch import Place


def _is_central(noise: object) -> bool:
    """Whether predictions are near the middle of y, which R2 measures them against."""
    try:
        return find_noise(noise).central
    except (TypeError, ValueError):
        return True


class MLERegressor(
    CallbackSupportMixin, BatchesMixin, ByLikelihoodMixin, LocationPredictions, BaseEstimator
):
    """Linear regression by maximum likelihood under an assumed noise.

    The model is ``y = X @ coef_ + intercept_ + scale_ * noise``. The noise decides which loss the
    fit makes least: Gaussian noise gives least squares, Laplace noise least absolute deviations.
    There is no penalty.

    Parameters
    ----------
    noise : str or noise object, default="gaussian"
        The law of the residuals: ``"gaussian"``, ``"laplace"``, or an object from
        `sklearn_mle.noises`.
    fit_intercept : bool, default=True
        Whether the model has an intercept.
    solver : str, default="auto"
        How the likelihood is maximised. ``"auto"`` chooses by the noise: ``"least_squares"`` for
        Gaussian, ``"least_absolute"`` for Laplace.
    tol : float, default=1e-8
        The optimality gap at which an iterative fit counts as converged.
    max_iter : int, default=100
        The most iterations that a solver may take. A fit that uses them up warns.
    warm_start : bool, default=False
        Whether `fit` begins at the coefficients of the fit before.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients, in units of y by units of each feature. Where features are collinear, the
        shortest vector among all that maximise the likelihood.
    intercept_ : float
        Intercept, in units of y; 0.0 if ``fit_intercept=False``.
    scale_ : float
        Maximum likelihood scale of the noise, in units of y: for Gaussian the root mean square
        of the residuals (divisor n), for Laplace their mean absolute value. 0.0 where the model
        goes through every row, or through so many that the likelihood has no bound.
    noise_ : noise object
        The noise with all its shapes filled in.
    log_likelihood_ : float
        Total log-likelihood of the training data, weights counted as repeats. Where ``scale_`` is
        0, plus infinity if the model goes through every row, else minus infinity.
    n_iter_ : int
        Iterations of the solver, at least 1.
    optimality_gap_ : float
        The certificate: a bound on how far the cost of the fit, minus its log-likelihood, is above
        the least possible cost, relative to ``max(1, abs(cost))``; and on the same for the loss,
        relative to the loss. Of a noise that is not log-concave, that of the best minimum found;
        infinite where its density has corners or zeros inside, so that minima are too many.
    rank_ : int
        Rank of the features, centred if there is an intercept.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `X` had names that are all strings.

    Notes
    -----
    Weights mean repeats: ``sample_weight=k`` gives what k copies of a row give, in coefficients,
    scale and likelihood. A row of weight zero is absent.

    Where the model goes through every row (a constant y, fewer rows than features) the scale is 0
    and the density infinite: the fit warns, ``log_likelihood_`` is plus infinity, and `log_prob`
    is plus infinity for rows on the plane, up to rounding, and minus infinity for the others.

    A law with tails as heavy as those of Student t forgives rows that are far away: if the rows on
    one plane (ties, repeats, heavy weights) weigh more than ``df`` times all others, the likelihood
    grows for ever as the scale goes to 0. The fit is a maximum of positive scale wherever a descent
    finds one. Where none does, it warns, keeps that plane with scale 0, and ``log_likelihood_`` is
    minus infinity, as it is for the rows at these parameters.

    See Also
    --------
    MLEClassifier : The same for classes.
    log_likelihood_scorer : Scores either by held-out likelihood.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mle import MLERegressor
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    >>> y = np.array([0.0, 1.0, 2.0, 3.0, 40.0])
    >>> MLERegressor(noise="laplace").fit(X, y).predict([[5.0]]).round(6)
    array([5.])
    """

    def __init__(
        self,
        noise: Any = "gaussian",
        *,
        fit_intercept: bool = True,
        solver: str = "auto",
        tol: float = 1e-8,
        max_iter: int = 100,
        warm_start: bool = False,
    ) -> None:
        self.noise = noise
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.regressor_tags.poor_score = not _is_central(self.noise)
        return tags

    @with_callbacks
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> MLERegressor:
        """Maximise the likelihood over coefficients, scale and open shapes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features, finite numbers.
        y : array-like of shape (n_samples,)
            Target, finite numbers.
        sample_weight : array-like of shape (n_samples,), optional
            How many times each row counts; not negative.

        Returns
        -------
        MLERegressor
            This estimator.

        Raises
        ------
        ValueError, TypeError
            For parameters or data that are not as described.

        Warns
        -----
        ConvergenceWarning
            Where the fit is not to ``tol``, a callback stopped it, the model goes through every
            row, or the likelihood has no bound.
        """
        settings.check_settings(self)
        likelihood = LocationScale(find_noise(self.noise))
        if self.solver != "auto":
            choose(likelihood, self.solver)
        given = rooms.rows_for_regression(self, X, y, sample_weight, reset=True)
        rows, units = in_ordinary_units(given, has_target=True)
        solver = choose(likelihood, self.solver, rows)

        def attributes(at: Place) -> dict[str, Any]:
            return _attributes(units.place(at), given, likelihood)

        watch = watch_of(self, rows, X, y, sample_weight, solver, attributes)
        problem = Problem(watched(rows, watch), likelihood, bool(self.fit_intercept), watch)
        start = units.start(self._start(rows))
        how = {"start": start, "tol": self.tol, "max_iter": self.max_iter}
        solution = units.solution(solve_or_tell(solver.solve, problem, given, **how), self.tol)
        refuse(solution.outcome)
        self._keep(solution)
        self._moments = None
        finish(watch)
        speak(solution.outcome)
        speak_of_passes(rows.reread())
        return self

    @property
    def _n_parameters(self) -> int:
        shapes = len(find_noise(self.noise).shapes)
        return self.rank_ + int(self.fit_intercept) + 1 + shapes

    def _start(self, rows: Rows) -> Start | None:
        if not self.warm_start or getattr(self, "coef_", np.empty(0)).shape != (rows.n_columns,):
            return None
        return Start(self.coef_, self.intercept_, self.scale_, self.noise_)

    def _keep(self, solution: Solution) -> None:
        self.coef_ = solution.coef
        self.intercept_ = float(solution.intercept)
        self.scale_ = solution.scale
        self.noise_ = solution.noise
        self.log_likelihood_ = -solution.cost
        self.n_iter_ = solution.n_iter
        self.optimality_gap_ = solution.gap
        self.rank_ = solution.rank


def _attributes(place: Place, rows: Rows, likelihood: LocationScale) -> dict[str, Any]:
    """The fitted attributes at a place on the way."""
    noise, scale = place.noise or likelihood.noise, place.scale
    if scale is None:
        loss = mean_loss(rows, noise, place.coef, place.intercept)
        scale = noise.scale_from_loss(loss)
    intercept = float(place.intercept)
    return {"coef_": place.coef, "intercept_": intercept, "scale_": scale, "noise_": noise}
