# The one entry for people and for CI. `make` alone says what there is.

SHELL := bash
.DEFAULT_GOAL := help
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/signalbox
# Outside the checkout, so that a fresh clone finds what an earlier one built.
export CARGO_TARGET_DIR ?= $(CACHE)/target
export PATH := $(PATH):$(HOME)/.cargo/bin:$(CACHE)/tools/bin
export SIGNALBOX_PYTHON := $(CACHE)/python/bin/python
export SIGNALBOX_NODE_MODULES := $(CACHE)/node/node_modules
LOCKED := $(if $(filter true,$(CI)),--locked)
# Seconds that `make fuzz` gives each decoder, and `make soak` runs.
FUZZ_SECONDS ?= 600
SOAK_SECONDS ?= 3600

.PHONY: help run test deps lint bench fuzz soak reference

help: ## says what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1 \t/p' $(MAKEFILE_LIST) | expand -t 20

run: deps ## starts a node with the demo configuration and a simulated SMSC behind it
	@.ci/demo.sh

test: deps ## runs all tests
	cargo test --workspace $(LOCKED)

deps: ## installs what is missing from the package registries
	@.ci/deps.sh

lint: ## checks everything that is checked without running the program
	@.ci/lint.sh

bench: ## measures what docs/performance.md reports
	cargo bench --workspace $(LOCKED)

fuzz: ## feeds each decoder with damaged input, FUZZ_SECONDS for each
	SIGNALBOX_FUZZ_SECONDS=$(FUZZ_SECONDS) cargo test --release $(LOCKED) -p signalbox-smpp --test smpp -- --nocapture fuzz::
	FUZZ_SECONDS=$(FUZZ_SECONDS) cargo test --release $(LOCKED) -p signalbox-text --test text -- --nocapture fuzz::

soak: deps ## runs faults by chance under load (docs/faults.md), SOAK_SECONDS long
	SOAK_SECONDS=$(SOAK_SECONDS) cargo test --release $(LOCKED) -p signalbox --test node soak:: -- --nocapture --ignored

reference: ## writes config/reference*.toml anew from the declarations of the settings
	SIGNALBOX_BLESS=1 cargo test -p signalbox-config --test it files::
