# The commands of this project, from a fresh clone. Needs git, make, Python 3, and npm with any Node to begin with:
# the exact Node that runs everything comes out of the lock file into node_modules/.bin.

ENVOYS := $(patsubst envoy/versions/%.txt,%,$(wildcard envoy/versions/*.txt))
NEWEST_ENVOY := 1.40.0
RUN := PATH="$$PWD/node_modules/.bin:$$PATH"

.PHONY: help setup programs packages dashboard chromium envoy envoys redis postgres kafka conformance deploy-tools faketime test chaos chaos-mutants soak trace-check fuzz mutation reference demo bench bench-check fmt lint types clean

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 — /p' Makefile

setup: ## install whatever is missing: packages, three real Envoys, redis-server, PostgreSQL, Chromium, a Kafka broker, h2spec, helm, promtool
	@$(MAKE) --no-print-directory -j2 dashboard programs
	@scripts/install-deploy-tools

# Needs no package, and so has not to wait for them; one after another, for apt lets only one at it.
programs:
	@scripts/install-envoy $(ENVOYS)
	@scripts/install-redis
	@scripts/install-postgres
	@scripts/install-chromium
	@scripts/install-kafka
	@scripts/install-conformance
	@scripts/install-faketime

packages:
	@scripts/install-packages

envoy:
	@scripts/install-envoy $(NEWEST_ENVOY)

envoys:
	@scripts/install-envoy $(ENVOYS)

redis:
	@scripts/install-redis

chromium:
	@scripts/install-chromium

dashboard: packages ## build the control plane's web page, from where `portcullis control` and `dev` serve it
	@scripts/build-dashboard

postgres:
	@scripts/install-postgres

kafka:
	@scripts/install-kafka

conformance:
	@scripts/install-conformance

deploy-tools:
	@scripts/install-deploy-tools

faketime:
	@scripts/install-faketime

test: setup ## every check that a change must pass; ends with "N passed, N failed"
	@$(RUN) node scripts/check.ts

chaos: packages envoy redis faketime ## real parts under SEEDS (30) seeded schedules of faults, SECONDS (6) each, from FIRST (1) on
	@$(RUN) SEEDS="$(or $(SEEDS),30)" SECONDS="$(or $(SECONDS),6)" FIRST="$(or $(FIRST),1)" WORLD="$(WORLD)" node test/chaos/main.ts

soak: packages envoy redis ## MINUTES (30) of calls at 70 % of the most, with revocations, rotation and reloads going on
	@$(RUN) MINUTES="$(or $(MINUTES),30)" node test/chaos/soak-main.ts

chaos-mutants: packages envoy redis ## that the chaos suite catches builds that are broken on purpose
	@$(RUN) node test/chaos/mutants-main.ts

trace-check: packages envoy redis ## one trace from Envoy over the sidecar to Redis, in a real OpenTelemetry Collector, which it builds once
	@scripts/install-collector
	@$(RUN) vitest run --project e2e test/e2e/collector.test.ts

fuzz: packages ## random tests of all that strangers write, for SECONDS each (600), with the seed of what fails
	@$(RUN) FUZZ_SECONDS=$(or $(SECONDS),600) vitest run --project property

mutation: packages ## that tests notice when what decides is broken: 90 % of all mutants of each ROOM (all of them)
	@$(RUN) ROOM="$(ROOM)" scripts/mutation

reference: packages ## write docs/reference from the schema, the commands' help and the metrics
	@$(RUN) node scripts/reference.ts

demo: packages dashboard envoy ## log in, call, revoke, be refused, through a real Envoy; KEEP=1 leaves it running
	@$(RUN) KEEP="$(KEEP)" node examples/demo/main.ts

bench: setup ## the benchmarks; one table, and bench/results/latest.json
	@$(RUN) node bench/main.ts

bench-check: packages ## what a change costs against BASE (where it leaves main): fails on a loss over 10 %; RECORD=1 keeps it
	@$(RUN) BASE="$(BASE)" HEAD="$(HEAD)" TEAMS="$(or $(TEAMS),12)" RECORD="$(RECORD)" node bench/check/main.ts

fmt: packages ## format everything
	@$(RUN) oxfmt

lint: packages ## lint with type information, import rules included
	@$(RUN) oxlint --type-aware

types: packages ## type check
	@$(RUN) tsc -p . && $(RUN) tsc -p dashboard

clean: ## remove what set-up and runs have put here
	rm -rf node_modules tools/mutation/node_modules .cache dist coverage
