"""Methods that say something of each row, on rows that are not here: computed when asked for."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_mle.rows.kinds import is_dask

Method = TypeVar("Method", bound=Callable[..., Any])


def lazy_on_dask(*, with_y: bool = False, names: Callable[..., Any] | None = None) -> Any:
    """Make a method of one result a row lazy for Dask collections.

    The number and the names of the columns are checked at once, values when they are computed.

    Parameters
    ----------
    with_y : bool
        Whether the method takes one target a row after X.
    names : callable, optional
        ``names(estimator, *args)`` names the columns of results with several numbers a row.
    """

    def made_lazy(method: Method) -> Method:
        @functools.wraps(method)
        def called(self: Any, X: Any, *args: Any, **kwargs: Any) -> Any:
            if not is_dask(X):
                return method(self, X, *args, **kwargs)
            return _lazily(method.__name__, self, X, args, kwargs, with_y, names)

        return called  # type: ignore[return-value]

    return made_lazy


def _lazily(
    name: str, estimator: Any, X: Any, args: Any, kwargs: Any, with_y: bool, names: Any
) -> Any:
    from sklearn_mle.estimators import dask_checks
    from sklearn_mle.rows.dask_lazy import by_rows

    check_is_fitted(estimator)
    dask_checks.check_features(estimator, X, reset=False)
    y = None
    if with_y:
        y, args = (args[0], args[1:]) if args else (kwargs.pop("y"), args)
    of_rows = _OfRows(copy.deepcopy(estimator), name, args, kwargs)
    row = dask_checks.one_row(X, estimator.n_features_in_)
    like = of_rows(row, *([_a_target(estimator)] if with_y else []))
    called = None if names is None else list(names(estimator, *args, **kwargs))
    return by_rows(of_rows, X, y, np.asarray(like), called)


def _a_target(estimator: Any) -> Any:
    return estimator.classes_[:1] if hasattr(estimator, "classes_") else np.zeros(1)


class _OfRows:
    """A fitted estimator's method, to be called on a chunk."""

    def __init__(self, estimator: Any, name: str, args: Any, kwargs: Any) -> None:
        self.estimator = estimator
        self.name = name
        self.args = args
        self.kwargs = kwargs

    def __call__(self, X: Any, *y: Any) -> Any:
        return getattr(self.estimator, self.name)(X, *y, *self.args, **self.kwargs)
