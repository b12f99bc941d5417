#!/usr/bin/env python3
"""Pictures of the dashboard's views in docs/images/, from a platform with replayed captures.

usage: scripts/screenshots.py LOGSTER [FOLDER [VIEW...]]

Needs chromium, and build/web as `make build` leaves it. Pictures are 1440 x 900.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests/integration"))

LARGEST, ALL = 300_000, 3_000_000


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if len(sys.argv) > 1 else 2
    os.environ["LOGSTER"] = str(Path(sys.argv[1]).resolve())
    import dashboard_seed as seed
    from platform_util import Platform
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "docs/images").resolve()
    with tempfile.TemporaryDirectory() as tmp, Platform(Path(tmp) / "data", **seed.SETTINGS) as up:
        facts = Path(tmp) / "world.json"
        facts.write_text(json.dumps(seed.fill(up, large=True)))
        rc = subprocess.run(["node", ROOT / "web/e2e/screenshots.mjs", folder, *sys.argv[3:]],
                            check=False, env={**os.environ, "E2E_WORLD": str(facts),
                                              "WEB_TREE": str(ROOT / "build/web/tree")}).returncode
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.png")}
    for name, size in sizes.items():
        if size > LARGEST:
            print(f"{name}: {size} bytes are too many", file=sys.stderr)
            rc = 1
    if sum(sizes.values()) > ALL:
        print(f"{sum(sizes.values())} bytes in all are too many", file=sys.stderr)
        rc = 1
    return rc


if __name__ == "__main__":
    sys.exit(main())
