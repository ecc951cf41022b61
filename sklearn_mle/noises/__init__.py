"""What one residual costs: the laws of noise, one a file."""

from sklearn_mle.noises.gaussian import Gaussian
from sklearn_mle.noises.laplace import Laplace

__all__ = ["Gaussian", "Laplace"]
