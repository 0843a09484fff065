# SPDX-License-Identifier: Apache-2.0
# Every target works on a fresh Debian 12 machine, as root, with nothing installed by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STATE ?= state
LISTEN ?= 127.0.0.1:9696
DEBIAN := openvswitch-switch ovn-central ovn-host iproute2 ethtool isc-dhcp-client iputils-ping iputils-arping python3-venv
DEBIAN_TEST := tcpdump mariadb-server postgresql

.DEFAULT_GOAL := help
.PHONY: help install install-dev lint test bench up down demo demo-clean lock

help:                ## what there is to run
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1 \2/p' $(MAKEFILE_LIST) | while read -r a b; do printf '%-12s %s\n' "$$a" "$$b"; done

$(VENV)/.debian:
	bin/debian-packages $(DEBIAN)
	@mkdir -p $(VENV) && touch $@

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/.debian
	@echo "installing into $(VENV) (about a minute) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --require-hashes -r requirements.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

# The demo wants the openstack client, not the databases that the tests run on.
$(VENV)/.installed-client: requirements-dev.lock $(VENV)/.installed
	@echo "installing the openstack client and the test tools (about a minute) ..."
	$(BIN)/pip install -q --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-client
	bin/debian-packages $(DEBIAN_TEST)
	@touch $@

install: $(VENV)/.installed     ## install Debian packages and .venv/bin/deuteron
	@echo "installed: $(BIN)/deuteron; next: make up"

install-dev: $(VENV)/.installed-dev  ## the same, with the test tools and the openstack client

lint: install-dev    ## format check, lint, types, import directions
	$(BIN)/ruff format --check src tests bench demo
	$(BIN)/ruff check src tests bench demo
	$(BIN)/mypy
	$(BIN)/lint-imports

# What counts seconds or sends packets has the machine to itself; the rest runs two at a time.
ALONE := $(wildcard tests/engine tests/end_to_end tests/cli)
test: lint           ## every test: three databases, 21,000 made-up requests, real packets
	DEUTERON_TEST_DATABASES=sqlite,postgresql,mariadb DEUTERON_BAD_REQUESTS=7000 \
	$(BIN)/pytest -n 2 --dist loadfile $(addprefix --ignore=,$(ALONE))
	DEUTERON_TEST_DATABASES=sqlite,postgresql,mariadb $(BIN)/pytest $(ALONE)

up: $(VENV)/.installed          ## install if needed and run everything here, until Ctrl-C
	@$(BIN)/deuteron up --state $(STATE) --listen $(LISTEN)

demo: $(VENV)/.installed-client    ## with `make up` running: namespaces that talk, by the real client
	@$(BIN)/python demo/demo.py --state $(STATE)

demo-clean: $(VENV)/.installed-client  ## remove what the demo built
	@$(BIN)/python demo/demo.py --state $(STATE) --clean

down:                ## end what `make up` started and remove its state
	@test ! -x $(BIN)/deuteron || $(BIN)/deuteron down --state $(STATE)

bench: install-dev   ## measure; beside upstream where its lab is installed
	$(BIN)/python -m bench

lock:                ## recompute the lock files (needs uv)
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --group build pyproject.toml -o requirements.lock
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --group dev pyproject.toml -c requirements.lock -o requirements-dev.lock
