"""How a law of scipy.stats fares: fitted to its own samples, beside scipy's own fit."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, stats
from scipy.stats._distr_params import distcont
from sklearn.exceptions import ConvergenceWarning

from sklearn_mle import MLERegressor
from sklearn_mle.noises.catalogue import find_noise
from sklearn_mle.noises.nature import nature

LOC, SCALE = 3.0, 2.0
N, N_OF_INTEGRALS = 400, 100
INTEGRALS = {"genhyperbolic", "gausshyper", "ksone", "kstwo", "ncf", "nct", "ncx2"}
"""Laws whose density takes so long that fewer rows must do."""
EVALUATIONS = 400
"""Of the likelihood, after which scipy's general fit is stopped: it is the same everywhere."""
RELATIVE = 1e-8


@dataclass(frozen=True)
class Case:
    """A law with shapes, open or frozen."""

    name: str
    shapes: tuple[float, ...]
    frozen: bool

    @property
    def law(self) -> Any:
        return getattr(stats, self.name)

    @property
    def noise(self) -> Any:
        return self.law(*self.shapes) if self.frozen else self.law

    def __str__(self) -> str:
        values = ",".join(f"{shape:.4g}" for shape in self.shapes)
        return f"{self.name}({values}){'' if self.frozen else ' open'}"


def cases() -> list[Case]:
    """Every continuous law, frozen and, where it has shapes, open."""
    given = dict.fromkeys((name, tuple(map(float, shapes))) for name, shapes in distcont)
    return [Case(*one, frozen) for one in given for frozen in (True, False) if one[1] or frozen]


def verdict(case: Case) -> str:
    """What comes of a fit, in one word or a few.

    ``"fitted"``: converged, without a warning of any kind, and not below the truth or scipy's fit;
    ``"fitted, not proven"``: the same, but the fit says that its gap is infinite;
    ``"refused: ..."`` with the reason; anything else is a fault, and says which.
    """
    law, n = case.law, N_OF_INTEGRALS if case.name in INTEGRALS else N
    try:
        find_noise(case.noise)
    except ValueError as error:
        return f"refused: {_reason(str(error))}"
    rng = np.random.default_rng(7)
    with np.errstate(all="ignore"):  # some of scipy's samplers overflow on the way
        y = law.rvs(*case.shapes, size=n, loc=LOC, scale=SCALE, random_state=rng)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = MLERegressor(noise=case.noise).fit(np.zeros((n, 1)), y)
        except ValueError as error:
            return f"refused: {_reason(str(error))}" if not caught else "warned, then refused"
    proven = bool(np.isfinite(model.optimality_gap_))
    said = [one.category for one in caught]
    if said and (proven or said != [ConvergenceWarning]):
        return f"warned: {said[0].__name__}"
    least = max(_likelihood(law, y, (*case.shapes, LOC, SCALE)), _of_scipy(case, y))
    if not model.log_likelihood_ >= least - RELATIVE * abs(least):
        return "below"
    return "fitted" if proven else "fitted, not proven"


REASONS = {
    "has no bound": "no bound",
    "does not vanish at its greatest end": "rests on the end",
    "still grows at the end of the search": "no maximum inside",
    "no place for all rows": "no place",
    "whole numbers must be held": "whole numbers",
    "integrates every value anew": "too long",
    "a law on the line": "not on the line",
}


def _reason(message: str) -> str:
    """The reason of a refusal; all of them say the way out."""
    assert "; got" in message and ("Use" in message or "Pass" in message), message
    return next(short for long, short in REASONS.items() if long in message)


def _likelihood(law: Any, y: Any, parameters: tuple[float, ...]) -> float:
    with np.errstate(all="ignore"):
        found = float(law.logpdf(y, *parameters).sum())
    return found if np.isfinite(found) else -np.inf


def _of_scipy(case: Case, y: Any) -> float:
    """The likelihood of scipy's fit; of none where its density has no bound."""

    def stopped(function: Any, start: Any, args: Any = (), disp: int = 0) -> Any:
        return optimize.fmin(function, start, args=args, disp=0, maxfun=EVALUATIONS)

    held = {f"f{k}": v for k, v in enumerate(case.shapes)} if case.frozen else {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what scipy's own search says of itself
        try:
            found = tuple(map(float, case.law.fit(y, optimizer=stopped, **held)))
            bounded = nature(case.law, found[:-2]).bounded
            return _likelihood(case.law, y, found) if bounded else -np.inf
        except (ArithmeticError, ValueError, RuntimeError, NotImplementedError, TypeError):
            return -np.inf


if __name__ == "__main__":
    first, step = map(int, sys.argv[1:] or ("0", "1"))
    for each in cases()[first::step]:
        print(f'    "{each}": "{verdict(each)}",', flush=True)
