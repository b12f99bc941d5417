"""Damaged and missing files, folders that cannot be written, clocks that jump.

Each says what is the matter and which file, nothing that was acknowledged is lost, and it goes on by
itself or by what the message names.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from platform_util import Platform
from reckon import FAST_API, doctor, drained, nothing_lost_nothing_twice, stored
from senders import Sender

SETTINGS = {"inference.idle_timeout": "1s", "inference.checkpoint_interval": "1s",
            "pipeline.retry_max": "500ms", **FAST_API}
HOST = "h1.corp.example"
FAKETIME = next((str(p) for p in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)


def send(up, first, limit, seconds=30):
    sender = Sender(HOST, up, limit=limit)
    sender.acked = first
    sender.start()
    sender.join(seconds)
    sender.halt.set()
    sender.join(30)
    assert sender.error is None and sender.acked == limit, (sender.error, sender.acked)
    return sender


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A stopped platform with 1,000 events, a backup made after 600 of them, tables and a log."""
    base = tmp_path_factory.mktemp("damage")
    up = Platform(base / "data", **SETTINGS).start()
    send(up, 0, 600)
    drained(up)
    done = logster("backup", up.folder, base / "backup")
    assert done.returncode == 0, done.stderr
    assert up.stop() == 0
    up.start()
    send(up, 600, 1000)
    drained(up)
    assert up.stop() == 0
    up.start()
    assert up.stop() == 0
    assert list((up.folder / "bus").glob("*.sst")) and list((up.folder / "bus").glob("*.log"))
    return base


@pytest.fixture
def up(folder, tmp_path):
    shutil.copytree(folder / "data", tmp_path / "data")
    return Platform(tmp_path / "data", **SETTINGS)


def logster(command, folder, *more):
    return subprocess.run([os.environ["LOGSTER"], command, "--data-dir", str(folder),
                           *map(str, more)], capture_output=True, text=True, timeout=120)


def halve(path):
    os.truncate(path, path.stat().st_size // 2)


def refuses(up, *words):
    """Does not start: exit status 2, and one line that names what is meant."""
    up.launch()
    assert not up.wait_started(fails=True), "started"
    assert up.process.returncode == 2, up.errors()
    said = [l for l in up.errors().splitlines() if l.startswith("logster up: ")]
    assert said, up.errors()
    for word in words:
        assert word in said[-1], said


def whole(up, sent=1000):
    """All is there, once, and it goes on."""
    drained(up)
    assert sorted(stored(up, HOST)) == list(range(sent))
    nothing_lost_nothing_twice(up, [send(up, sent, sent + 200)])


@pytest.mark.parametrize("size", ["half", "empty", "garbage"])
def test_alerts_database(up, folder, size):
    path = up.folder / "alerts.db"
    if size == "garbage":
        path.write_bytes(b"no database" * 1000)
    else:
        os.truncate(path, path.stat().st_size // 2 if size == "half" else 0)
    refuses(up, str(path), "logster restore")
    done = logster("restore", up.folder, folder / "backup")
    assert done.returncode == 0, done.stderr
    with up:
        whole(up)  # what came after the backup, too
    doctor(up.folder)


def test_restore_that_cannot_be_leaves_all_as_it_was(up, folder, tmp_path):
    shutil.copytree(folder / "backup", tmp_path / "bad")
    day = next((tmp_path / "bad" / "events").glob("*.db"))
    halve(day)
    done = logster("restore", up.folder, tmp_path / "bad")
    assert done.returncode == 2 and day.name in done.stderr, done.stderr
    assert not list(up.folder.glob("*.before-restore*"))
    with up:
        whole(up)


def test_event_day(up, folder):
    """The platform stays up and takes events: they wait in the topics until the day is back."""
    day = next((up.folder / "events").glob("*.db"))
    halve(day)
    with up:
        send(up, 1000, 1200)
        up.wait(up.errors, lambda said: "event store does not take records" in said, 30)
        said = up.errors()
        assert str(day) in said and "logster restore" in said
    assert logster("doctor", up.folder).returncode == 1
    done = logster("restore", up.folder, folder / "backup")
    assert done.returncode == 0, done.stderr
    with up:
        whole(up, 1200)
    doctor(up.folder)


@pytest.mark.parametrize("how", ["half", "gone"])
def test_bus_current(up, how):
    path = up.folder / "bus" / "CURRENT"
    halve(path) if how == "half" else path.unlink()
    with up:
        assert str(path) in up.errors() and "event=repaired" in up.errors()
        whole(up)


@pytest.mark.parametrize("pattern", ["MANIFEST-*", "*.sst"])
def test_bus_tables(up, pattern):
    for path in (up.folder / "bus").glob(pattern):
        halve(path)
    refuses(up, str(up.folder / "bus"), "move it away")
    (up.folder / "bus").rename(up.folder.parent / "away")
    with up:
        whole(up)


def test_bus_log_is_cut(up):
    """What the log's end marker promised and is not there is told, with its size."""
    with up:  # anew: these stand in the log only
        send(up, 1000, 1200)
        drained(up)
        up.kill()
        log = max((up.folder / "bus").glob("*.log"), key=lambda p: p.stat().st_size)
        os.truncate(log, 100)
        up.start()
        said = [l for l in up.errors().splitlines() if "event=cut_tail" in l]
        assert any("n=200" in l and "topic=sysmon-logs" in l for l in said), up.errors()
        send(up, 1200, 1300)
        whole(up, 1300)  # what was cut was stored already


def test_half_written_configuration(up):
    path = up.folder / "service-config.yaml"
    path.write_text("inference:\n  interval: 60s\n  latene")
    refuses(up, f"{path}:3:")
    path.write_text("log:\n  level: info\n")
    with up:
        path.write_text("log:\n  lev")
        up.process.send_signal(signal.SIGHUP)
        up.wait(up.errors, lambda said: "keeping the old configuration" in said, 20)
        assert f"{path}:" in up.errors().split("keeping the old")[1]
        whole(up)


def test_folder_that_cannot_be_written(up):
    """Also root, without its right to write where the mode says no."""
    up.prefix = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] \
        if os.geteuid() == 0 else []
    up.folder.chmod(0o500)
    try:
        refuses(up, str(up.folder), "cannot be written")
    finally:
        up.folder.chmod(0o700)
    (up.folder / "bus").chmod(0o500)
    try:
        refuses(up, str(up.folder / "bus"))
    finally:
        (up.folder / "bus").chmod(0o700)
    with up:
        whole(up)


@pytest.mark.skipif(FAKETIME is None or bool(os.environ.get("SANITIZER")),
                    reason="no libfaketime, or a sanitizer that it does not go with")
def test_clock_jumps(up, tmp_path):
    clock = tmp_path / "clock"
    clock.write_text("+0")
    up.env = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(clock),
              "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
              "DONT_FAKE_MONOTONIC": "1"}
    sent = 1000
    up.start()
    for jump in ("+3600", "-7200", "+86400", "+0"):
        clock.write_text(jump)
        time.sleep(0.3)
        send(up, sent, sent + 200)
        sent += 200
        if jump.startswith("-"):  # and a start in the past of what it wrote
            assert up.stop() == 0
            up.start()
    drained(up)
    assert sorted(stored(up, HOST)) == list(range(sent))
    end = 1772442000 + (sent * 0.5) // 60 * 60
    up.wait(lambda: up.get("/inferences?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z"
                           "&limit=1000").json()["inferences"],
            lambda rows: max(r["window_end"] for r in rows) >= end, 60)
    assert up.stop() == 0, up.errors()
    doctor(up.folder)
