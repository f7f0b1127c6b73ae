# Every target sets up .venv by itself: with uv when it is there, else with the stock venv and pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
INTEROP := $(VENV)/.interop
BENCH := $(VENV)/.bench

.DEFAULT_GOAL := help
.PHONY: help install demo test interop lint format types ci bench screenshots clean

help:  ## Show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 22

$(STAMP): pyproject.toml constraints.txt Makefile
	@if command -v uv >/dev/null 2>&1; then \
	  test -x $(BIN)/python || uv venv --quiet --python $(PYTHON) $(VENV); \
	  uv pip install --quiet --python $(BIN)/python -c constraints.txt --group dev -e .; \
	else \
	  test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV); \
	  $(BIN)/python -c 'import tomllib; print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"]))' > $(VENV)/dev.txt; \
	  $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -r $(VENV)/dev.txt -e .; \
	fi
	@touch $@

$(INTEROP): $(STAMP)
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[interop]'; \
	else \
	  $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[interop]'; \
	fi
	@touch $@

$(BENCH): $(STAMP)
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[interop,bench]'; \
	else \
	  $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[interop,bench]'; \
	fi
	@touch $@

install: $(STAMP)  ## Set up .venv

demo: $(STAMP)  ## Watch the bot trade on a local Kraken (no keys, no network)
	@$(BIN)/krakked-tui --demo $(ARGS)

test: $(STAMP)  ## Run the tests
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

interop: $(INTEROP)  ## Try the local Kraken with ccxt and python-kraken-sdk
	$(BIN)/python -m pytest -n auto --dist loadfile tests/interop $(ARGS)

lint: $(STAMP)  ## Formatting, lint rules, import boundaries
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

format: $(STAMP)  ## Format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(STAMP)  ## Strict type check
	$(BIN)/mypy

ci: $(INTEROP) lint types test  ## Everything CI runs

bench: $(BENCH)  ## Run the benchmarks; results in benchmarks/results
	$(BIN)/python -m benchmarks $(ARGS)

screenshots: $(STAMP)  ## Regenerate screenshots/ from a seeded demo
	$(BIN)/python -m tests.screenshots

clean:  ## Remove .venv and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
