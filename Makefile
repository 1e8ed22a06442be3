# Needs python3 (3.11 or later) with its venv module, and make. Nothing else.
# All packages come from the locks, each with its hash.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
STAMP  := $(VENV)/.made

.DEFAULT_GOAL := help
.PHONY: help install dev demo test check bench lock numbers clean

help:
	@echo "make install  make .venv with what assent needs to run"
	@echo "make demo     show the whole road, from a customer's order to a reply"
	@echo "make test     run the tests"
	@echo "make check    format, lint, types, documentation"
	@echo "make bench    measure"
	@echo "make lock     resolve the dependencies again (needs uv)"
	@echo "make numbers  build the number table again (NUMBERS=folder with a prefix file)"
	@echo "make clean    remove .venv and everything built"

install: $(STAMP)-package
dev: $(STAMP)-dev

$(STAMP)-venv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "assent needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(STAMP)-run: requirements.lock $(STAMP)-venv
	$(PIP) install --quiet --require-hashes -r requirements.lock
	@touch $@

$(STAMP)-package: pyproject.toml $(STAMP)-run
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMP)-dev: requirements-dev.lock $(STAMP)-package
	$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

demo: install
	$(BIN)/assent demo

# Four processes, a file at a time: most tests wait for PostgreSQL or for sockets.
test: dev
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

check: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python tools/check_docs.py

bench: dev
	$(BIN)/python -m bench

# The locks name no index and no path, so that they hold wherever they are used.
LOCK := uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --no-annotate \
	--custom-compile-command 'make lock' pyproject.toml --extra build
lock:
	$(LOCK) --output-file requirements.lock
	$(LOCK) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

# Where a prefix file lies; docs/numbers.md says what it must hold and where it comes from.
NUMBERS ?= ../shared/data/numbers
numbers: dev
	$(BIN)/python tools/build_numbers.py $(NUMBERS)

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
