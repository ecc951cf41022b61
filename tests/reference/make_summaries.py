"""Writes the texts of summaries that the tests hold `infer` to. Read them before they are kept.

``PYTHONPATH=. python tests/reference/make_summaries.py``
"""

from pathlib import Path

from tests.reports.test_infer import golden_cases

for name, found in golden_cases():
    (Path(__file__).parent / f"summary_{name}.txt").write_text(found.summary() + "\n")
