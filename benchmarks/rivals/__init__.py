"""One file a rival. Each has

``task``        "gaussian", "laplace", "huber", "student_t" or "classes": which of our fits it is
                held against
``largest``     the most numbers in X (rows times columns) for which a run ends in reasonable time
``fit(X, y)``   a fit without penalty, with an intercept; returns coefficients and intercept, and
                the seconds it took where the caller's clock would count more than the fit

``cut(X, y)``   only where fits get collections of Dask: makes them, for both sides

and for classes ``most_classes`` that it is tried with, and a ``tol`` that `fit` takes, the usual
one by default.

A rival whose package is not installed is left out of the table.
"""
