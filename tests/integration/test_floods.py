"""One endpoint floods while others send as ever: their verdicts come as ever, and nothing is lost.

FLOOD_OTHERS, FLOOD_SECONDS (of each kind) and FLOOD_RATE (events a second, 0: as fast as it goes)
set the size (`make soak`: 50, 30 and 0).
"""

import http.client
import json
import os
import threading
import time
import urllib.parse
from datetime import datetime, timedelta, timezone

from platform_util import Platform
from reckon import FAST_API, drained
from senders import event

OTHERS = int(os.environ.get("FLOOD_OTHERS", "10"))
SECONDS = float(os.environ.get("FLOOD_SECONDS", "3"))
RATE = int(os.environ.get("FLOOD_RATE", "1000"))
KINDS = ["same", "different", "starts", "late", "large"]
INTERVAL = 3
SETTINGS = {"inference.window": f"{2 * INTERVAL}s", "inference.interval": f"{INTERVAL}s",
            "inference.lateness": "1s", "inference.idle_timeout": "4s",
            "inference.checkpoint_interval": "1s",
            "fair_share.endpoint_rate": 100, "fair_share.endpoint_burst": 300,
            "fair_share.spare_rate": 5000, "intake.max_request_bytes": "64MiB", **FAST_API}


def now():
    return datetime.now(timezone.utc)


class Line:
    """A connection that stays open; a batch is repeated until it was acknowledged."""

    def __init__(self, up):
        self.up, self.call = up, None

    def send(self, rows):
        body = ("\n".join(rows) + "\n").encode()
        while True:
            try:
                if self.call is None:
                    url = urllib.parse.urlsplit(self.up.url)
                    self.call = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
                self.call.request("POST", "/ingest/sysmon-logs", body,
                                  {"Authorization": f"Bearer {self.up.token}",
                                   "Content-Type": "application/x-ndjson"})
                answer = self.call.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException):
                self.call = None
                continue
            if answer.status == 200:
                return
            assert answer.status in (429, 503), (answer.status, said)
            time.sleep(0.05)


class Others(threading.Thread):
    """Four events a second of each of the well-behaved endpoints, in the present."""

    def __init__(self, up):
        super().__init__(daemon=True)
        self.hosts = [f"calm{n:02d}.corp.example" for n in range(OTHERS)]
        self.line, self.halt, self.sent = Line(up), threading.Event(), 0

    def run(self):
        while not self.halt.wait(0.25):
            when = now()
            self.line.send([json.dumps(event(h, self.sent, when=when)) for h in self.hosts])
            self.sent += 1


class Watcher(threading.Thread):
    """When each verdict of the others is first to be seen, in seconds after its window's end."""

    def __init__(self, up):
        super().__init__(daemon=True)
        self.up, self.halt, self.seen, self.error = up, threading.Event(), {}, None

    def run(self):
        while not self.halt.wait(0.2):
            since = (now() - timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
            answer = self.up.get(f"/inferences?from={since}&limit=1000")
            if answer.status != 200:
                self.error = (answer.status, answer.body[:300])
                return
            for row in answer.json()["inferences"]:
                if row["endpoint_id"].startswith("calm"):
                    self.seen.setdefault((row["endpoint_id"], row["window_end"]),
                                         time.time() - row["window_end"])


def flood(up, kind, until):
    """Events that were acknowledged and must be stored."""
    line, host, n, began = Line(up), f"flood-{kind}.corp.example", 0, time.monotonic()
    same = json.dumps(event(host, 0, when=now()))
    size = 4 if kind == "large" else 250
    while time.monotonic() < until:
        when = now() - timedelta(hours=1 if kind == "late" and n > 0 else 0)
        rows = []
        for seq in range(n, n + size):
            one = event(host, seq, when=when)
            data = one["winlog"]["event_data"]
            if kind == "starts":  # each a process of its own, each a child of the one before
                data["ParentProcessGuid"] = event(host, max(seq - 1, 0))["winlog"]["event_data"][
                    "ProcessGuid"]
            if kind == "different":
                one["winlog"]["event_id"] = 11
                data["TargetFilename"] = f"C:\\Users\\ann\\f{seq}.txt"
            if kind == "large":
                data["CommandLine"] += " " + "x" * 900000
            rows.append(same if kind == "same" else json.dumps(one))
        line.send(rows)
        n += size
        if RATE:
            pace = 10 if kind == "large" else RATE
            time.sleep(max(0, began + n / pace - time.monotonic()))
    return 1 if kind == "same" else n


def rows_of(up, endpoint):
    """How many events are stored; a page at a time, without their bodies' strings."""
    n, cursor = 0, ""
    while True:
        page = up.get(f"/events?from=2026-01-01T00:00:00Z&to=2030-01-01T00:00:00Z&limit="
                      f"{20 if 'large' in endpoint else 1000}&endpoint={endpoint}{cursor}").json()
        n += len(page["events"])
        if not page["next_cursor"]:
            return n
        cursor = "&cursor=" + page["next_cursor"]


def test_a_flood_delays_nobody_else(tmp_path):
    with Platform(tmp_path / "data", **SETTINGS) as up:
        others, watcher = Others(up), Watcher(up)
        others.start()
        watcher.start()
        time.sleep(max(SECONDS, 3 * INTERVAL))
        split = time.time()
        expected, held = {}, {}
        for kind in KINDS:
            before = up.metric("logster_held_back_events_total")
            expected[kind] = flood(up, kind, time.monotonic() + SECONDS)
            held[kind] = up.metric("logster_held_back_events_total") - before
        time.sleep(2 * INTERVAL + 2)
        watcher.halt.set()
        watcher.join(30)
        assert watcher.error is None, watcher.error
        others.halt.set()
        others.join(30)

        ends = sorted({end for _, end in watcher.seen})
        normal = [s for (_, end), s in watcher.seen.items() if end < split]
        busy = [s for (_, end), s in watcher.seen.items() if end >= split]
        print(f"seconds after a window's end: normal {max(normal):.1f}, flooded {max(busy):.1f}; "
              f"held back {held}; sent {expected}")
        for end in ends[2:-1]:  # nobody is left out of a window
            assert len([1 for _, e in watcher.seen if e == end]) == OTHERS, end
        assert max(busy) <= max(normal) + INTERVAL
        for kind in ("same", "different", "starts", "late"):
            assert held[kind] > 0, f"{kind}: {held}"

        up.wait(lambda: up.metric("logster_held_back_endpoints"), lambda n: n == 0, 600)
        drained(up, 600)
        for kind in KINDS:
            assert rows_of(up, f"flood-{kind}") == expected[kind], kind
        for host in others.hosts:
            assert rows_of(up, host.split(".")[0]) == others.sent


def test_what_waits_is_a_lag(tmp_path):
    def waits():
        return (up.lag_of("normalizer", "logster-held-back"),
                up.get("/status").json()["platform"]["held_back_records"])

    with Platform(tmp_path / "data", **{**SETTINGS, "fair_share.spare_rate": 200}) as up:
        assert waits() == (0, 0)
        line, n = Line(up), 2000
        line.send([json.dumps(event("flood.corp.example", seq, when=now())) for seq in range(n)])
        lag, records = up.wait(waits, lambda got: min(got) > 0)
        assert lag < n and records < n
        up.wait(lambda: (up.metric("raw_events_total"), *waits()), lambda got: got == (n, 0, 0))
        drained(up, 60)
        assert rows_of(up, "flood") == n
