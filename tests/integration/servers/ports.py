"""
Ports that are a test's own while its process lives, also while no server of it listens: below those
that the kernel gives to connections, and each under a lock that other tests of this machine respect.
A server that is killed finds its port free when it comes back, and nobody else meets what it says.
"""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

RANGE = range(20000, 32000)
FOLDER = Path(tempfile.gettempdir()) / f"logster-ports-{os.getuid()}"
held = []  # open files: the kernel lets their locks go with the process


def take(port):
    """Whether the port is now ours."""
    lock = open(FOLDER / str(port), "wb")  # pylint: disable=consider-using-with
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except OSError:
        lock.close()
        return False
    held.append(lock)
    return True


def free_ports(n, wanted=RANGE):
    """n ports of `wanted`, all different."""
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    ports = []
    for port in random.sample(wanted, len(wanted)):
        if len(ports) == n:
            break
        if take(port):
            ports.append(port)
    assert len(ports) == n, "no free ports"
    return ports


def free_port():
    return free_ports(1)[0]
