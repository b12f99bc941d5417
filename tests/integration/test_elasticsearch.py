"""The same store on a real Elasticsearch: the suites that OpenSearch and SQLite pass."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from servers.opensearch import Elasticsearch

CONTRACTS = Path(os.environ["CONTRACTS"])


@pytest.fixture(scope="module")
def cluster():
    with Elasticsearch(1) as one:
        yield one


def run(cluster, name, *args, **env):
    done = subprocess.run(
        [CONTRACTS / name, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=240, check=False,
        env={**os.environ, "LG_CONTRACT": "opensearch", "LG_OPENSEARCH_URLS": cluster.urls[0],
             **env})
    assert done.returncode == 0, done.stdout[-8000:]
    return done.stdout


def test_it_is_elasticsearch(cluster):
    said = cluster.ask("GET", "/")
    assert said["version"]["number"] == "7.10.2" and "distribution" not in said["version"]


@pytest.mark.parametrize("suite", ["event_contract", "event_compare_contract"])
def test_contract(cluster, suite):
    assert "PASSED" in run(cluster, suite)


def test_init_twice(cluster):
    wanted = {"LG_OPENSEARCH_PREFIX": "twice", "LG_OPENSEARCH_DAYS": "90"}
    first = run(cluster, "opensearch_tool", "init", **wanted)
    assert first.count("made: index template") == 2
    assert "not there: retention policy twice-retention" in first  # no X-Pack on this node
    again = run(cluster, "opensearch_tool", "init", **wanted)
    assert "made" not in again and again.count("kept: index template") == 2


def test_seen_from_outside(cluster):
    """ECS names, as Kibana's security views and Sigma's queries ask for them."""
    prefix = {"LG_OPENSEARCH_PREFIX": "outside", "LG_OPENSEARCH_REPLICAS": "0"}
    run(cluster, "opensearch_tool", "init", **prefix)
    assert "stored 400 duplicate 0" in run(cluster, "opensearch_tool", "write", 0, 400, **prefix)
    assert "total 400 events 400" in run(cluster, "opensearch_tool", "ask", "WHOAMI", **prefix)
    query = r"process.name:CMD.EXE AND process.command_line:*WhoAmI* AND event.category:process"
    curl = subprocess.run(
        ["curl", "-sS", "-G", f"{cluster.urls[0]}/outside-events-*/_count", "--data-urlencode",
         f"q={query}"], stdout=subprocess.PIPE, check=True)
    assert json.loads(curl.stdout)["count"] == 100
