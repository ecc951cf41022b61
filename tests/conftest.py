"""What all tests need before anything imports SciPy.

scikit-learn checks that estimators take input by the array API standard only where SciPy's support
of it was switched on before SciPy was imported.
"""

import os

os.environ.setdefault("SCIPY_ARRAY_API", "1")

# the scripts that made the reference numbers, with other programs
collect_ignore_glob = ["reference/*.py"]
