"""Fits in R, timed by its own clock: starting R and handing over data are not counted."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

SCRIPT = """
folder <- commandArgs(trailingOnly = TRUE)[1]
size <- scan(file.path(folder, "size"), quiet = TRUE)
read <- function(name, n) readBin(file.path(folder, name), "double", n)
X <- matrix(read("X", prod(size)), size[1], size[2])
y <- read("y", size[1])
{library}
taken <- system.time(b <- coef({call}))["elapsed"]
writeBin(as.double(c(taken, b)), file.path(folder, "out"))
"""


def fit_in_r(call, X, y, library=""):
    """Coefficients, intercept and seconds of an R call that uses ``X`` and ``y``."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        np.asfortranarray(X).T.tofile(place / "X")
        np.asarray(y, dtype=float).tofile(place / "y")
        (place / "size").write_text(f"{X.shape[0]} {X.shape[1]}")
        (place / "fit.R").write_text(SCRIPT.replace("{call}", call).replace("{library}", library))
        command = ["Rscript", "--vanilla", str(place / "fit.R"), folder]
        subprocess.run(command, check=True, capture_output=True)
        out = np.fromfile(place / "out")
    return out[2:], out[1], out[0]


def require_r(package="stats"):
    """Raise ImportError where R or one of its packages is missing, as Python does for its own."""
    if shutil.which("Rscript") is None:
        raise ImportError("R is not installed")
    asked = f'quit(status = !requireNamespace("{package}", quietly = TRUE))'
    if subprocess.run(["Rscript", "--vanilla", "-e", asked], capture_output=True).returncode:
        raise ImportError(f"the R package {package} is not installed")
