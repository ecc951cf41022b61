"""Laws as they are assumed, and as they generate."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from sklearn_mle.noises import AsymmetricLaplace, FromScipy, Gumbel, Huber, StudentT
from sklearn_mle.noises.catalogue import CATALOGUE
from sklearn_mle.noises.noise import Noise
from sklearn_mle.noises.open_shapes import OpenShapes


@dataclass(frozen=True)
class Law:
    """A noise that is fitted, and the same with its open shapes filled in, which generates."""

    noise: Noise
    true: Noise

    def sample(self, n, p, seed):
        """Features, response, coefficients, intercept and scale."""
        rng = np.random.default_rng(seed)
        X, coef = rng.normal(size=(n, p)), rng.normal(size=p)
        noise = self.true.distribution().rvs(size=n, random_state=rng)
        return X, X @ coef + 1.0 + 2.0 * noise, coef, 1.0, 2.0

    @property
    def shapes(self):
        """The true places of open shapes on the line that is searched."""
        return OpenShapes.of(self.noise).places_of(self.true)


def _held(noise):
    return Law(noise, noise)


LAWS = {
    **{name: _held(CATALOGUE[name]()) for name in ("gaussian", "laplace", "logistic")},
    "gumbel": _held(Gumbel()),
    "huber": _held(Huber()),
    "huber, 0.7": _held(Huber(0.7)),
    "student_t, 3": _held(StudentT(3.0)),
    "asymmetric_laplace, 0.8": _held(AsymmetricLaplace(0.8)),
    "student_t": Law(StudentT(), StudentT(4.0)),
    "gumbel_l": _held(FromScipy(stats.gumbel_l)),
    "skewnorm": Law(FromScipy(stats.skewnorm), FromScipy(stats.skewnorm(3.0))),
    "genlogistic": Law(FromScipy(stats.genlogistic), FromScipy(stats.genlogistic(0.6))),
    "gennorm": Law(FromScipy(stats.gennorm), FromScipy(stats.gennorm(1.5))),
}
