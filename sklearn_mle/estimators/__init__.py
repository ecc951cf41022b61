"""The scikit-learn face: check, find, solve, say, keep."""
