#!/bin/bash
# Builds the libFuzzer harnesses and runs each for FUZZ_SECONDS. See --help.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then
    cat <<'END'
usage: [FUZZ_SECONDS=60] [JOBS=n] scripts/fuzz.sh [NAME...]

Runs tests/fuzz/*/fuzz_NAME.c (all without NAME) under libFuzzer with ASan and UBSan, one after
the other. New inputs gather in build/fuzz/found/NAME; a crash leaves its input in
build/fuzz/crash/NAME and fails the run. Add what is worth keeping to tests/fuzz/corpus/NAME.
END
    exit 0
fi

scripts/deps.sh build fuzz
cmake --preset fuzz >/dev/null
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for src in tests/fuzz/*/fuzz_*.c; do
        name=$(basename "$src" .c)
        names+=("${name#fuzz_}")
    done
fi
ninja -C build/fuzz -j "${JOBS:-$(nproc)}" "${names[@]/#/fuzz_}"

failed=()
for name in "${names[@]}"; do
    found=build/fuzz/found/$name crash=build/fuzz/crash/$name
    mkdir -p "$found" "$crash"
    args=(-max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
        -artifact_prefix="$crash/")
    if [ -f "tests/fuzz/dict/$name.dict" ]; then
        args+=(-dict="tests/fuzz/dict/$name.dict")
    fi
    echo "==> fuzz $name for ${FUZZ_SECONDS:-60} s"
    if ! scripts/fixed-layout "build/fuzz/tests/fuzz_$name" "${args[@]}" "$found" \
        "tests/fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1; then
        tail -40 "build/fuzz/$name.log"
        failed+=("$name")
        continue
    fi
    grep -E 'stat::(number_of_executed_units|average_exec_per_sec|new_units_added)' \
        "build/fuzz/$name.log" || true
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "fuzz: FAILED: ${failed[*]}; inputs in build/fuzz/crash" >&2
    exit 1
fi
echo "fuzz: ${#names[@]} fuzzers, no finding"
