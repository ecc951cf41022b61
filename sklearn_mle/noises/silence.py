"""scipy.stats computed in silence: densities warn of arithmetic that ends in no number, or in zero.

What they return is looked at anyway. The filters of the warnings module belong to the whole
process, so that threads which are inside together must share one change of them: the first that
enters makes it, the last that leaves takes it back.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_lock = threading.Lock()
_inside: list[warnings.catch_warnings[None]] = []


@contextmanager
def silence() -> Iterator[None]:
    """Neither floating point errors nor RuntimeWarnings inside."""
    with _lock:
        kept = warnings.catch_warnings()
        if not _inside:
            kept.__enter__()
            warnings.simplefilter("ignore", RuntimeWarning)
        _inside.append(kept)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        with _lock:
            if len(_inside) == 1:
                _inside[0].__exit__(None, None, None)
                _inside.clear()
            else:
                _inside.pop()
