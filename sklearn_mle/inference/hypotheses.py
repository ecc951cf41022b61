"""Tests of hypotheses: linear restrictions (Wald), and nested fits (likelihood ratio)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from sklearn_mle.noises.noise import FloatArray

DEPENDENT = 1e-10
"""Share of the largest variance of scaled restrictions below which one follows from the others."""


@dataclass(frozen=True)
class TestResult:
    """A test of a hypothesis.

    Parameters
    ----------
    test : str
        Its name.
    statistic : float
        F for a normal law, chi-squared otherwise.
    df : int
        Degrees of freedom: how many restrictions.
    df_residual : float
        Those of the denominator of F; infinite for chi-squared.
    p_value : float
    """

    __test__ = False  # for pytest, which collects classes by their names

    test: str
    statistic: float
    df: int
    df_residual: float
    p_value: float

    def __str__(self) -> str:
        law = f"chi2({self.df})"
        if math.isfinite(self.df_residual):
            law = f"F({self.df}, {self.df_residual:g})"
        return f"{self.test}: {law} = {self.statistic:.6g}, p-value = {self.p_value:.4g}"


def wald(difference: FloatArray, variance: FloatArray, df_residual: float) -> TestResult:
    """Whether ``R b - r`` is zero, from its value and covariance.

    Restrictions that follow from the others do not count. NaN where one is not identified.

    Parameters
    ----------
    difference : ndarray of shape (q,)
    variance : ndarray of shape (q, q)
    df_residual : float
        Finite for the F of a normal law.
    """
    q = difference.shape[0]
    if not (np.isfinite(difference).all() and np.isfinite(variance).all()):
        return TestResult("Wald test", math.nan, q, df_residual, math.nan)
    unit = np.sqrt(np.diagonal(variance))
    if not (unit > 0.0).all():
        return TestResult("Wald test", math.nan, q, df_residual, math.nan)
    values, vectors = linalg.eigh(variance / np.outer(unit, unit))
    free = values > DEPENDENT * values[-1]
    turned = vectors[:, free].T @ (difference / unit)
    square, rank = float(turned**2 @ (1.0 / values[free])), int(free.sum())
    if math.isfinite(df_residual):
        F = square / rank
        return TestResult(
            "Wald test", F, rank, df_residual, float(stats.f.sf(F, rank, df_residual))
        )
    return TestResult("Wald test", square, rank, math.inf, float(stats.chi2.sf(square, rank)))


def likelihood_ratio(small: float, large: float, df: int) -> TestResult:
    """Twice the difference of two log-likelihoods as chi-squared (Wilks 1938)."""
    statistic = max(0.0, 2.0 * (large - small))
    p_value = float(stats.chi2.sf(statistic, df))
    return TestResult("Likelihood ratio test", statistic, df, math.inf, p_value)
