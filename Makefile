# Short names for the commands of README.md and CONTRIBUTING.md. Each target makes .venv first if it is missing.
PYTHON ?= python3
BIN := .venv/bin
CUDA ?= locks/cuda.txt # empty: for a .venv that has PyTorch's CPU build (locks/torch-cpu.txt)
LOCKS := locks/app.txt $(strip $(CUDA)) locks/tests.txt
BENCH_LOCKS := locks/benchmarks.txt
INSTALL := PIP_CONSTRAINT=locks/build.in PIP_BUILD_CONSTRAINT=locks/build.in $(BIN)/pip install --require-hashes

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-all lint bench vectors lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' Makefile

run: .venv/installed ## start the app
	$(BIN)/python app.py

test: .venv/installed ## run the tests but for the exhaustive ones
	$(BIN)/python -m pytest -n auto --dist loadfile

test-all: .venv/installed ## run all tests; without Chromium they fail
	REQUIRE_BROWSER=1 $(BIN)/python -m pytest -m "exhaustive or not exhaustive"

lint: .venv/installed ## run ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed-bench ## run the benchmarks in their quick form
	$(BIN)/python -m benchmarks

vectors: .venv/installed ## make the pack of the samples' vectors anew
	$(BIN)/python -m retriever.indexing.make_pack

lock: ## make the lock files anew after a change of a requirements file; needs uv
	.ci/lock.py

# Made anew when a lock file changes: pip then installs what is missing.
.venv/installed: $(LOCKS)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) $(addprefix -r ,$(LOCKS))
	touch $@

.venv/installed-bench: .venv/installed $(BENCH_LOCKS)
	$(INSTALL) $(addprefix -r ,$(LOCKS) $(BENCH_LOCKS))
	touch $@
