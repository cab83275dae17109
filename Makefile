# ntegral: one entry for builders, testers and the CI. `make` alone lists the targets.
#
# The repository is a workspace of five modules; `go build ./...` at its root
# does not work, so targets name them or loop over them. EACH stops at the first
# red module, SWEEP goes on and fails at the end.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

MODULES   := schemas pipelines services grafana-plugin loadtest
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS   := -s -w -X main.version=$(VERSION)
P         ?= 2
GOFLAGS_T ?= -p $(P)
DATA_DEV  := .data/dev
SIZES         ?= 1000,10000,100000
SCALE         ?=
RECOVERY      ?=
SOAK_CLUSTERS ?= 10000
SOAK_KILLS    ?= 20
KILLS         ?= 2
CHAOS_KILLS   ?= 125
FAULTS        ?= 10
KAFKA         ?=
CLUSTERS      ?= 500
SEED          ?= 1
FUZZTIME      ?= 1m
BENCH         ?= .
# Packages with goroutines of their own; the others have nothing to race.
RACE_PKGS     ?= ./...

EACH  = @for m in $(MODULES); do (cd $$m && echo "== $$m" && $(1)); done
# All modules at once, so that one's slow tests run beside the next one's.
ALL   = $(MODULES:%=./%/...)
SWEEP = @red=; for m in $(MODULES); do echo "== $$m"; (cd $$m && $(1)) || red="$$red $$m"; done; [ -z "$$red" ] || { echo "red:$$red" >&2; exit 1; }

##@ Everyday

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' Makefile

.PHONY: build
build: ## build the binaries into bin/, with their version
	@mkdir -p bin
	cd services && CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o ../bin/ ./cmd/...
	cd loadtest && CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o ../bin/ ./cmd/...
	$(call EACH,go build ./...)

.PHONY: test
test: ## all tests; what needs Java or libchdb skips with one line, and fails where CI is set
	go test $(GOFLAGS_T) $(ALL)

.PHONY: test-short
test-short: ## the fast tests, with the embedded broker alone
	go test $(GOFLAGS_T) -short $(ALL)

.PHONY: fmt
fmt: ## format all Go files (gofumpt, goimports)
	@tool=$$(deploy/scripts/golangci-lint.sh); for m in $(MODULES); do (cd $$m && "$$tool" fmt); done

.PHONY: lint
lint: ## formatting, golangci-lint of each module, shell scripts
	@deploy/scripts/lint.sh $(MODULES)

.PHONY: check
check: check-tidy build lint check-generated test check-standalone ## what every change must pass

##@ More tests

.PHONY: test-race
test-race: ## the race detector over the services, with the embedded broker alone
	cd services && go test $(GOFLAGS_T) -race -short $(RACE_PKGS)

.PHONY: test-integration
test-integration: libchdb kafka ## the services against libchdb and both Kafka brokers; a skip is a failure
	cd services && CI=true go test $(GOFLAGS_T) ./...

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (1m) each
	@FUZZTIME=$(FUZZTIME) deploy/scripts/fuzz.sh $(MODULES)

.PHONY: bench
bench: ## the benchmarks (BENCH=regexp), for benchstat
	$(call SWEEP,go test -run '^$$' -bench '$(BENCH)' -benchmem ./... | grep -v '^?')

.PHONY: bench-replay
bench-replay: build libchdb ## 64 nodes, 8 devices, 2 hours: time, CPU and memory of a replay
	bin/ntegral-loadtest bench replay --binary bin/ntegral

.PHONY: bench-peers
bench-peers: build libchdb ## the product, three peers and the bare decode loop on the same topics: rates, memory, equal facts
	bin/ntegral-loadtest bench peers --binary bin/ntegral --kafka deploy/scripts/kafka.sh --streams "$$(deploy/scripts/kafka.sh fetch >/dev/null && loadtest/peers/kafka-streams/build.sh)"

.PHONY: bench-scale
bench-scale: build libchdb ## SIZES (1,000 to 100,000) accelerators at 1 Hz: rates, CPU, memory, checkpoints (SCALE=flags, see bench scale --help)
	bin/ntegral-loadtest bench scale --binary bin/ntegral --sizes $(SIZES) $(SCALE)

.PHONY: bench-recovery
bench-recovery: build libchdb ## kill the processor of 100,000 accelerators and time until it is back (RECOVERY=flags, see bench recovery --help)
	bin/ntegral-loadtest bench recovery --binary bin/ntegral $(RECOVERY)

.PHONY: conformance
conformance: ## CLUSTERS (500) random clusters: the engine against the plain implementation
	cd pipelines && GOGC=400 go test -timeout 0 -count 1 ./conformance/ -conformance.clusters $(CLUSTERS)

.PHONY: conformance-product
conformance-product: build libchdb ## 50 random clusters through the whole product, its reports against the plain implementation's
	@deploy/scripts/conformance.sh bin/ntegral 40 $(SEED)
	@deploy/scripts/conformance.sh bin/ntegral 10 $(SEED) -conformance.states

# Small steps, so that faults meet many of them.
zombie kills chaos-500 fleet fulldisk soak: export NTEGRAL_PROCESS_STEP_INTERVAL = 1s
zombie kills chaos-500 fleet fulldisk soak: export NTEGRAL_PROCESS_STEP_BYTES = 2097152

.PHONY: zombie
zombie: build libchdb ## a stopped processor that comes back changes nothing
	bin/ntegral-loadtest chaos zombie --binary bin/ntegral --mixed --seed $(SEED)

.PHONY: kills
kills: build libchdb ## kill each component KILLS (2) times during a replay and compare with an undisturbed one
	bin/ntegral-loadtest chaos --binary bin/ntegral --mixed --kills $(KILLS) --component all --seed $(SEED)

# Kills come every second or so. So that each meets a system that gets on: a replay
# that was killed resumes where it was, checkpoints are written in between, and
# the supervisor does not wait longer and longer.
.PHONY: chaos-500
chaos-500: export NTEGRAL_SUPERVISE_BACKOFF_MAX = 200ms
chaos-500: export NTEGRAL_PROCESS_CHECKPOINT_INTERVAL = 2s
chaos-500: export NTEGRAL_REPLAY_CHUNK_ROWS = 10000
chaos-500: build libchdb ## CHAOS_KILLS (125) kills of each of the four components, 500 in all, in about 15 minutes
	bin/ntegral-loadtest chaos --binary bin/ntegral --mixed --kills $(CHAOS_KILLS) --component all --round 60s --pause 800ms --seed $(SEED)

.PHONY: fleet
fleet: build libchdb ## FAULTS (10) random faults on a broker, a store, two processors and two sinks (KAFKA=deploy/scripts/kafka.sh: on Apache Kafka)
	bin/ntegral-loadtest chaos fleet --binary bin/ntegral --mixed --faults $(FAULTS) --seed $(SEED) --kafka "$(KAFKA)"

.PHONY: fulldisk
fulldisk: build libchdb ## fill the disk under the broker, the store and the whole folder during a replay (needs the right to mount)
	bin/ntegral-loadtest chaos disk --binary bin/ntegral --mixed --seed $(SEED)

.PHONY: soak
soak: build libchdb ## SOAK_CLUSTERS (10,000) random clusters, SOAK_KILLS (20) kills a component
	cd pipelines && GOGC=400 go test -timeout 0 -count 1 ./conformance/ -conformance.clusters $(SOAK_CLUSTERS)
	bin/ntegral-loadtest chaos --binary bin/ntegral --mixed --kills $(SOAK_KILLS) --component all --seed $(SEED)
	bin/ntegral-loadtest chaos zombie --binary bin/ntegral --mixed --seed $(SEED)

##@ Running it

.PHONY: demo
demo: build libchdb ## generate an estate, replay it, show our figures beside the planted truth
	@deploy/scripts/fresh.sh bin/ntegral .data/demo
	bin/ntegral-loadtest demo --binary bin/ntegral --data .data/demo

.PHONY: demo-mlperf
demo-mlperf: build libchdb ## DATA=DIR: the MLPerf power sets, the published kJ beside ours
	@[ -n "$(DATA)" ] || { echo "say where the MLPerf power sets are: make demo-mlperf DATA=DIR" >&2; exit 2; }
	@deploy/scripts/fresh.sh bin/ntegral .data/demo-mlperf
	bin/ntegral-loadtest demo mlperf --binary bin/ntegral --data .data/demo-mlperf --logs "$(DATA)"

.PHONY: up
up: build libchdb ## start the whole system in .data/dev and leave it running
	@mkdir -p $(DATA_DEV)/log
	@deploy/scripts/up.sh bin/ntegral $(DATA_DEV)

.PHONY: down
down: ## stop the system in .data/dev
	@if test -e $(DATA_DEV)/ntegral.env; then bin/ntegral down --if-running --data $(DATA_DEV); else echo "nothing runs in $(DATA_DEV)"; fi

.PHONY: libchdb
libchdb: ## fetch the embedded ClickHouse engine once (npm, checked by hash), print its path
	@deploy/scripts/libchdb.sh

.PHONY: kafka
kafka: ## fetch Apache Kafka once for the integration tests (Maven), print its folder
	@deploy/scripts/kafka.sh fetch

##@ Upkeep

.PHONY: generate
generate: ## rewrite what is generated from the code (golden files, column tables, docs)
	cd schemas && go test ./contract/ -run Generated -update
	@deploy/scripts/generated.sh

.PHONY: docs
docs: generate ## the same: documentation that follows from the code

.PHONY: check-generated
check-generated: ## fail where a generated file is not what the code says
	cd schemas && go test -count 1 ./contract/
	@deploy/scripts/generated.sh --check

.PHONY: tidy
tidy: ## go mod tidy in every module, go work sync
	go work sync
	$(call EACH,go mod tidy)

.PHONY: check-tidy
check-tidy: ## fail where go.mod or go.sum is not tidy, or the go lines differ
	@deploy/scripts/tidy.sh $(MODULES)

.PHONY: check-standalone
check-standalone: ## build and vet every module outside the workspace; test those that are built of other versions there
	@P=$(P) deploy/scripts/standalone.sh $(MODULES)

.PHONY: licenses
licenses: ## the licence of every module that is linked into a binary
	@deploy/scripts/licenses.sh $(MODULES)

.PHONY: vuln
vuln: ## govulncheck (needs its vulnerability database from the network)
	$(call SWEEP,go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...)

.PHONY: clean
clean: ## remove binaries and the data of demos; caches outside the tree stay
	rm -rf bin .data
