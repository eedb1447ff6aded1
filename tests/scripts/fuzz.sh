#!/usr/bin/env bash
# Runs each fuzz target for so many seconds (60 by default), coverage-guided, on the stable toolchain. It ends with 1 when
# a target finds something or dies; the input that did it lies under fuzz/artifacts, where there is one. Copied to
# fuzz/regressions/TARGET it becomes a test. Inputs that reached something new are kept under fuzz/corpus.
#   fuzz.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/../../fuzz"

seconds=${1:-60}
host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
# With --target, build scripts and macros are compiled without these flags.
RUSTFLAGS="--cfg fuzzing ${coverage//$'\n'/ }" cargo build --release --quiet --bins --target "$host"

output=$(mktemp)
trap 'rm -f "$output"' EXIT
for source in src/bin/*.rs; do
    target=$(basename "$source" .rs)
    mkdir -p "corpus/$target" "artifacts/$target"
    echo "==> $target: $seconds s"
    status=0
    "target/$host/release/$target" -max_total_time="$seconds" -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="artifacts/$target/" "corpus/$target" "regressions/$target" > "$output" 2>&1 || status=$?
    grep -E '^(stat::number_of_executed_units|stat::new_units_added|SUMMARY|thread|panicked|Test unit)|written to' \
        "$output" || true
    if [ "$status" -ne 0 ] || compgen -G "artifacts/$target/*" > /dev/null; then
        tail -n 20 "$output" >&2
        echo "fuzz.sh: $target ended with $status; what did it, where known: fuzz/artifacts/$target" >&2
        exit 1
    fi
done
