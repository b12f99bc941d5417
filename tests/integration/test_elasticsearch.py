"""The same store on a real Elasticsearch: the suites that OpenSearch and SQLite pass."""

import json
import subprocess

import pytest

from opensearch_tool import run, tool
from servers.opensearch import Elasticsearch


@pytest.fixture(scope="module")
def cluster():
    with Elasticsearch(1) as one:
        yield one


def test_it_is_elasticsearch(cluster):
    said = cluster.ask("GET", "/")
    assert said["version"]["number"] == "7.10.2" and "distribution" not in said["version"]


@pytest.mark.parametrize("suite", ["event_contract", "event_compare_contract"])
def test_contract(cluster, suite):
    assert "PASSED" in run(suite, cluster.urls)


def test_init_twice(cluster):
    wanted = {"PREFIX": "twice", "DAYS": 90}
    first = tool(cluster.urls, "init", **wanted)
    assert first.count("made: index template") == 2
    assert "not there: retention policy twice-retention" in first  # no X-Pack on this node
    again = tool(cluster.urls, "init", **wanted)
    assert "made" not in again and again.count("kept: index template") == 2


def test_seen_from_outside(cluster):
    """ECS names, as Kibana's security views and Sigma's queries ask for them."""
    prefix = {"PREFIX": "outside", "REPLICAS": 0}
    tool(cluster.urls, "init", **prefix)
    assert "stored 400 duplicate 0" in tool(cluster.urls, "write", 0, 400, **prefix)
    assert "total 400 events 400" in tool(cluster.urls, "ask", "WHOAMI", **prefix)
    query = r"process.name:CMD.EXE AND process.command_line:*WhoAmI* AND event.category:process"
    curl = subprocess.run(
        ["curl", "-sS", "-G", f"{cluster.urls[0]}/outside-events-*/_count", "--data-urlencode",
         f"q={query}"], stdout=subprocess.PIPE, check=True)
    assert json.loads(curl.stdout)["count"] == 100
