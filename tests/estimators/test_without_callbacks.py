"""A scikit-learn before 1.9, which has no callbacks."""

import subprocess
import sys


def test_nothing_needs_callbacks():
    """Before 1.9 ``import sklearn.callback`` fails; the stand-ins then do nothing."""
    code = (
        "import sys\n"
        "import sklearn.linear_model, sklearn.pipeline\n"
        "sys.modules['sklearn.callback'] = None\n"
        "import numpy as np\n"
        "from sklearn_mle import MLEClassifier, MLERegressor\n"
        "from sklearn_mle.estimators import progress\n"
        "assert progress.CallbackSupportMixin.__module__ == progress.__name__\n"
        "X, y = np.arange(8.0)[:, None], np.array([0, 1, 0, 1, 0, 1, 1, 1])\n"
        "assert MLEClassifier().fit(X, y).coef_.shape == (1, 1)\n"
        "assert MLERegressor('laplace').fit(X, y).coef_.shape == (1,)\n"
        "assert not hasattr(MLERegressor(), 'set_callbacks')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
