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
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

.PHONY: test-schema
test-schema: ## The documentation in a browser, Schemathesis against the running services (BUDGET_S=60, SEED=7)
	@tests/schema/run

.PHONY: fuzz
fuzz: ## Fuzz a parser: TARGET=http_call (or all) SECONDS=60
	@scripts/fuzz $(or $(TARGET),all) $(or $(SECONDS),60)

.PHONY: lint
lint: ## Formatting, clippy, documentation, dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
	$(MAKE) --no-print-directory deny scripts-lint chart-lint workflows-lint

.PHONY: scripts-lint
scripts-lint: ## Shell scripts
	@command -v shellcheck > /dev/null || { echo "shellcheck is missing: 'apt-get install shellcheck', 'brew install shellcheck'" >&2; exit 1; }
	shellcheck -x --severity warning .ci/run $$(grep -rlE '^#!(/bin/sh|/usr/bin/env bash)' scripts tests operator/testenv)

.PHONY: chart-lint
chart-lint: ## The chart by helm, its rules and their tests by promtool
	@scripts/chart-lint

.PHONY: workflows-lint
workflows-lint: ## The GitHub workflows by actionlint
	$$(scripts/tool actionlint) -color

.PHONY: chart-test
chart-test: ## Only the tests of the chart, dashboards and rules; `make test` has them too
	cargo test --locked -p chart-tests
	KUBEBUILDER_ASSETS=$$(operator/testenv/assets) cargo test --locked -p operator --test it chart

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
load-test: binaries ## k6: 50 + 50 users for 60 s (MODE=microservices; SCRIPT=stress, autoscaling or rush)
	@tests/load/run $(BIN)

.PHONY: bench
bench: ## Requests per second beside a bare axum handler, in one run
	@tests/bench/run

.PHONY: bench-engine
bench-engine: ## The engine alone: commands per second, by Criterion
	cargo bench --locked -p bench

.PHONY: bench-overload
bench-overload: ## Up to ten times the peak, open loop: what gets done, how fast, and what is refused
	cargo build --release --locked -p ticket -p vacancy -p bench
	@tests/bench/overload --bin $(BIN)

.PHONY: bench-postgres
bench-postgres: ## On PostgreSQL: beside one reservation per transaction, and three replicas beside one
	cargo build --release --locked -p vacancy
	@tests/bench/postgres --bin $(BIN)

##@ Images

# What the scripts below read; each can be given on the command line, such as `make smoke NAMESPACE=fair`.
export NAME NAMESPACE CLUSTER TAG IMAGE_PREFIX PROFILE LOAD_IMAGE PUSH TIMEOUT_S DATA SAMPLE SKIP_BUILD BUILD

.PHONY: build
build: ## Build the images ticket, vacancy, operator (BUILD=static, PROFILE=release, IMAGE_PREFIX=…, TAG=…)
	@scripts/build-images $(or $(BUILD),auto)

.PHONY: build-static
build-static: ## The same from static binaries, on nothing at all; needs no registry
	@scripts/build-images static

.PHONY: build-alpine
build-alpine: ## The same on Alpine, with a shell to look around; tag …-alpine
	@scripts/build-images alpine

##@ Release

.PHONY: images-push
images-push: ## Build the images for this machine's architecture and push them (IMAGE_PREFIX=registry/…, TAG=v1.2.3)
	@scripts/images-push

.PHONY: images-index
images-index: ## Join the pushed architectures under one tag
	@scripts/images-index

.PHONY: sbom
sbom: ## What the published images are made of, by syft
	@scripts/sbom

.PHONY: images-sign
images-sign: ## Sign the published images and their SBOMs, by cosign
	@scripts/images-sign

.PHONY: chart-package
chart-package: ## Pack the chart, naming the published images
	@scripts/chart-package

.PHONY: chart-push
chart-push: ## Pack the chart and push it beside the images
	@scripts/chart-push

##@ Cluster

.PHONY: full-deploy
full-deploy: ## All of it: Kind cluster (or CLUSTER=current), images, operator, a system, one ticket
	@scripts/full-deploy

.PHONY: deploy
deploy: ## Install or update the operator, then the system NAME from SAMPLE
	@scripts/deploy
	@scripts/apply-sample

.PHONY: wait
wait: ## Wait until the system is Ready, saying what for
	@scripts/wait-ready

.PHONY: status
status: ## The system, its pods, the operator and what happened last
	@scripts/status

.PHONY: smoke
smoke: ## Buy a ticket from what is deployed
	@scripts/smoke

.PHONY: hpa-status
hpa-status: ## What the autoscalers measure, want and did
	@scripts/hpa-status

.PHONY: watch-hpa
watch-hpa: ## Follow the autoscalers
	@kubectl -n $(or $(NAMESPACE),default) get hpa -l app.kubernetes.io/instance=$(or $(NAME),my-ticketsystem) --watch

.PHONY: logs
logs: ## Follow the logs of all pods of the system
	@kubectl -n $(or $(NAMESPACE),default) logs -l app.kubernetes.io/instance=$(or $(NAME),my-ticketsystem) --prefix --follow --tail 50 --max-log-requests 50

.PHONY: port-forward
port-forward: ## The services on 127.0.0.1, until Ctrl-C
	@scripts/port-forward

.PHONY: restart
restart: ## Restart the pods of the system one by one
	@kubectl -n $(or $(NAMESPACE),default) rollout restart deployment -l app.kubernetes.io/instance=$(or $(NAME),my-ticketsystem)
	@scripts/wait-ready

.PHONY: scale
scale: ## REPLICAS=4 pods that sell, or REPLICAS=auto
	@scripts/scale $(REPLICAS)

.PHONY: clean
clean: ## Take the system away; the stock stays unless DATA=delete
	@scripts/clean

.PHONY: e2e
e2e: ## End-to-end tests on the cluster KUBECONFIG names (ONLY="install crash" for some of them)
	@tests/e2e/run $(ONLY)

##@ Proof

.PHONY: soak
soak: ## Simulations with everything going wrong: SEEDS=1000 of them, FROM=0; or one with SEED=17
	cargo run --quiet --locked -p simulation --bin soak

.PHONY: test-faults
test-faults: ## Real faults, as root: kill -9 at system calls, failing disks, broken networks (EVERY=1: at every call)
	cargo test --locked -p fault-tests --features real-faults -- --nocapture --test-threads 1
