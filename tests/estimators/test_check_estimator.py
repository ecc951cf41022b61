"""scikit-learn's own checks of an estimator, with nothing excused."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_mle import MLEClassifier, MLERegressor


@parametrize_with_checks([MLERegressor(), MLERegressor(noise="laplace"), MLEClassifier()])
def test_scikit_learn_check(estimator, check):
    check(estimator)
