"""A running `logster up` in a folder of its own, driven over HTTP."""

import atexit
import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

START_SECONDS = 60


class Platform:
    """Starts on a free port; `stop` ends it in good order, `kill` does not."""

    def __init__(self, folder, **settings):
        self.folder = Path(folder)
        self.env = {}  # on top of this process's
        self.prefix = []  # a program that runs it
        self.command = ["up"]  # and what its greeting ends with:
        self.greeting = b"API reference"
        self.log = self.folder.parent / (self.folder.name + ".log")
        self.settings = {"api.port": 0, "bus.min_free_bytes": "16MiB",
                         "bus.partitions": 4, "dashboard.port": 0, **settings}
        self.process = None
        self.url = None
        self.dashboard = None  # its address, where it is enabled
        self.token = None
        self.said = ""

    def launch(self):
        args = [*self.prefix, os.environ["LOGSTER"], *self.command, "--data-dir", str(self.folder)]
        for key, value in self.settings.items():
            args += ["--set", f"{key}={value}"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=log,
                                            env={**os.environ, **self.env})
        os.set_blocking(self.process.stdout.fileno(), False)
        atexit.register(self.process.kill)  # a test that fails leaves nothing running
        return self.process

    def wait_started(self, fails=False):
        """True once it is up; False if it ended before and that is allowed."""
        end, said = time.monotonic() + START_SECONDS, b""
        while self.greeting not in said:
            said += self.process.stdout.read() or b""
            if self.process.poll() is not None:
                assert fails, self.errors()
                return False
            assert time.monotonic() < end, f"not up in {START_SECONDS} s: {self.errors()}"
            time.sleep(0.02)
        self.said = said.decode()
        self.url = re.search(r"^logster.* is up: (\S+)", self.said, re.M).group(1)
        page = re.search(r"^dashboard: (\S+)", self.said, re.M)
        self.dashboard = page.group(1) if page else None
        self.token = (self.folder / "admin-token").read_text().strip()
        return True

    def start(self):
        self.launch()
        self.wait_started()
        return self

    def errors(self):
        return self.log.read_text(errors="replace")[-8000:]

    def stop(self, sig=signal.SIGTERM, timeout=60):
        self.process.send_signal(sig)
        rc = self.process.wait(timeout)
        text = self.log.read_text(errors="replace")
        assert "Sanitizer" not in text and "runtime error:" not in text, text[-8000:]
        return rc

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            if kind is None:
                rc = self.stop()
                assert rc == 0, f"exit status {rc}: {self.errors()}"
            else:
                self.kill()
        elif kind is None:
            raise AssertionError(f"ended by itself: {self.errors()}")

    def request(self, method, path, body=None, token="", headers=None, timeout=60):
        """Any answer, also one that says no. token "" is the administrator's, None is none."""
        send = dict(headers or {})
        if token is not None:
            send["Authorization"] = f"Bearer {token or self.token}"
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            send.setdefault("Content-Type", "application/json")
        call = urllib.request.Request(self.url + path, data=body, headers=send, method=method)
        try:
            with urllib.request.urlopen(call, timeout=timeout) as answer:
                status, got, kept = answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            status, got, kept = error.code, error.read(), error.headers
        return SimpleNamespace(status=status, body=got, headers=kept,
                               json=lambda: json.loads(got))

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def wait(self, what, good, seconds=60):
        """Asks `what` until `good` accepts its answer."""
        end = time.monotonic() + seconds
        while True:
            answer = what()
            if good(answer):
                return answer
            assert self.process.poll() is None, self.errors()
            assert time.monotonic() < end, f"still {answer!r} after {seconds} s: {self.errors()}"
            time.sleep(0.1)

    def metric(self, name):
        """Sum over a metric's series."""
        text = self.get("/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith((name + " ", name + "{")))

    def lag_of(self, stage, topic):
        head = f'logster_stage_lag_records{{stage="{stage}",topic="{topic}"}} '
        text = self.get("/metrics").body.decode()
        return next(float(line[len(head):]) for line in text.splitlines() if line.startswith(head))

    def refresh(self):
        """Makes what was written visible to reads: it is, here."""

    def settle(self, events, seconds=120):
        """Until every stage has worked off what it was given."""
        return self.wait(lambda: (self.metric("raw_events_total"),
                                  self.metric("logster_stage_lag_records")),
                         lambda got: got[0] >= events and got[1] == 0, seconds)
