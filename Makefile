# make compare: the main job.  make test: the whole suite.  make test-slow: minutes, against published values.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: compare test test-slow lint benchmark

compare: $(VENV)/.installed
	$(BIN)/percolation compare --out results/compare

test: $(VENV)/.installed-test
	$(BIN)/pytest

test-slow: $(VENV)/.installed-test
	$(BIN)/pytest -m slow

lint: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

benchmark: $(VENV)/.installed-test
	$(BIN)/pytest benchmarks --benchmark-only

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/pip install --quiet --editable ".[test]"
	touch $@
