# `make demo` and `make test` need only git, make and Python 3.11 or newer; everything else they fetch themselves.
# PYTHON=/path/to/python3 chooses the interpreter, WORKERS=n the number of test processes.

SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
WORKERS ?= 2
# The checker of accessibility that the console's tests inject into pages; nothing of it is shipped.
AXE := 4.14.1

# Exact versions with hashes. Packages without a wheel are built with the pinned tools of build.txt, never with others.
INSTALL_LOCKED := $(PIP) install --quiet --require-hashes --no-build-isolation --no-deps
INSTALL_WINNOW := $(PIP) install --quiet --no-deps --no-build-isolation --editable .

.PHONY: help demo test soak lint types contracts check bench format settings lock hooks clean

help: ## List what make can do.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

demo: $(VENV)/runtime.stamp ## Set up and run the whole pipeline on a simulated programme.
	$(BIN)/winnow demo --workspace demo-workspace

test: $(VENV)/develop.stamp system-programs ## Set up and run all tests.
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

soak: $(VENV)/develop.stamp system-programs ## Run the long proofs of reliability (an hour or two).
	$(BIN)/python -m pytest -m soak -s tests

lint: $(VENV)/develop.stamp ## Check style and formatting.
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/develop.stamp ## Check types.
	$(BIN)/mypy

contracts: $(VENV)/develop.stamp ## Check that dependencies point one way.
	$(BIN)/lint-imports

check: lint types contracts test ## Everything a change must pass.

CLICKS ?= 10M
REPEATS ?= 3
bench: $(VENV)/bench.stamp ## Measure winnow beside its peers, write docs/benchmarks.md (a quarter of an hour; CLICKS=1M).
	$(BIN)/python benchmarks/run_all.py --clicks $(CLICKS) --repeats $(REPEATS)

format: $(VENV)/develop.stamp ## Rewrite the code in the project's style.
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

settings: $(VENV)/develop.stamp ## Write the comments of config.yaml from the settings' descriptions.
	$(BIN)/python tools/comment_config.py

hooks: $(VENV)/develop.stamp ## Install the git hooks of .pre-commit-config.yaml.
	$(BIN)/pre-commit install

UV_LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-header
lock: $(VENV)/develop.stamp ## Resolve the dependencies of pyproject.toml again (UPGRADE=1: newest versions).
	$(UV_LOCK) $(if $(UPGRADE),--upgrade) --all-extras --group dev --output-file requirements/develop.txt
	$(UV_LOCK) --constraint requirements/develop.txt --output-file requirements/runtime.txt
	$(BIN)/uv pip compile --group bench --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --constraint requirements/develop.txt --output-file requirements/bench.txt
	$(BIN)/uv pip compile --group build --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --constraint requirements/develop.txt --output-file requirements/build.txt

clean: ## Remove the environment and what tools left behind.
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# --- the environment -------------------------------------------------------------------------------------------------

$(BIN)/python:
	tools/make-venv $(VENV) $(PYTHON)

$(VENV)/build.stamp: requirements/build.txt | $(BIN)/python
	$(INSTALL_LOCKED) -r requirements/build.txt
	@touch $@

$(VENV)/runtime.stamp: $(VENV)/build.stamp requirements/runtime.txt pyproject.toml
	$(INSTALL_LOCKED) -r requirements/runtime.txt
	$(INSTALL_WINNOW)
	@touch $@

$(VENV)/develop.stamp: $(VENV)/build.stamp requirements/develop.txt pyproject.toml
	$(INSTALL_LOCKED) -r requirements/develop.txt
	$(INSTALL_WINNOW)
	@touch $@ $(VENV)/runtime.stamp

$(VENV)/bench.stamp: $(VENV)/develop.stamp requirements/bench.txt
	$(INSTALL_LOCKED) -r requirements/bench.txt
	@touch $@

# Tests that need one of these skip, with the reason, where it is missing.
.PHONY: system-programs
system-programs:
	@command -v java >/dev/null || tools/system-packages "A Java runtime, for the tests of the Spark engine" default-jre-headless
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null \
	    || tools/system-packages "A PostgreSQL server, for the tests of the store" postgresql
	@command -v chromium chromium-browser google-chrome >/dev/null \
	    || tools/system-packages "Chromium, for the tests of the console" chromium
	@test -f $(VENV)/node/node_modules/axe-core/axe.min.js \
	    || npm install --silent --no-audit --no-fund --prefix $(VENV)/node axe-core@$(AXE) \
	    || echo "No axe-core from the npm registry: the test of accessibility will skip."
