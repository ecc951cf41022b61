.PHONY: help quick check bench demo

help:
	@echo "make quick   the tests, stopping at the first failure"
	@echo "make check   lint, types and all tests, the slow ones too"
	@echo "make bench   times and exactness beside rivals, as a table of ratios"
	@echo "make demo    the main job: which loss fits real data"

quick:
	python -m pytest -x

check:
	ruff check .
	ruff format --check .
	mypy
	python -m pytest
	python -m pytest -m slow

bench:
	python benchmarks/run.py

demo:
	python examples/which_loss.py
