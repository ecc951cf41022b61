"""scikit-learn's own checks of an estimator, with nothing excused.

Some of them fit more columns than rows: exact fits and separated classes, which warn as they
should.
"""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_mle import MLEClassifier, MLERegressor


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([MLERegressor(), MLERegressor(noise="laplace"), MLEClassifier()])
def test_scikit_learn_check(estimator, check):
    check(estimator)
