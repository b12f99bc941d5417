"""The network between a server and who asks it, which a test can cut: a proxy (socat) in front."""

import atexit
import os
import signal
import socket
import subprocess
import time

from servers.ports import free_port

START_SECONDS = 10


class Link:
    """
    Listens on a port of its own and passes everything on to 127.0.0.1:target. `cut`: connections
    break, new ones are refused. `hang`: connections stay, new ones are taken, nothing gets through.
    `mend` ends both.
    """

    def __init__(self, target):
        self.target, self.port = target, free_port()
        self.process = None
        atexit.register(self.cut)

    def mend(self):
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGCONT)
            return self
        self.process = subprocess.Popen(
            ["socat", "-b", "262144",
             f"TCP-LISTEN:{self.port},bind=127.0.0.1,reuseaddr,fork,nodelay,backlog=256",
             f"TCP:127.0.0.1:{self.target},nodelay"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                assert self.process.poll() is None, "socat ended"
                assert time.monotonic() < end, "socat does not listen"
                time.sleep(0.01)

    def hang(self):
        os.killpg(self.process.pid, signal.SIGSTOP)

    def cut(self):
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
