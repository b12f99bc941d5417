"""The REST API of a running platform on a real recording: what the views of an analyst rest on."""

import http.client
import json
import time
from urllib.parse import urlsplit

import pytest

from conftest import ATTACK, run_logster
from platform_util import Platform

LETTERS = "/dead-letters?reason=unknown_format"
FAST = {"inference.idle_timeout": "1s", "inference.checkpoint_interval": "1s"}


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    with Platform(tmp_path_factory.mktemp("api") / "data", **FAST) as up:
        replay(up)
        up.wait(lambda: up.get("/alerts").json()["total"], lambda n: n > 0, 120)
        yield up


def replay(up, *more):
    done = run_logster("replay", "--url", up.url, "--token-file", up.folder / "admin-token",
                       *more, ATTACK)
    assert done.rc == 0, done.err
    up.settle(int(done.err.split("replayed ")[1].split()[0]))


def first_alert(up):
    return up.get("/alerts?sort=attack_prob&limit=1").json()["alerts"][0]


def test_graph_is_what_was_judged(up):
    """The stored verdict's graph, bit for bit the one that the engine builds from the file."""
    alert = first_alert(up)
    verdict = up.get("/inferences/" + alert["first_inference_id"]).json()
    served = up.get(f"/inferences/{alert['first_inference_id']}/graph").body
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(verdict["window_end"]))
    built = run_logster("graph", ATTACK, "--endpoint", verdict["endpoint_id"], "--window", when)
    assert built.rc == 0, built.err
    ours, theirs = json.loads(served), json.loads(built.out)
    for graph in (ours, theirs):  # counted by live windows alone
        graph.pop("ledger", None)
    assert ours["nodes"] == theirs["nodes"] and ours["edges"] == theirs["edges"]
    assert len(ours["nodes"]) == verdict["graph_nodes"]


def test_tree_leads_to_the_root(up):
    tree = up.get(f"/alerts/{first_alert(up)['alert_id']}/tree").json()
    processes = tree["processes"]
    assert any(p["focus"] for p in processes)
    for number, process in enumerate(processes):
        if process["parent"] is not None:
            assert process["parent"] < number
        if process["inferred"]:
            assert process["event_id"] is None
    started = [p for p in processes if p["event_id"] is not None]
    assert started
    event = up.get("/events/" + started[0]["event_id"]).json()
    assert event["event_type"] == "process_create"
    assert event["raw_event"]


def test_evidence_names_its_verdicts(up):
    alert = first_alert(up)
    got = up.get(f"/alerts/{alert['alert_id']}/evidence").json()
    assert got["evidence"] == alert["evidence"] != []
    assert len(got["verdicts"]) == min(alert["occurrences"], 100)
    assert all(v["prediction"] == "attack" for v in got["verdicts"])
    assert abs(sum(e["share"] for e in got["evidence"]) - 1) < 0.01


def test_pages_hold_every_row_once(up):
    """Cursor paging over events and verdicts: all rows, each once, in order."""
    for path, name, key in (("/events?limit=97", "events", "event_id"),
                            ("/inferences?limit=1", "inferences", "inference_id")):
        page = up.get(path).json()
        total, seen = page["total"], []
        while True:
            seen += [row[key] for row in page[name]]
            if page["next_cursor"] is None:
                break
            page = up.get(f"{path}&cursor={page['next_cursor']}").json()
        assert len(seen) == len(set(seen)), name
        assert len(seen) == total or total == 10000, name


def test_stream_tells_of_a_change(up):
    alert = first_alert(up)
    where = urlsplit(up.url)
    line = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    line.request("GET", "/stream", headers={"Authorization": "Bearer " + up.token})
    answer = line.getresponse()
    assert answer.getheader("Content-Type").startswith("text/event-stream")
    assert b"hello" in answer.readline() + answer.readline()
    changed = up.request("PATCH", "/alerts/" + alert["alert_id"], {"status": "acknowledged"},
                         headers={"If-Match": f'"{alert["version"]}"'})
    assert changed.status == 200, changed.body
    text, end = b"", time.monotonic() + 20
    while b"acknowledged" not in text and time.monotonic() < end:
        text += answer.readline()
    line.close()
    assert b"event: updated" in text and alert["alert_id"].encode() in text
    late = up.request("PATCH", "/alerts/" + alert["alert_id"], {"status": "open"},
                      headers={"If-Match": f'"{alert["version"]}"'})
    assert late.status == 412
    assert late.json()["current"]["status"] == "acknowledged"


def test_summary_counts_what_is_listed(up):
    alert = first_alert(up)
    span = f"from={int(alert['first_seen']) - 86400}&to={int(alert['last_seen']) + 86400}"
    summary = up.get("/summary?" + span).json()
    assert summary == up.get("/api/summary?" + span).json()
    for kind, member in (("attack", "total_attacks"), ("benign", "total_benign"),
                         ("error", "total_errors")):
        assert up.get(f"/inferences?prediction={kind}&{span}").json()["total"] == summary[member]
    assert summary["max_attack_probability"] == pytest.approx(alert["attack_prob"])
    timeline = up.get("/timeline?buckets=50&" + span).json()["buckets"]
    assert sum(b["attacks"] for b in timeline) == summary["total_attacks"]
    techniques = {t["technique"] for t in up.get("/techniques?" + span).json()["techniques"]}
    assert set(alert["ttp_techniques"]) <= techniques


def test_what_cannot_be_used_is_kept_and_sent_again(up):
    before = up.metric("raw_events_total")
    sent = up.request("POST", "/ingest/sysmon", b'{"neither": "known", "nor": "useful"}\n',
                      headers={"Content-Type": "application/x-ndjson"})
    assert sent.status == 200, sent.body
    letters = up.wait(lambda: up.get(LETTERS).json()["dead_letters"], len, 60)
    one = up.get("/dead-letters/" + letters[0]["id"]).json()
    assert json.loads(one["text"])["neither"] == "known"
    done = up.request("POST", f"/dead-letters/{one['id']}/replay")
    assert done.status == 200 and done.json()["count"] == 1
    up.wait(lambda: up.metric("raw_events_total"), lambda n: n >= before + 2, 60)
    states = up.wait(lambda: [d["state"] for d in up.get(
        LETTERS + "&state=any").json()["dead_letters"]], lambda got: len(got) > 1, 60)
    assert sorted(states) == ["open", "replayed"]
