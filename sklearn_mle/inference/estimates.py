"""What `infer` gives: a frozen result with a table, intervals, tests and predictions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sklearn_mle.inference.covariance import Covariance
from sklearn_mle.inference.hypotheses import TestResult, wald
from sklearn_mle.inference.levels import checked_level
from sklearn_mle.inference.new_rows import check_kind, predicted
from sklearn_mle.inference.parameters import Parameter, combine
from sklearn_mle.inference.predictions import Predictions
from sklearn_mle.inference.profile import profile_interval
from sklearn_mle.inference.summary import as_html, as_text
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.matrix import Matrix


@dataclass(frozen=True, repr=False)
class Estimates:
    """Estimates with what the data say about their uncertainty.

    Made by `sklearn_mle.infer`. It shows itself as a table.

    Parameters
    ----------
    title : str
    facts : tuple of (str, str)
        What stands above the table.
    parameters : tuple of Parameter
    level : float
        Level of the intervals in the table.
    ci : str
        "wald" or "profile".
    df : float
        Degrees of freedom of t for coefficients; infinite where they are normal.
    method : str
        Where the covariance is from.
    notes : tuple of str
        What is not identified, and why.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    parameters: tuple[Parameter, ...]
    level: float
    ci: str
    df: float
    method: str
    notes: tuple[str, ...]
    _valley: Valley
    _of_theta: Covariance
    _features_of: Callable[[Any], Matrix]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, the class first among three or more."""
        return tuple(f"{p.group}: {p.name}" if p.group else p.name for p in self.parameters)

    @cached_property
    def covariance(self) -> FloatArray:
        """Covariance of the estimates, shape (k, k); NaN where they are not identified.

        Those of scale and shapes are by the delta method.
        """
        F = self._functions(np.eye(len(self.parameters)))
        return _product(F, self._of_theta.matrix)

    @cached_property
    def std_error(self) -> FloatArray:
        """Standard errors, shape (k,)."""
        return np.sqrt(np.diagonal(self.covariance))

    @cached_property
    def table(self) -> NDArray[np.void]:
        """One line a parameter.

        A structured array with fields ``name``, ``estimate``, ``std_error``, ``statistic``,
        ``p_value``, ``lower``, ``upper``; with three or more classes ``class`` comes first. Scale
        and shapes have no statistic: zero is no hypothesis about them.
        """
        wide = self._printed
        return wide[[name for name in wide.dtype.names or () if name != "untested"]].copy()

    @cached_property
    def _printed(self) -> NDArray[np.void]:
        grouped = any(p.group for p in self.parameters)
        kinds: list[Any] = [("class", object)] if grouped else []
        kinds += [("name", object), *((n, float) for n in NUMBERS), ("untested", bool)]
        table = np.empty(len(self.parameters), dtype=kinds)
        table["name"] = [p.name for p in self.parameters]
        if grouped:
            table["class"] = [p.group for p in self.parameters]
        table["estimate"] = [p.estimate for p in self.parameters]
        table["std_error"] = self.std_error
        table["untested"] = [p.is_extra for p in self.parameters]
        with np.errstate(divide="ignore", invalid="ignore"):
            t = table["estimate"] / self.std_error
        t[table["untested"]] = np.nan
        table["statistic"] = t
        table["p_value"] = 2.0 * stats.t.sf(np.abs(t), self.df)
        table["lower"], table["upper"] = self.conf_int().T
        return table

    def to_frame(self) -> Any:
        """The table as a pandas DataFrame, indexed by the names.

        Returns
        -------
        pandas.DataFrame
        """
        import pandas as pd

        names = [name for name in ("class", "name") if name in (self.table.dtype.names or ())]
        return pd.DataFrame({n: self.table[n] for n in self.table.dtype.names or ()}).set_index(
            names
        )

    def conf_int(self, level: float | None = None) -> FloatArray:
        """Confidence intervals.

        Parameters
        ----------
        level : float, optional
            That of the table by default.

        Returns
        -------
        ndarray of shape (k, 2)
            Those of scale and shapes are made on the line that their range is stretched to
            (logarithms, where they are positive), and mapped back.
        """
        level = self.level if level is None else checked_level(level)
        half = {df: float(stats.t.ppf(0.5 + level / 2.0, df)) for df in (self.df, math.inf)}
        ends = [
            self._profiled(k, level)
            if self._profiles(parameter)
            else self._normal(k, half[math.inf if parameter.is_extra else self.df])
            for k, parameter in enumerate(self.parameters)
        ]
        return np.array(ends, dtype=np.float64)

    def wald_test(self, R: ArrayLike | Sequence[str] | str, r: ArrayLike = 0.0) -> TestResult:
        """Whether ``R @ estimates == r``.

        Parameters
        ----------
        R : array-like of shape (k,) or (q, k), or names of parameters
            Names stand for the lines of R that pick them.
        r : float or array-like of shape (q,), default=0

        Returns
        -------
        TestResult
            F for a normal law, chi-squared otherwise; ``statistic``, ``df``, ``p_value``. NaN
            where a restriction is not identified.

        Raises
        ------
        ValueError
            If R does not have a column for each parameter, or a name is unknown.
        """
        weights = self._restrictions(R)
        target = np.asarray(r, dtype=np.float64)
        if target.ndim > 1 or target.shape not in ((), (1,), (weights.shape[0],)):
            raise ValueError(
                f"r must be a number or have one entry a restriction, shape ({weights.shape[0]},); "
                f"got shape {target.shape}. Pass r=0 to test whether all of R @ estimates is zero."
            )
        F = self._functions(weights)
        difference = weights @ np.array([p.estimate for p in self.parameters]) - target
        return wald(difference, _product(F, self._of_theta.matrix), self.df)

    def predict(self, X: Any, level: float = 0.95, kind: str = "mean") -> Predictions:
        """Predictions with intervals.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            As the estimator takes it, or the pipeline.
        level : float, default=0.95
        kind : {"mean", "observation"}, default="mean"
            ``"mean"``: the location and its interval; for classes the probabilities, with
            intervals that are normal in their logits. ``"observation"``: the interval of one new
            y, which for a normal law is exact, and otherwise averages the law over what is not
            known of its parameters.

        Returns
        -------
        Predictions
            With ``estimate``, ``std_error``, ``lower``, ``upper``, each of shape (n,), or
            (n, n_classes) for classes.

        Raises
        ------
        ValueError
            For another kind or level, for ``"observation"`` of classes, or for X that the
            estimator would not take.
        """
        level = checked_level(level)
        check_kind(self._valley, kind)
        return predicted(self._valley, self._of_theta, self._features_of(X), level, kind)

    def summary(self) -> str:
        """The table as text."""
        return as_text(*self._parts())

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return as_html(*self._parts())

    def _parts(self) -> tuple[Any, ...]:
        tail = 0.5 - self.level / 2.0
        t = "t" if math.isfinite(self.df) else "z"
        ends = [f"[{tail:.4g}", f"{1.0 - tail:.4g}]"]
        headings = ["estimate", "std error", t, f"P>|{t}|", *ends]
        return self.title, self.facts, self._printed, headings, self.notes

    def _functions(self, R: FloatArray) -> FloatArray:
        valley = self._valley
        place = (valley.terms, valley.costs, self._of_theta.endless)
        return combine(self.parameters, R, *place)  # type: ignore[arg-type]

    def _restrictions(self, R: Any) -> FloatArray:
        k = len(self.parameters)
        names = [R] if isinstance(R, str) else R
        if len(names) and all(isinstance(name, str) for name in names):
            unknown = [name for name in names if name not in self.names]
            if unknown:
                raise ValueError(
                    f"R must name parameters of the table, which are {list(self.names)}; got "
                    f"{unknown}. Use these names, or a matrix with {k} columns."
                )
            return np.eye(k)[[self.names.index(name) for name in names]]
        weights = np.atleast_2d(np.asarray(R, dtype=np.float64))
        if weights.ndim != 2 or weights.shape[1] != k:
            raise ValueError(
                f"R must have one column a parameter, {k} in all; got shape {weights.shape}. The "
                f"parameters are, in this order, {list(self.names)}."
            )
        return weights

    def _profiles(self, parameter: Parameter) -> bool:
        """Whether the interval of a parameter is read from the likelihood."""
        return self.ci == "profile" or (parameter.is_extra and self._of_theta.profiles_extras)

    def _normal(self, k: int, half: float) -> tuple[float, float]:
        """So many standard errors to both sides, on the line of the parameter."""
        parameter, se = self.parameters[k], float(self.std_error[k])
        if math.isnan(se):
            return math.nan, math.nan
        step = half * se / parameter.stretch.rate(parameter.estimate)
        low, high = (parameter.stretch.natural(parameter.place + d) for d in (-step, step))
        return float(low), float(high)

    def _profiled(self, k: int, level: float) -> tuple[float, float]:
        parameter = self.parameters[k]
        rate = parameter.stretch.rate(parameter.estimate)
        (function,) = self._functions(np.eye(len(self.parameters))[[k]])
        se = float(self.std_error[k]) / rate
        if parameter.is_extra and math.isnan(se):
            se = 1.0  # a shape at the end of its range: where to look first
        least = self._valley.value(self._valley.bottom)
        ends = profile_interval(
            self._valley, parameter, function / rate, se, level, least, parameter.place
        )
        low, high = (float(parameter.stretch.natural(end)) for end in ends)
        return low, high


NUMBERS = ("estimate", "std_error", "statistic", "p_value", "lower", "upper")


def _product(F: FloatArray, V: FloatArray) -> FloatArray:
    """``F V F'``, NaN only in lines and columns that touch an unknown entry.

    A zero weight does not see what is unknown.
    """
    known = np.isfinite(np.diagonal(V))
    made = F[:, known] @ V[np.ix_(known, known)] @ F[:, known].T
    bad = np.isnan(F).any(axis=1) | (F[:, ~known] != 0.0).any(axis=1)
    made[bad] = made[:, bad] = np.nan
    return made
