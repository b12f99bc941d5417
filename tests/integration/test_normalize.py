"""`logster normalize` over the bundled recordings."""

import gzip
import json
import subprocess
from collections import Counter

import jsonschema
import pytest
from conftest import ROOT


def rows_of(done):
    return [json.loads(line) for line in done.text.splitlines()]


def decompress(path):
    return subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, check=True).stdout


@pytest.fixture(scope="module")
def attack():
    from conftest import ATTACK, run_logster
    return run_logster("normalize", ATTACK)


def test_every_record_becomes_an_event_or_is_accounted_for(attack):
    assert "1682 records" in attack.err
    rows = rows_of(attack)
    words = attack.err.split("\n")[0].replace(",", "").split()
    records, events, skipped, dead = (int(words[i]) for i in (0, 2, 4, 6))
    assert events == len(rows) > 1300
    assert records == events + skipped + dead
    # Event ids that are not listed (token rights, handles closed, ...).
    assert f"unsupported_type {dead}" in " ".join(attack.err.split())


def test_hosts_and_times(attack):
    rows = rows_of(attack)
    hosts = Counter(row["endpoint_id"] for row in rows)
    assert set(hosts) == {"hr001", "hfdc01", "acct001", "it001"}
    assert {row["hostname"] for row in rows if row["endpoint_id"] == "hr001"} == {"hr001.shire.com"}
    # 2019-06-25, between 17:36 and 17:41 UTC
    assert all(1561484160 <= row["timestamp"] <= 1561484460 for row in rows)
    assert len({row["event_id"] for row in rows}) == len(rows)


def test_the_attack_is_there(attack):
    lines = [row["data"].get("command_line", "") for row in rows_of(attack)
             if row["event_type"] == "process_create"]
    assert any("reg" in line.lower() and "sam" in line.lower() for line in lines), lines


def test_events_keep_to_the_schema(attack):
    schema = json.loads((ROOT / "docs/schemas/normalized-event.schema.json").read_text())
    check = jsonschema.Draft202012Validator(schema)
    for row in rows_of(attack)[::5]:
        check.validate(row)


def test_raw_event_is_the_record(attack, captures):
    records = [json.loads(line) for line in decompress(captures.attack).splitlines()]
    wanted = Counter(json.dumps(r, sort_keys=True) for r in records)
    found = Counter(json.dumps(row["raw_event"], sort_keys=True) for row in rows_of(attack))
    assert not found - wanted


def test_however_it_is_packed(logster, attack, captures, tmp_path):
    plain = decompress(captures.attack)
    (tmp_path / "a.json").write_bytes(plain)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(plain, 1))
    assert logster("normalize", tmp_path / "a.json").out == attack.out
    assert logster("normalize", tmp_path / "a.json.gz").out == attack.out
    assert logster("normalize", "-", stdin=plain).out == attack.out


def test_twice_is_the_same(logster, attack, captures):
    assert logster("normalize", captures.attack).out == attack.out


def test_tenant_endpoint_and_full_name(logster, captures):
    rows = rows_of(logster("normalize", "--tenant", "acme", "--fqdn", captures.attack))
    assert {row["tenant_id"] for row in rows} == {"acme"}
    assert "hr001.shire.com" in {row["endpoint_id"] for row in rows}


def test_dead_letters_keep_bytes_and_reason(logster, captures, tmp_path):
    good = decompress(captures.attack).splitlines()[:3]
    bad = [b'{"half": ', b"\xff\xfe garbage", b'{"event": "of no known format"}']
    path, dead = tmp_path / "mixed.json", tmp_path / "dead.json"
    path.write_bytes(b"\n".join([good[0], bad[0], good[1], bad[1], bad[2], good[2]]) + b"\n")
    done = logster("normalize", "--dead-letters", dead, path)
    assert done.rc == 1
    assert len(rows_of(done)) == 3
    letters = [json.loads(line) for line in dead.read_text().splitlines()]
    assert len(letters) == 3
    assert {letter["reason"] for letter in letters} >= {"bad_json", "unknown_format"}


@pytest.mark.parametrize("name, platform", [("benign", "windows"), ("shellshock", "linux")])
def test_other_recordings(logster, captures, name, platform):
    done = logster("normalize", getattr(captures, name))
    rows = rows_of(done)
    assert done.rc in (0, 1), done.err
    assert rows and {row["platform"] for row in rows} == {platform}
