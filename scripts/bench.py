#!/usr/bin/python3
"""Runs the benchmarks of the release build and gathers what they measure.

Each build/release/tests/bench/bench_* prints JSON lines {"name", "value", "unit"} and may add
"baseline": the figure of a plain implementation of the same work, measured by the same program.
Where it does not, tests/bench/baseline.json may name one; tests/bench/bench_*.py print the same, and
there the baseline is the bound that we promise. Writes build/bench.json, a list of
{name, value, unit, baseline, ratio}, and prints it as a table. ratio = value / baseline.

LOGSTER_DATA names a folder of recordings (windows/*/*.zst, linux/*/*.zst) to cut events from;
without it those in tests/data stand in, and they are few.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help="programs to run, as bench_NAME; default: all")
    args = parser.parse_args()

    folder = ROOT / "build/release/tests/bench"
    programs = sorted(p for p in folder.glob("bench_*") if p.is_file() and not p.suffix)
    programs += sorted((ROOT / "tests/bench").glob("bench_*.py"))
    if args.name:
        programs = [p for p in programs if p.stem.removeprefix("bench_") in args.name]
    if not programs:
        print("bench: nothing to run; `make bench` builds the programs first", file=sys.stderr)
        return 1
    known = ROOT / "tests/bench/baseline.json"
    baselines = json.loads(known.read_text()) if known.exists() else {}

    data = os.environ.get("LOGSTER_DATA")
    recordings = {"bench_normalize": sorted(Path(data).glob("*/*/*.zst"))} if data else {}
    print(f"recordings: {data or 'tests/data, since LOGSTER_DATA names no folder'}")

    rows, failed = [], False
    for program in programs:
        print(f"==> {program.name}", flush=True)
        done = subprocess.run([program, *recordings.get(program.name, [])], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            print(f"bench: {program.name} failed with status {done.returncode}", file=sys.stderr)
            failed = True
        for line in done.stdout.splitlines():
            if not line.startswith("{"):
                continue
            row = json.loads(line)
            base = row.get("baseline", baselines.get(row["name"]))
            rows.append({"name": row["name"], "value": row["value"], "unit": row["unit"],
                         "baseline": base,
                         "ratio": row["value"] / base if base else None,
                         **({"captures": row["captures"]} if "captures" in row else {})})
    out = ROOT / "build/bench.json"
    out.write_text(json.dumps(rows, indent=1) + "\n")

    print(f"\n{'name':<44} {'value':>14} {'unit':<12} {'baseline':>14} {'ratio':>8} {'captures':>9}")
    for row in rows:
        base = f"{row['baseline']:,.2f}" if row["baseline"] else "-"
        ratio = f"{row['ratio']:.2f}" if row["ratio"] else "-"
        print(f"{row['name']:<44} {row['value']:>14,.2f} {row['unit']:<12} {base:>14} {ratio:>8}"
              f" {row.get('captures', ''):>9}")
    print(f"\nwritten to {out.relative_to(ROOT)}")
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
