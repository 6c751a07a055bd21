# The two commands: `make demo` and `make test`. Each sets up all it needs on a machine that has Python >= 3.11,
# make and the package registries. Variables: PYTHON=python3.12 picks the interpreter, PORT=8080 and HOST=127.0.0.1
# are the demonstration's.

VENV   := .venv
BIN    := $(VENV)/bin
HOST   ?= 127.0.0.1
PORT   ?= 8080
TESTS  ?= tests

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo page test test-without-plans lint schema tools browser clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 27

# ---------------------------------------------------------------- what is installed

$(BIN)/python:
	@.ci/environment $(VENV) $(PYTHON)

# Stamps, so that a second run installs nothing until pyproject.toml changes.
$(VENV)/demo.stamp: pyproject.toml | $(BIN)/python
	@echo "Installing the gateway into $(VENV) ..."
	$(PIP) -e '.[demo]'
	@touch $@

$(VENV)/test.stamp: pyproject.toml | $(BIN)/python
	@echo "Installing the gateway and its tests' tools into $(VENV) ..."
	$(PIP) -e '.[test]'
	@touch $@ $(VENV)/demo.stamp

# ---------------------------------------------------------------- what is run

# Without the page, `/` still says how to get it and shows the examples: a machine that npm does not reach has a demo.
demo: $(VENV)/demo.stamp ## Build the demonstration repository on first use, serve it, print where it is
	@$(BIN)/python -m gateway.explorer.build || echo "Going on without the page."
	@$(BIN)/butler-gateway demo --host $(HOST) --port $(PORT)

page: $(VENV)/demo.stamp ## Build the explorer page, if its sources are newer
	@$(BIN)/python -m gateway.explorer.build

test: $(VENV)/test.stamp lint page tools ## All checks and all tests; TESTS=tests/cli for some of them
	$(BIN)/python -m pytest $(TESTS)

test-without-plans: $(VENV)/test.stamp page tools ## All tests with plans off: the ordinary executor answers every document
	GATEWAY_PLANS=off $(BIN)/python -m pytest $(TESTS)

lint: $(VENV)/test.stamp ## Style, types, architecture, dead code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

schema: $(VENV)/test.stamp ## Write schema.graphql from the code
	$(BIN)/butler-gateway schema > schema.graphql.new
	mv schema.graphql.new schema.graphql

tools: ## What only the tests need (chromium, curl, DaCHS), from apt where they are missing
	@.ci/tools

browser: tools

clean: ## Remove everything that the targets above made, the environment included
	rm -rf $(VENV) .demo .gateway build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache tests/artefacts gateway/explorer/dist gateway/explorer/page/node_modules \
		tests/http/audit/node_modules
