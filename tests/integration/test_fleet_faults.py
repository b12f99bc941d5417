"""
Three brokers, replication 3, two in sync: brokers, services and the network between them fail at
random under load.

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
    with Fleet(tmp_path_factory.mktemp("faults"), brokers=3, links=True,
               **SETTINGS) as fleet:
        yield fleet


def test_brokers_services_and_network_fail_at_random(fleet, tmp_path):
    rng = random.Random(int(os.environ.get("FAULT_SEED", "11")))
    killed = {"broker": 0, "service": 0, "cut": 0, "hung": 0}

    def one_broker():
        """One at a time: two of three are what a topic needs."""
        broker = rng.choice(fleet.kafka.brokers)
        broker.kill()
        time.sleep(rng.uniform(0.5, 3))
        broker.start().wait_started()
        killed["broker"] += 1

    def one_service():
        name = rng.choice(("intake", *STAGES))
        at = rng.randrange(len(fleet.services[name]))
        fleet.services[name][at].kill()
        killed["service"] += 1
        fleet.services[name][at] = fleet.add(name)
        fleet.services[name].pop()

    def some_links():
        """What cannot be reached for a while: a broker, by clients or by other brokers, or a store."""
        links = rng.sample(fleet.links, rng.randrange(1, 4))
        how = rng.choice(("cut", "hung"))
        for link in links:
            (link.cut if how == "cut" else link.hang)()
        time.sleep(rng.uniform(0.2, 4))
        for link in links:
            link.mend()
        killed[how] += 1

    def disturb():
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(rng.uniform(0.5, 2))
            rng.choice((one_broker, one_service, some_links))()
        time.sleep(3)
    through(fleet, tmp_path, "faults", disturb)
    print(f"{killed['broker']} brokers and {killed['service']} services were killed, "
          f"connections broke {killed['cut']} times and hung {killed['hung']} times")
