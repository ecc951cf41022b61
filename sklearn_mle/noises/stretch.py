"""Parameters with bounds, stretched to the whole line, where normal intervals make sense."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit


@dataclass(frozen=True)
class Stretch:
    """``log(v - low)``, ``-log(high - v)``, ``logit((v - low) / (high - low))``, or v itself.

    Parameters
    ----------
    low, high : float
        Open interval of the natural values; infinite where there is no bound.
    """

    low: float = -math.inf
    high: float = math.inf

    def stretched(self, v: Any) -> Any:
        """The place on the line of natural values."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return logit((np.asarray(v) - self.low) / (self.high - self.low))
        if math.isfinite(self.low):
            return np.log(np.asarray(v) - self.low)
        return -np.log(self.high - np.asarray(v)) if math.isfinite(self.high) else v

    def natural(self, u: Any) -> Any:
        """Natural values of places on the line; increasing."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return self.low + (self.high - self.low) * expit(u)
        if math.isfinite(self.low):
            with np.errstate(over="ignore"):  # infinity is where an interval has no end
                return self.low + np.exp(u)
        return self.high - np.exp(-np.asarray(u)) if math.isfinite(self.high) else u

    def rate(self, v: float) -> float:
        """The derivative of the natural value on the line, at natural value v."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return (v - self.low) * (self.high - v) / (self.high - self.low)
        if math.isfinite(self.low):
            return v - self.low
        return self.high - v if math.isfinite(self.high) else 1.0

    def rates(self, v: float) -> tuple[float, float]:
        """First and second derivative of the natural value on the line, at natural value v."""
        rate = self.rate(v)
        if math.isfinite(self.low) and math.isfinite(self.high):
            return rate, rate * (self.high + self.low - 2.0 * v) / (self.high - self.low)
        if math.isfinite(self.low):
            return rate, rate
        return rate, -rate if math.isfinite(self.high) else 0.0
