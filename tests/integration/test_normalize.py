"""`logster normalize` as a user runs it: formats, compression, dead letters, exit status."""
import gzip
import json
import os
import pathlib
import subprocess

LOGSTER = os.environ["LOGSTER"]
DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
CAPTURE = DATA / "captures/empire_reg_dump_sam_2019-06-25133822.ndjson.zst"


def run(*args, stdin=b""):
    return subprocess.run([LOGSTER, *map(str, args)], input=stdin, capture_output=True, check=False)


def events(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_capture_becomes_events(tmp_path):
    dead = tmp_path / "dead.ndjson"
    result = run("normalize", "--dead-letters", dead, CAPTURE)
    assert result.returncode in (0, 1), result.stderr
    found = events(result)
    letters = [json.loads(line) for line in dead.read_text().splitlines()]
    summary = result.stderr.decode().splitlines()[0]
    assert summary.startswith("1682 records, "), summary
    # every record is an event, a dead letter, or skipped for a documented reason
    skipped = int(summary.split(" events, ")[1].split()[0])
    assert len(found) + len(letters) + skipped == 1682
    assert len(found) > 1000
    assert {event["endpoint_id"] for event in found} <= {"hr001", "it001", "acct001", "hfdc01", "file001"}
    assert all(event["platform"] == "windows" and event["tenant_id"] == "default" for event in found)
    assert any(event["event_type"] == "process_create" and "reg" in event["data"].get("command_line", "").lower()
               for event in found)
    assert {letter["reason"] for letter in letters} <= {"unsupported_type"}
    # one record, one id
    assert len({event["event_id"] for event in found}) == len(found)


def test_same_bytes_on_every_run_and_from_gzip(tmp_path):
    plain = subprocess.run(["zstd", "-dcq", CAPTURE], capture_output=True, check=True).stdout
    packed = tmp_path / "capture.gz"
    packed.write_bytes(gzip.compress(plain))
    first = run("normalize", "--quiet", CAPTURE).stdout
    assert first and first == run("normalize", "--quiet", packed).stdout
    assert first == run("normalize", "--quiet", "-", stdin=plain).stdout


def test_garbage_is_counted_kept_and_told(tmp_path):
    dead = tmp_path / "dead.ndjson"
    result = run("normalize", "--dead-letters", dead, "-", stdin=b"garbage\n{\"a\": 1}\n{broken\n")
    assert result.returncode == 2
    assert result.stdout == b""
    assert b"3 records, 0 events, 0 skipped, 3 dead letters" in result.stderr
    letters = [json.loads(line) for line in dead.read_text().splitlines()]
    assert [letter["bytes"] for letter in letters] == ["garbage", "{\"a\": 1}", "{broken"]
    assert [letter["line"] for letter in letters] == [1, 2, 3]


def test_tenant_and_endpoint_come_from_the_channel():
    line = b'type=SYSCALL msg=audit(1481077231.371:479): arch=c000003e syscall=87 success=yes exit=0 items=0 ppid=1 ' \
           b'pid=2 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=1 comm="rm" exe="/bin/rm"\n'
    without = run("normalize", "-", stdin=line)
    assert without.returncode == 2 and b"missing_identity" in without.stderr
    [event] = events(run("normalize", "--tenant", "acme", "--endpoint", "Web01.example.org", "-", stdin=line))
    assert (event["tenant_id"], event["endpoint_id"], event["hostname"]) == ("acme", "web01", "web01.example.org")
    assert event["event_type"] == "file_delete"


def test_bad_use_is_refused():
    assert run().returncode == 2
    assert run("normalise").returncode == 2
    assert run("normalize").returncode == 2
    assert run("normalize", "--no-such-option", "x").returncode == 2
    missing = run("normalize", "no/such/file")
    assert missing.returncode == 2 and b"no/such/file" in missing.stderr
    assert run("--help").returncode == 0 and run("normalize", "--help").returncode == 0
