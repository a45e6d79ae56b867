# The entry points of the project. `make` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# Build results stay outside the checkout, so all clones on a machine share them.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ticket-system
export CARGO_TARGET_DIR ?= $(CACHE)/target
# The cargo profile of what `make run` and `make dev` start, and the folder where cargo puts it.
RUN_PROFILE = $(or $(PROFILE),quick)
BIN = $(CARGO_TARGET_DIR)/$(patsubst dev,debug,$(RUN_PROFILE))
PROGRAMS = ticket vacancy
# A first run exports no traces: without OTLP there is less to build.
FEATURES = $(if $(filter quick,$(RUN_PROFILE)),--no-default-features $(QUICK_FEATURES))
QUICK_FEATURES = --features redoc,swagger-ui
TOOLS := $(CACHE)/tools
DENY_VERSION := 0.20.2

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} \
	    /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	    /^[a-z0-9-]+:.*## / {printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Run

.PHONY: run
run: PROGRAMS = ticket
run: binaries ## Run the monolith on port 8000, stock in ./data (PROFILE=release: as measured, with OTLP)
	@scripts/try-first
	@DEPLOYMENT_MODE=monolith ADMIN_TOKEN=$${ADMIN_TOKEN:-$$(scripts/admin-token)} exec $(BIN)/ticket

.PHONY: dev
dev: binaries ## Run both services: vacancy on port 8001, ticket on port 8002
	@scripts/dev $(BIN)

.PHONY: binaries
binaries:
	cargo build --profile $(RUN_PROFILE) --locked $(addprefix -p ,$(PROGRAMS)) $(FEATURES)

##@ Check

.PHONY: setup
setup: ## Install what the targets need (GROUP="lint faults"; default: test)
	@scripts/setup $(GROUP)

.PHONY: test
test: ## Run all tests that need neither root nor a cluster; installs what is missing
	@scripts/test

.PHONY: test-schema
test-schema: ## Open the documentation in a browser, run Schemathesis (BUDGET_S=60, SEED=7)
	@tests/schema/run

.PHONY: test-shop
test-shop: ## Take payments through a shop and a provider with everything going wrong (SEED=7)
	@tests/shop/run

.PHONY: test-queue
test-queue: ## Sell to a crowd through a waiting room with kills, check draw and sale (SEED=7)
	@tests/queue/run

.PHONY: test-pages
test-pages: ## Buy through the pages in a browser, verify tickets with other people's programs
	@tests/pages/run

.PHONY: fuzz
fuzz: ## Fuzz the parsers (TARGET=http_call, SECONDS=60; default: all)
	@scripts/fuzz $(or $(TARGET),all) $(or $(SECONDS),60)

.PHONY: lint
lint: ## Check formatting, clippy, documentation, dependencies, scripts, chart, workflows
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
	$(MAKE) --no-print-directory deny scripts-lint chart-lint workflows-lint

.PHONY: scripts-lint
scripts-lint: ## Check the shell scripts with shellcheck
	@command -v shellcheck > /dev/null || \
	    { echo "shellcheck is missing: make setup GROUP=lint" >&2; exit 1; }
	shellcheck -x --severity warning .ci/run \
	    $$(grep -rlE '^#!(/bin/sh|/usr/bin/env bash)' scripts tests operator/testenv)

.PHONY: chart-lint
chart-lint: ## Check the chart with helm, its rules with promtool
	@scripts/chart-lint

.PHONY: workflows-lint
workflows-lint: ## Check the GitHub workflows with actionlint
	$$(scripts/tool actionlint) -color

.PHONY: chart-test
chart-test: ## Run the tests of the chart, dashboards and rules alone
	cargo test --locked -p chart-tests
	KUBEBUILDER_ASSETS=$$(operator/testenv/assets) cargo test --locked -p operator --test it chart

.PHONY: deny
deny: $(TOOLS)/bin/cargo-deny ## Check licences, sources and duplicates of dependencies
	$(TOOLS)/bin/cargo-deny --locked check bans licenses sources

.PHONY: deny-advisories
deny-advisories: $(TOOLS)/bin/cargo-deny ## Check dependencies for advisories; needs the network
	$(TOOLS)/bin/cargo-deny --locked check advisories

$(TOOLS)/bin/cargo-deny:
	cargo install --quiet --locked --root $(TOOLS) cargo-deny@$(DENY_VERSION)

.PHONY: generate
generate: ## Write the generated files: OpenAPI, settings, custom resource
	@scripts/generate

.PHONY: check-generated
check-generated: ## Fail when a generated file is stale
	@scripts/generate --check

.PHONY: load-test
load-test: RUN_PROFILE = $(or $(PROFILE),release)
load-test: binaries ## Run k6 for 60 s (MODE=microservices, SCRIPT=stress|autoscaling|rush)
	@tests/load/run $(BIN)

.PHONY: bench
bench: ## Compare requests per second with a bare axum handler, in one run
	@tests/bench/run

.PHONY: bench-engine
bench-engine: ## Measure commands per second of the engine, with Criterion
	cargo bench --locked -p bench

.PHONY: bench-middleware
bench-middleware: ## http-server's middleware beside tower-http's layers and beside none
	cargo build --release --locked -p bench
	@tests/bench/middleware --bin $(CARGO_TARGET_DIR)/release

.PHONY: bench-overload
bench-overload: ## Offer up to ten times the peak, open loop: throughput, latency, refusals
	cargo build --release --locked -p ticket -p vacancy -p bench
	@tests/bench/overload --bin $(CARGO_TARGET_DIR)/release

.PHONY: bench-postgres
bench-postgres: ## Compare with one reservation per transaction on PostgreSQL
	cargo build --release --locked -p vacancy
	@tests/bench/postgres --bin $(CARGO_TARGET_DIR)/release

##@ Images

# The scripts below read these. Each can be set on the command line: `make smoke NAMESPACE=fair`.
export NAME NAMESPACE CLUSTER TAG IMAGE_PREFIX PROFILE LOAD_IMAGE PUSH TIMEOUT_S DATA SAMPLE
export SKIP_BUILD BUILD
KUBECTL = kubectl -n $(or $(NAMESPACE),default)
OF_SYSTEM = -l app.kubernetes.io/instance=$(or $(NAME),my-ticketsystem)

.PHONY: build
build: ## Build the images (BUILD=static, PROFILE=release, IMAGE_PREFIX=…, TAG=…)
	@scripts/build-images $(or $(BUILD),auto)

.PHONY: build-static
build-static: ## Build the images from scratch with static binaries; needs no registry
	@scripts/build-images static

.PHONY: build-alpine
build-alpine: ## Build the images on Alpine, with a shell; tag …-alpine
	@scripts/build-images alpine

##@ Release

.PHONY: images-push
images-push: ## Build and push images of this architecture (IMAGE_PREFIX=registry/…, TAG=v1.2.3)
	@scripts/images-push

.PHONY: images-index
images-index: ## Join the pushed architectures under one tag
	@scripts/images-index

.PHONY: sbom
sbom: ## Write the SBOMs of the published images, with syft
	@scripts/sbom

.PHONY: images-sign
images-sign: ## Sign the published images and their SBOMs, with cosign
	@scripts/images-sign

.PHONY: chart-package
chart-package: ## Package the chart with the digests of the published images
	@scripts/chart-package

.PHONY: chart-push
chart-push: ## Package the chart and push it to the registry of the images
	@scripts/chart-push

##@ Cluster

.PHONY: full-deploy
full-deploy: ## Cluster (Kind, or CLUSTER=current), images, operator, a system, one ticket
	@scripts/full-deploy

.PHONY: deploy
deploy: ## Install or update the operator, then the system NAME from SAMPLE
	@scripts/deploy
	@scripts/apply-sample

.PHONY: wait
wait: ## Wait until the system is Ready
	@scripts/wait-ready

.PHONY: status
status: ## Show the system, its pods, the operator and recent events
	@scripts/status

.PHONY: smoke
smoke: ## Buy a ticket from the deployed system
	@scripts/smoke

.PHONY: hpa-status
hpa-status: ## Show the autoscalers: metrics, targets, recent scaling
	@scripts/hpa-status

.PHONY: watch-hpa
watch-hpa: ## Follow the autoscalers
	@$(KUBECTL) get hpa $(OF_SYSTEM) --watch

.PHONY: logs
logs: ## Follow the logs of all pods of the system
	@$(KUBECTL) logs $(OF_SYSTEM) --prefix --follow --tail 50 --max-log-requests 50

.PHONY: port-forward
port-forward: ## Forward the services to 127.0.0.1, until Ctrl-C
	@scripts/port-forward

.PHONY: restart
restart: ## Restart the pods of the system one by one
	@$(KUBECTL) rollout restart deployment $(OF_SYSTEM)
	@scripts/wait-ready

.PHONY: scale
scale: ## Set the number of selling pods: REPLICAS=4, or REPLICAS=auto
	@scripts/scale $(REPLICAS)

.PHONY: clean
clean: ## Remove the system; the stock stays unless DATA=delete
	@scripts/clean

.PHONY: e2e
e2e: ## Run the end-to-end tests on the cluster of KUBECONFIG (ONLY="install crash")
	@tests/e2e/run $(ONLY)

##@ Proof

.PHONY: soak
soak: ## Run simulations with injected faults (SEEDS=1000, FROM=0; or one: SEED=17)
	cargo run --quiet --locked -p simulation --bin soak

.PHONY: mutants
mutants: ## Plant each bug of tests/mutants in a copy: the tests must find it (ONLY="stale-reads")
	@scripts/mutants $(ONLY)

.PHONY: test-faults
test-faults: ## Run tests with real faults, as root: kill -9, disks, networks (EVERY=1)
	cargo test --locked -p fault-tests --features real-faults -- --nocapture --test-threads 1
