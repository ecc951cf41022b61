"""
A fan of quantiles
==================

The pinball loss is minus the log-likelihood of asymmetric Laplace noise, and its location is a
quantile. Five fits, each exact, show how spread and skewness change along a feature.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mle import MLERegressor
from sklearn_mle.noises import AsymmetricLaplace

# %%
# Noise that grows with x, and is skewed: no single scale describes it.

rng = np.random.default_rng(0)
x = rng.uniform(0.0, 10.0, size=1500)
y = 2.0 + 0.8 * x + (0.3 + 0.25 * x) * (rng.gamma(2.0, size=x.size) - 1.0)
X = x[:, None]

# %%
# Each fit says how far its cost can still be above the least: the optimality gap.

quantiles = [0.05, 0.25, 0.5, 0.75, 0.95]
fits = [MLERegressor(noise=AsymmetricLaplace(quantile=q)).fit(X, y) for q in quantiles]
print(f"{'quantile':>8}{'intercept':>11}{'slope':>8}{'rows below':>12}{'gap':>10}")
for q, fit in zip(quantiles, fits):
    below = np.mean(y < fit.predict(X))
    print(f"{q:>8}{fit.intercept_:>11.3f}{fit.coef_[0]:>8.3f}", end="")
    print(f"{below:>12.3f}{fit.optimality_gap_:>10.0e}")

# %%
# The lines fan out, and the upper ones faster.

grid = np.array([[0.0], [10.0]])
figure, axis = plt.subplots(figsize=(7, 4.5), layout="constrained")
axis.scatter(x, y, s=6, color="0.6", alpha=0.5, linewidths=0)
shades = ["#56B4E9", "#0072B2", "#000000", "#0072B2", "#56B4E9"]
for q, fit, colour in zip(quantiles, fits, shades):
    axis.plot(grid[:, 0], fit.predict(grid), color=colour, lw=2)
    axis.annotate(f"{q:.0%}", (10.1, fit.predict(grid)[1]), color=colour, va="center")
axis.set(xlabel="x", ylabel="y", title="Five quantiles, five exact fits", xlim=(0.0, 10.9))
axis.spines[["top", "right"]].set_visible(False)
figure.savefig("quantile_fan.png", dpi=150)
print("\nPicture: quantile_fan.png")
