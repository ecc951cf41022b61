"""scikit-learn compatible linear models fitted by maximum likelihood."""

from sklearn_mle.estimators.classifier import MLEClassifier
from sklearn_mle.estimators.regressor import MLERegressor
from sklearn_mle.estimators.separation import detect_separation
from sklearn_mle.estimators.speak import SeparationWarning
from sklearn_mle.reports.coefficient_display import CoefficientDisplay
from sklearn_mle.reports.compare import compare
from sklearn_mle.reports.infer import infer
from sklearn_mle.reports.likelihood_ratio import likelihood_ratio_test
from sklearn_mle.reports.loss_display import LossDisplay
from sklearn_mle.reports.noise_fit_display import NoiseFitDisplay
from sklearn_mle.reports.pit_display import PITDisplay
from sklearn_mle.reports.scorers import log_likelihood_scorer

__version__ = "0.1.0"

__all__ = [
    "CoefficientDisplay",
    "LossDisplay",
    "MLEClassifier",
    "MLERegressor",
    "NoiseFitDisplay",
    "PITDisplay",
    "SeparationWarning",
    "compare",
    "detect_separation",
    "infer",
    "likelihood_ratio_test",
    "log_likelihood_scorer",
]
