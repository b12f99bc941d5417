"""kill -9 under load: what was acknowledged is stored, once, and judged as if nothing had happened.

LOGSTER_KILLS sets how often (`make soak`: 200; else a handful).
"""

import json
import os
import random
import time

from platform_util import Platform
from senders import Sender

KILLS = int(os.environ.get("LOGSTER_KILLS", "5"))
HOSTS = [f"ws{n:02d}.corp.example" for n in range(8)]
SETTINGS = {"inference.idle_timeout": "15s", "inference.checkpoint_interval": "1s"}


def stored(up, host):
    """Sequence numbers of a host's stored events, with repeats if there were any."""
    got, cursor = [], ""
    endpoint = host.split(".")[0]
    while True:
        page = up.get(f"/events?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z&limit=1000"
                      f"&endpoint={endpoint}{cursor}").json()
        got += [int(row["data"]["command_line"].rsplit(" ", 1)[1]) for row in page["events"]]
        if not page["next_cursor"]:
            return got
        cursor = "&cursor=" + page["next_cursor"]


def verdicts(up):
    """Every verdict but for the time that it took, by endpoint and window."""
    got, cursor = {}, ""
    while True:
        page = up.get("/inferences?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z&limit=1000"
                      + cursor).json()
        for row in page["inferences"]:
            for changing in ("inference_time_ms", "received_at", "ledger", "context"):
                row.pop(changing, None)
            got[(row["endpoint_id"], row["window_end"])] = row
        if not page["next_cursor"]:
            return got
        cursor = "&cursor=" + page["next_cursor"]


def settled(up, hosts, newest):
    """Until the last window that the newest event of each host reaches is judged."""
    ends = {h.split(".")[0]: (1772442000 + (n * 0.5) // 60 * 60) + 180 for h, n in newest.items()}
    up.wait(lambda: {e: max([k[1] for k in verdicts(up) if k[0] == e], default=0) for e in ends},
            lambda got: all(got[e] >= end for e, end in ends.items()), 120)


def test_kill_loses_nothing_and_doubles_nothing(tmp_path):
    rng = random.Random(7)
    up = Platform(tmp_path / "data", **SETTINGS).start()
    senders = [Sender(host, up) for host in HOSTS]
    for sender in senders:
        sender.start()
    open_requests = 0
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.3, 1.5))
        open_requests += any(s.in_flight for s in senders)
        up.kill()
        up.start()
        assert not any(s.error for s in senders), [s.error for s in senders]
    time.sleep(1)
    for sender in senders:
        sender.halt.set()
    for sender in senders:
        sender.join(60)
    assert open_requests >= KILLS * 3 // 4
    acked = {s.host: s.acked for s in senders}
    assert all(acked.values())

    # A batch whose answer never came may have been stored: its sender knows of at most one.
    up.wait(lambda: {h: len(stored(up, h)) for h in HOSTS},
            lambda got: all(got[h] >= acked[h] for h in HOSTS), 120)
    sequences = {}
    for host in HOSTS:
        got = sorted(stored(up, host))
        assert got == list(range(len(got))), f"{host}: gaps or repeats"
        assert acked[host] <= len(got) <= acked[host] + senders[0].batch
        sequences[host] = len(got)
    settled(up, HOSTS, {h: n - 1 for h, n in sequences.items()})
    disturbed = verdicts(up)
    alerts = {a["alert_id"]: a["occurrences"] for a in up.get("/alerts?limit=1000").json()["alerts"]}
    assert up.stop() == 0, up.errors()

    # The same events without a disturbance: the same verdicts, bit for bit, and the same alerts.
    with Platform(tmp_path / "calm", **SETTINGS) as calm:
        again = [Sender(host, calm, limit=sequences[host]) for host in HOSTS]
        for sender in again:
            sender.start()
        for sender in again:
            sender.join(120)
            assert sender.error is None, sender.error
        settled(calm, HOSTS, {h: n - 1 for h, n in sequences.items()})
        assert json.dumps(sorted(verdicts(calm).items())) == json.dumps(sorted(disturbed.items()))
        assert {a["alert_id"]: a["occurrences"]
                for a in calm.get("/alerts?limit=1000").json()["alerts"]} == alerts
