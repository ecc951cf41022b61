"""
A robust fit is a heavy-tailed noise
====================================

Student t noise expects outliers, and hardly moves for them. How heavy the tails are is estimated
with the rest, so there is no constant to tune, and the likelihood says whether it was worth it.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import HuberRegressor, LinearRegression

from sklearn_mle import MLERegressor, compare

# %%
# A line, and one row in eight that has nothing to do with it.

rng = np.random.default_rng(1)
x = rng.uniform(-3.0, 3.0, size=240)
y = 1.0 + 2.0 * x + 0.4 * rng.normal(size=x.size)
wild = rng.random(x.size) < 0.125
y[wild] = rng.uniform(4.0, 16.0, size=wild.sum())
X = x[:, None]

# %%
# Three fits of the same line.

fits = {
    "least squares": LinearRegression().fit(X, y),
    "HuberRegressor": HuberRegressor(alpha=0.0).fit(X, y),
    "Student t": MLERegressor(noise="student_t").fit(X, y),
}
print(f"{'':<16}{'intercept':>10}{'slope':>8}")
print(f"{'truth':<16}{1.0:>10.3f}{2.0:>8.3f}")
for name, fit in fits.items():
    print(f"{name:<16}{fit.intercept_:>10.3f}{fit.coef_[0]:>8.3f}")
print(f"\nestimated degrees of freedom: {fits['Student t'].noise_.df:.2f}\n")

# %%
# Do the data ask for it?

print(compare(["gaussian", "laplace", "huber", "student_t"], X, y))

figure, axis = plt.subplots(figsize=(7, 4.5), layout="constrained")
axis.scatter(x[~wild], y[~wild], s=10, color="0.55", linewidths=0, label="rows of the line")
axis.scatter(x[wild], y[wild], s=14, color="#D55E00", marker="x", lw=1, label="outliers")
grid = np.array([[-3.0], [3.0]])
styles = {"least squares": ("#E69F00", "--"), "HuberRegressor": ("#009E73", "-.")}
for name, fit in fits.items():
    colour, line = styles.get(name, ("#0072B2", "-"))
    axis.plot(grid[:, 0], fit.predict(grid), line, color=colour, lw=2, label=name)
axis.set(xlabel="x", ylabel="y", title="Outliers are expected under Student t noise")
axis.legend(frameon=False)
axis.spines[["top", "right"]].set_visible(False)
figure.savefig("robust_fit.png", dpi=150)
print("\nPicture: robust_fit.png")
