# sparktune's make targets. 'make' lists them.
# Everything they install comes from package registries and is cached outside
# the checkout, in ${SPARKTUNE_CACHE:-~/.cache/sparktune}.

.DEFAULT_GOAL := help
SHELL := /bin/bash

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bin/sparktune: $(shell find . -name '*.go' -not -path './.*') go.mod go.sum
	go build -o $@ ./cmd/sparktune

.PHONY: build
build: bin/sparktune ## build bin/sparktune (needs Go and a C compiler)

.PHONY: demo
demo: bin/sparktune ## tune the sample repository from real event logs, changing nothing
	@lake=$$(mktemp -d) && trap 'rm -rf "$$lake"' EXIT && \
		bin/sparktune tune testdata/repo --metrics testdata/eventlogs --lake "$$lake" --as-of "$$(cat testdata/eventlogs/AS_OF)"

.PHONY: test
test: tools ## run all tests (also needs Python 3.10 to 3.12, Java 17, Maven and npm; Postgres where it is there)
	go test -timeout 20m ./...

.PHONY: tools
tools: ## make what the tests with real parts need: Airflow, Spark, Iceberg, botocore, descriptions of GitHub and the Spark operator
	lab/setup airflow airflow2 >/dev/null
	analysis/lake/testdata/setup >/dev/null
	patcher/testdata/setup >/dev/null
	prompts/bedrock/testdata/setup >/dev/null
	bot/ghapp/testdata/setup >/dev/null
	webhooks/testdata/setup >/dev/null

.PHONY: golden
golden: ## write the golden files anew; read the diff before committing it
	go test ./... -update

.PHONY: lint
lint: ## run the linters at their pinned versions
	.ci/lint

.PHONY: fuzz
fuzz: ## fuzz every target for a short while (FUZZTIME=10000x, or 10m)
	.ci/fuzz

.PHONY: bench
bench: ## run the benchmarks
	go test -run '^$$' -bench . ./...
