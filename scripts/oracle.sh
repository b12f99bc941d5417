#!/bin/bash
# Runs every tests/oracle/check_*.py, without arguments: each compares what build/release computes
# with an independent implementation, and exits with a status other than 0 where they differ.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/deps.sh build test
shopt -s nullglob
oracles=(tests/oracle/check_*.py)
if [ ${#oracles[@]} -eq 0 ]; then
    echo "oracle: no tests/oracle/check_*.py" >&2
    exit 1
fi
for oracle in "${oracles[@]}"; do
    echo "==> $oracle"
    /usr/bin/python3 "$oracle"
done
