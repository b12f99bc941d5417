"""The Kafka bus against a real broker: the contract suite, and other people's tools on its topics."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from servers.kafka import Kafka

CONTRACTS = Path(os.environ["CONTRACTS"])


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with Kafka(tmp_path_factory.mktemp("kafka") / "k") as k:
        yield k


def run(k, program, *args, timeout=240, **more):
    env = {**os.environ, "LG_CONTRACT": "kafka", "LG_KAFKA_BROKERS": k.addresses, **more}
    done = subprocess.run([CONTRACTS / program, *map(str, args)], env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, check=False)
    out = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, f"{program} {args}: {done.returncode}\n{out}\n{k.brokers[0].errors()}"
    return out


def kcat(k, *args, stdin=None):
    done = subprocess.run(["kcat", "-b", k.addresses, *args], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_contract(broker):
    out = run(broker, "bus_contract")
    assert "[  PASSED  ] 14" in out
    topics = json.loads(kcat(broker, "-L", "-J"))["topics"]
    assert sum(t["topic"].startswith("raw-") for t in topics) >= 10, "it did not run on this broker"
