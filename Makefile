# Short names for the commands of README.md and CONTRIBUTING.md. Each target makes .venv first if it is missing.
PYTHON ?= python3
BIN := .venv/bin
REQUIREMENTS := requirements.txt tests/requirements.txt
BENCH_REQUIREMENTS := benchmarks/requirements.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-all lint bench

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' Makefile

run: .venv/installed ## start the app
	$(BIN)/python app.py

test: .venv/installed ## run the tests but for the exhaustive ones
	$(BIN)/python -m pytest

test-all: .venv/installed ## run all tests; without Chromium they fail
	REQUIRE_BROWSER=1 $(BIN)/python -m pytest -m "exhaustive or not exhaustive"

lint: .venv/installed ## run ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed-bench ## run the benchmarks in their quick form
	$(BIN)/python -m benchmarks

# Made anew when a requirements file changes: pip then installs what is missing.
.venv/installed: $(REQUIREMENTS)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install $(addprefix -r ,$(REQUIREMENTS))
	touch $@

.venv/installed-bench: .venv/installed $(BENCH_REQUIREMENTS)
	$(BIN)/pip install $(addprefix -r ,$(REQUIREMENTS) $(BENCH_REQUIREMENTS))
	touch $@
