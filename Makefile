# Photree: the two commands are `make demo` and `make test`. Both set up what they need.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON := /usr/bin/python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup lint test unit guide demo bench distro clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: $(VENV)/ready ## install system packages and the Python environment

$(VENV)/apt: packages.apt
	@mkdir -p $(VENV)
	@missing=$$(sed 's/#.*//' packages.apt | xargs dpkg-query -W -f='$${Package} $${db:Status-Status}\n' 2>&1 | grep -v ' installed$$' || :); \
	if [ -n "$$missing" ]; then \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$(sed 's/#.*//' packages.apt); \
	fi
	@touch $@

$(VENV)/ready: $(VENV)/apt pyproject.toml
	@$(PYTHON) -m venv --system-site-packages $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

lint: setup ## format and lint check, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint ## every test but the guide's, those that boot virtual machines included
	$(BIN)/pytest -m 'not guide'

unit: setup ## the tests that boot nothing
	$(BIN)/pytest -m 'not vm'

guide: setup ## a booted host goes through the chapters of the guide (FIRMWARE=uefi; 10 minutes and more)
	$(BIN)/pytest -m guide --firmware $(FIRMWARE)

distro: setup ## build the embedded test distribution (cached)
	$(BIN)/python -m tests.distro

clean: ## remove the environment (caches stay in ~/.cache/photree)
	rm -rf $(VENV) build *.egg-info

CONSOLE ?= attach
DISTRO ?= embedded
FIRMWARE ?= bios

demo: setup ## packages -> tree -> disk -> booted machine (CONSOLE=none, DISTRO=photon, FIRMWARE=uefi)
	$(BIN)/python -m tests.demo --console $(CONSOLE) --distro $(DISTRO) --firmware $(FIRMWARE)

bench: setup ## measure against ostree's own tools; writes docs/benchmarks.md
	$(BIN)/python -m tests.bench
