"""Power loss and failing disks: what was acknowledged is stored, once.

The library of powerloss/ undoes at the cut whatever was not synced, or lets the n-th call fail.
POWER_CUTS and FAULTS set how often (`make soak`: 50 and 500; else a handful).
"""

import os
import random
import re
import time

import pytest
from platform_util import Platform
from reckon import FAST_API, doctor, drained, nothing_lost_nothing_twice, stored
from senders import Sender

CUTS = int(os.environ.get("POWER_CUTS", "3"))
FAULTS = int(os.environ.get("FAULTS", "0"))
STEP = int(os.environ.get("FAULTS_STEP", "1"))
SAMPLED = {"eio": [40, 343, 430], "enospc": [120, 290]}  # up to about 320: the start
SETTINGS = {"inference.idle_timeout": "15s", "inference.checkpoint_interval": "1s",
            "pipeline.drain_timeout": "5s", "pipeline.retry_max": "500ms", **FAST_API}


class Disk:
    """The library's view of one platform's folder."""

    def __init__(self, up, fault=""):
        self.up, self.cut_file = up, up.folder.parent / (up.folder.name + ".cut")
        stash = up.folder.parent / (up.folder.name + ".stash")
        stash.mkdir(exist_ok=True)
        up.env = {"LD_PRELOAD": os.environ["POWERLOSS_LIB"], "POWERLOSS_ROOT": str(up.folder),
                  "POWERLOSS_STASH": str(stash), "POWERLOSS_CUT": str(self.cut_file),
                  "POWERLOSS_FAULT": fault}
        if os.environ.get("SANITIZER"):  # its library need not be the first
            up.env["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"

    def cut(self, how):
        part = self.cut_file.with_suffix(".part")
        part.write_text(how)
        part.rename(self.cut_file)
        try:
            self.up.process.wait(30)
        finally:
            self.cut_file.unlink()


def halt(senders):
    for sender in senders:
        sender.halt.set()
    for sender in senders:
        sender.join(60)
        assert sender.error is None, sender.error


def test_power_loss_takes_nothing_that_was_acknowledged(tmp_path):
    rng = random.Random(11)
    up = Platform(tmp_path / "data", **SETTINGS)
    disk = Disk(up)
    up.start()
    senders = [Sender(f"pw{n:02d}.corp.example", up) for n in range(4)]
    for sender in senders:
        sender.start()
    for n in range(CUTS):
        time.sleep(rng.uniform(0.2, 2.0))
        disk.cut("all" if n % 2 == 0 else f"torn {n}")
        up.start()
    time.sleep(0.5)
    halt(senders)
    assert all(s.acked for s in senders)
    nothing_lost_nothing_twice(up, senders)
    assert up.stop() == 0, up.errors()
    assert "cut_tail" not in up.errors()
    doctor(up.folder)


def test_power_loss_at_the_first_start(tmp_path):
    """Before anything was acknowledged: whatever is left, the next start can work with it."""
    for n in range(max(CUTS, 4)):
        up = Platform(tmp_path / f"data{n}", **SETTINGS)
        disk = Disk(up)
        process = up.launch()
        time.sleep(0.02 + 0.4 * n / max(CUTS, 4))
        if process.poll() is None:
            disk.cut("all" if n % 2 == 0 else f"torn {n}")
        with up:
            assert up.get("/alerts").status == 200, "the first token is not known"
        doctor(up.folder)


def fault_run(tmp_path, kind, n, length):
    """One call fails at start, under load or while stopping; then the power goes."""
    up = Platform(tmp_path / f"{kind}{n}", **SETTINGS)
    disk = Disk(up, f"{kind}:{n}:{length}")
    up.launch()
    started = up.wait_started(fails=True)
    senders, cut = [], False
    if started:
        senders = [Sender(f"f{h}.corp.example", up, batch=20, limit=400) for h in range(2)]
        for sender in senders:
            sender.start()
        end = time.monotonic() + 6
        while any(s.is_alive() for s in senders) and up.process.poll() is None and \
                time.monotonic() < end:
            time.sleep(0.05)
        if up.process.poll() is None:
            disk.cut("all")
            cut = True
        for sender in senders:
            sender.halt.set()
    said = up.errors()
    hit = re.search(r"powerloss: call \d+: (\S+) (\S+)", said)
    if not cut:  # it ended by itself: in good order, with a message that tells what failed
        assert up.process.returncode == 2, f"{kind}:{n}: {up.process.returncode}: {said}"
        assert re.search(r"^logster up: \S+", said, re.M), said
    for sender in senders:
        sender.join(30)
        assert sender.error is None, sender.error

    up.env = {}
    with up:
        for sender in senders:
            got = sorted(stored(up, sender.host)) if drained(up) is None else []
            assert got == list(range(len(got))), f"{kind}:{n}: {sender.host}: {got[:5]}"
            assert len(got) >= sender.acked, f"{kind}:{n} {hit}: {len(got)} of {sender.acked}"
    doctor(up.folder)
    return hit.groups() if hit else None


@pytest.mark.parametrize("kind", ["eio", "enospc"])
def test_a_call_that_fails(tmp_path, kind):
    bad = []
    for n in range(1, FAULTS + 1, STEP) if FAULTS else SAMPLED[kind]:
        try:
            fault_run(tmp_path, kind, n, 1 if n % 2 else 30)
        except AssertionError as why:
            bad.append(f"{kind}:{n}: {why}")
    assert not bad, "\n\n".join(bad)
