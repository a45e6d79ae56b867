# What people do with this project. `make` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# Build results lie outside the checkout, so that every clone on a machine shares them.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ticket-system
export CARGO_TARGET_DIR ?= $(CACHE)/target
BIN := $(CARGO_TARGET_DIR)/release
TOOLS := $(CACHE)/tools
DENY_VERSION := 0.20.2

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Run

.PHONY: run
run: binaries ## Run the monolith on port 8000, stock in ./data
	@scripts/try-first
	@DEPLOYMENT_MODE=monolith ADMIN_TOKEN=$${ADMIN_TOKEN:-$$(scripts/admin-token)} exec $(BIN)/ticket

.PHONY: dev
dev: binaries ## Run the two services side by side, vacancy on 8001 and ticket on 8002
	@scripts/dev $(BIN)

.PHONY: binaries
binaries:
	cargo build --release --locked -p ticket -p vacancy

##@ Check

.PHONY: test
test: ## Run all tests but those that need a cluster's nodes
	@scripts/test

.PHONY: lint
lint: ## Formatting, clippy, documentation, dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
	$(MAKE) --no-print-directory deny

.PHONY: deny
deny: $(TOOLS)/bin/cargo-deny ## Licences, sources and duplicates of dependencies
	$(TOOLS)/bin/cargo-deny --locked check bans licenses sources

$(TOOLS)/bin/cargo-deny:
	cargo install --quiet --locked --root $(TOOLS) cargo-deny@$(DENY_VERSION)

.PHONY: generate
generate: ## Write the files that are made from the code
	@scripts/generate

.PHONY: check-generated
check-generated: ## Fail when a generated file is not what the code makes
	@scripts/generate --check

.PHONY: load-test
load-test: binaries ## k6: 50 + 50 users for 60 s against the monolith (MODE=microservices for both services)
	@tests/load/run $(BIN)

.PHONY: bench
bench: ## Requests per second beside a bare axum handler, in one run
	@tests/bench/run
