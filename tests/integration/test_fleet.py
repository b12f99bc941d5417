"""
`logster service` on real engines: one process of each part, Kafka, OpenSearch and PostgreSQL.

FLEET_SECONDS is how long each disturbance lasts (`make soak-distributed`: 300).
"""

import json
import os
import time

import pytest

from conftest import ATTACK, run_logster
from fleet import Fleet
from platform_util import Platform
from reckon import FAST_API, alerts, nothing_lost_nothing_twice, settled, verdicts
from senders import Sender, event

SECONDS = float(os.environ.get("FLEET_SECONDS", "8"))
BATCH = 5  # events a request
SETTINGS = {"inference.idle_timeout": "15s", "inference.checkpoint_interval": "1s",
            "fair_share.endpoint_rate": 1000000, "fair_share.endpoint_burst": 1000000, **FAST_API}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    with Fleet(tmp_path_factory.mktemp("fleet"), **SETTINGS) as fleet:
        yield fleet


def windows(verdicts):
    return {(v["endpoint_id"], v["window_end"]): v for v in verdicts}


def of_hosts(found, hosts):
    ids = {host.split(".")[0] for host in hosts}
    return {key: row for key, row in found.items() if key[0] in ids}


def undisturbed(folder, have):
    """What one embedded platform makes of the same events."""
    with Platform(folder, **SETTINGS) as calm:
        again = [Sender(host, calm, batch=BATCH, limit=n) for host, n in have.items()]
        for sender in again:
            sender.start()
        for sender in again:
            sender.join(120)
        settled(calm, {host: n - 1 for host, n in have.items()})
        return verdicts(calm), alerts(calm)


def through(fleet, tmp_path, name, disturb, judged=True):
    """Senders send while `disturb` does its worst; then everything is there once, and judged as if
    nothing had happened."""
    hosts = [f"{name}{n:02d}.corp.example" for n in range(8)]
    senders = [Sender(host, fleet, batch=BATCH, pause=0.05) for host in hosts]
    for sender in senders:
        sender.start()
    disturb()
    for sender in senders:
        sender.halt.set()
    for sender in senders:
        sender.join(60)
    assert not any(s.error for s in senders), [s.error for s in senders]
    have = nothing_lost_nothing_twice(fleet, senders)
    # One document for each event over all indices, as a foreign client counts them.
    assert fleet.count("events", {"terms": {"host.id": [h.split(".")[0] for h in hosts]}}) == \
        sum(have.values())
    print(f"{name}: {sum(have.values())} events, "
          f"{sum(s.cut for s in senders)} requests broke off")
    if not judged:
        return
    settled(fleet, {h: n - 1 for h, n in have.items()}, seconds=180)
    got = of_hosts(verdicts(fleet), hosts)
    calm, raised = undisturbed(tmp_path / "calm", have)
    assert not calm.keys() - got.keys(), f"never judged: {sorted(calm.keys() - got.keys())}"
    assert not got.keys() - calm.keys(), f"of nothing: {sorted(got.keys() - calm.keys())}"
    for key, verdict in calm.items():
        assert got[key] == verdict, key
    assert raised.items() <= alerts(fleet).items()
    print(f"{name}: {len(calm)} verdicts, all the same")


def test_a_fleet_gives_the_verdicts_of_scan(fleet):
    done = run_logster("replay", "--url", fleet.intake.url, "--token-file",
                       fleet.folder / "admin-token", ATTACK)
    assert done.rc == 0, done.err
    records = int(done.err.split("replayed ")[1].split()[0])
    offline = windows(map(json.loads, run_logster("scan", "--json", ATTACK).text.splitlines()))
    fleet.settle(records)
    live = windows(fleet.wait(lambda: fleet.get("/inferences?limit=1000").json()["inferences"],
                              lambda got: len(got) >= len(offline)))
    assert live.keys() == offline.keys()
    for key, verdict in offline.items():
        for member in ("prediction", "attack_prob", "confidence", "graph_nodes", "graph_edges",
                       "scores", "ttp_techniques", "evidence", "model"):
            assert live[key][member] == verdict[member], (key, member)
    attacks = [v for v in offline.values() if v["prediction"] == "attack"]
    page = fleet.wait(lambda: fleet.get("/alerts").json(),
                      lambda page: sum(a["occurrences"] for a in page["alerts"]) == len(attacks))
    assert page["alerts"][0]["status"] == "open"


def test_making_ready_twice_changes_nothing(fleet):
    assert {line.split(":")[0] for line in fleet.run("service", "kafka-init").splitlines()} == \
        {"as_wanted"}
    said = fleet.run("service", "store-init").splitlines()
    assert said[-1] == "a token is there" and not any(
        line.startswith(("made", "changed", "brought")) for line in said), said


def test_replicas_of_the_api_agree(fleet):
    second = fleet.add("api")
    first = fleet.get("/alerts").json()["alerts"][0]
    path = "/alerts/" + first["alert_id"]
    etag = fleet.get(path).headers["ETag"]

    def move(api, to):
        return api.request("PATCH", path, {"status": to}, headers={"If-Match": etag}).status
    assert move(second, "acknowledged") == 200
    assert move(fleet.api, "investigating") == 412  # somebody was faster
    assert fleet.get(path).json()["status"] == "acknowledged"
    assert second.stop() == 0, second.errors()


def test_stages_come_and_go(fleet, tmp_path):
    def disturb():
        time.sleep(1)
        more = [fleet.add("inference") for _ in range(3)]
        more.append(fleet.add("normalizer"))
        time.sleep(SECONDS / 2)
        assert more[0].stop() == 0, more[0].errors()
        more[1].kill()
        more[3].kill()
        fleet.services["indexer"][0].kill()
        fleet.services["alerts"][0].kill()
        time.sleep(SECONDS / 2)
        assert more[2].stop() == 0, more[2].errors()
        fleet.add("indexer")
        fleet.add("alerts")
    through(fleet, tmp_path, "come", disturb)


def test_stores_may_be_away(fleet, tmp_path):
    def disturb():
        time.sleep(1)
        before = fleet.resident_mb()
        fleet.search.nodes[0].kill()
        fleet.postgres.kill()
        time.sleep(SECONDS)
        # Tokens lie in PostgreSQL: those of shippers go on counting, those of people do not.
        line = json.dumps(event("probe.corp.example", 0)).encode()
        said = {who: fleet.intake.request("POST", "/ingest/sysmon-logs", line, token=token).status
                for who, token in (("shipper", fleet.shipper), ("admin", fleet.token))}
        assert said == {"shipper": 200, "admin": 503}
        after = fleet.resident_mb()
        fleet.postgres.start()
        fleet.search.nodes[0].start()
        time.sleep(2)
        for name, mb in before.items():
            assert after[name] < 1.5 * mb + 64, (name, mb, after[name])
    through(fleet, tmp_path, "away", disturb)


def test_the_only_broker_may_be_away(fleet, tmp_path):
    """Nothing can be taken in meanwhile, so that hosts look silent: verdicts may differ."""
    def disturb():
        time.sleep(1)
        fleet.kafka.brokers[0].kill()
        time.sleep(min(SECONDS, 8) / 2)
        fleet.kafka.brokers[0].start().wait_started()
        time.sleep(3)
    through(fleet, tmp_path, "broker", disturb, judged=False)
