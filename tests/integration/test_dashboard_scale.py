"""The dashboard over a large store: lists are paged by the platform and drawn in part, whatever they hold.

Counts, not times: tests/bench/bench_dashboard.py measures those over twenty times as much.
"""

import json
import os
import subprocess
import time

import dashboard_seed as seed
from conftest import ROOT
from platform_util import Platform


def test_lists_are_paged_and_drawn_in_part(tmp_path):
    seed.load_world(tmp_path / "data", int(time.time()), events=50_000, alerts=2_000,
                    verdicts=20_000, tree=3_000)
    with Platform(tmp_path / "data", **seed.SETTINGS) as up:
        facts = tmp_path / "world.json"
        facts.write_text(json.dumps(seed.fill_large(up)))
        done = subprocess.run(["node", str(ROOT / "web/e2e/scale.mjs")], cwd=ROOT, timeout=400,
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, env={**os.environ, "E2E_WORLD": str(facts),
                                              "WEB_TREE": str(ROOT / "build/web/tree")})
        assert done.returncode == 0, done.stdout[-12000:]
