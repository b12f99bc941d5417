"""Events and inferences in a real OpenSearch, and what only such a server can show."""

import os
import subprocess
from pathlib import Path

import pytest

from servers.opensearch import OpenSearch


@pytest.fixture(scope="module")
def cluster():
    with OpenSearch(1) as one:
        yield one


def run(program, cluster, *args, timeout=240, **env):
    done = subprocess.run([Path(os.environ["CONTRACTS"]) / program, *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, check=False,
                          env={**os.environ, "LG_CONTRACT": "opensearch",
                               "LG_OPENSEARCH_URLS": " ".join(cluster.urls), **env})
    text = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, text[-8000:]
    return text


@pytest.mark.parametrize("program", ["event_contract", "event_compare_contract"])
def test_contract(cluster, program):
    assert "PASSED" in run(program, cluster)
