"""
From a fit to a table to a picture
==================================

What the fit knows of its coefficients, for numbers and for classes, with errors that hold where
the noise is not the same for all rows. Tables and pictures use the names of the columns, which here
come with pandas (``python -m pip install pandas``).
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mle import CoefficientDisplay, MLEClassifier, MLERegressor, infer

# %%
# Diabetes: standard errors by HC3, which do not assume equal noise.

X, y = load_diabetes(return_X_y=True, as_frame=True)
model = make_pipeline(StandardScaler(), MLERegressor()).fit(X, y)
found = infer(model, X, y, cov="HC3")
print(found, "\n")

# %%
# Breast cancer: five features, log-odds of a malignant tumour.

cancer = load_breast_cancer(as_frame=True)
five = cancer.data.iloc[:, :5]
labels = cancer.target_names[cancer.target]
classes = make_pipeline(StandardScaler(), MLEClassifier()).fit(five, labels)
print(infer(classes, five, labels), "\n")

# %%
# The same as pictures.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
CoefficientDisplay.from_estimates(found, ax=left)
CoefficientDisplay.from_estimator(classes, five, labels, ax=right)
left.set_title("Diabetes: progression, HC3")
right.set_title("Breast cancer: log-odds of malignant")
figure.savefig("from_fit_to_picture.png", dpi=150)
print("Picture: from_fit_to_picture.png")
