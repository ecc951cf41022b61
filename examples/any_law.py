"""
Any law of scipy.stats as the noise
===================================

`noise=` takes every continuous distribution of scipy.stats that can be fitted, and refuses others
with the reason. Its shapes are held where it is frozen, and estimated where it is not; predictions
are whole distributions.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

from sklearn_mle import MLERegressor, NoiseFitDisplay, PITDisplay, compare, infer

# %%
# Waiting times in logarithms are often skewed to the left. Generalised logistic noise has one shape
# for that.

rng = np.random.default_rng(2)
X = rng.normal(size=(800, 2))
y = 1.0 + X @ [1.0, -0.5] + stats.genlogistic(0.4).rvs(size=800, random_state=3)

model = MLERegressor(noise=stats.genlogistic).fit(X, y)
print(model.noise_, f"scale {model.scale_:.3f}, gap {model.optimality_gap_:.0e}\n")

# %%
# Standard errors for coefficients, scale and shape, as from any other fit.

print(infer(model, X, y), "\n")

# %%
# Which law do the data prefer, and does it describe new rows?

laws = {
    "gaussian": MLERegressor(),
    "student_t": MLERegressor(noise="student_t"),
    "gumbel_l": MLERegressor(noise=stats.gumbel_l),
    "genlogistic": MLERegressor(noise=stats.genlogistic),
}
print(compare(laws, X, y, cv=5), "\n")

new = X[:3]
low, high = model.predict_interval(new, coverage=0.9).T
for row, (a, b, mean) in enumerate(zip(low, high, model.predict_dist(new).mean())):
    print(f"row {row}: mean {mean:6.3f}, nine of ten times between {a:6.3f} and {b:6.3f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
NoiseFitDisplay.from_estimator(model, X, y, ax=left)
PITDisplay.from_estimator(model, X, y, ax=right)
figure.savefig("any_law.png", dpi=150)
print("\nPicture: any_law.png")
