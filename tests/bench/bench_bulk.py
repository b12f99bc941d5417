#!/usr/bin/python3
"""Starts an OpenSearch node and runs load_bulk against it: events written by Logster beside the same
bodies posted by a bare client. Arguments go to load_bulk, after the node's URL."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

from servers.opensearch import OpenSearch  # noqa: E402

with OpenSearch(1, heap="1g", fast=True) as cluster:
    sys.exit(subprocess.run([ROOT / "build/release/tests/bench/load_bulk", cluster.urls[0],
                             *sys.argv[1:]], check=False).returncode)
