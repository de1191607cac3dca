# Everything a contributor runs.  It needs make (GNU 3.81 or newer), a POSIX shell and Python; the
# tests of the page need Chromium, and building the page needs Node.js with npm.
#
# Tests run on the BUILT WHEEL, installed in .venv, never on the checkout.  Stamp files inside
# .venv remember what is installed, so a second call only does what has changed.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# Folders are listed with the files: a deleted module changes its folder.
SOURCES := $(shell find src -not -name '__pycache__' -not -name '*.pyc') \
	$(wildcard pyproject.toml README.md LICENSE)
WHEEL := $(VENV)/wheel
MADE := $(VENV)/.stamp-made
PACKAGE := $(VENV)/.stamp-package
LIBRARIES := $(VENV)/.stamp-libraries
PEERS := $(VENV)/.stamp-peers
# Neither a caller's PYTHONPATH nor the checkout may shadow the installed package.
PYTEST := PYTHONPATH= $(BIN)/python -P -m pytest

.PHONY: help demo test test-slow check bench bench-smoke format clean \
	check-format check-lint check-types check-tables check-house check-page page
.DEFAULT_GOAL := help

help: ## Show this list.
	@echo "make TARGET [PYTHON=python3.12] [ARGS='more arguments']"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile

demo: $(PACKAGE) ## Install descend in .venv and fit a first model.
	$(BIN)/descend fit breast-cancer --target diagnosis --out demo-run --overwrite $(ARGS)
	@echo "The run is in demo-run; '$(BIN)/descend --help' lists what can be done with it."

test: $(LIBRARIES) $(PACKAGE) ## Run the tests and the package's doctests on the built wheel.
	$(PYTEST) -n 2 --doctest-modules --pyargs descend tests $(ARGS)

test-slow: $(LIBRARIES) $(PACKAGE) ## Run the tests marked slow.
	@# Status 5 says that no test is marked slow, which is no failure.
	$(PYTEST) -n 2 -m slow tests $(ARGS) || test $$? -eq 5

check: check-format check-lint check-types check-tables check-house check-page ## Run every other gate.

check-format: $(LIBRARIES) ## Is every source formatted?
	$(BIN)/ruff format --check .

check-lint: $(LIBRARIES) ## Does the linter agree?
	$(BIN)/ruff check .

check-types: $(LIBRARIES) ## Do the types agree, strictly?
	$(BIN)/mypy

check-tables: $(LIBRARIES) ## Are the shipped tables current?
	$(BIN)/python tools/ship_tables.py --check

check-house: $(LIBRARIES) $(PACKAGE) ## House order, light imports, links and docstrings.
	$(PYTEST) tests/test_house.py tests/test_imports.py tests/test_docs.py

check-page: $(MADE) ## Is the browser's module what frontend/ builds? Needs Node.
	$(BIN)/python tools/check_page.py

page: $(MADE) ## Build the browser's module from frontend/. Needs Node.
	$(BIN)/python tools/check_page.py --write

bench: $(PEERS) $(PACKAGE) ## Time descend beside its peers; a quarter of an hour (ARGS='--only line').
	PYTHONPATH= $(BIN)/python benchmarks/run.py $(ARGS)

bench-smoke: $(PEERS) $(PACKAGE) ## Do the benchmarks run, and end at equal losses? Tiny sizes.
	PYTHONPATH= $(BIN)/python benchmarks/run.py --smoke $(ARGS)

format: $(LIBRARIES) ## Format the sources and apply the linter's safe fixes.
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean: ## Remove everything that was made, .venv included.
	rm -rf $(VENV) frontend/node_modules build dist demo-run .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "descend needs Python 3.11 or newer, and '$(PYTHON)' is not;" \
	"name another one: make ... PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	echo "Python cannot make a virtual environment; on Debian and Ubuntu, install python3-venv."; \
	exit 1; }
	$(PIP) install 'hatchling>=1.27'
	@touch $@

# First the dependencies, then the package itself even though its version has not changed.
$(PACKAGE): $(SOURCES) $(MADE)
	@rm -rf $(WHEEL)
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir $(WHEEL) .
	$(PIP) install $(WHEEL)/descend-*.whl
	$(PIP) install --no-deps --force-reinstall $(WHEEL)/descend-*.whl
	@touch $@

$(LIBRARIES): pyproject.toml | $(PACKAGE)
	@echo "Installing what the tests and checks need; PyTorch and JAX are large."
	@set -- $(WHEEL)/descend-*.whl && $(PIP) install "$$1[test,check]"
	@touch $@

# Not part of LIBRARIES: the tests need none of the peers that only the benchmarks know.
$(PEERS): pyproject.toml | $(PACKAGE)
	@echo "Installing what descend is compared with; PyTorch and JAX are large."
	@set -- $(WHEEL)/descend-*.whl && $(PIP) install "$$1[bench]"
	@touch $@
