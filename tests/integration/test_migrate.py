"""An embedded platform's data move to the servers of a fleet, and the fleet goes on with them."""

import os
import subprocess
import time

from conftest import ATTACK, BENIGN, run_logster
from fleet import Fleet
from platform_util import Platform
from reckon import FAST_API, alerts

SETTINGS = {"inference.idle_timeout": "1s", "inference.checkpoint_interval": "1s", **FAST_API}
OLD = "from=2010-01-01T00:00:00Z&to=2027-01-01T00:00:00Z&limit=1000"


def everything(up):
    """What people see, but for what a start of the platform adds."""
    got = {"alerts": alerts(up), "history": {}, "audit": [], "tokens": [], "inferences": [],
           "events": []}
    for alert in got["alerts"]:
        got["history"][alert] = up.get(f"/alerts/{alert}/history").json()
    for what in ("inferences", "events"):
        cursor = ""
        while cursor is not None:
            page = up.get(f"/{what}?{OLD}{cursor}").json()
            got[what] += page[what]
            cursor = "&cursor=" + page["next_cursor"] if page["next_cursor"] else None
    got["tokens"] = [t["token_id"] for t in up.get("/tokens").json()["tokens"]]
    return got


def test_an_embedded_platform_moves(tmp_path):
    home = tmp_path / "data"
    with Platform(home, **SETTINGS) as up:
        for capture in (ATTACK, BENIGN):
            done = run_logster("replay", "--url", up.url, "--token-file", home / "admin-token",
                               capture)
            assert done.rc == 0, done.err
        up.wait(lambda: up.metric("logster_stage_lag_records"), lambda lag: lag == 0, 120)
        up.wait(lambda: up.get("/alerts").json()["total"], lambda n: n > 0)
        time.sleep(4)  # the last windows close for silence
        first = up.get("/alerts").json()["alerts"][0]["alert_id"]
        assert up.request("PATCH", f"/alerts/{first}",
                          {"status": "acknowledged", "analyst_notes": "seen before"}).status == 200
        up.wait(lambda: up.metric("logster_stage_lag_records"), lambda lag: lag == 0, 120)
        before, rows = everything(up), up.get("/audit/verify").json()["rows"]
        busy = subprocess.run([os.environ["LOGSTER"], "migrate", "--data-dir", home, "--set",
                               "store.events=opensearch", "--set",
                               "store.opensearch.urls=http://127.0.0.1:1"],
                              capture_output=True, text=True, timeout=60, check=False)
        assert busy.returncode == 2 and "stop it first" in busy.stderr, busy.stderr
    with Fleet(tmp_path, migrate_from=home, **SETTINGS) as fleet:
        assert everything(fleet) == before
        check = fleet.get("/audit/verify").json()
        assert check["ok"] and check["rows"] >= rows
        # Twice is once too often for alerts: nothing is written over.
        again = subprocess.run([os.environ["LOGSTER"], "migrate", "--data-dir", home],
                               capture_output=True, text=True, timeout=60, check=False)
        assert again.returncode == 2, again.stdout
        assert fleet.get("/alerts").json()["total"] == len(before["alerts"])
