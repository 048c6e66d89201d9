# Needs GNU make and Python 3.11 or later with its venv module; everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup plan test check clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s  %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## Install shequ and its tools into .venv

plan: $(READY) ## Generate a city of 300,000 residents, plan and verify it: out/plan
	$(BIN)/shequ generate city --residents 300000 --seed 7 -o out/sample-city.gpkg
	$(BIN)/shequ plan out/sample-city.gpkg -o out/plan
	@echo "The report: $(CURDIR)/out/plan/report.html"

# Files go to the workers as they are listed: by number of tests, the slowest would come last.
test: $(READY) ## Run the tests
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(READY) ## Check style, format, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_layers.py

clean: ## Remove .venv, out and every cache
	rm -rf $(VENV) out build dist shequ.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "shequ needs Python 3.11 or later, and $(PYTHON) is older or missing." >&2; \
	  echo "Install one (Debian: apt install python3) or name it: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) lacks its venv module; install it (Debian: apt install python3-venv)." >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
