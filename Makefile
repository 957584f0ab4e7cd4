# The five words: setup lint test integration docs. And run, which is what a newcomer types first.
# Needs Python 3.11 or newer with its venv module, git and make; everything else is put into .venv/.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PYTHON ?=
AMLPIPE_HOME ?= $(CURDIR)/.amlpipe
SOAK_MINUTES ?= 0
# Processes that test side by side. Each takes whole files, in their order: what is slow comes first, and a file's servers are started once.
WORKERS ?= logical
IMAGES := $(AMLPIPE_HOME)/workspaces/digits/workspaceblobstore/digits

# Trust what the machine trusts, as pip does: some networks have a certificate authority of their own.
export UV_SYSTEM_CERTS ?= true

.DEFAULT_GOAL := help
.PHONY: help setup run lint test crash soak integration docs constraints clean

help: ## show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## make .venv/ with everything that run, lint and test need

$(INSTALLED): pyproject.toml constraints.txt
	@$(BIN)/python -c 'import pip' 2>/dev/null || { \
	  for candidate in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
	    if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	      echo "making $(VENV)/ with $$("$$candidate" --version)"; exec "$$candidate" -m venv --clear $(VENV); \
	    fi; \
	  done; \
	  echo "make setup: no Python 3.11 or newer with its venv module was found; install python3.11 and python3.11-venv, or say make setup PYTHON=/path/to/python" >&2; \
	  exit 1; \
	}
	@echo "installing what pyproject.toml names, at the versions of constraints.txt (about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --build-constraint constraints.txt --editable '.[dev]'
	@touch $@

run: setup ## run the example pipeline; a second time every step is reused
	@test -e "$(IMAGES)" || AMLPIPE_HOME="$(AMLPIPE_HOME)" $(BIN)/amlpipe run dags/digits_images.py
	@AMLPIPE_HOME="$(AMLPIPE_HOME)" $(BIN)/amlpipe run dags/digits_training.py

lint: setup ## ruff, mypy --strict and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

crash: setup ## kill a pipeline 2,000 times at random points, and look at what it left
	$(BIN)/python -m tests.crash --runs 2000

soak: setup ## the same until it is stopped, or for SOAK_MINUTES, after long sequences of everything that can be done to a workspace
	$(BIN)/python -m tests.crash.machine --examples 100 --steps 25
	$(BIN)/python -m tests.crash --runs 0 --minutes $(SOAK_MINUTES)

test: lint ## lint, then every test that needs no server, on all cores
	$(BIN)/python -m pytest -m "not integration" --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

integration: setup ## the tests that need a server or a daemon beside them
	$(BIN)/python -m pytest -m integration || test $$? -eq 5

docs: setup ## write the references from the code, run the examples of README.md and docs/, follow their links
	$(BIN)/python -m docs.write_reference
	$(BIN)/python -m pytest tests/docs

constraints: setup ## resolve constraints.txt anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra all --extra dev --python-version 3.11 --upgrade --quiet \
	  --no-annotate --no-header --no-emit-index-url --no-emit-find-links --output-file constraints.txt

clean: ## remove what the other targets made, also the runs of the example
	rm -rf $(VENV) .amlpipe build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
