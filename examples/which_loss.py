"""
Which loss fits the data?
=========================

A loss function is a noise assumption in disguise. Squared error is minus the log-likelihood of
Gaussian noise, absolute error that of Laplace noise, cross-entropy that of a categorical label.
Once the assumption is a parameter, the data can choose it: the noise whose held-out likelihood is
higher gives the better loss.
"""

import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LinearRegression, LogisticRegression, QuantileRegressor
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mle import MLEClassifier, MLERegressor, log_likelihood_scorer
from sklearn_mle.noises import Gaussian, Laplace


def timed_fit(estimator, X, y, repeats=5):
    """The fitted estimator and the shortest of a few fit times, in milliseconds."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        fitted = clone(estimator).fit(X, y)
        times.append(1e3 * (time.perf_counter() - begin))
    return fitted, min(times)


# %%
# Let the data choose the noise
# -----------------------------
# A grid search over ``noise``, scored by the likelihood of rows that the fit has not seen. The
# scores are log-densities, so that they compare across losses, which the losses themselves do not.

diabetes = load_diabetes()
X, y = diabetes.data, diabetes.target
splits = KFold(10, shuffle=True, random_state=0)
search = GridSearchCV(
    make_pipeline(StandardScaler(), MLERegressor()),
    {"mleregressor__noise": ["gaussian", "laplace"]},
    scoring=log_likelihood_scorer,
    cv=splits,
).fit(X, y)

print(f"Diabetes, {X.shape[0]} rows, {X.shape[1]} features: which noise?\n")
print(f"{'noise':<10}{'loss':<16}{'estimates':<11}{'held-out log-lik. a row':>24}{'scale':>9}")
fits = {}
for setting, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"]):
    fit = clone(search.estimator).set_params(**setting).fit(X, y)[-1]
    name = setting["mleregressor__noise"]
    fits[name] = fit
    loss, what = fit.noise_.loss_name, fit.noise_.estimates
    best = "  <- best" if setting == search.best_params_ else ""
    print(f"{name:<10}{loss:<16}{what:<11}{score:>24.4f}{fit.scale_:>9.2f}{best}")

# %%
# The same coefficients as scikit-learn's, with a likelihood
# ----------------------------------------------------------
# Gaussian noise is `LinearRegression`, Laplace noise `QuantileRegressor` without its penalty.

Z = StandardScaler().fit_transform(X)
pairs = {
    "gaussian": (MLERegressor(noise="gaussian"), LinearRegression()),
    "laplace": (MLERegressor(noise="laplace"), QuantileRegressor(alpha=0)),
}
columns, times = {}, {}
for name, (ours, theirs) in pairs.items():
    for estimator in (ours, theirs):
        fitted, took = timed_fit(estimator, Z, y)
        label = f"MLE {name}" if estimator is ours else type(estimator).__name__
        columns[label] = [fitted.intercept_, *fitted.coef_]
        times[label] = took

print("\nCoefficients of standardised features, and milliseconds a fit\n")
print(f"{'':<12}" + "".join(f"{label:>19}" for label in columns))
for i, feature in enumerate(["intercept", *diabetes.feature_names]):
    print(f"{feature:<12}" + "".join(f"{values[i]:>19.4f}" for values in columns.values()))
print(f"{'fit, ms':<12}" + "".join(f"{took:>19.2f}" for took in times.values()))

# %%
# Classes
# -------
# With ten of the thirty features of the breast cancer data the maximum is finite. With all thirty a
# plane separates the classes: no finite maximum exists, and the fit says so.

cancer = load_breast_cancer()
C = StandardScaler().fit_transform(cancer.data)
ten, labels = C[:, :10], cancer.target_names[cancer.target]
ours, our_time = timed_fit(MLEClassifier(), ten, labels)
theirs, their_time = timed_fit(LogisticRegression(C=np.inf, tol=1e-8, max_iter=10_000), ten, labels)
held_out = cross_val_score(MLEClassifier(), ten, labels, scoring=log_likelihood_scorer, cv=10)

print(f"\nBreast cancer, {ten.shape[0]} rows, 10 features: cross-entropy, a categorical label")
print(f"held-out log-likelihood a row {held_out.mean():.4f}\n")
print(f"{'':<26}{'MLEClassifier':>19}{'LogisticRegression':>20}")
rows = zip(["intercept", *cancer.feature_names[:10]], [*ours.intercept_, *ours.coef_[0]])
for (feature, value), other in zip(rows, [*theirs.intercept_, *theirs.coef_[0]]):
    print(f"{feature:<26}{value:>19.4f}{other:>20.4f}")
log_odds = np.where(labels == theirs.classes_[1], 1, -1) * theirs.decision_function(ten)
log_likelihood = -np.logaddexp(0, -log_odds).sum()
print(f"{'log-likelihood':<26}{ours.log_likelihood_:>19.6f}{log_likelihood:>20.6f}")
print(f"{'fit, ms':<26}{our_time:>19.2f}{their_time:>20.2f}")

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    separated = MLEClassifier().fit(C, labels).separated_
print(f"\nAll 30 features: separated_ = {separated}")
print(f"{caught[0].category.__name__}: {caught[0].message}")

# %%
# Residuals, densities, losses
# ----------------------------
# On the left what each noise expects of the residuals; on the right what it charges for them, the
# same curves in minus logarithms. Squared error charges more for large residuals, absolute error
# for middling ones.

blue, orange = "#0072B2", "#D55E00"
styles = {"gaussian": (Gaussian(), blue, "-"), "laplace": (Laplace(), orange, "--")}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
grid = np.linspace(-220, 220, 881)
for name, (noise, colour, line) in styles.items():
    fit = fits[name]
    residuals = y - fit.predict(StandardScaler().fit_transform(X))
    bins = {"bins": 40, "range": (-220, 220), "histtype": "step"}
    left.hist(residuals, density=True, color=colour, linestyle=line, alpha=0.5, **bins)
    cost = noise.cost(grid / fit.scale_) + np.log(fit.scale_)
    label = f"{name} noise, scale {fit.scale_:.1f}"
    left.plot(grid, np.exp(-cost), line, color=colour, label=label)
    right.plot(grid, cost, line, color=colour, label=f"{name}: {noise.loss_name}")
left.set(title="Residuals and fitted densities", xlabel="residual", ylabel="density")
right.set(title="What a residual costs", xlabel="residual", ylabel="minus log density")
for axis in (left, right):
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
left.set_ylim(top=1.25 * left.get_ylim()[1])
figure.savefig("which_loss.png", dpi=150)
print("\nPicture: which_loss.png")
