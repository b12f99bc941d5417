#!/bin/bash
# What must hold, at full size: kills, power loss, failing disks, order, floods, damage.
set -euo pipefail
cd "$(dirname "$0")/.."

build=${1:-build/release}
ninja -C "$build" -j "${JOBS:-$(nproc)}" logster powerloss topic_dump
export LOGSTER=$PWD/$build/logster
export POWERLOSS_LIB=$PWD/$build/tests/integration/powerloss.so
export TOPIC_DUMP=$PWD/$build/tests/integration/topic_dump
export PYTHONDONTWRITEBYTECODE=1
export KILLS=200 KILL_EVENTS=1000000
export POWER_CUTS=50 FAULTS=500
export ORDER_ENDPOINTS=500 ORDER_EVENTS=2000000
export FLOOD_OTHERS=50 FLOOD_SECONDS=30 FLOOD_RATE=0

cd tests/integration
for what in kill power order floods damage; do
    /usr/bin/python3 -m pytest -q -s -p no:cacheprovider "test_$what.py"
done
