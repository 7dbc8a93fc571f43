# Everything a developer of openecr runs. `make help` lists the targets.

SHELL := /bin/bash

# Everything is built without cgo, so that all phases share what is compiled; only the race detector needs it.
export CGO_ENABLED := 0
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOLANGCI_LINT_VERSION := v2.15.0
TOOLS := $(HOME)/.cache/openecr/tools
GOVULNCHECK_VERSION := v1.9.0
CYCLONEDX_VERSION := v1.10.0
GOLANGCI_LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)/golangci-lint
GOVULNCHECK := $(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION)/govulncheck
CYCLONEDX := $(TOOLS)/cyclonedx-gomod-$(CYCLONEDX_VERSION)/cyclonedx-gomod

# The docker engine, mounts and name spaces of the end-to-end tests need root.
AS_ROOT := $(if $(filter 0,$(shell id -u)),,-exec "sudo -E")

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the static binary tmp/openecr
	go build -ldflags "-X main.version=$(VERSION)" -o tmp/openecr ./cmd/openecr

# Architectures of the image. Nothing is emulated: Go builds for all of them, and the image has no base that would have to run.
ARCHITECTURES := amd64 arm64

.PHONY: image
image: $(ARCHITECTURES:%=tmp/image/openecr-linux-%) ## build the container image openecr:latest for this machine, and what other architectures need
	mkdir -p tmp/image/data
	docker build --file deploy/Dockerfile --build-arg TARGETARCH=$(shell go env GOARCH) --build-arg VERSION=$(VERSION) --tag openecr:latest tmp/image

tmp/image/openecr-linux-%: FORCE
	GOOS=linux GOARCH=$* go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $@ ./cmd/openecr

.PHONY: FORCE
FORCE:

.PHONY: serve
serve: build ## build and run openecr; ARGS="--addr 127.0.0.1:9000" adds options
	@exec tmp/openecr serve $(ARGS)

.PHONY: test
test: ## install what the tests need, then pass every test (lint, unit, race, real clients)
	@tools/phase tools $(MAKE) --no-print-directory tools
	@tools/phase vet   go vet -tags e2e ./...
	@tools/phase lint  $(MAKE) --no-print-directory lint
	@tools/phase unit  env $(IN_MEMORY) go test ./...
	@tools/phase race  env $(IN_MEMORY) CGO_ENABLED=1 RAPID_CHECKS=15 go test -race ./...
	@tools/phase e2e   $(MAKE) --no-print-directory --jobs 3 --output-sync=target e2e-stores e2e-engines $(OTHER_STORES:%=e2e-on-%)

# Where there is a file system in memory with 2 GiB free (a container has 64 MiB), tests that need nothing but Go do not
# wait for the disk.
IN_MEMORY = $(shell test "$$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -ge 2097152 2>/dev/null && echo TMPDIR=/dev/shm GOTMPDIR=/tmp)

# Tests that need real engines, and live beside what they test.
ENGINE_FILES = $(shell grep -rl --include=*_test.go '^//go:build e2e' internal ecrpublic)
ENGINE_TESTS = ^($(shell sed -n 's/^func \(Test[A-Za-z0-9]*\).*/\1/p' $(ENGINE_FILES) | paste -sd '|'))$$

# Stores beside SQLite and files, which have all tests.
OTHER_STORES := postgres+files sqlite+s3 postgres+s3

# Tests that have stores of their own or none, so that other stores change nothing for them.
WITHOUT_STORES := TestLoadOf2000|TestCLIIsLikeAWS|TestLayerOfMoreThan|TestImageServes|TestDeploymentFiles|TestManifests|TestChart|TestCompose|TestSystemd|TestConfiguredProxies|TestFleet|TestBackup|TestGallery|TestVisitor|TestACME|TestSelfSigned|TestReadme|TestMakeServe|TestOwners|TestAcknowledgedSurvivesPowerCut|TestSyncsCome|TestGetCallerIdentity|TestProfileRuns|TestThroughTLSProxy|TestTooManyCalls|TestLibraries|TestEnvPoints|TestTakenPort|TestVersionIs

GO_TEST_E2E = OPENECR_BINARY=$(CURDIR)/tmp/openecr OPENECR_CRASHING=$(CURDIR)/tmp/openecr-crashing OPENECR_CLIENTS=$(TOOLS)/bin go test -v -count 1 -tags e2e -timeout $(or $(TIMEOUT),30m) $(AS_ROOT)

.PHONY: e2e
e2e: e2e-stores e2e-engines ## run the tests with real clients (after make tools); RUN=Docker chooses by name

.PHONY: crashing
crashing: ## build tmp/openecr-crashing, which tests can tell where to die
	go build -tags crash -o tmp/openecr-crashing ./cmd/openecr

.PHONY: e2e-stores
e2e-stores: build crashing ## run those over whole servers only; OPENECR_STORES=postgres+s3 chooses other stores
	@tools/phase $@ env $(GO_TEST_E2E) -run "$(RUN)" ./e2e

.PHONY: e2e-engines
e2e-engines: ## run those of single packages against PostgreSQL and S3 only
	@tools/phase $@ env $(GO_TEST_E2E) -run '$(or $(RUN),$(ENGINE_TESTS))' $(sort $(dir $(ENGINE_FILES:%=./%)))

.PHONY: $(OTHER_STORES:%=e2e-on-%)
$(OTHER_STORES:%=e2e-on-%): e2e-on-%: build crashing
	@tools/phase $@ env OPENECR_STORES=$* $(GO_TEST_E2E) -run "$(RUN)" -skip "$(WITHOUT_STORES)" ./e2e

# How often `make crash` tries. A short one of each is in `make test`.
ROUNDS ?= 1000

.PHONY: crash
crash: ## kill servers and cut their power, ROUNDS=1000 times each (after make tools)
	$(MAKE) --no-print-directory e2e-stores RUN=TestAcknowledgedSurvives OPENECR_ROUNDS=$(ROUNDS) TIMEOUT=3h

.PHONY: load
load: export OPENECR_LOAD = 1m
load: build ## load a server of 256 MiB with 2,000 connections for a minute
	$(GO_TEST_E2E) -run TestLoadOf ./e2e

.PHONY: lint
lint: ## run the linters and the format check
	$(GOLANGCI_LINT) run ./...

.PHONY: tools
tools: $(GOLANGCI_LINT) ## install the Debian packages and Go tools that the tests use
	@tools/debian
	@tools/clients $(TOOLS)
	@tools/axe $(TOOLS)

$(GOLANGCI_LINT):
	GOBIN=$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

.PHONY: fuzz
fuzz: ## fuzz every parser of outside bytes in turn, FUZZTIME=10m each; FUZZ=auth chooses by name
	@tools/fuzz "$(or $(FUZZTIME),1m)" "$(FUZZ)"

.PHONY: vulncheck
vulncheck: $(GOVULNCHECK) ## look for known vulnerabilities in what is called; VULNDB=/path/to/osv/files without the network
	$(GOVULNCHECK) $(if $(VULNDB),-db file://$(VULNDB)) ./...

$(GOVULNCHECK):
	GOBIN=$(@D) go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)

.PHONY: sbom
sbom: build $(CYCLONEDX) ## write the list of what is in the binary, as CycloneDX: tmp/openecr.cdx.json
	$(CYCLONEDX) bin -json -licenses -std -version "$(VERSION)" -output tmp/openecr.cdx.json tmp/openecr

$(CYCLONEDX):
	GOBIN=$(@D) go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)

.PHONY: reproducible
reproducible: ## build the last commit twice, in different folders and from nothing, and compare the binaries
	@tools/reproducible "$(VERSION)"

.PHONY: soak
soak: ## race collection, verification and backups against pushes, pulls and deletes for ten minutes
	CGO_ENABLED=1 go test -race -count 1 -v -timeout 0 -run InTheRaceRig ./internal/registry -duration 10m

.PHONY: bench
bench: build ## measure beside other registries: LOAD=check only one load, ZOT=/path/to/zot takes zot along, ARGS="-rounds 1" more options
	@tools/peers $(TOOLS)
	go run ./bench/peers -clients $(TOOLS)/bin -load "$(or $(LOAD),.)" $(if $(ZOT),-zot $(ZOT)) $(ARGS)

.PHONY: paths
paths: ## run the benchmarks of single paths
	go test -run '^$$' -bench . -benchmem ./bench
