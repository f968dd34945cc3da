# The names of the targets are part of what other people rely on.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT  := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
# -trimpath and -buildvcs=false: the same sources give the same bytes anywhere.
BUILD   := -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)"

PKG  ?= ./...
ARGS ?=

# What tests need on the machine; .ci/install knows the packages.
TEST_NEEDS := postgresql chromium poppler qpdf zbar gcc npm java

# Packages in which goroutines meet. The rules have none, and the race detector
# makes tests about ten times slower.
RACY := ./internal/app/... ./internal/embeddedpg ./internal/jobs/... ./internal/store ./web/...

# Tests find these; where they are missing, tests that need them say so.
export PORTAL_TEST_AXE := $(CURDIR)/.cache/npm/node_modules/axe-core/axe.min.js
export PORTAL_TEST_VNU := $(CURDIR)/.cache/npm/node_modules/vnu-jar/build/dist/vnu.jar

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | sort | awk -F '\t' '{printf "%-12s %s\n", $$1, $$2}'

.PHONY: run
run: ## start the demo on http://127.0.0.1:8080, data in .data/
	@[ -n "$${DATABASE_URL:-}" ] || .ci/install postgresql
	@$(MAKE) build
	@PORTAL_MODE=demo exec ./bin/portal serve

.PHONY: build
build: ## build bin/portal
	@go build $(BUILD) -o bin/portal ./cmd/portal

.PHONY: test
test: ## everything CI runs; installs what it needs
	@.ci/install $(TEST_NEEDS)
	@.ci/tools npm
	@.ci/generated
	@$(MAKE) lint
	@trap 'go run ./internal/storetest/cmd/stop' EXIT; \
	export PORTAL_TEST_REQUIRE=1; \
	go test -timeout 20m ./...; \
	go test -timeout 20m -race -short $(RACY)
	@"$(VALIDATION)/en16931" internal/einvoice/testdata/invoice.ubl.xml >/dev/null 2>&1 || \
	echo "test: SKIPPED, NOT TESTED: e-invoices by the official validators, which $(VALIDATION)/en16931 does not run here"
	@[ -x "$(VALIDATION)/pdfa" ] && [ -x "$(VALIDATION)/facturx-extract" ] || \
	echo "test: SKIPPED, NOT TESTED: PDF/A and Factur-X by their checkers, which are not in $(VALIDATION)"
	@echo "test: all green"

.PHONY: lint
lint: ## go vet, golangci-lint, formatting
	@.ci/tools lint
	@go vet ./...
	@.cache/bin/golangci-lint run --allow-parallel-runners

.PHONY: fmt
fmt: ## format Go and templ sources
	@.ci/tools lint
	@.cache/bin/golangci-lint fmt
	@go tool templ fmt views

.PHONY: generate
generate: ## write views/*_templ.go and migrations/schema.sql
	@go tool templ generate -path views -log-level error
	@$(MAKE) schema

.PHONY: schema
schema: ## write migrations/schema.sql from the migrations
	@.ci/install postgresql
	@go run ./internal/storetest/cmd/schema migrations/schema.sql

.PHONY: cover
cover: ## tests with a coverage report in .cache/cover.html
	@mkdir -p .cache
	@go test -coverpkg=./... -coverprofile=.cache/cover.out $(PKG)
	@go tool cover -html=.cache/cover.out -o .cache/cover.html
	@go tool cover -func=.cache/cover.out | tail -n 1

# What the goals of docs/performance.md speak of; the rest of the benchmarks runs
# with PKG.
BENCHED := ./internal/pricing ./internal/vat ./views ./internal/pdf ./internal/bench

.PHONY: bench
bench: ## benchmarks against their baselines; PKG=./internal/i18n ARGS='-benchtime 5s' narrows
	@.ci/install postgresql
	@PORTAL_TEST_REQUIRE=1 go test -run '^$$' -bench . -benchmem -timeout 10m $(ARGS) $(if $(filter ./...,$(PKG)),$(BENCHED),$(PKG))

.PHONY: bench-renewals
bench-renewals: ## renewals from the balance against the bare bound, 10,000 and 100,000 due; about five minutes, with QUICK=1 one
	@.ci/install postgresql
	@PORTAL_BENCH_RENEWALS=$(if $(QUICK),quick,1) PORTAL_TEST_REQUIRE=1 go test -run '^$$' -bench '^BenchmarkRenewals$$' -benchtime 1x -timeout 30m $(ARGS) ./internal/bench

.PHONY: bench-pdf
bench-pdf: ## one invoice PDF against its bound and other libraries, by processor time of one core; two to five minutes
	@mkdir -p .cache/pdfpeers
	@cd .ci/pdfpeers && go build -o ../../.cache/pdfpeers/pdfpeers . && cp weasy.py ../../.cache/pdfpeers
	@PORTAL_PDF_PEERS=$(CURDIR)/.cache/pdfpeers go test -run '^$$' -bench '^BenchmarkPeers$$' -benchtime 1x -timeout 30m $(ARGS) ./internal/pdf

.PHONY: profile
profile: ## CPU and memory profiles of one package's benchmarks: make profile PKG=./internal/pdf
	@[ "$(PKG)" != ./... ] || { echo "profile: name one package: make profile PKG=./internal/pdf" >&2; exit 1; }
	@mkdir -p .cache
	@go test -run '^$$' -bench . -cpuprofile .cache/cpu.out -memprofile .cache/mem.out -o .cache/profile.test $(ARGS) $(PKG)
	@go tool pprof -top -nodecount=25 .cache/profile.test .cache/cpu.out
	@go tool pprof -top -nodecount=25 -sample_index=alloc_space .cache/profile.test .cache/mem.out

RUNS ?= 100

.PHONY: crash
crash: ## fault runs: the program and its PostgreSQL killed, cut and frozen in RUNS=100 cycles; about half an hour
	@.ci/install postgresql
	@PORTAL_CRASH_RUNS=$(RUNS) PORTAL_TEST_REQUIRE=1 go test -count=1 -timeout 6h -v \
	  -run '^(TestKilledAtAnyMoment|TestChargesUnderFaults|TestFaultRunsSeeDoubledCharges|TestOneWallIsEnough)$$' $(ARGS) ./internal/e2e

.PHONY: races
races: ## auto-renewal switched off against the charge of a card, 10,000 times; half an hour
	@.ci/install postgresql
	@PORTAL_LONG=1 PORTAL_TEST_REQUIRE=1 go test -count=1 -timeout 3h -v -run '^TestOffRacesTheCard$$' $(ARGS) ./internal/app

SEEDS ?= 200
STEPS ?= 200
SEED  ?= 0

.PHONY: sim
sim: ## play random customers against the use cases: make sim SEEDS=2000, or SEED=123 for one again
	@.ci/install postgresql
	@PORTAL_TEST_REQUIRE=1 go test -count=1 -timeout 12h -v -run '^TestSimulation$$' ./internal/sim -args -seeds=$(SEEDS) -steps=$(STEPS) -seed=$(SEED) $(ARGS)

.PHONY: sim-proof
sim-proof: ## plant bugs one at a time; the simulator has to find each
	@.ci/install postgresql
	@PORTAL_LONG=1 PORTAL_TEST_REQUIRE=1 go test -count=1 -timeout 60m -v -run '^TestTheSimulatorSees$$' $(ARGS) ./internal/sim

# The validators are not ours to commit. Their folder has a command en16931.
VALIDATION := $(or $(PORTAL_VALIDATION),$(CURDIR)/../shared/validation)

.PHONY: conformance
conformance: ## documents through the official validators in PORTAL_VALIDATION (../shared/validation); fifteen minutes
	@[ -x "$(VALIDATION)/en16931" ] && [ -x "$(VALIDATION)/pdfa" ] || { echo "conformance: no validators: PORTAL_VALIDATION names the folder with the commands en16931 and pdfa" >&2; exit 1; }
	@.ci/install postgresql poppler qpdf java
	@PORTAL_VALIDATION="$(VALIDATION)" PORTAL_CONFORMANCE=1 PORTAL_TEST_REQUIRE=1 go test -count=1 -timeout 3h -v \
	  -run '^Test(OfficialValidators|BrokenFiles|Check|HybridFiles|BrokenHybrids|PaperAndTheInvoiceInsideAgree)$$' ./internal/einvoice
	@PORTAL_VALIDATION="$(VALIDATION)" PORTAL_CONFORMANCE=1 PORTAL_TEST_REQUIRE=1 go test -count=1 -timeout 30m -v -run '^TestServedDocumentsConform$$' ./internal/e2e
	@echo "conformance: every document is valid, every broken one was caught"

.PHONY: tools
tools: ## install and build all that the other targets need
	@.ci/install $(TEST_NEEDS)
	@.ci/tools lint npm

.PHONY: clean
clean: ## remove what was built; .data stays
	@rm -rf bin .cache
