"""Which noise fits: candidates side by side, on the same rows, by likelihood.

Log-likelihoods of one y compare across noises, as losses do not: every density is in one over the
units of y. What a candidate gains by having more parameters is charged for by the information
criteria, or avoided by scoring rows that the fit has not seen.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from sklearn_mle.estimators.criteria import akaike, bayesian
from sklearn_mle.estimators.regressor import MLERegressor
from sklearn_mle.inference.summary import probability
from sklearn_mle.likelihoods.location_scale import total_log_prob
from sklearn_mle.noises.catalogue import find_noise
from sklearn_mle.noises.from_scipy import is_law
from sklearn_mle.reports.behind import estimator_behind
from sklearn_mle.reports.held_out import fitted_clone, held_out_score, splits_of
from sklearn_mle.reports.vuong import vuong
from sklearn_mle.rows.rows import FloatArray

COLUMNS = {
    "log_likelihood": ("log-likelihood", "{:.3f}".format),
    "n_parameters": ("parameters", "{:d}".format),
    "aic": ("AIC", "{:.3f}".format),
    "bic": ("BIC", "{:.3f}".format),
    "akaike_weight": ("Akaike weight", "{:.3f}".format),
    "held_out": ("held-out a row", "{:.4f}".format),
    "held_out_se": ("std. error", "{:.4f}".format),
    "vuong_z": ("Vuong z", "{:.2f}".format),
    "vuong_p": ("p", probability),
}
"""Headings and formats of the table, in the order of its columns."""


@dataclass(frozen=True, repr=False)
class Comparison:
    """Candidates side by side, best first.

    Attributes
    ----------
    table : structured ndarray of shape (n_candidates,)
        One row a candidate, best first, with the fields ``candidate``, ``log_likelihood`` (total,
        of the rows that were fitted), ``n_parameters``, ``aic``, ``bic``, ``akaike_weight``,
        ``held_out`` (mean log-likelihood of a held-out row) and ``held_out_se`` (its standard
        error), NaN without ``cv``; ``vuong_z`` and ``vuong_p``: Vuong's test of the best against
        this candidate, positive in favour of the best, and its two-sided p-value; NaN for the best
        and for candidates that cannot be told apart from it.
    estimators_ : dict
        The estimator fitted to all rows, by candidate.
    criterion : str
        What ``best`` means: ``"held_out"`` or ``"bic"``.
    n_rows : float
        Rows compared on, weights counted as repeats.
    """

    table: NDArray[Any]
    estimators_: dict[str, Any] = field(repr=False)
    criterion: str
    n_rows: float

    @property
    def best_(self) -> str:
        """The name of the best candidate; ``estimators_[best_]`` is its fit to all rows."""
        return str(self.table["candidate"][0])

    def to_frame(self) -> Any:
        """The table as a pandas DataFrame with the candidates as index.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "to_frame needs pandas; it is not installed. Install it (pip install pandas), or "
                "use .table, a NumPy structured array."
            ) from error
        return pandas.DataFrame.from_records(self.table, index="candidate")

    def __repr__(self) -> str:
        first, *widths = [max(map(len, column)) for column in zip(*self._cells)]
        lines = [
            "  ".join([name.ljust(first), *map(str.rjust, cells, widths)])
            for name, *cells in self._cells
        ]
        return "\n".join([self._title, "", *lines])

    def _repr_html_(self) -> str:
        head, *body = self._cells
        rows = "".join(f"<tr>{_html_cells('td', row)}</tr>" for row in body)
        return (
            f"<table><caption>{html.escape(self._title)}</caption>"
            f"<thead><tr>{_html_cells('th', head)}</tr></thead><tbody>{rows}</tbody></table>"
        )

    @property
    def _title(self) -> str:
        by = {"held_out": "held-out log-likelihood", "bic": "BIC"}[self.criterion]
        return f"{len(self.table)} candidates on {self.n_rows:g} rows, best first by {by}"

    @property
    def _cells(self) -> list[list[str]]:
        """Heading and rows as text, without columns that hold no number."""
        shown = [name for name in COLUMNS if not np.all(np.isnan(self.table[name]))]
        body = [
            [row["candidate"], *(_text(name, row[name]) for name in shown)] for row in self.table
        ]
        return [["candidate", *(COLUMNS[name][0] for name in shown)], *body]


def compare(
    candidates: Any,
    X: Any,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    cv: Any = None,
) -> Comparison:
    """Fit every candidate to the same rows and compare them by likelihood.

    Parameters
    ----------
    candidates : list of noises, or dict
        Noises (names, noise objects, scipy.stats distributions), each fitted by `MLERegressor`;
        or a dict from names to noises or estimators, pipelines included. Estimators are cloned.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    sample_weight : array-like of shape (n_samples,), optional
        How many times each row counts.
    cv : int, splitter or iterable, optional
        How rows are held out, as in scikit-learn; every candidate gets the same splits. Rows of
        Dask collections are held out by a weight of zero. None holds out none.

    Returns
    -------
    Comparison
        Best first: by the held-out log-likelihood if ``cv`` is given, otherwise by BIC, which
        finds the law that the data are from as their number grows (AIC keeps preferring a law
        with a parameter too many in a fixed share of samples).

    Raises
    ------
    ValueError, TypeError
        For candidates that are none, or named twice, or have no likelihood.

    Notes
    -----
    Akaike weights are ``exp(-AIC / 2)``, scaled to sum to one: how the evidence is shared out among
    the candidates. The standard error of the held-out score is that of a mean over rows. Vuong's
    statistic is the difference of the log-likelihoods, less Schwarz's charge for the difference
    in parameters, over its standard error; it is standard normal where both laws are equally far
    from the truth and neither contains the other; NaN where the two cannot be told apart. Where one
    contains the other (Student t and Gaussian) use `likelihood_ratio_test`.

    References
    ----------
    Akaike, H. (1974). A new look at the statistical model identification. IEEE Transactions on
    Automatic Control 19, 716-723.

    Schwarz, G. (1978). Estimating the dimension of a model. Annals of Statistics 6, 461-464.

    Vuong, Q. H. (1989). Likelihood ratio tests for model selection and non-nested hypotheses.
    Econometrica 57, 307-333.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mle import compare
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 2))
    >>> y = X @ [1.0, 2.0] + rng.laplace(size=500)
    >>> compare(["gaussian", "laplace"], X, y).best_
    'laplace'
    """
    estimators = _name(candidates)
    fitted = {name: fitted_clone(one, X, y, sample_weight) for name, one in estimators.items()}
    seen = [estimator_behind(one, X) for one in fitted.values()]
    logs = np.array([np.asarray(last.log_prob(features, y)) for last, features in seen])
    weight = np.ones(logs.shape[1]) if sample_weight is None else np.asarray(sample_weight, float)
    counts = np.array([last._n_parameters for last, _ in seen])
    table = _criteria(list(fitted), logs, counts, weight)
    if cv is not None:
        splits = splits_of(cv, X, y, classifier=is_classifier(next(iter(fitted.values()))))
        for row, one in zip(table, estimators.values()):
            row["held_out"], row["held_out_se"] = held_out_score(one, X, y, sample_weight, splits)
    criterion = "bic" if cv is None else "held_out"
    order = np.argsort(table["bic"] if cv is None else -table["held_out"], kind="stable")
    for i in order[1:]:
        table[i]["vuong_z"], table[i]["vuong_p"] = vuong(
            logs[order[0]], logs[i], int(counts[order[0]] - counts[i]), weight
        )
    return Comparison(
        table[order],
        {str(n): fitted[n] for n in table["candidate"][order]},
        criterion,
        float(weight.sum()),
    )


def _name(candidates: Any) -> dict[str, Any]:
    """Unfitted estimators by name."""
    if isinstance(candidates, Mapping):
        named = [(str(name), one) for name, one in candidates.items()]
    elif isinstance(candidates, Iterable) and not isinstance(candidates, str):
        named = [
            (one if isinstance(one, str) else repr(find_noise(one)), one) for one in candidates
        ]
    else:
        raise TypeError(
            "candidates must be a list of noises or a dict of noises or estimators; got "
            f"{candidates!r}. Pass for example ['gaussian', 'laplace']."
        )
    if not named:
        raise ValueError("candidates must name at least one noise; got none. Pass two or more.")
    names = [name for name, _ in named]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(
            f"candidates must be different; got {twice!r} twice. Remove one, or pass a dict with "
            "a name for each."
        )
    return {name: _estimator(name, one) for name, one in named}


def _estimator(name: str, candidate: Any) -> Any:
    """A noise becomes a regressor; an estimator must have a likelihood."""
    is_noise = isinstance(candidate, str) or hasattr(candidate, "cost") or is_law(candidate)
    if is_noise or not hasattr(candidate, "fit"):
        return MLERegressor(
            noise=candidate if isinstance(candidate, str) else find_noise(candidate)
        )
    last = candidate
    while isinstance(last, Pipeline):
        last = last[-1]
    last = getattr(last, "estimator", last)
    if not hasattr(last, "log_prob") and not isinstance(last, Pipeline):
        raise TypeError(
            f"candidates must have a log_prob method; got {type(last).__name__} as {name!r}. "
            "Use MLERegressor or MLEClassifier, alone or as the last step of a Pipeline."
        )
    return candidate


def _criteria(
    names: list[str], logs: FloatArray, counts: NDArray[Any], weight: FloatArray
) -> NDArray[Any]:
    """The columns that need no held-out rows; the others are NaN."""
    width = max(map(len, names))
    numbers = [(name, int if name == "n_parameters" else float) for name in COLUMNS]
    table = np.full(len(names), 0, dtype=[("candidate", f"U{width}"), *numbers])
    for name in ("held_out", "held_out_se", "vuong_z", "vuong_p"):
        table[name] = np.nan
    for row, name, log, count in zip(table, names, logs, counts):
        total = total_log_prob(log, weight)
        row["candidate"], row["log_likelihood"], row["n_parameters"] = name, total, count
        row["aic"] = akaike(total, int(count))
        row["bic"] = bayesian(total, int(count), float(weight.sum()))
    table["akaike_weight"] = _akaike_weights(table["aic"])
    return table


def _akaike_weights(aic: FloatArray) -> FloatArray:
    """Shares of the evidence; infinite likelihoods share it equally."""
    least = aic.min()
    share = np.exp(-0.5 * (aic - least)) if np.isfinite(least) else (aic == least).astype(float)
    return share / share.sum()


def _text(name: str, value: Any) -> str:
    return "" if np.isnan(value) else COLUMNS[name][1](value)


def _html_cells(tag: str, cells: list[str]) -> str:
    return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
