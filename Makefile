# SPDX-License-Identifier: Apache-2.0
# Every target works on a fresh Debian 12 machine, as root, with nothing installed by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STATE ?= state
DEBIAN := openvswitch-switch ovn-central ovn-host iproute2 ethtool isc-dhcp-client iputils-ping iputils-arping python3-venv
DEBIAN_TEST := tcpdump mariadb-server postgresql

.DEFAULT_GOAL := help
.PHONY: help install install-dev lint test bench up down demo lock

help:                ## what there is to run
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(VENV)/.debian:
	bin/debian-packages $(DEBIAN)
	@mkdir -p $(VENV) && touch $@

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/.debian
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --require-hashes -r requirements.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	bin/debian-packages $(DEBIAN_TEST)
	$(BIN)/pip install -q --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/.installed     ## install Debian packages and .venv/bin/deuteron

install-dev: $(VENV)/.installed-dev  ## the same, with the test tools and the openstack client

lint: install-dev    ## format check, lint, types, import directions
	$(BIN)/ruff format --check src tests bench demo
	$(BIN)/ruff check src tests bench demo
	$(BIN)/mypy
	$(BIN)/lint-imports

# What counts seconds or sends packets has the machine to itself; the rest waits mostly for disks.
ALONE := $(wildcard tests/engine tests/end_to_end tests/cli)
test: lint           ## every test: three databases, 21,000 made-up requests, real packets
	DEUTERON_TEST_DATABASES=sqlite,postgresql,mariadb DEUTERON_BAD_REQUESTS=7000 \
	$(BIN)/pytest -n 4 --dist loadfile $(addprefix --ignore=,$(ALONE))
	DEUTERON_TEST_DATABASES=sqlite,postgresql,mariadb $(BIN)/pytest $(ALONE)

up: install          ## install if needed and run everything on this machine
	$(BIN)/deuteron up --state $(STATE)

demo: install-dev    ## with `make up` running: two namespaces that talk, by the real client
	$(BIN)/python demo/demo.py --state $(STATE)

down:                ## end what `make up` started and remove its state
	$(BIN)/deuteron down --state $(STATE)

bench: install-dev   ## measure; beside upstream where its lab is installed
	$(BIN)/python -m bench

lock:                ## recompute the lock files (needs uv)
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --group dev pyproject.toml -c requirements.lock -o requirements-dev.lock
