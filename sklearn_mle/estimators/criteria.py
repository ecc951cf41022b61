"""Information criteria: a likelihood less a price for its parameters."""

from __future__ import annotations

import math


def akaike(log_likelihood: float, n_parameters: int) -> float:
    """``2 k - 2 log L`` (Akaike 1974)."""
    return 2.0 * n_parameters - 2.0 * log_likelihood


def bayesian(log_likelihood: float, n_parameters: int, n_rows: float) -> float:
    """``k log(n) - 2 log L`` (Schwarz 1978)."""
    return n_parameters * math.log(n_rows) - 2.0 * log_likelihood
