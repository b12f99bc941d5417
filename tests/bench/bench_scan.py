#!/usr/bin/python3
"""`logster scan` as JSON lines {"name", "value", "unit", "baseline"}; the baseline is the bound.

  scan_table, scan_json   events a second on two cores, over all Windows captures of LOGSTER_DATA
                          (without it: those in tests/data/captures), best of three runs
  ..._per_cpu_second      events for each second of CPU time, times two: what two free cores would
                          do; a loaded machine shows in the difference
  scan_fleet_rss          peak resident memory over a fleet of 2,000 endpoints (fleet.py), piped in;
                          fails over 300 MB
  scan_fleet              events a second of the same

--soak: the fleet alone, with 20 GB. --logster names the program.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fleet

ROOT = Path(__file__).resolve().parents[2]
RSS_BOUND_MB = 300
EVENTS_BOUND = 150_000


def show(name, value, unit, baseline=None, **notes):
    row = {"name": name, "value": value, "unit": unit, **notes}
    if baseline is not None:
        row["baseline"] = baseline
    print(json.dumps(row), flush=True)


def run(command, stdin=None):
    """(events, wall, CPU seconds, peak MB) of one scan."""
    if (os.cpu_count() or 1) > 2:
        command = ["taskset", "-c", "0,1", *command]
    with tempfile.TemporaryFile() as err:
        start = time.monotonic()
        child = subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        text = err.read().decode("utf-8", "replace")
    counted = re.search(r"(\d+) records, (\d+) events", text)
    if child.returncode not in (0, 1) or counted is None:
        sys.exit(f"bench_scan: {command[0]} failed with {child.returncode}:\n{text}")
    return (int(counted[2]), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024,
            text)


def throughput(logster, data):
    files = sorted(Path(data, "windows").glob("*/*.zst")) if data else []
    if not files:
        files = fleet.captures(None)[0]
    for name, extra in (("scan_table", []), ("scan_json", ["--json"])):
        runs = [run([logster, "scan", "--workers", "2", *extra, *files]) for _ in range(3)]
        events, wall, _, rss, _ = min(runs, key=lambda r: r[1])
        show(name, round(events / wall), "events/s", EVENTS_BOUND, captures=len(files),
             events=events, rss_mb=round(rss))
        show(name + "_per_cpu_second", round(2 * events / min(r[2] for r in runs)), "events/s",
             EVENTS_BOUND)


def soak(logster, data, size, label):
    command = [sys.executable, Path(fleet.__file__), "--bytes", str(size)]
    if data:
        command += ["--data", data]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as source:
        events, wall, cpu, rss, text = run([logster, "scan", "--workers", "2", "--json", "-"],
                                           stdin=source.stdout)
        source.stdout.close()
    endpoints = re.search(r"(\d+) endpoints", text)
    show(f"scan_{label}_rss", round(rss, 1), "MB", RSS_BOUND_MB, bytes=size, events=events,
         endpoints=int(endpoints[1]) if endpoints else 0)
    show(f"scan_{label}", round(events / wall), "events/s", cpu_s=round(cpu, 1))
    if rss > RSS_BOUND_MB:
        print(f"bench_scan: {rss:.0f} MB are over {RSS_BOUND_MB} MB", file=sys.stderr)
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logster", default=ROOT / "build/release/logster")
    parser.add_argument("--soak", action="store_true")
    parser.add_argument("--bytes", type=float, default=None)
    args = parser.parse_args()
    data = os.environ.get("LOGSTER_DATA")
    if not data:
        print("bench_scan: LOGSTER_DATA names no folder: the few captures of the repository stand in",
              file=sys.stderr)
    if args.soak:
        return soak(args.logster, data, args.bytes or 20e9, "soak")
    throughput(args.logster, data)
    return soak(args.logster, data, args.bytes or 1.5e9, "fleet")


if __name__ == "__main__":
    sys.exit(main())
