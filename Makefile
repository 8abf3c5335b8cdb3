# Every target sets up what it needs; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The first python that is new enough; a shim of pyenv may exist and yet not run.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
  if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
BIN := .venv/bin
PY := $(BIN)/python
READY := .venv/.ready
GENERATED := crds charts/knowngood/files docs/reference

.PHONY: help demo test lab bench prove lint generate verify clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## a model fails silently, and is put back on its known-good image
	@$(PY) -m lab.demo

test: $(READY) ## lint, then all tests against the lab; the summary comes last
	@failed=0; \
	$(MAKE) --no-print-directory lint || { failed=1; echo "lint failed, the tests run all the same"; }; \
	$(PY) -m lab up || failed=1; \
	$(PY) -m lab rollouts >/dev/null || failed=1; \
	$(PY) -m pytest || failed=1; \
	exit $$failed

lab: $(READY) ## a one-node Kubernetes with Prometheus and a registry (build/lab.env)
	@$(PY) -m lab up

bench: $(READY) ## benchmarks: make bench, or make bench NAME=P1
	@$(PY) -m bench $(NAME)

prove: $(READY) ## the long proofs, whole (hours)
	@$(PY) -m bench --prove

lint: $(READY) ## style, types, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict operator
	@$(BIN)/mypy lab $(wildcard bench)
	@$(BIN)/lint-imports

generate: $(READY) ## write again what is made from the source: CRDs, rights, reference
	@$(PY) -m knowngood.api.crds
	@$(PY) -m knowngood.shell.rights
	@mkdir -p build docs/reference
	@$(PY) -m knowngood.shell.settings --markdown > build/settings.md
	@mv build/settings.md docs/reference/settings.md
	@$(PY) docs/generate.py

verify: generate ## generate, and fail where the checked-in files differ
	@git diff --exit-code -- $(GENERATED)
	@new="$$(git ls-files --others --exclude-standard -- $(GENERATED))"; \
	if [ -n "$$new" ]; then echo "generated, but not checked in:" $$new; exit 1; fi

clean: ## end the lab, and remove what was made in this directory
	@if [ -x $(PY) ] && [ -d lab ]; then $(PY) -m lab down; fi
	@rm -rf build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

$(READY): requirements-dev.lock requirements-build.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "python 3.11 or newer is needed: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	|| { apt-get update && apt-get install -y $(notdir $(PYTHON))-venv; } \
	|| { echo "$(PYTHON) has no venv: install $(notdir $(PYTHON))-venv as root"; exit 1; }
	@test -x $(PY) || { echo "setting up .venv (once, about a minute)"; $(PYTHON) -m venv .venv; }
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
