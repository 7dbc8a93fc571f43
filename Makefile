# Everything a developer of openecr runs. `make help` lists the targets.

SHELL := /bin/bash

# Everything is built without cgo, so that all phases share what is compiled; only the race detector needs it.
export CGO_ENABLED := 0
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOLANGCI_LINT_VERSION := v2.15.0
TOOLS := $(HOME)/.cache/openecr/tools
GOLANGCI_LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)/golangci-lint

# The docker engine, mounts and name spaces of the end-to-end tests need root.
AS_ROOT := $(if $(filter 0,$(shell id -u)),,-exec "sudo -E")

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the static binary tmp/openecr
	go build -ldflags "-X main.version=$(VERSION)" -o tmp/openecr ./cmd/openecr

.PHONY: serve
serve: build ## build and run openecr; ARGS="--addr 127.0.0.1:9000" adds options
	@exec tmp/openecr serve $(ARGS)

.PHONY: test
test: ## install what the tests need, then pass every test (lint, unit, race, real clients)
	@tools/phase tools $(MAKE) --no-print-directory tools
	@tools/phase vet   go vet -tags e2e ./...
	@tools/phase lint  $(MAKE) --no-print-directory lint
	@tools/phase unit  go test ./...
	@tools/phase race  env CGO_ENABLED=1 RAPID_CHECKS=15 go test -race ./...
	@tools/phase e2e   $(MAKE) --no-print-directory e2e

.PHONY: e2e
e2e: build ## run the tests with real clients (after make tools); RUN=Docker chooses by name
	OPENECR_BINARY=$(CURDIR)/tmp/openecr OPENECR_CLIENTS=$(TOOLS)/bin go test -v -count 1 -tags e2e -timeout 20m $(AS_ROOT) -run "$(RUN)" ./ecrpublic ./e2e

.PHONY: lint
lint: ## run the linters and the format check
	$(GOLANGCI_LINT) run ./...

.PHONY: tools
tools: $(GOLANGCI_LINT) ## install the Debian packages and Go tools that the tests use
	@tools/debian
	@tools/clients $(TOOLS)

$(GOLANGCI_LINT):
	GOBIN=$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

.PHONY: bench
bench: ## run the benchmarks
	go test -run '^$$' -bench . -benchmem ./bench/...
