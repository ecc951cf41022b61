"""scikit-learn compatible linear models fitted by maximum likelihood."""

__version__ = "0.1.0"
