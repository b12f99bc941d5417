"""`logster service` on real engines: Kafka, OpenSearch, PostgreSQL."""

import json

import pytest

from conftest import ATTACK, run_logster
from fleet import Fleet

FAST = {"inference.idle_timeout": "1s", "inference.checkpoint_interval": "1s"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    with Fleet(tmp_path_factory.mktemp("fleet"), **FAST) as fleet:
        yield fleet


def windows(verdicts):
    return {(v["endpoint_id"], v["window_end"]): v for v in verdicts}


def test_a_fleet_gives_the_verdicts_of_scan(fleet):
    done = run_logster("replay", "--url", fleet.intake.url, "--token-file",
                       fleet.folder / "admin-token", ATTACK)
    assert done.rc == 0, done.err
    records = int(done.err.split("replayed ")[1].split()[0])
    offline = windows(json.loads(line) for line in run_logster("scan", "--json", ATTACK).text.splitlines())
    fleet.settle(records)
    live = windows(fleet.api.wait(lambda: fleet.api.get("/inferences?limit=1000").json()["inferences"],
                                  lambda got: len(got) >= len(offline)))
    assert live.keys() == offline.keys()
    for key, verdict in offline.items():
        for member in ("prediction", "attack_prob", "confidence", "graph_nodes", "graph_edges",
                       "scores", "ttp_techniques", "evidence", "model"):
            assert live[key][member] == verdict[member], (key, member)
    attacks = [v for v in offline.values() if v["prediction"] == "attack"]
    page = fleet.api.wait(lambda: fleet.api.get("/alerts").json(),
                          lambda page: sum(a["occurrences"] for a in page["alerts"]) == len(attacks))
    assert page["alerts"][0]["status"] == "open"
