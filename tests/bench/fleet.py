#!/usr/bin/python3
"""Writes a fleet's telemetry to standard output: recorded captures, on many renamed hosts at once.

Each stream replays one capture with its hosts renamed, all streams in turn, a block of whole records
at a time, as a collector in front of a fleet would. When all captures are through, a lap begins anew
a few days later on the same hosts. Nothing touches the disk:

    tests/bench/fleet.py --data DIR --bytes 20e9 | logster scan - --json > /dev/null
"""

import argparse
import datetime
import itertools
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = re.compile(rb'"(?:Hostname|computer_name|Computer)":\s*"([^"\\]{2,60})"')
DATE = re.compile(rb"\b20[0-3][0-9]-[01][0-9]-[0-3][0-9]\b")
BLOCK = 32 << 10


def captures(data):
    """Recordings of whole hosts: the campaigns of DIR/windows, else what the repository holds."""
    found = sorted(Path(data, "windows", "mordor").glob("*.ndjson.zst")) if data else []
    if found:
        return found, True
    return [p for p in sorted((ROOT / "tests/data/captures").glob("*.ndjson.zst"))
            if "sysflow" not in p.name], False


class Capture:
    """The head of a recording, in blocks of whole lines, with what must change in them."""

    def __init__(self, path, limit):
        with subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as source:
            text = source.stdout.read(limit)
            source.kill()
        text = text[:text.rfind(b"\n") + 1]
        names = {h.split(b".")[0] for h in HOST.findall(text)}
        self.hosts = sorted({n.lower() for n in names if len(n) > 2})
        self.forms = [sorted(set(re.findall(rb"(?i)\b" + re.escape(h) + rb"\b", text)))
                      for h in self.hosts]
        self.dates = sorted(set(DATE.findall(text)))
        self.blocks, at = [], 0
        while at < len(text):
            end = text.rfind(b"\n", at, at + BLOCK) + 1 or text.find(b"\n", at) + 1
            self.blocks.append(text[at:end])
            at = end

    def shifted(self, days):
        """The blocks as they would have been recorded `days` later."""
        if days == 0:
            return self.blocks
        later = {}
        for date in self.dates:
            try:
                day = datetime.date.fromisoformat(date.decode()) + datetime.timedelta(days)
                later[date] = day.isoformat().encode()
            except ValueError:
                later[date] = date
        return [DATE.sub(lambda m: later[m.group()], b) for b in self.blocks]


def fleet(loaded, endpoints):
    """(capture, renaming) a stream, until there are so many hosts."""
    streams, n = [], 0
    for c in itertools.cycle(loaded):
        if n >= endpoints:
            return streams, n
        renames = [(form, b"ep%04d-%s" % (n + i, c.hosts[i][:4]))
                   for i, forms in enumerate(c.forms) for form in forms]
        streams.append((c, renames))
        n += len(c.hosts)
    return streams, n


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder with windows/mordor/*.zst; default: tests/data/captures")
    parser.add_argument("--bytes", type=float, default=1e9)
    parser.add_argument("--endpoints", type=int, default=2000)
    parser.add_argument("--captures", type=int, default=40, help="at most so many recordings")
    parser.add_argument("--head", type=float, default=4e6, help="bytes of each that are used")
    args = parser.parse_args()
    paths, _ = captures(args.data)
    step = max(1, len(paths) // args.captures)
    loaded = [Capture(p, int(args.head)) for p in paths[::step][:args.captures]]
    loaded = [c for c in loaded if c.hosts and c.blocks]
    streams, n = fleet(loaded, args.endpoints)
    written, out = 0, sys.stdout.buffer
    print(f"fleet: {len(loaded)} captures, {len(streams)} streams, {n} endpoints", file=sys.stderr)
    for lap in itertools.count():
        laps = {id(c): c.shifted(3 * lap) for c in loaded}
        for i in range(max(len(c.blocks) for c in loaded)):
            for c, renames in streams:
                if i >= len(c.blocks):
                    continue
                block = laps[id(c)][i]
                for old, new in renames:
                    block = block.replace(old, new)
                try:
                    out.write(block)
                except BrokenPipeError:
                    return 1
                written += len(block)
                if written >= args.bytes:
                    out.flush()
                    return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
