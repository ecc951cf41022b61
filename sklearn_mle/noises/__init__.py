"""What one residual costs: the laws of noise, one a file."""

from sklearn_mle.noises.asymmetric_laplace import AsymmetricLaplace
from sklearn_mle.noises.from_scipy import FromScipy
from sklearn_mle.noises.gaussian import Gaussian
from sklearn_mle.noises.gumbel import Gumbel
from sklearn_mle.noises.huber import Huber
from sklearn_mle.noises.laplace import Laplace
from sklearn_mle.noises.logistic import Logistic
from sklearn_mle.noises.student_t import StudentT

__all__ = [
    "AsymmetricLaplace",
    "FromScipy",
    "Gaussian",
    "Gumbel",
    "Huber",
    "Laplace",
    "Logistic",
    "StudentT",
]
