"""scikit-learn's own checks of an estimator, with nothing excused.

Some of them fit more columns than rows: exact fits and separated classes, which warn as they
should.
"""

import pytest
from scipy import stats
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_mle import MLEClassifier, MLERegressor
from sklearn_mle.noises import AsymmetricLaplace, Huber, StudentT
from sklearn_mle.noises.catalogue import CATALOGUE

WITH_PARAMETERS = [
    AsymmetricLaplace(quantile=0.1),
    AsymmetricLaplace(quantile=0.7),
    AsymmetricLaplace(quantile=0.9),
    StudentT(df=1.0),
    StudentT(df=30.0),
    Huber(delta=0.1),
    Huber(delta=10.0),
    stats.genlogistic(0.5),
    stats.gennorm(1.5),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [MLEClassifier(), *(MLERegressor(noise=name) for name in [*CATALOGUE, stats.gumbel_l])]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([MLERegressor(noise=noise) for noise in WITH_PARAMETERS])
def test_scikit_learn_check_of_noises_with_parameters(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("noise", "poor"),
    [
        ("gaussian", False),
        (AsymmetricLaplace(quantile=0.5), False),
        (AsymmetricLaplace(quantile=0.9), True),
        (stats.gumbel_l, False),
        (stats.gamma(4.0), True),
        (stats.gennorm, False),
        (stats.skewnorm, True),
        ("no noise", False),
    ],
    ids=str,
)
def test_predictions_that_are_not_central_say_that_r2_is_poor(noise, poor):
    assert MLERegressor(noise=noise).__sklearn_tags__().regressor_tags.poor_score == poor
