"""`logster up`: the platform in one process, from a first start to a restart."""

import json
import os
import re
import signal
import stat
import subprocess
import time

import pytest

from conftest import ROOT
from platform_util import Platform

FAST = {"inference.idle_timeout": "1s", "inference.checkpoint_interval": "1s"}


def scan(logster, *files):
    """What the engine says offline about the same recording."""
    done = logster("scan", "--json", *files)
    return [json.loads(line) for line in done.text.splitlines()]


def windows(verdicts):
    return {(v["endpoint_id"], v["window_end"]): v for v in verdicts}


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """A platform that has seen one recording of an attack."""
    from conftest import ATTACK, run_logster
    with Platform(tmp_path_factory.mktemp("up") / "data", **FAST) as up:
        done = run_logster("replay", "--url", up.url, "--token-file", up.folder / "admin-token",
                           ATTACK)
        assert done.rc == 0, done.err
        up.records = int(done.err.split("replayed ")[1].split()[0])
        up.expected = [v for v in scan(run_logster, ATTACK)]
        up.wait(lambda: up.get("/inferences?limit=1000").json()["total"],
                lambda n: n >= len(up.expected), 120)
        up.settle(up.records)
        yield up


def test_first_start_makes_one_token(tmp_path, logster):
    with Platform(tmp_path / "data") as up:
        file = up.folder / "admin-token"
        assert up.token.startswith("lgt_") and up.token in up.said
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(up.folder.stat().st_mode) == 0o700
        second = subprocess.run(
            [os.environ["LOGSTER"], "up", "--data-dir", str(up.folder), "--set", "api.port=0"],
            capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 2 and "another logster runs on" in second.stderr
        old = up.token
    with Platform(tmp_path / "data") as up:
        assert up.token == old and old not in up.said
        assert up.get("/alerts").status == 200
    done = logster("doctor", "--data-dir", tmp_path / "data")
    assert done.rc == 0, done.text


def test_nothing_without_a_token(replayed):
    health = replayed.get("/health", token=None)
    assert health.status == 200 and "alerts_count" not in health.json()
    for path in ("/alerts", "/events", "/endpoints", "/metrics", "/audit", "/inferences"):
        assert replayed.get(path, token=None).status == 401, path
        assert replayed.get(path, token="lgt_" + "a" * 16 + "_" + "b" * 52).status == 401, path


def test_metrics_tell_what_holds_the_memory(replayed):
    def parts():
        head = 'logster_memory_bytes{part="'
        return {line[len(head):].split('"')[0]: float(line.rsplit(" ", 1)[1])
                for line in replayed.get("/metrics").body.decode().splitlines()
                if line.startswith(head)}

    got = replayed.wait(parts, lambda p: p.get("window_processes", 0) > 0)  # weighed now and then
    assert {"window_slices", "window_waiting", "window_strings", "window_other", "bus_cache",
            "bus_buffers", "sqlite", "heap_used", "heap_free"} < got.keys()
    assert replayed.metric("logster_known_processes") > 0
    resident = replayed.metric("process_resident_memory_bytes")
    assert 0 < got["sqlite"] + got["bus_buffers"] < 2 * resident
    if not os.environ.get("SANITIZER"):  # whose heap does not count like the system's
        assert got["sqlite"] + got["bus_buffers"] < got["heap_used"] < 2 * resident


def test_every_documented_metric_is_exported_by_somebody(replayed):
    ids = re.findall(r"^LG_METRIC_ROW\((\w+)", (ROOT / "src/metrics/names.def").read_text(), re.M)
    used = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.[ch]"))
    assert [one for one in ids if not re.search(rf"\b{one}\b", used)] == []
    assert replayed.metric("logster_bus_free_bytes") > 0


def test_live_verdicts_are_those_of_scan(replayed):
    got = replayed.get("/inferences?limit=1000").json()["inferences"]
    live, offline = windows(got), windows(replayed.expected)
    assert live.keys() == offline.keys()
    for key, verdict in offline.items():
        for member in ("prediction", "attack_prob", "confidence", "graph_nodes", "graph_edges",
                       "scores", "ttp_techniques", "evidence", "model"):
            assert live[key][member] == verdict[member], (key, member)


def test_attack_windows_became_alerts(replayed):
    attacks = [v for v in replayed.expected if v["prediction"] == "attack"]
    page = replayed.get("/alerts").json()
    assert 0 < page["total"] <= len(attacks)
    assert sum(a["occurrences"] for a in page["alerts"]) == len(attacks)
    alert = replayed.get("/alerts/" + page["alerts"][0]["alert_id"]).json()
    assert alert["status"] == "open" and alert["ttp_techniques"]


def test_events_are_stored_once(replayed):
    first = replayed.get("/events?limit=1&from=2019-01-01T00:00:00Z").json()
    assert first["events"]
    stored = replayed.metric("logster_store_rows_total")
    again = subprocess.run([os.environ["LOGSTER"], "replay", "--url", replayed.url, "--token-file",
                            str(replayed.folder / "admin-token"),
                            str(__import__("conftest").ATTACK)],
                           capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 0, again.stderr
    replayed.settle(2 * replayed.records)
    assert replayed.metric("logster_store_rows_total") == stored


def test_bodies_of_intake_have_their_own_limit(tmp_path):
    line = json.dumps({"@timestamp": "2024-05-01T10:00:00.000Z", "x": "y" * 1000}).encode() + b"\n"
    with Platform(tmp_path / "data", **{"intake.max_request_bytes": "4MiB"}) as up:
        sent = up.request("POST", "/ingest/sysmon", line * 3000)
        assert sent.status == 200 and sent.json()["accepted"] == 3000
        assert up.request("POST", "/ingest/sysmon", line * 5000).status == 413


def test_alert_moves_and_says_who(replayed):
    alert = replayed.get("/alerts").json()["alerts"][0]
    path = "/alerts/" + alert["alert_id"]
    bad = replayed.request("PATCH", path, {"status": "open", "resolved_by": "mallory"})
    assert bad.status in (400, 409)
    done = replayed.request("PATCH", path, {"status": "acknowledged", "analyst_notes": "mine"})
    assert done.status == 200 and done.json()["status"] == "acknowledged"
    rows = replayed.get(path + "/history").json()["history"]
    assert rows[-1]["action"] in ("status", "notes") and "admin" in rows[-1]["actor"]


def test_restart_keeps_everything(tmp_path, logster, captures):
    folder = tmp_path / "data"
    with Platform(folder, **FAST) as up:
        done = logster("replay", "--url", up.url, "--token-file", folder / "admin-token",
                       captures.attack)
        assert done.rc == 0, done.err
        count = up.wait(lambda: up.get("/alerts").json()["total"], lambda n: n > 0, 120)
        before = up.get("/alerts").json()
    with Platform(folder, **FAST) as up:
        after = up.get("/alerts").json()
        assert after["total"] >= count
        ids = {a["alert_id"] for a in after["alerts"]}
        assert {a["alert_id"] for a in before["alerts"]} <= ids


def test_impatient_stop_is_a_stop(tmp_path):
    """Signals that come while it starts, stops or reloads find the thread that takes them, and no
    thread of a library that would die of them."""
    for _ in range(3):
        up = Platform(tmp_path / "data", **{"pipeline.drain_timeout": "5s"})
        up.launch()
        assert up.wait_started()
        while up.process.poll() is None:
            up.process.send_signal(signal.SIGTERM)
            up.process.send_signal(signal.SIGHUP)
            time.sleep(0.005)
        assert up.process.returncode == 0, up.errors()


def test_reload_keeps_the_old_on_error(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    config = folder / "service-config.yaml"
    config.write_text("log:\n  level: info\n")
    with Platform(folder) as up:
        config.write_text("log:\n  level: info\nno_such_key: 1\n")
        up.process.send_signal(signal.SIGHUP)
        up.wait(up.errors, lambda text: "keeping the old configuration" in text and
                "no_such_key" in text, 20)
        config.write_text("log:\n  level: warn\n")
        up.process.send_signal(signal.SIGHUP)
        up.wait(up.errors, lambda text: "reloaded" in text, 20)
        assert up.get("/health").status == 200
        rows = up.wait(lambda: up.get("/audit").json()["audit"],
                       lambda got: "config.reload" in [row["action"] for row in got], 20)
        assert [row["detail"] for row in rows if row["action"] == "config.reload"] == [
            {"changed": ["log.level"]}]
        assert {row["detail"]["platform"] for row in rows if row["action"] == "model.load"} == {
            "windows", "linux"}


def test_dead_letter_goes_through_again_as_it_was(tmp_path, logster):
    with Platform(tmp_path / "data", **FAST) as up:
        def command(*args):
            return logster("dead-letter", *args, "--url", up.url, "--data-dir", up.folder)

        def reasons(state="open"):
            return [row["reason"] for row in
                    json.loads(command("list", "--json", "--state", state).text)["dead_letters"]]

        text = "no format knows this line\n"
        sent = up.request("POST", "/ingest/auditd", text.encode(),
                          headers={"Content-Type": "text/plain"})
        assert sent.status == 200, sent.body
        up.wait(reasons, lambda got: got == ["unknown_format"], 20)
        first = json.loads(command("list", "--json").text)["dead_letters"][0]["id"]
        assert json.loads(command("show", first).text)["text"] == text.strip()
        assert "1 dead letters sent through again" in command("replay", first).text
        # Nothing was mended: it comes back for the same reason, with the same bytes.
        up.wait(reasons, lambda got: got == ["unknown_format"], 20)
        again = json.loads(command("list", "--json").text)["dead_letters"][0]["id"]
        assert again != first and json.loads(command("show", again).text)["text"] == text.strip()
        assert "1 dead letters dropped" in command("drop", "--reason", "unknown_format").text
        assert reasons() == [] and sorted(reasons("any")) == ["unknown_format"] * 2
        nothing = logster("dead-letter", "replay", "--url", up.url, "--data-dir", up.folder)
        assert nothing.rc == 2 and "--all" in nothing.err
