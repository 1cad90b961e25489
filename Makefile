# make compare: the main job.  make test: the whole suite.  make test-slow: minutes, against published values.
# make docs: the site, in site/; its search needs a server: python3 -m http.server --directory site
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

# tests: a worker a core, each with one thread, or they would share the cores twice; a file's tests stay together
WORKERS ?= auto
PYTEST = $(BIN)/pytest --numprocesses $(WORKERS) --maxprocesses 8 --dist loadfile
test test-slow: export OMP_NUM_THREADS ?= 1

.PHONY: compare test test-slow lint benchmark docs

compare: $(VENV)/.installed
	$(BIN)/percolation compare --out results/compare

test: $(VENV)/.installed-test
	$(PYTEST)

test-slow: $(VENV)/.installed-test
	$(PYTEST) -m slow

lint: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

benchmark: $(VENV)/.installed-test
	$(BIN)/pytest benchmarks --benchmark-only

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[networks]"
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/pip install --quiet --editable ".[test]"
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/pip install --quiet --editable ".[docs]"
	touch $@
