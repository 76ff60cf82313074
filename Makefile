# Every target sets up what it needs. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# On all cores; the tests of one file stay together, because many share what one fixture set up for the file.
SPREAD := -n auto --dist loadfile --no-loadscope-reorder

# What is compiled is kept, whatever the machine says of that: each process that a test starts would compile all of it again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test check test-all bench soak evals fix lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(READY): deploy/requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## the simulator EHR and the service on loopback; stays up
	$(BIN)/cds-service demo

test: $(READY) ## the quick tests: they need nothing but Python
	$(BIN)/python -m pytest -q $(SPREAD) -m "not real and not slow"

check: $(READY) ## format, lint, types, import contracts, dead code, dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/vulture
	$(BIN)/deptry .

test-all: test ## every test: the quick ones, then those with real counterparties; installs and starts what it needs
	$(BIN)/python -m pytest -q $(SPREAD) -m "real or slow"

bench: $(READY) ## the performance table, against the floor measured in the same run
	$(BIN)/python -m tests.bench

soak: $(READY) ## the long runs, another seed each time: make soak NAME="charts synthea" SEED=7
	$(BIN)/python -m tests.soak $(NAME) $(if $(SEED),--seed $(SEED))

evals: $(READY) ## the agent's scorecard, corruptions and attacks; a real model only where its key is set
	$(BIN)/python -m tests.evals

fix: $(READY) ## format and mend what a machine can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(READY) ## resolve the dependencies again (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --upgrade --custom-compile-command "make lock" -o deploy/requirements.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --upgrade --custom-compile-command "make lock" -o deploy/requirements-dev.lock

clean: ## remove what the targets made
	rm -rf $(VENV) .parts .data .bench
