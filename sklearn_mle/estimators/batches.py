"""Rows that come in batches: the fit of all of them, none of them kept."""

from __future__ import annotations

from typing import Any, Self

from numpy.typing import ArrayLike
from sklearn.utils.metaestimators import available_if

from sklearn_mle.estimators import rooms, settings
from sklearn_mle.estimators.speak import speak, speak_of_passes, speak_of_rows_left_behind
from sklearn_mle.noises.catalogue import find_noise
from sklearn_mle.noises.noise import Fact
from sklearn_mle.rows.threads import blocks_share_cores
from sklearn_mle.solvers.moments import Moments, accumulated
from sklearn_mle.solvers.updating import solve_moments


def _has_sums(estimator: Any) -> bool:
    """Whether a few sums over rows hold all that a fit of this noise needs of them."""
    noise = find_noise(estimator.noise)
    if Fact.QUADRATIC not in noise.facts:
        raise AttributeError(
            "partial_fit needs a noise whose fit follows from sums over rows, which is Gaussian "
            f"noise; got noise={estimator.noise!r}. Use fit on all rows, of a Dask collection if "
            "they do not fit into memory."
        )
    return True


class BatchesMixin:
    """Exact updating for Gaussian noise; the estimator has `_keep` for solutions."""

    noise: Any
    fit_intercept: bool
    tol: float
    max_iter: int
    _keep: Any
    _moments: Moments | None

    @available_if(_has_sums)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Add rows, and fit all that were added so far; for Gaussian noise only.

        The fit is that of `fit` on all batches together, whatever their order and sizes: sums of
        squares and products are kept to twice the working precision, so that nothing is lost where
        columns are far from zero, badly scaled or nearly collinear. No row is kept; the sums take
        the memory of four matrices of the columns.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One batch, of any size; columns as in the batches before.
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
            How many times each row counts; not negative.

        Returns
        -------
        MLERegressor
            This estimator, fitted to all rows so far.

        Raises
        ------
        ValueError, TypeError
            For parameters or data that are not as described; the batch is then left out.

        Warns
        -----
        ConvergenceWarning
            As in `fit`; as long as there are fewer rows than coefficients the model goes through
            every row.
        UserWarning
            After `fit`, which keeps no sums that a batch could be added to: the batch begins anew.

        References
        ----------
        Chan, T. F., Golub, G. H. and LeVeque, R. J. (1983). Algorithms for computing the sample
        variance: analysis and recommendations. The American Statistician 37, 242-247.
        """
        settings.check_settings(self)
        before = getattr(self, "_moments", None)
        if before is None and hasattr(self, "coef_"):
            speak_of_rows_left_behind()
        rows = rooms.rows_for_regression(self, X, y, sample_weight, reset=before is None)
        noise = find_noise(self.noise)
        with blocks_share_cores(rows.n_columns):
            moments = accumulated(before, rows)
            solution = solve_moments(
                moments, noise, bool(self.fit_intercept), self.tol, self.max_iter
            )
        self._moments = moments
        self._keep(solution)
        speak(solution.outcome)
        speak_of_passes(rows.reread())
        return self
