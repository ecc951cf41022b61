"""Levels of intervals."""

from __future__ import annotations

from typing import Any

import numpy as np


def checked_level(level: Any) -> float:
    """A level strictly between 0 and 1."""
    if isinstance(level, bool) or not isinstance(level, (int, float, np.number)):
        raise TypeError(
            f"level must be a number between 0 and 1; got {level!r} of type "
            f"{type(level).__name__}. The default is 0.95."
        )
    if not 0.0 < level < 1.0:
        raise ValueError(
            f"level must be a number between 0 and 1; got {level!r}. The default is 0.95."
        )
    return float(level)
