# Everything runs in one virtual environment, .venv, under the versions of constraints.txt. `make demo` installs the
# core, the other targets the extra dev on top of it. The stamps remember what is installed, so a second run installs
# nothing until pyproject.toml or constraints.txt changes. torch comes first, so that nothing chooses another build of it.

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=

BIN    := $(VENV)/bin
MADE   := $(VENV)/stamps/$(notdir $(PYTHON))
CORE   := $(VENV)/stamps/core
DEV    := $(VENV)/stamps/dev
ASKED  := pyproject.toml constraints.txt
TREES  := $(wildcard src tests benchmarks evidence docs)

.DEFAULT_GOAL := help
.PHONY: help demo test check bench evidence pictures docs
.NOTPARALLEL:  # two targets would install into the same .venv at once

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "PYTHON=python3.12 picks the Python of a new .venv, VENV=DIR another folder for it,"
	@echo "ARGS=\"-k dice\" goes to the command that the target runs."

demo: $(CORE)  ## a phantom study through the whole flow; the last line is the report's path
	@$(BIN)/murinoma demo $(ARGS)

test: $(DEV)  ## all tests, in as many processes as there are cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile $(ARGS)

check: $(DEV)  ## lint, format, types, the rooms and the public names
	$(BIN)/ruff check $(TREES)
	$(BIN)/ruff format --check $(TREES)
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/test_rooms.py tests/test_public_names.py

bench: $(DEV)  ## the speed claims, each against the library that one would otherwise call
	$(BIN)/python benchmarks/run.py $(ARGS)

evidence: $(DEV)  ## the long demonstrations; each writes its table into docs/evidence/
	@set -e; for script in $(sort $(wildcard evidence/[a-z]*.py)); do echo "$$script"; $(BIN)/python "$$script" $(ARGS); done

pictures: $(DEV)  ## the pictures of the README and the tutorial, and what the tutorial prints
	$(BIN)/python docs/pictures.py

docs: $(DEV)  ## the documentation as HTML, warnings as errors; the last line is its first page
	$(BIN)/python -m sphinx -q -W --keep-going -d docs/_build/pages -b html docs docs/_build/html $(ARGS)
	@echo docs/_build/html/index.html

$(CORE): $(ASKED) | $(MADE)
	@echo "installing murinoma into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

# dev holds the core too: `make demo` after `make test` installs nothing
$(DEV): $(ASKED) | $(MADE)
	@echo "installing murinoma and what its tests need into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $(CORE) $@

# one .venv holds one Python: asked for another, stop rather than run the wrong one
$(MADE):
	@test ! -x $(BIN)/python || test "$$($(BIN)/python -V)" = "$$($(PYTHON) -V)" || \
	  { echo "$(VENV) holds $$($(BIN)/python -V), $(PYTHON) is $$($(PYTHON) -V): remove $(VENV), or give VENV=DIR"; exit 1; } >&2
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(@D) && touch $@
