#!/usr/bin/python3
"""Starts a Kafka broker and runs load_kafka against it: a plain consumer piped into a plain producer
beside the same records passed on through bus.h. Arguments: the number of records."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

from servers.kafka import Kafka  # noqa: E402

with tempfile.TemporaryDirectory() as folder, Kafka(Path(folder) / "k", heap="512m") as kafka:
    sys.exit(subprocess.run([ROOT / "build/release/tests/bench/load_kafka", kafka.addresses,
                             "bench", "200", *sys.argv[1:]], check=False).returncode)
