"""What a platform stored of what its senders sent, and what it made of it."""

import json
import os
import subprocess
import time

from senders import START

SPAN = "from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z&limit=1000"
BEGIN = int(START.timestamp())
# Reading a million rows back is not what a client may do in a second.
FAST_API = {"api.rate": 100000, "api.burst": 100000, "api.max_connections_per_address": 1024}


def pages(up, path, member):
    cursor = ""
    while True:
        page = up.get(f"{path}{'&' if '?' in path else '?'}{SPAN}{cursor}").json()
        yield from page[member]
        if not page["next_cursor"]:
            return
        cursor = "&cursor=" + page["next_cursor"]


def stored(up, host):
    """Sequence numbers of a host's stored events, with repeats if there were any."""
    return [int(row["data"]["command_line"].split(" /seq ")[1].split()[0])
            for row in pages(up, f"/events?endpoint={host.split('.')[0]}", "events")]


def verdicts(up):
    """Every verdict but for the time that it took, by endpoint and window."""
    got = {}
    for row in pages(up, "/inferences", "inferences"):
        for changing in ("inference_time_ms", "received_at", "ledger", "context"):
            row.pop(changing, None)
        key = (row["endpoint_id"], row["window_end"])
        assert key not in got, f"judged twice: {key}"
        got[key] = row
    return got


def alerts(up):
    got, cursor = {}, ""
    while True:
        page = up.get("/alerts?limit=1000" + cursor).json()
        got.update({a["alert_id"]: a["occurrences"] for a in page["alerts"]})
        if not page.get("next_cursor"):
            return got
        cursor = "&cursor=" + page["next_cursor"]


def drained(up, seconds=120):
    """Until no stage has anything left to read."""
    time.sleep(0.3)
    up.wait(lambda: up.metric("logster_stage_lag_records"), lambda lag: lag == 0, seconds)
    up.refresh()


def settled(up, newest, step=0.5, seconds=120):
    """Until the last window that the newest event of each host reaches is judged."""
    ends = {h.split(".")[0]: (BEGIN + (n * step) // 60 * 60) + 180 for h, n in newest.items()}

    def latest():
        got = dict.fromkeys(ends, 0)
        for row in pages(up, "/inferences", "inferences"):
            if row["endpoint_id"] in got:
                got[row["endpoint_id"]] = max(got[row["endpoint_id"]], row["window_end"])
        return got

    up.wait(latest, lambda got: all(got[e] >= end for e, end in ends.items()), seconds)


def nothing_lost_nothing_twice(up, senders):
    """Rows of the store against what was acknowledged; events that each host has."""
    drained(up)
    have = {}
    for sender in senders:
        got = sorted(stored(up, sender.host))
        assert got == list(range(len(got))), f"{sender.host}: gaps or repeats: {odd(got)}"
        # A batch whose answer never came may have been stored: its sender knows of at most one.
        assert sender.acked <= len(got) <= sender.acked + sender.batch, \
            f"{sender.host}: {len(got)} rows of {sender.acked} acknowledged"
        have[sender.host] = len(got)
    return have


def odd(got):
    """First places where sequence numbers do not count up."""
    return [(a, b) for a, b in zip(got, got[1:]) if b != a + 1][:5] or got[:1]


def doctor(folder):
    """The program's own look at a stopped platform's folder."""
    done = subprocess.run([os.environ["LOGSTER"], "doctor", "--data-dir", str(folder), "--json"],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
