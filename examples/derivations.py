"""
Why a loss is what it is
========================

Each noise tells the way from its density to its loss. In a notebook the same steps are shown as
LaTeX.
"""

import matplotlib.pyplot as plt

from sklearn_mle import LossDisplay, MLEClassifier
from sklearn_mle.noises import AsymmetricLaplace, Gaussian, Huber, Laplace, Logistic, StudentT

# %%
# Squared error is Gaussian noise; absolute error is Laplace noise.

for noise in (Gaussian(), Laplace(), StudentT(df=4)):
    print(noise.derivation(), "\n")

# %%
# Cross-entropy is a label that is drawn.

print(MLEClassifier().derivation())

# %%
# What a residual costs, and how hard it pulls.

figure, axis = plt.subplots(figsize=(8, 5), layout="constrained")
noises = [Gaussian(), Laplace(), AsymmetricLaplace(quantile=0.8), Huber(), Logistic(), StudentT(4)]
LossDisplay.from_noises(noises, ax=axis)
axis.set_ylim(-1.6, 5.0)
figure.savefig("derivations.png", dpi=150)
print("\nPicture: derivations.png")
