#!/usr/bin/python3
"""Writes the pages of docs/ that are made from tables in src/; --check fails when one is stale."""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The page's name in scripts/gendocs.c, and its file.
PAGES = {
    "fields": "docs/fields.md",
    "event-schema": "docs/schemas/normalized-event.schema.json",
    "configuration": "docs/configuration.md",
    "metrics": "docs/metrics.md",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when stale")
    parser.add_argument("--tool", default=ROOT / "build/release/gendocs", help="built gendocs")
    args = parser.parse_args()
    stale = 0
    for page, name in PAGES.items():
        want = subprocess.run([args.tool, page], stdout=subprocess.PIPE, check=True).stdout
        if not want.endswith(b"\n"):
            want += b"\n"
        path = ROOT / name
        if path.exists() and path.read_bytes() == want:
            continue
        stale += 1
        if args.check:
            print(f"{name} is stale, run `make docs`")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(want)
            print(f"{name} written")
    return 1 if args.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
