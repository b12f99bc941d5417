#!/usr/bin/python3
"""A fleet on Kafka, OpenSearch and PostgreSQL under load, as JSON lines {"name", "value", "unit", ...}.

load_http sends Winlogbeat events of recordings (templates.py) to `service intake`; everything runs on
this machine, so that CPU time an event is what counts and not the rate.

  fleet_pipe              records/s of a plain consumer piped into a plain producer, over the raw topic
  fleet_normalizer        the same records through `service normalizer`; bound: 60 % of that. Both also
                          as microseconds of CPU time a record (`cpu_us`)
  fleet_rate              events/s from the first request until the last event can be searched
  fleet_cpu_PART          microseconds of CPU time an event, of each part and server
  fleet_rss_PART          MB at the end
  fleet_bytes_TOPIC       bytes of Kafka's log an event, one copy
  fleet_bytes_opensearch  bytes of the indices an event, one copy, after a merge; fleet_bytes_postgres:
                          bytes of the database an alert

docs/capacity.md is written from these.
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
sys.path[0:0] = [str(ROOT / "tests/integration")]

from fleet import PARTS, Fleet  # noqa: E402
sys.path.append(str(ROOT / "tests/bench"))
import templates  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
SETTINGS = {"fair_share.enabled": "false", "api.rate": 100000, "api.burst": 100000}
# Members that start at once share the partitions at once, or one works alone until a heartbeat.
TOGETHER = {"group.initial.rebalance.delay.ms": 1000}
TOPICS = ("sysmon-logs", "normalized-endpoint-events", "logster-inference-results",
          "logster-inference-state")


def show(name, value, unit, **notes):
    print(json.dumps({"name": name, "value": round(value, 2), "unit": unit, **notes}), flush=True)


def cpu_of(pids):
    total = 0
    for pid in pids:
        text = Path(f"/proc/{pid}/stat").read_text()
        fields = text[text.rindex(")") + 2:].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def children(pid):
    out = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [pid, *map(int, out.stdout.split())]


def processes(fleet):
    every = {name: [s.process.pid for s in fleet.services[name]] for name in PARTS}
    every["kafka"] = [b.process.pid for b in fleet.kafka.brokers]
    every["opensearch"] = [n.process.pid for n in fleet.search.nodes]
    every["postgres"] = children(fleet.postgres.process.pid)
    return every


def rss_mb(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def topic_bytes(fleet, topic):
    return sum(f.stat().st_size for b in fleet.kafka.brokers
               for f in b.folder.rglob("*.log") if f.parent.name.rsplit("-", 1)[0] == topic)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logster", default=ROOT / "build/release/logster")
    parser.add_argument("--load", default=ROOT / "build/release/tests/bench/load_http")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--endpoints", type=int, default=200)
    args = parser.parse_args()
    os.environ["LOGSTER"] = str(args.logster)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as top:
        top = Path(top)
        recordings, _, _ = templates.write(os.environ.get("LOGSTER_DATA"), top / "events")
        with Fleet(top / "passing", parts=("intake", "api"), kafka=TOGETHER,
                   **SETTINGS) as fleet:
            passing(args, fleet, top / "events")
        with Fleet(top / "all", **SETTINGS) as fleet:
            measure(args, fleet, top / "events", recordings)
    return 0


def send(args, fleet, events):
    port = fleet.intake.url.rsplit(":", 1)[1]
    return json.loads(subprocess.run(
        [args.load, f"port={port}", f"token={fleet.token}", f"events={events}",
         f"count={args.events}", f"endpoints={args.endpoints}"],
        stdout=subprocess.PIPE, check=True).stdout)["sent"]


def passing(args, fleet, events):
    """The raw topic through a bare pipe, then through the normalizer."""
    n = send(args, fleet, events)
    used = os.times().children_user + os.times().children_system
    piped = json.loads(subprocess.run(
        [ROOT / "build/release/tests/bench/load_kafka", fleet.kafka.addresses, "pipe",
         "sysmon-logs", "bench-piped", str(n)], stdout=subprocess.PIPE, check=True).stdout)
    used = os.times().children_user + os.times().children_system - used
    show("fleet_pipe", piped["value"], "records/s", cpu_us=round(used / n * 1e6, 1))
    one, start = fleet.add("normalizer"), None
    at_start = cpu_of([one.process.pid])
    while (got := one.metric("raw_events_total")) < n:
        if start is None and got > 0:
            start = time.monotonic(), got
        time.sleep(0.1)  # each look asks the brokers for every partition's offsets
    rate = (n - start[1]) / (time.monotonic() - start[0])
    time.sleep(1)
    show("fleet_normalizer", rate, "records/s", baseline=round(0.6 * piped["value"]),
         cpu_us=round((cpu_of([one.process.pid]) - at_start) / n * 1e6, 1),
         ratio=round(rate / piped["value"], 3))


def measure(args, fleet, events, recordings):
    pids = processes(fleet)
    before, start = {k: cpu_of(v) for k, v in pids.items()}, time.monotonic()
    n = send(args, fleet, events)
    fleet.settle(n, 900)
    took = time.monotonic() - start
    time.sleep(1.5)
    after = {k: cpu_of(v) for k, v in pids.items()}
    show("fleet_rate", n / took, "events/s", events=n, endpoints=args.endpoints,
         captures=recordings, load=os.getloadavg()[0])
    for name, pid in pids.items():
        show(f"fleet_cpu_{name}", (after[name] - before[name]) / n * 1e6, "us/event")
    for name, pid in pids.items():
        show(f"fleet_rss_{name}", sum(map(rss_mb, pid)), "MB")
    for topic in TOPICS:
        show(f"fleet_bytes_{topic}", topic_bytes(fleet, topic) / n, "bytes/event")
    fleet.search.ask("POST", "/logster-*/_forcemerge?max_num_segments=1&flush=true", timeout=600)
    sizes = fleet.search.ask("GET", "/logster-*/_stats/store,docs")["_all"]["primaries"]
    show("fleet_bytes_opensearch", sizes["store"]["size_in_bytes"] / n, "bytes/event",
         documents=sizes["docs"]["count"])
    show("fleet_alerts", fleet.get("/alerts").json()["total"], "alerts")


if __name__ == "__main__":
    sys.exit(main())
