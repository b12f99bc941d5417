#!/bin/bash
# Line coverage of src/ by all tests, without sanitizers. Fails under the floor.
set -euo pipefail
cd "$(dirname "$0")/.."
floor=85
jobs=${JOBS:-$(nproc)}

scripts/deps.sh build test coverage
cmake --preset cov >/dev/null
ninja -C build/cov -j "$jobs"
find build/cov -name '*.gcda' -delete
ctest --test-dir build/cov --output-on-failure --no-tests=error -j "$jobs"
# src/cli only parses arguments and prints; the programs' tests exercise it as a process.
gcovr --root . --filter 'src/' --exclude 'src/cli/' --object-directory build/cov \
    --exclude-unreachable-branches --gcov-ignore-parse-errors --sort-percentage \
    --html-details build/cov/coverage.html --print-summary --fail-under-line $floor
