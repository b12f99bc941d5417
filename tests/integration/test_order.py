"""Order and completeness: batches split at random, retries with duplicates, another number of workers.

ORDER_ENDPOINTS and ORDER_EVENTS set the size (`make soak`: 500 and 2,000,000). The
rate of fair share is set so low that part of it goes through logster-held-back.
"""

import http.client
import json
import os
import random
import subprocess
import threading
import time
import urllib.parse

from platform_util import Platform
from reckon import BEGIN, FAST_API, doctor, drained, odd, pages, settled, verdicts
from senders import event

ENDPOINTS = int(os.environ.get("ORDER_ENDPOINTS", "20"))
EVENTS = int(os.environ.get("ORDER_EVENTS", "20000"))
EACH = EVENTS // ENDPOINTS
CLIENTS = 8
STEP = 0.2  # seconds between two events of an endpoint
RESTARTS = [(1, "kill"), (4, "stop"), (2, "kill"), (3, "stop")]
SETTINGS = {"inference.idle_timeout": "15s", "inference.checkpoint_interval": "1s",
            "fair_share.endpoint_burst": max(EACH // 3, 100), "fair_share.endpoint_rate": 50,
            "fair_share.spare_rate": 200000, "pipeline.drain_timeout": "30s", **FAST_API}


def line(host, seq):
    return json.dumps(event(host, seq, step=STEP))


class Client(threading.Thread):
    """Sends its hosts' events in order, cut into batches as the dice fall."""

    def __init__(self, hosts, up, seed):
        super().__init__(daemon=True)
        self.hosts, self.up, self.dice = hosts, up, random.Random(seed)
        self.next = dict.fromkeys(hosts, 0)
        self.sent = self.repeats = self.broken = 0
        self.error = None

    def batch(self):
        rows, after = [], dict(self.next)
        left = [h for h in self.hosts if after[h] < EACH]
        for host in self.dice.sample(left, self.dice.randint(1, min(len(left), 12))):
            n = min(self.dice.choice([1, 3, 20, 100, 400]), EACH - after[host])
            if after[host] > 0 and self.dice.random() < 0.1:  # again what was acknowledged
                back = self.dice.randint(1, min(50, after[host]))
                rows += [line(host, seq) for seq in range(after[host] - back, after[host])]
                self.repeats += back
            rows += [line(host, seq) for seq in range(after[host], after[host] + n)]
            after[host] += n
        return ("\n".join(rows) + "\n").encode(), after

    def post(self, body):
        url = urllib.parse.urlsplit(self.up.url)
        call = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        try:
            call.request("POST", "/ingest/sysmon-logs", body,
                         {"Authorization": f"Bearer {self.up.token}",
                          "Content-Type": "application/x-ndjson"})
            answer = call.getresponse()
            return answer.status, answer.read()
        finally:
            call.close()

    def run(self):
        while any(n < EACH for n in self.next.values()):
            body, after = self.batch()
            try:
                status, said = self.post(body)
            except (OSError, http.client.HTTPException):
                self.broken += 1  # it may have been stored: the next one is cut elsewhere
                time.sleep(0.05)
                continue
            if status == 200:
                self.next = after
                self.sent += 1
            elif status in (429, 503):
                time.sleep(0.1)
            else:
                self.error = (status, said[:500])
                return


def dump(up, topic):
    """Sequence numbers of each endpoint as the topic has them."""
    done = subprocess.Popen([os.environ["TOPIC_DUMP"], str(up.folder / "bus"), topic,
                             "command_line"], stdout=subprocess.PIPE, text=True)
    got, where = {}, {}
    for row in done.stdout:
        partition, _, key, command = row.rstrip("\n").split("\t")
        got.setdefault(key, []).append(int(command.rsplit(" ", 1)[1]))
        assert where.setdefault(key, partition) == partition, f"{key} lies in two partitions"
    assert done.wait() == 0
    return got


def test_order_holds_through_restarts_and_retries(tmp_path):
    hosts = [f"o{n:03d}.corp.example" for n in range(ENDPOINTS)]
    dice = random.Random(5)
    up = Platform(tmp_path / "data", **SETTINGS).start()
    clients = [Client(hosts[n::CLIENTS], up, n) for n in range(CLIENTS) if hosts[n::CLIENTS]]
    for client in clients:
        client.start()

    def progress():
        return sum(sum(c.next.values()) for c in clients) / (EACH * ENDPOINTS)

    held = 0
    for n, (workers, how) in enumerate(RESTARTS):
        while progress() < (n + 1) / (len(RESTARTS) + 1) and not any(c.error for c in clients):
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.2))
        held += up.metric("logster_held_back_events_total")
        if how == "kill":
            up.kill()
        else:
            assert up.stop() == 0, up.errors()
        up.settings["pipeline.workers"] = workers
        up.start()
    for client in clients:
        client.join(3600)
        assert client.error is None, client.error
    assert sum(c.broken for c in clients) > 0 and sum(c.repeats for c in clients) > 0
    drained(up, 900)
    # The lag holds what is held back; its rows tell, too, that it is through.
    up.wait(lambda: sum(1 for _ in pages(up, "/events", "events")),
            lambda n: n >= ENDPOINTS * EACH, 900)
    held += up.metric("logster_held_back_events_total")
    assert held > 0, "nothing went through logster-held-back"

    # Exactly once in the store.
    rows = {}
    for row in pages(up, "/events", "events"):
        rows.setdefault(row["hostname"], []).append(
            int(row["data"]["command_line"].rsplit(" ", 1)[1]))
    for host in hosts:
        got = sorted(rows.get(host, []))
        assert got == list(range(EACH)), f"{host}: {len(got)} of {EACH}: {odd(got)}"
    # At the graph's input: each window has judged just the events that it spans.
    settled(up, dict.fromkeys(hosts, EACH - 1), step=STEP)
    judged = verdicts(up)
    for (endpoint, end), row in judged.items():
        spans = sum(row["window_start"] <= BEGIN + seq * STEP < end for seq in range(EACH))
        assert row["events"] == spans, f"{endpoint} {end}: {row['events']} events of {spans}"
    assert up.stop() == 0, up.errors()

    # In the topic an event may stand again, but never before one that went before it.
    topic = dump(up, "normalized-endpoint-events")
    assert len(topic) == ENDPOINTS
    for key, sequence in topic.items():
        highest = -1
        for at, seq in enumerate(sequence):
            assert seq <= highest + 1, f"{key}: {seq} after {highest} (place {at})"
            highest = max(highest, seq)
        assert highest == EACH - 1, f"{key} ends at {highest}"
    doctor(up.folder)
