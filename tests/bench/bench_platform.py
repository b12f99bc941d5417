#!/usr/bin/python3
"""`logster up` under load, as JSON lines {"name", "value", "unit", "baseline"}; the baseline is the bound.

load_http sends Winlogbeat events of recordings (templates.py) on renamed hosts, 500 a request.

  platform_intake             events/s that HTTP intake acknowledged, each on the disk
  platform_intake_cpu         events for each second of CPU time of intake's threads and the load
                              generator, times two: what two free cores would take, stages at rest
  platform_end_to_end         events/s from the first request until the last event is in the store
                              and every stage has seen it
  platform_end_to_end_cpu     events for each second of CPU time of all of it, times two
  platform_disk               bytes on the disk an event, over all copies; `rest` leaves out the
                              log of writes, whose size is bounded
  platform_fdatasync          what the disk itself does: 64 KiB appends a second, each synced
  platform_alert_latency      p99 of the time from the arrival of an alert's newest event until the
                              API shows it, at half the rate of the bound (--rate); bound: interval
                              plus lateness plus 2 s
  platform_patch              p99 of PATCH /alerts/{id} while intake takes all that the load
                              generator gives; bound: 50 ms
  platform_state_rss          resident memory with 300 distinct events of each endpoint in open
                              windows, of 10,000 endpoints (the short form has 1,000 and multiplies)

--soak: 10 minutes at 25,000 events/s (--rate, --seconds): platform_soak_rate, _lag (at the end), _rss
(last minute against minute 3) and what holds the memory then, platform_soak_PART in MB; then the
whole platform_state_rss. --endpoints and --rate scale it down together: 500 hosts at 6,250
events/s are what each host of the whole soak is. A rate that the machine does not
give shows in the rows; what another program takes from it shows between wall clock and CPU time.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import templates

ROOT = Path(__file__).resolve().parents[2]
TICK = os.sysconf("SC_CLK_TCK")
INTAKE, END_TO_END, DISK, RSS_MB, PATCH_MS = 60_000, 25_000, 600, 1024, 50
FREE = {"bus.min_free_bytes": "64MiB"}


def show(name, value, unit, baseline=None, **notes):
    row = {"name": name, "value": round(value, 2), "unit": unit, **notes}
    if baseline is not None:
        row["baseline"] = baseline
    print(json.dumps(row), flush=True)


class Platform:
    def __init__(self, args, folder, events, **settings):
        self.args, self.folder, self.events = args, Path(folder) / "data", events
        self.log = open(Path(folder) / "log", "wb")
        options = {"api.port": 0, "dashboard.port": 0, **FREE, **settings}
        command = [args.logster, "up", "--data-dir", self.folder]
        for key, value in options.items():
            command += ["--set", f"{key}={value}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log)
        said = b""
        while b"API reference" not in said:
            line = self.process.stdout.readline()
            if not line:
                sys.exit(f"bench_platform: the platform did not start, see {self.log.name}")
            said += line
        self.url = said.split(b"logster is up: ")[1].split()[0].decode()
        self.token = (self.folder / "admin-token").read_text().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def get(self, path, body=None, method=None):
        call = urllib.request.Request(self.url + path, data=body, method=method,
                                      headers={"Authorization": f"Bearer {self.token}",
                                               "Content-Type": "application/json"})
        with urllib.request.urlopen(call, timeout=60) as answer:
            return answer.read().decode()

    def metrics(self):
        """Sums of the metrics that count; the lag without inference, which commits checkpoints."""
        names = {"raw_events_total": "raw", "normalized_events_total": "normal",
                 "logster_store_rows_total{table=\"events\"}": "rows"}
        got = dict.fromkeys([*names.values(), "lag"], 0)
        for line in self.get("/metrics").splitlines():
            key, _, value = line.rpartition(" ")
            if key in names:
                got[names[key]] += int(float(value))
            elif key.startswith("logster_stage_lag_records") and "inference" not in \
                    key.split("topic=")[0]:
                got["lag"] += int(float(value))
        return got

    def memory_mb(self):
        """What holds the memory, by the platform's own account: {part: MB}."""
        head, parts = 'logster_memory_bytes{part="', {}
        for line in self.get("/metrics").splitlines():
            if line.startswith(head):
                part, _, value = line[len(head):].partition('"} ')
                parts[part] = parts.get(part, 0) + float(value) / 2**20
        return parts

    def sum_of(self, name):
        return sum(float(line.rpartition(" ")[2]) for line in self.get("/metrics").splitlines()
                   if line.startswith((name + " ", name + "{")))

    def threads(self):
        """CPU seconds by kind of thread."""
        used = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                text = (task / "stat").read_text()
            except FileNotFoundError:
                continue
            name = text[text.index("(") + 1:text.rindex(")")].split(".")[0]
            fields = text[text.rindex(")") + 2:].split()
            used[name] = used.get(name, 0) + (int(fields[11]) + int(fields[12])) / TICK
        return used

    def rss_mb(self, which="VmRSS"):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(which + ":"):
                return int(line.split()[1]) / 1024
        return 0

    def disk(self):
        """(all, log of writes) in bytes."""
        total = wal = 0
        for path in self.folder.rglob("*"):
            try:
                size = path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:
                continue
            total += size
            wal += size if path.suffix == ".log" and path.parent.name == "bus" else 0
        return total, wal

    def load(self, **options):
        command = [self.args.load, f"port={self.url.rsplit(':', 1)[1]}", f"token={self.token}",
                   f"events={self.events}", *(f"{k}={v}" for k, v in options.items())]
        return subprocess.Popen(command, stdout=subprocess.PIPE)

    def settle(self, sent):
        """Until the stages have worked off what was sent."""
        while True:
            got = self.metrics()
            if got["raw"] >= sent and got["lag"] == 0 and got["rows"] >= got["normal"]:
                return got
            if self.process.poll() is not None:
                sys.exit(f"bench_platform: the platform ended, see {self.log.name}")
            time.sleep(0.2)


def answer_of(load):
    out = load.communicate()[0]
    if load.returncode != 0:
        sys.exit("bench_platform: the load generator failed")
    return json.loads(out)


def fdatasync_rate(folder, seconds=2):
    block, n, end = os.urandom(65536), 0, time.monotonic() + seconds
    with open(Path(folder) / "sync", "wb") as f:
        while time.monotonic() < end:
            f.write(block)
            f.flush()
            os.fdatasync(f.fileno())
            n += 1
    os.unlink(Path(folder) / "sync")
    return n / seconds


def throughput(args, folder, events, notes):
    """Everything as fast as it goes: intake while stages work beside it, then the rest."""
    show("platform_fdatasync", fdatasync_rate(folder), "1/s")
    with Platform(args, folder, events) as up:
        before, start = up.threads(), time.monotonic()
        sent = answer_of(up.load(seconds=args.seconds))
        got = up.settle(sent["sent"])
        wall, after = time.monotonic() - start, up.threads()
        cpu = {k: v - before.get(k, 0) for k, v in after.items()}
        n, all_cpu = sent["sent"], sum(cpu.values())
        intake_cpu = cpu.get("MHD-worker", 0) + sent["cpu_s"]
        show("platform_intake", n / sent["wall_s"], "events/s", INTAKE, **notes,
             bytes_each=round(sent["bytes"] / n), endpoints=sent["endpoints"],
             p50_ms=sent["answer_p50_ms"], p99_ms=sent["answer_p99_ms"],
             put_off=sent["put_off"], load=os.getloadavg()[0])
        show("platform_intake_cpu", 2 * n / intake_cpu, "events/s", INTAKE,
             platform_us=round(cpu.get("MHD-worker", 0) / n * 1e6, 2),
             generator_us=round(sent["cpu_s"] / n * 1e6, 2))
        show("platform_end_to_end", n / wall, "events/s", END_TO_END, stored=got["rows"],
             **notes)
        show("platform_end_to_end_cpu", 2 * n / (all_cpu + sent["cpu_s"]), "events/s", END_TO_END,
             platform_us=round(all_cpu / n * 1e6, 2),
             **{f"{k}_us": round(v / n * 1e6, 2) for k, v in sorted(cpu.items())
                if v / n > 0.5e-6})
        total, wal = up.disk()
        show("platform_disk", total / n, "bytes", DISK, rest=round((total - wal) / n, 1), events=n)
        show("platform_rss", up.rss_mb("VmHWM"), "MB")


class Watch(threading.Thread):
    """Asks for alerts all the time and keeps when each was first shown."""

    def __init__(self, up):
        super().__init__(daemon=True)
        self.up, self.seen, self.done = up, {}, False

    def run(self):
        while not self.done:
            for alert in json.loads(self.up.get("/alerts?limit=1000"))["alerts"]:
                self.seen.setdefault(alert["alert_id"], (time.time(), alert))
            time.sleep(0.1)


def alert_latency(args, folder, events, notes):
    """Short windows, so that many of them close; the bound does not know their length."""
    window, lateness = 10, 3  # a silent host's window closes by the idle time-out, which is the same
    with Platform(args, folder, events, **{
            "inference.window": f"{window}s", "inference.interval": f"{window}s",
            "inference.lateness": f"{lateness}s", "inference.idle_timeout": f"{lateness}s",
            "inference.threshold": 0.0001, "api.rate": 100000,
            "api.burst": 100000}) as up:
        watch = Watch(up)
        load = up.load(seconds=args.seconds + 2 * window, rate=args.rate // 2, endpoints=200,
                       batch=50)
        watch.start()
        sent = answer_of(load)
        time.sleep(window + lateness + 5)
        watch.done = True
        watch.join()
        late = sorted(at - alert["received_at"] for at, alert in watch.seen.values())
        if not late:
            sys.exit("bench_platform: there was no alert")
        show("platform_alert_latency", late[max(0, len(late) * 99 // 100 - 1)], "s",
             window + lateness + 2,
             p50=round(late[len(late) // 2], 2), alerts=len(late), most=round(late[-1], 2),
             rate=round(sent["sent"] / sent["wall_s"]), load=os.getloadavg()[0], **notes)


def patches(args, folder, events, notes):
    """Analysts at work under full intake: each alert goes to and fro between two states."""
    with Platform(args, folder, events, **{
            "inference.window": "10s", "inference.interval": "10s", "inference.lateness": "3s",
            "inference.idle_timeout": "3s", "inference.threshold": 0.0001, "api.rate": 100000,
            "api.burst": 100000}) as up:
        load = up.load(seconds=args.seconds + 25)
        alerts, took, end = [], [], time.monotonic() + 40
        while len(alerts) < 50 and time.monotonic() < end:
            time.sleep(0.5)
            alerts = json.loads(up.get("/alerts?limit=100"))["alerts"]
        if not alerts:
            sys.exit("bench_platform: there was no alert")
        while load.poll() is None:
            one = alerts[len(took) % len(alerts)]
            to = "investigating" if len(took) // len(alerts) % 2 else "acknowledged"
            start = time.monotonic()
            up.get("/alerts/" + one["alert_id"], json.dumps({"status": to}).encode(), "PATCH")
            took.append(time.monotonic() - start)
            time.sleep(0.02)
        sent = answer_of(load)
        took.sort()
        show("platform_patch", 1e3 * took[len(took) * 99 // 100], "ms", PATCH_MS,
             p50=round(1e3 * took[len(took) // 2], 2), most=round(1e3 * took[-1], 2), n=len(took),
             intake=round(sent["sent"] / sent["wall_s"]), load=os.getloadavg()[0], **notes)


def state(args, folder, events, endpoints):
    """Windows so long that none closes: all of an endpoint's events, three minutes of them, are in
    open ones. The short form measures what the second half of its endpoints adds to the first."""
    with Platform(args, folder, events, **{
            "inference.window": "24h", "inference.interval": "24h",
            "inference.idle_timeout": "24h"}) as up:
        base, rss = up.rss_mb(), []
        for half in range(2):
            sent = answer_of(up.load(count=150 * endpoints, endpoints=endpoints // 2, batch=100,
                                     first=half * endpoints, span=180))
            up.settle(sent["sent"] * (half + 1))
            time.sleep(20)  # the platform gives unused memory back now and then
            rss.append(up.rss_mb())
        each = (rss[1] - rss[0]) / (endpoints / 2)
        total = rss[1] if endpoints >= 10_000 else rss[1] + each * (10_000 - endpoints)
        show("platform_state_rss", total, "MB", RSS_MB, endpoints=endpoints,
             events=2 * sent["sent"], at_start_mb=round(base), half_mb=round(rss[0]),
             measured_mb=round(rss[1]), kb_an_endpoint=round(each * 1024, 1),
             truncated=up.sum_of("logster_windows_truncated_total"),
             **{f"{part}_mb": round(mb) for part, mb in up.memory_mb().items()})
        return 1 if total > RSS_MB else 0


def soak(args, folder, events, notes):
    with Platform(args, folder, events) as up:
        before, start = up.threads(), time.monotonic()
        load = up.load(seconds=args.seconds, rate=args.rate,
                       **({"endpoints": args.endpoints} if args.endpoints else {}))
        samples = []
        while load.poll() is None:
            samples.append((time.monotonic() - start, up.rss_mb(), up.metrics(), up.memory_mb()))
            time.sleep(2)
        sent = answer_of(load)
        cpu = sum(up.threads().values()) - sum(before.values())

        def mean(of, from_minute, to_s):
            got = [of(s) for s in samples if from_minute * minute <= s[0] < to_s]
            return sum(got) / max(len(got), 1)

        behind = [s[0] * sent["sent"] / sent["wall_s"] - s[2]["raw"] for s in samples]
        minute = args.seconds / 10
        third = mean(lambda s: s[1], 2, 3 * minute)
        last = mean(lambda s: s[1], 9, args.seconds + 5)
        n = sent["sent"]
        show("platform_soak_rate", n / sent["wall_s"], "events/s", END_TO_END, wanted=args.rate,
             seconds=args.seconds, load=os.getloadavg()[0], put_off=sent["put_off"], **notes)
        show("platform_soak_cpu", cpu / n * 1e6, "us/event", generator_us=round(
             sent["cpu_s"] / n * 1e6, 2))
        show("platform_soak_lag", samples[-1][2]["lag"], "records",
             half_way=samples[len(samples) // 2][2]["lag"], behind=round(behind[-1]))
        show("platform_soak_rss", last / third, "last/third", 1.05, last_mb=round(last),
             third_mb=round(third), most_mb=round(up.rss_mb("VmHWM")))
        for part in samples[-1][3]:
            show(f"platform_soak_{part}", mean(lambda s, p=part: s[3].get(p, 0), 9,
                                               args.seconds + 5),
                 "MB", third_mb=round(mean(lambda s, p=part: s[3].get(p, 0), 2, 3 * minute), 2))
        up.settle(n)
        total, wal = up.disk()
        show("platform_soak_disk", total / n, "bytes", DISK, rest=round((total - wal) / n, 1),
             events=n)
        return 1 if last / third > 1.05 else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logster", default=ROOT / "build/release/logster")
    parser.add_argument("--load", default=ROOT / "build/release/tests/bench/load_http")
    parser.add_argument("--soak", action="store_true")
    parser.add_argument("--rate", type=int, default=END_TO_END)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--endpoints", type=int)
    parser.add_argument("--only", choices=["throughput", "latency", "patch", "state", "soak"])
    parser.add_argument("--dir", help="where the platform's folders are made; default: build/")
    args = parser.parse_args()
    args.seconds = args.seconds or (600 if args.soak else 20)
    steps = [args.only] if args.only else \
        ["soak", "state"] if args.soak else ["throughput", "latency", "patch", "state"]
    where = args.dir or ROOT / "build"
    failed = 0
    with tempfile.TemporaryDirectory(dir=where) as top:
        events = Path(top) / "events"
        recordings, _, _ = templates.write(os.environ.get("LOGSTER_DATA"), events)
        notes = {"captures": recordings}
        for step in steps:
            with tempfile.TemporaryDirectory(dir=top) as folder:
                if step == "throughput":
                    throughput(args, folder, events, notes)
                elif step == "latency":
                    alert_latency(args, folder, events, notes)
                elif step == "patch":
                    patches(args, folder, events, notes)
                elif step == "state":
                    failed |= state(args, folder, events, args.endpoints or
                                    (10_000 if args.soak else 1_000))
                else:
                    failed |= soak(args, folder, events, notes)
    return failed


if __name__ == "__main__":
    sys.exit(main())
