"""
Three brokers, replication 3, two in sync: brokers and services are killed at random under load.

FAULT_SECONDS is how long (`make soak-distributed`: 600).
"""

import os
import random
import time

import pytest

from fleet import STAGES, Fleet
from test_fleet import SETTINGS, through

SECONDS = float(os.environ.get("FAULT_SECONDS", "20"))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    with Fleet(tmp_path_factory.mktemp("faults"), brokers=3, **SETTINGS) as fleet:
        yield fleet


def test_brokers_and_services_die_at_random(fleet, tmp_path):
    rng = random.Random(int(os.environ.get("FAULT_SEED", "11")))
    killed = {"broker": 0, "service": 0}

    def one_broker():
        """One at a time: two of three are what a topic needs."""
        broker = rng.choice(fleet.kafka.brokers)
        broker.kill()
        time.sleep(rng.uniform(0.5, 3))
        broker.start().wait_started()
        killed["broker"] += 1

    def one_service():
        name = rng.choice(STAGES)
        at = rng.randrange(len(fleet.services[name]))
        fleet.services[name][at].kill()
        killed["service"] += 1
        fleet.services[name][at] = fleet.add(name)
        fleet.services[name].pop()

    def disturb():
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(rng.uniform(0.5, 2))
            rng.choice((one_broker, one_service))()
        time.sleep(3)
    through(fleet, tmp_path, "faults", disturb)
    print(f"{killed['broker']} brokers and {killed['service']} services were killed")
