#!/usr/bin/python3
"""Opens every view of the dashboard over 1,000,000 events, 250,000 verdicts and 10,000 alerts.

usage: tests/bench/bench_dashboard.py [--events N] [--alerts N] [--dir FOLDER] [VIEW...]

Prints JSON lines for scripts/bench.py, for each view in Debian's Chromium on the release binary:
time until it first shows what it is for (bound: 1 s) and until nothing of it is loading, its longest
task while it loads and while somebody scrolls, types and changes the range (bound: 200 ms), elements
in the document, heap. Chromium, the platform and this share the machine. --dir keeps the data and
takes it up again. Needs build/release with the target load_world.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests/integration"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", default=1_000_000, type=int)
    parser.add_argument("--alerts", default=10_000, type=int)
    parser.add_argument("--dir")
    parser.add_argument("view", nargs="*")
    args = parser.parse_args()
    os.environ.setdefault("LOGSTER", str(ROOT / "build/release/logster"))
    os.environ.setdefault("LOAD_WORLD", str(ROOT / "build/release/tests/bench/load_world"))
    import dashboard_seed as seed
    from platform_util import Platform
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(args.dir or tmp) / "data"
        if not folder.exists():
            seed.load_world(folder, int(time.time()), events=args.events, alerts=args.alerts)
        with Platform(folder, **seed.SETTINGS) as up:
            facts = Path(tmp) / "world.json"
            facts.write_text(json.dumps(seed.fill_large(up)))
            return subprocess.run(
                ["node", ROOT / "web/e2e/scale.mjs", "--figures", *args.view], check=False,
                env={**os.environ, "E2E_WORLD": str(facts),
                     "WEB_TREE": str(ROOT / "build/web/tree")}).returncode


if __name__ == "__main__":
    sys.exit(main())
