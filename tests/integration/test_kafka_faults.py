"""Brokers and members of a group killed under load: what was acknowledged is there, in order."""

import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

from servers.kafka import Kafka

CONTRACTS = Path(os.environ["CONTRACTS"])
SEED = int(os.environ.get("SEED", "7"))
KEYS = 24


def start(k, *args, **more):
    env = {**os.environ, "LG_KAFKA_BROKERS": k.addresses, **more}
    return subprocess.Popen([CONTRACTS / "kafka_tool", *map(str, args)], env=env,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process, k, timeout=120):
    out, err = (s.decode("utf-8", "replace") for s in process.communicate(timeout=timeout))
    assert process.returncode == 0, f"{process.args}: {process.returncode}\n{out}\n{err[-4000:]}\n" \
                                    f"{k.brokers[0].errors()[-3000:]}"
    return out


def run(k, *args, **more):
    return finish(start(k, *args, **more), k)


def rounds_of(text):
    return int(re.search(r"rounds=(\d+)", text).group(1))


def check(k, topic, rounds, **more):
    """Each key has 0, 1, ... rounds - 1 in this order; what comes again comes later. Returns how
    many came again."""
    seen = {f"t:host{i}": 0 for i in range(KEYS)}
    again = 0
    for line in run(k, "dump", topic, **more).splitlines():
        f = line.split("\t")
        assert f[0] != "gap", line
        key, n = f[2], int(f[4])
        assert n <= seen[key], f"{topic}: {key} goes from {seen[key] - 1} to {n}"
        again += n < seen[key]
        seen[key] = max(seen[key], n + 1)
    assert set(seen.values()) == {rounds}, seen
    return again


def test_one_broker_killed(tmp_path):
    with Kafka(tmp_path / "k") as k:
        run(k, "init", "topic=raw:4")
        publisher = start(k, "publish", "raw", KEYS, 6000)
        for _ in range(2):
            time.sleep(1.5)
            k.brokers[0].kill()
            time.sleep(1)
            k.brokers[0].start().wait_started()
        rounds = rounds_of(finish(publisher, k))
        assert rounds > 20
        check(k, "raw", rounds)


def test_member_stopped(tmp_path):
    """A member that is silent for longer than its session loses its partitions, does not get to
    commit what it had read of them, and gets others when it is back."""
    with Kafka(tmp_path / "k") as k:
        run(k, "init", "topic=raw:4", "topic=out:4")
        publisher = start(k, "publish", "raw", KEYS, 15000)
        members = [start(k, "relay", "relays", "raw", "out", 17000) for _ in range(2)]
        time.sleep(2)
        members[0].send_signal(signal.SIGSTOP)
        time.sleep(8)
        members[0].send_signal(signal.SIGCONT)
        rounds = rounds_of(finish(publisher, k))
        passed = [int(re.search(r"passed=(\d+)", finish(m, k)).group(1)) for m in members]
        run(k, "drain", "relays", "raw", "out")
        again = check(k, "out", rounds)
        assert all(n > 0 for n in passed) and sum(passed) >= rounds * KEYS * 0.9
        print(f"rounds={rounds} passed={passed} again={again}")


def test_three_brokers_killed_at_random(tmp_path):
    """A publisher and four members that pass records on, while brokers and members die."""
    rnd = random.Random(SEED)
    safe = {"LG_KAFKA_REPLICATION": "3", "LG_KAFKA_MIN_ISR": "2"}
    with Kafka(tmp_path / "k", brokers=3, heap="256m") as k:
        run(k, "init", "topic=raw:6", "topic=out:6", **safe)
        publisher = start(k, "publish", "raw", KEYS, 10000)
        members = [start(k, "relay", "relays", "raw", "out", 600000) for _ in range(3)]
        for turn in range(2):
            time.sleep(rnd.uniform(1, 3))
            victim = rnd.choice(k.brokers)
            victim.kill()
            if turn == 1:  # one goes at once, another comes
                members.pop(0).kill()
                members.append(start(k, "relay", "relays", "raw", "out", 600000))
            time.sleep(rnd.uniform(2, 4))
            victim.start().wait_started()
        rounds = rounds_of(finish(publisher, k))
        assert rounds > 20
        check(k, "raw", rounds)
        for m in members:  # what is left is read by a fresh member
            m.kill()
            m.wait()
        run(k, "drain", "relays", "raw", "out")
        again = check(k, "out", rounds)
        print(f"rounds={rounds} again={again}")
