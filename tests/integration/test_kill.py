"""kill -9 under load: what was acknowledged is stored, once, and judged as if nothing had happened.

KILLS sets how often (`make soak`: 200; else a handful); a quarter of the kills hit a
platform that has not come up again yet. KILL_EVENTS is how many events have to be
acknowledged at least (`make soak`: 1,000,000): the last life goes on until they are.
"""

import json
import os
import random
import time

from platform_util import Platform
from reckon import FAST_API, alerts, doctor, nothing_lost_nothing_twice, pages, settled, verdicts
from senders import Sender

KILLS = int(os.environ.get("KILLS", "8"))
EVENTS = int(os.environ.get("KILL_EVENTS", "8000"))
BATCH = 50 if EVENTS < 100000 else 500
HOSTS = [f"ws{n:02d}.corp.example" for n in range(8)]
SETTINGS = {"inference.idle_timeout": "15s", "inference.checkpoint_interval": "1s",
            "fair_share.endpoint_rate": 1000000, "fair_share.endpoint_burst": 1000000, **FAST_API}


def last_graphs(up):
    """The graph of each endpoint's last verdict."""
    last = {}
    for row in pages(up, "/inferences", "inferences"):
        if row["window_end"] >= last.get(row["endpoint_id"], row)["window_end"]:
            last[row["endpoint_id"]] = row
    return {e: up.get(f"/inferences/{row['inference_id']}/graph").body
            for e, row in last.items()}


def test_kill_loses_nothing_and_doubles_nothing(tmp_path):
    rng = random.Random(7)
    up = Platform(tmp_path / "data", **SETTINGS).start()
    senders = [Sender(host, up, batch=BATCH) for host in HOSTS]
    for sender in senders:
        sender.start()
    broke_off = in_recovery = 0
    while broke_off + in_recovery < KILLS:
        time.sleep(rng.uniform(0.3, 1.5))
        before = sum(s.cut for s in senders)
        up.kill()
        time.sleep(0.02)
        assert not any(s.error for s in senders), [s.error for s in senders]
        if sum(s.cut for s in senders) > before:
            broke_off += 1  # a kill that no open request felt does not count
        if in_recovery < KILLS // 4:
            up.launch()
            time.sleep(rng.uniform(0, 0.3))
            up.kill()
            in_recovery += 1
        up.start()
    end = time.monotonic() + 1 + EVENTS / 1000
    while sum(s.acked for s in senders) < EVENTS and time.monotonic() < end:
        time.sleep(0.1)
    for sender in senders:
        sender.halt.set()
    for sender in senders:
        sender.join(60)
    assert sum(s.acked for s in senders) >= EVENTS
    print(f"{broke_off} kills broke off a request, {in_recovery} hit a recovery, "
          f"{sum(s.acked for s in senders)} events acknowledged")

    have = nothing_lost_nothing_twice(up, senders)
    settled(up, {h: n - 1 for h, n in have.items()})
    disturbed, raised, graphs = verdicts(up), alerts(up), last_graphs(up)
    assert up.stop() == 0, up.errors()
    doctor(up.folder)
    # The host's first process is still known: of its start no window tells any more.
    for endpoint, graph in graphs.items():
        assert b"/seq 0" in graph, f"{endpoint}: {graph[:2000]}"

    # The same events without a disturbance: the same verdicts, bit for bit, and the same alerts.
    with Platform(tmp_path / "calm", **SETTINGS) as calm:
        again = [Sender(host, calm, batch=BATCH, limit=have[host]) for host in HOSTS]
        for sender in again:
            sender.start()
        for sender in again:
            sender.join(600)
            assert sender.error is None, sender.error
        settled(calm, {h: n - 1 for h, n in have.items()})
        undisturbed = verdicts(calm)
        assert undisturbed.keys() == disturbed.keys()
        for key, row in undisturbed.items():
            assert json.dumps(row) == json.dumps(disturbed[key])
        assert alerts(calm) == raised
        assert last_graphs(calm) == graphs
