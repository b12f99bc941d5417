#!/bin/bash
# What a fleet must hold, at full length: brokers and services that die, stores that are away.
set -euo pipefail
cd "$(dirname "$0")/.."

build=${1:-build/release}
ninja -C "$build" -j "${JOBS:-$(nproc)}" logster
export LOGSTER=$PWD/$build/logster
export PYTHONDONTWRITEBYTECODE=1
export FLEET_SECONDS=300 FAULT_SECONDS=600

cd tests/integration
for what in fleet_faults fleet migrate; do
    /usr/bin/python3 -m pytest -q -s -p no:cacheprovider "test_$what.py"
done
