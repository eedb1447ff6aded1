# The commands of this repository. `make help` lists them.

.DEFAULT_GOAL := help
.PHONY: help run test lint bench kill-check key-check faults crash simulate broken-rules fuzz bills openapi

help: ## Lists these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Builds and starts the platform, a simulated WeChat Pay and a demo tenant
	@tests/scripts/install.sh run
	@cargo build --workspace --bin tributary
	@exec target/debug/tributary dev

test: ## Runs every test on SQLite and PostgreSQL, and the checks from outside
	@tests/scripts/install.sh test
	@tests/scripts/with_postgres.sh python3 tests/scripts/stages.py all

lint: ## Checks format, lints and documentation
	@tests/scripts/install.sh build
	@python3 tests/scripts/stages.py lint

bench: ## Measures speed and size on both databases and prints the table; PART=speed, neighbours or orders: only that part
	@tests/scripts/install.sh bench
	@CARGO_INCREMENTAL=1 cargo build --release --workspace --bins
	@tests/scripts/with_postgres.sh --durable target/release/bench $(PART)

kill-check: ## Kills the server 50 times under load on each database and counts what is left
	@tests/scripts/install.sh bench
	@cargo build --workspace --bins
	@tests/scripts/with_postgres.sh target/debug/kill_check --cycles 50 --database postgres
	@target/debug/kill_check --cycles 50 --database sqlite

key-check: ## Kills rotations of the vault's keys 10 times under load on each database; everything must open
	@tests/scripts/install.sh bench
	@cargo build --workspace --bins
	@tests/scripts/with_postgres.sh target/debug/key_check --cycles 10 --database postgres
	@target/debug/key_check --cycles 10 --database sqlite

crash: ## Ends the server at every named line on each database and counts what is left
	@tests/scripts/install.sh bench
	@cargo build --workspace --bins --examples
	@tests/scripts/with_postgres.sh target/debug/examples/crash --database postgres
	@target/debug/examples/crash --database sqlite

simulate: ## Runs SEEDS=n seeds of the simulation from FROM=n on, or replays one: SEED=n, BROKEN=Rule
	@tests/scripts/install.sh build
	@cargo build --package tributary-tests --example simulate
	@target/debug/examples/simulate $(if $(SEED),--seed $(SEED),--from $(or $(FROM),0) --seeds $(or $(SEEDS),1000)) \
		$(if $(BROKEN),--broken $(BROKEN))

broken-rules: ## Breaks every rule on purpose and sees that the simulation notices
	@tests/scripts/install.sh build
	@cargo test --package tributary-tests --test simulation -- --nocapture notice

faults: ## Makes every kind of trouble under load on both databases and prints what is left
	@tests/scripts/install.sh bench
	@cargo build --workspace --bins
	@target/debug/fault_check

ROWS ?= 5000000
BOOKED ?= 100000

bills: ## Reconciles a bill of ROWS (5000000) rows, BOOKED (100000) of them ours; prints seconds and memory
	@tests/scripts/install.sh bench
	@cargo build --release --workspace --bins
	@target/release/bills --rows $(ROWS) --booked $(BOOKED)

fuzz: ## Feeds each parser at the edge with mutated inputs for a minute: SECONDS=n
	@tests/scripts/install.sh build
	@tests/scripts/fuzz.sh $(or $(SECONDS),60)

openapi: ## Writes openapi/*.json again from the code
	@tests/scripts/install.sh build
	@cargo build --workspace --bin tributary
	@mkdir -p target/openapi openapi
	@for name in tenant admin; do \
		target/debug/tributary openapi $$name > target/openapi/$$name.json \
		&& mv target/openapi/$$name.json openapi/$$name.json || exit 1; \
	done
