# The commands of the house. `make run` and `make test` share profile, features, flags and target folder (see .ci/steps),
# so that what one has built the other finds.
#   make run [ARGS="--once"]   builds, then starts `sigillo demo` with ARGS
#   make test                  packages, formatting, clippy, every test
#   make bench                 the figures of docs/performance.md (BENCH="name" for one)
#   make soak [SECONDS=600]    kills and restarts a loaded demonstration, and ends with a ledger
#   make deb                   the Debian package
#   make deny                  licences, bans and sources of the dependencies (needs cargo-deny)
#   make fuzz TARGET=mime      one fuzz target for FUZZ_SECONDS (needs nightly and cargo-fuzz)
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help run build test unit lint fmt fmt-check clippy bench soak deb deny fuzz

ARGS ?=
BENCH ?=
TARGET ?= mime
FUZZ_SECONDS ?= 60
SECONDS ?= 600

help:
	@sed -n '3,9s/^#   //p' Makefile

# The program replaces the shell, so that Ctrl-C reaches it and its exit code is ours.
run:
	@. .ci/steps
	prepare
	step build 2700 cargo build --locked --bins
	exec "$$CARGO_TARGET_DIR/debug/sigillo" demo $(ARGS)

build:
	@. .ci/steps
	prepare
	step build 2700 cargo build --locked --bins

test: lint unit

lint: fmt-check clippy

fmt:
	@. .ci/steps
	check_toolchain
	cargo fmt --all

fmt-check:
	@. .ci/steps
	check_toolchain
	step format 120 cargo fmt --all --check

clippy:
	@. .ci/steps
	prepare tests
	step clippy 1800 cargo clippy --locked --workspace --all-targets --quiet -- -D warnings

# The binary is built first: the end-to-end tests start it. nextest where present, cargo test elsewhere.
unit:
	@. .ci/steps
	prepare tests
	step build 2700 cargo build --locked --bins
	export SIGILLO_BIN="$$CARGO_TARGET_DIR/debug/sigillo"
	if cargo nextest --version >/dev/null 2>&1; then
	  step compile-tests 2700 cargo nextest run --locked --no-run
	  step doc-tests 900 cargo test --locked --doc --quiet
	  step tests 2700 cargo nextest run --locked
	else
	  step compile-tests 2700 cargo test --locked --no-run
	  step tests 2400 cargo test --locked
	fi

bench:
	@. .ci/steps
	prepare
	step compile-benches 2700 cargo bench --locked -p sigillo-benches --no-run
	step benches 3600 cargo bench --locked -p sigillo-benches -- $(BENCH)

# What `tests/tests/e2e/kill9.rs` does for a minute, for as long as asked.
soak:
	@. .ci/steps
	prepare tests
	step build 2700 cargo build --locked --bins
	exec env SIGILLO_BIN="$$CARGO_TARGET_DIR/debug/sigillo" "$$CARGO_TARGET_DIR/debug/soak" --seconds "$(SECONDS)"

# What the package holds beside the program is made by the program: manual, completions, and the sample with the places of
# a service.
deb:
	@. .ci/steps
	prepare
	packager
	step build 5400 cargo build --locked --profile dist --bins
	.ci/package "$$CARGO_TARGET_DIR/dist"
	step deb 600 cargo deb --locked --no-build --profile dist -p sigillo-server

# A target of its own: compiling cargo-deny takes minutes, and the answer changes only with Cargo.lock.
deny:
	@. .ci/steps
	check_toolchain
	command -v cargo-deny >/dev/null || die "cargo-deny is not installed; run: cargo install --locked cargo-deny"
	step deny 600 cargo deny --locked check bans licenses sources

fuzz:
	@. .ci/steps
	cargo +nightly fuzz --version >/dev/null 2>&1 || die "needs: rustup toolchain install nightly; cargo install --locked cargo-fuzz"
	cargo +nightly fuzz run "$(TARGET)" -- -max_total_time="$(FUZZ_SECONDS)" -timeout=10
