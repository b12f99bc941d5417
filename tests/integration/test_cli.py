"""The program as its users meet it: help, exit codes, output, bad input."""

import json
import os
import subprocess

import jsonschema
import pytest

COMMANDS = ["scan", "normalize", "graph", "train", "eval", "model"]


def json_lines(done):
    return [json.loads(line) for line in done.text.splitlines() if line.strip()]


def without_time(rows):
    def strip(value):
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if k != "inference_time_ms"}
        if isinstance(value, list):
            return [strip(v) for v in value]
        return value
    return strip(rows)


def test_help_names_every_command(logster):
    done = logster("--help")
    assert done.rc == 0
    for command in COMMANDS:
        assert command in done.text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(logster, command):
    done = logster(command, "--help")
    assert done.rc == 0
    assert command in done.text


def test_unknown_command_and_option(logster, captures):
    done = logster("frobnicate")
    assert done.rc >= 2 and "frobnicate" in done.err
    done = logster("scan", "--frobnicate", captures.benign)
    assert done.rc >= 2 and "frobnicate" in done.err


def test_scan_finds_the_attack_and_where(logster, captures):
    done = logster("scan", captures.attack)
    assert done.rc == 1, done.err
    assert "hr001" in done.text.lower()


def test_scan_json_is_the_same_every_time(logster, captures):
    first, second = (logster("scan", "--json", captures.attack) for _ in range(2))
    assert first.rc == second.rc == 1
    rows = json_lines(first)
    assert rows
    assert without_time(rows) == without_time(json_lines(second))


def test_scan_of_quiet_workstation_is_quiet(logster, captures):
    done = logster("scan", captures.benign)
    assert done.rc == 0, done.text + done.err


def test_scan_reads_linux_records(logster, captures):
    assert logster("scan", captures.shellshock).rc in (0, 1)


def test_missing_file(logster, tmp_path):
    done = logster("scan", tmp_path / "no-such-capture.json")
    assert done.rc >= 2
    assert "no-such-capture.json" in done.err


def test_truncated_zstd_is_told(logster, captures, tmp_path):
    cut = tmp_path / "cut.ndjson.zst"
    cut.write_bytes(captures.attack.read_bytes()[:60000])
    done = logster("scan", cut)
    assert done.rc >= 2
    assert "cut.ndjson.zst" in done.err


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"\xff\xfe\x00{" * 999, b"{" * 100000,
                                     b'{"EventID":1}\n' * 50, b"not a record\n" * 50],
                         ids=["empty", "zeros", "bytes", "braces", "bare", "prose"])
def test_garbage_gives_no_verdict_and_no_crash(logster, tmp_path, content):
    path = tmp_path / "garbage.log"
    path.write_bytes(content)
    assert logster("scan", path).rc != 1


def test_normalize_keeps_to_the_schema(logster, captures):
    root = captures.attack.parents[3]
    schema = json.loads((root / "docs/schemas/normalized-event.schema.json").read_text())
    check = jsonschema.Draft202012Validator(schema)
    done = logster("normalize", captures.attack)
    assert done.rc == 0, done.err
    rows = json_lines(done)
    assert len(rows) > 1500
    for row in rows[::7]:
        check.validate(row)
    assert len({row["event_id"] for row in rows}) == len(rows)


def test_output_to_a_closed_pipe_ends_quietly(captures):
    with subprocess.Popen([os.environ["LOGSTER"], "normalize", str(captures.attack)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        p.stdout.read(100)
        p.stdout.close()
        err = p.stderr.read().decode()
        p.wait(timeout=120)
    assert "Sanitizer" not in err
