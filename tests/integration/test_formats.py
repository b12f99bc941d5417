"""docs/formats.md says what is so: formats, samples, tests of the traps; and its rules are sound."""

import importlib.util
import json
import re
from collections import Counter

import pytest
from conftest import ROOT, run_logster

PAGE = (ROOT / "docs/formats.md").read_text(encoding="utf-8")


def load():
    spec = importlib.util.spec_from_file_location("formats", ROOT / "scripts/formats.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FORMATS = load()


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    dead = tmp_path_factory.mktemp("formats") / "dead.ndjson"
    events, letters = [], []
    for name in FORMATS.sample_files():
        done = run_logster("normalize", "--endpoint", "recorded", "--dead-letters", dead, name)
        events += [json.loads(line) for line in done.text.splitlines()]
        letters += [json.loads(line) for line in dead.read_text().splitlines()]
    return events, letters


def rows(mark):
    part = PAGE.split(f"<!-- begin: {mark} -->")[1].split(f"<!-- end: {mark} -->")[0]
    for line in part.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 9 and cells[0].startswith("`"):
            yield cells


def test_every_format_is_told_of_and_measured():
    names = set()
    for path in (ROOT / "src/normalize").glob("*.c"):
        text = path.read_text()
        names |= set(re.findall(r'= \{\s*\.name = "([a-z0-9-]+)",\s*\.platform', text))
    assert len(names) > 20
    recognised = PAGE.split("## Recognition")[1].split("## Listed")[0]
    for name in names:
        assert f"`{name}`" in recognised, name
        assert [row for row in rows(FORMATS.SAMPLE_MARK) if row[0] == f"`{name}`"], name


def test_figures_of_the_samples_are_fresh(samples):
    events, letters = samples
    dead = Counter((letter["format"], letter["reason"]) for letter in letters)
    made = Counter(event["format"] for event in events)
    for row in rows(FORMATS.SAMPLE_MARK):
        name = row[0].strip("`")
        assert row[3] == f"{made[name]:,}", f"{name}: run `make formats`"
        told = {reason: int(n) for n, reason in re.findall(r"(\d+) `(\w+)`", row[5])}
        assert told == {reason: n for (key, reason), n in dead.items() if key == name}, name


def test_recordings_reached_the_goal():
    total = [line for line in PAGE.splitlines() if line.startswith("| all |")][0]
    assert float(total.split("|")[-3].split("%")[0]) >= 99.5


def test_rules_know_every_listed_event(samples):
    """What counts as lost is decided by these rules: here they are held to what is not lost."""
    unknown = Counter()
    for event in samples[0]:
        raw = event["raw_event"]
        text = raw if isinstance(raw, str) else json.dumps(raw)
        if not FORMATS.is_listed(event["format"], text):
            unknown[(event["format"], event["event_type"])] += 1
    others = {"logon", "logon_failed", "audit_config", "user_create", "file_link"}
    left = {key: n for key, n in unknown.items() if key[1] not in others}
    # Commands that sudo reports; mkdir, mknod, dup2, read and write.
    assert left == {("auditd", "process_create"): 3, ("laurel", "process_create"): 1,
                    ("auditbeat-7", "process_create"): 1, ("go-libaudit", "process_create"): 1,
                    ("go-libaudit", "file_create"): 1, ("sysdig", "file_create"): 1,
                    ("falco", "network_connect"): 1, ("tetragon", "file_open"): 1,
                    ("tetragon", "file_write"): 1}


def test_rules_leave_the_rest_alone(samples):
    for letter in samples[1]:
        if letter["reason"] == "unsupported_type" and isinstance(letter["bytes"], str):
            assert not FORMATS.is_listed(letter["format"], letter["bytes"]), letter["detail"]


def test_tests_of_the_traps_exist():
    sources = {path.name: path.read_text() for path in (ROOT / "tests/unit").glob("*/test_*.c")}
    named = 0
    for line in PAGE.split("## Traps")[1].splitlines():
        source = None
        for word in re.findall(r"`([^`]+)`", line.split("|")[-2] if "|" in line else ""):
            if word.endswith(".c"):
                source = sources[word.rsplit("/", 1)[-1]]
            else:
                assert re.search(rf"\b{word}\(void \*\*", source), f"{word}: no such test"
                named += 1
    assert named > 30
