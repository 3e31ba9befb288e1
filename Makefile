# Every target works in a fresh clone: it creates the environment first, and again when pyproject.toml has changed.

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
RUNS := $(VENV)/.runs
READY := $(VENV)/.ready
# A worker that is done takes tests from the others, so that none ends minutes after the rest.
WORKERS := $(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist worksteal
INSTALL = $(BIN)/uv pip install --compile-bytecode --python $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help demo test quick check bench format docs

help: ## List what can be made.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(RUNS) ## Show the whole product, with no Slack: open http://127.0.0.1:8080/playground (ARGS="--help" lists options).
	@$(BIN)/countersign demo $(ARGS)

test: $(READY) ## Run every test, on SQLite and on a real PostgreSQL (ARGS="-k word" picks some).
	$(WORKERS) $(ARGS)

quick: $(READY) ## Run the tests of the rules and of what people see, but for slow ones: no database.
	$(WORKERS) -m "not slow" tests/rules tests/blocks $(ARGS)

check: $(READY) ## Check format, lint, types and who imports whom; change nothing.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## Run the benchmarks (ARGS="against COMMIT" compares with another commit).
	$(BIN)/python -m bench $(ARGS)

docs: $(READY) ## Build the documentation as a site in site/; a broken link stops it.
	$(BIN)/zensical build --strict --clean
	@rm -rf site/*.py site/__pycache__

format: $(READY) ## Format the code and mend what ruff can mend by itself.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .

# uv installs in seconds what takes pip half a minute. It comes from the package index like everything else.
# Bytecode is compiled once, at installation. If Python may not write it, each start would compile every library again.
$(RUNS): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Countersign needs Python 3.11 or newer, and '$(PYTHON)' is not. Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making the environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(INSTALL) --editable .
	@touch $@

# Tests, checks and benchmarks need more than the service: their tools, and the frameworks for the SDK's adapters.
$(READY): $(RUNS) sdk/pyproject.toml
	@$(INSTALL) --editable . --editable ./sdk --group dev
	@touch $@
