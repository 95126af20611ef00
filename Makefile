# Two commands do everything: `make demo` and `make test`. Each sets up what it needs, or says what is missing.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
SEED ?= sasrec
VENV := .venv
BIN := $(VENV)/bin
SETUP := .setup
APT_DEMO := git bubblewrap
APT_TEST := $(APT_DEMO) neovim emacs-nox elpa-eglot chromium ripgrep g++ make

VSCODE := editor-client/vscode
PICTURES := findings users diff run report
# Left out of the tests as an ordinary user, to whom they are the same: texts that are parsed, messages over pipes and sockets.
SAME_FOR_ALL := $(addprefix tests/adversarial/test_,edit_replies.py wire.py wire_fuzz.py endpoint_down.py)
AS_USER := $(filter-out $(SAME_FOR_ALL),$(wildcard tests/adversarial/test_*.py))
PACKAGES := evolverec server evolution diagnosis simulator seeds

.PHONY: help setup demo test test-user test-kernels check types unit docs vsix publishable code-server pictures bench clean

help:
	@echo "make demo    set up, then run the main job on the built-in shop (about 5 minutes); SEED=gru4rec for another seed"
	@echo "make test    set up, then run every check and every test"
	@echo "make check   lint, types, import directions and unit tests (about 2 minutes)"
	@echo "make test-user   the adversarial tests as an ordinary user (for root, who runs make test)"
	@echo "make test-kernels  the unit tests as other processors would compute them (under 3 minutes)"
	@echo "make docs    write docs/probes.md from the kinds of findings"
	@echo "make vsix    build the VS Code extension"
	@echo "make publishable  the registries' own checks of the wheel and the extension (docs/release.md)"
	@echo "make pictures  pictures of the main job in VS Code, into docs/pictures"
	@echo "make bench   the figures of docs/results (hours; see tests/bench)"
	@echo "make clean   remove what these commands made, but for demo-repo, which may hold work of yours"

setup: $(SETUP)/python

$(SETUP)/python: pyproject.toml constraints.txt
	@mkdir -p $(SETUP)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "evolverec needs Python 3.11 or later; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || tests/system_packages.sh python3-venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[torch,dev]'
	@touch $@

$(SETUP)/apt-demo:
	@mkdir -p $(SETUP)
	@tests/system_packages.sh $(APT_DEMO)
	@touch $@

$(SETUP)/apt-test: Makefile
	@mkdir -p $(SETUP)
	@tests/system_packages.sh $(APT_TEST)
	@touch $@

$(SETUP)/node:
	@mkdir -p $(SETUP)
	@command -v npm >/dev/null || tests/system_packages.sh nodejs npm
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "the VS Code extension needs Node.js 20 or later to be built; this is $$(node --version). Put a newer one first in PATH" >&2; exit 1; }
	@touch $@

$(SETUP)/vscode-packages: $(VSCODE)/package-lock.json | $(SETUP)/node
	npm --prefix $(VSCODE) ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# evolverec itself, for those who let the extension make an environment: no package index is asked for its name. With the
# versions that it was tested with.
$(SETUP)/wheel: $(SETUP)/python constraints.txt evolverec_entry.py $(shell find $(PACKAGES) -type f -not -path '*/__pycache__/*')
	rm -rf build $(VSCODE)/wheel
	$(BIN)/python -m pip wheel . --quiet --no-deps --no-build-isolation --wheel-dir $(VSCODE)/wheel
	cp constraints.txt $(VSCODE)/wheel
	@touch $@

vsix: $(SETUP)/vscode

$(SETUP)/vscode: CHANGELOG.md $(SETUP)/vscode-packages $(SETUP)/wheel $(wildcard $(VSCODE)/*.json $(VSCODE)/*.mjs $(VSCODE)/*.md $(VSCODE)/media/*) $(shell find $(VSCODE)/src $(VSCODE)/test -type f 2>/dev/null)
	cp CHANGELOG.md $(VSCODE)/CHANGELOG.md
	cd $(VSCODE) && npm run --silent check && npm run --silent test && npm run --silent build && npm run --silent package
	@touch $@

publishable: $(SETUP)/vscode setup
	$(BIN)/python -m twine check --strict $(VSCODE)/wheel/*.whl
	$(BIN)/python -m pytest -q tests/test_publishing.py

code-server: $(SETUP)/code-server.done

$(SETUP)/code-server.done: tests/vscode/install_code_server.sh | $(SETUP)/apt-test $(SETUP)/node $(SETUP)/python
	tests/vscode/install_code_server.sh $(SETUP)/code-server $(BIN)/python
	@touch $@

pictures: $(SETUP)/code-server.done $(SETUP)/vscode setup
	@tests/system_packages.sh pngquant
	$(BIN)/python -m pytest -q tests/vscode/test_main_flow.py tests/vscode/test_runs.py
	@mkdir -p docs/pictures
	for name in $(PICTURES); do pngquant --force --output docs/pictures/$$name.png test-output/vscode/$$name.png || exit 1; done

demo: $(SETUP)/apt-demo setup
	$(BIN)/evolverec demo demo-repo --seed $(SEED)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory -j2 types unit  # pyright holds one core for half the time

types: setup
	$(BIN)/pyright

unit: setup
	$(BIN)/python -m pytest -q -n 2 -m "not trains and not slow and not wire and not process and not training and not editor"

test: $(SETUP)/apt-test $(SETUP)/vscode $(SETUP)/code-server.done check publishable
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "trains or slow or wire or process or training or editor"
	@$(MAKE) --no-print-directory test-user

test-user: setup  # where root runs the tests: those of what a candidate may do once more, as somebody who owns nothing
	$(BIN)/python tests/as_user.py $(BIN)/python -m pytest -n 2 -p no:cacheprovider $(AS_USER)

test-kernels: setup
	$(BIN)/python tests/kernels.py

docs: setup
	$(BIN)/python -m server.report.probes_page

bench: setup
	@for script in tests/bench/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) $(SETUP) $(VSCODE)/node_modules $(VSCODE)/dist $(VSCODE)/wheel $(VSCODE)/evolverec.vsix $(VSCODE)/CHANGELOG.md build dist *.egg-info test-output .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.git/*' -not -path './demo-repo/*' -prune -exec rm -rf {} +
	@if [ -e demo-repo ]; then echo "demo-repo is kept: it may hold work of yours. Delete it yourself if it does not"; fi
