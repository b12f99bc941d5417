"""What `logster normalize` writes keeps to the published schemas."""

import base64
import json
import re
from pathlib import Path

import jsonschema
import pytest
from conftest import ROOT

DATA = ROOT / "tests/data"
SAMPLES = sorted(p.relative_to(DATA).as_posix() for folder in ("audit", "ebpf", "windows")
                 for p in (DATA / folder).iterdir()
                 if p.suffix in (".ndjson", ".log", ".xml", ".txt"))


def validator(name):
    schema = json.loads((ROOT / f"docs/schemas/{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


EVENT, DEAD = validator("normalized-event"), validator("dead-letter")


def errors(check, row):
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in check.iter_errors(row)]


def normalize(logster, tmp_path, *args):
    dead = tmp_path / "dead.ndjson"
    done = logster("normalize", "--dead-letters", dead, *args)
    events = [json.loads(line) for line in done.text.splitlines()]
    return events, [json.loads(line) for line in dead.read_text().splitlines()]


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_keep_to_the_schemas(logster, tmp_path, name):
    events, letters = normalize(logster, tmp_path, "--endpoint", "host", DATA / name)
    assert events or letters
    for row in events:
        assert errors(EVENT, row) == []
    for row in letters:
        assert errors(DEAD, row) == []
        assert row["input"].endswith(name)


def test_schema_of_dead_letters_is_closed_and_complete():
    header = (ROOT / "src/normalize/normalize.h").read_text()
    rows = re.search(r"#define LG_DEAD_REASONS\(X\)(.*?)\n\n", header, re.S).group(1)
    assert DEAD.schema["properties"]["reason"]["enum"] == re.findall(r'X\(\w+, "(\w+)"\)', rows)
    good = {"reason": "bad_json", "detail": "", "input": "a", "format": "", "tenant_id": "t",
            "line": 1, "offset": 0, "bytes": "x"}
    assert errors(DEAD, good) == []
    for change in ({"more": 1}, {"reason": "no_reason"}, {"line": 0}, {"offset": -1}, {"bytes": 7},
                   {"bytes": {"base64": "?"}}, {"bytes": {"base64": "", "x": 1}}):
        assert errors(DEAD, {**good, **change})
    for key in good:
        assert errors(DEAD, {k: v for k, v in good.items() if k != key})


def test_dead_letters_of_many_reasons(logster, tmp_path):
    records = {
        "bad_json": b'{"half": ',
        "bad_xml": b"<Event><System><Provider Name='x'/><EventID>1</EventID></Sys></Event>",
        "unknown_format": b"\xff\xfe of no \x80 format",
        "missing_identity": b'{"kind":"process","action":"exit","ts":1714647845123456789,"pid":1}',
        "missing_field": b'{"kind":"file","action":"open","ts":1714647845123456789,"pid":1,"host":"a"}',
        "bad_time": b'{"kind":"process","action":"exit","ts":1,"pid":1,"host":"a"}',
        "unsupported_type": b'{"kind":"process","action":"dance","ts":1714647845123456789,"pid":1,"host":"a"}',
        "oversized": b'{"kind":"' + b"x" * (1 << 20) + b'"}',
        "incomplete": b'type=PATH msg=audit(1714647845.123:7): item=0 name="/x" nametype=NORMAL',
    }
    path = tmp_path / "bad.log"
    path.write_bytes(b"\n".join(records.values()) + b"\n")
    events, letters = normalize(logster, tmp_path, "--tenant", "acme", path)
    assert events == []
    for row in letters:
        assert errors(DEAD, row) == []
        assert row["tenant_id"] == "acme" and Path(row["input"]) == path
    found = {row["reason"]: row for row in letters}
    assert len(letters) == len(records)
    assert set(found) == set(records)
    text = b"\n".join(records.values()) + b"\n"
    for row in letters:
        kept = row["bytes"]
        kept = kept.encode() if isinstance(kept, str) else base64.b64decode(kept["base64"])
        assert kept == text[row["offset"]:][:len(kept)] and len(kept) >= 8, row["reason"]
        assert text[:row["offset"]].count(b"\n") == row["line"] - 1
