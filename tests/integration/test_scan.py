"""`logster scan`, `graph` and `model` as a user runs them, on bundled recordings and models."""
import json
import re


def verdicts(done):
    return [json.loads(line) for line in done.text.splitlines()]


def without_time(text):
    return re.sub(r'"inference_time_ms":[0-9.e+-]+', "", text)


KEYS = {"tenant_id", "endpoint_id", "platform", "window_start", "window_end", "prediction",
        "attack_prob", "confidence", "graph_nodes", "graph_edges", "truncated",
        "inference_time_ms", "scores", "evidence", "ttp_techniques", "model"}


def test_attack_is_found_with_its_evidence(logster, captures):
    done = logster("scan", captures.attack)
    assert done.rc == 1, done.err
    first = done.text.splitlines()[0]
    assert "hr001" in first and "T1003.002" in first
    assert "reg.exe" in done.text and "%" in done.text


def test_summary_accounts_for_everything(logster, captures):
    done = logster("scan", captures.attack)
    assert ("1682 records, 1318 events, 0 skipped, 364 dead letters, 4 endpoints; "
            "21 windows, 5 attack") in done.err
    assert "experimental" not in done.err
    done = logster("scan", captures.shellshock)
    events, skipped = (int(done.err.split(word)[0].split()[-1]) for word in (" events", " skipped"))
    assert "87 records" in done.err and events >= 87 - skipped > 50
    assert "the linux model is experimental" in done.err


def test_every_window_has_a_verdict(logster, captures):
    done = logster("scan", "--json", captures.attack)
    assert done.rc == 1
    rows = verdicts(done)
    assert len({(r["endpoint_id"], r["window_end"]) for r in rows}) == len(rows) > 10
    for row in rows:
        assert KEYS <= set(row), KEYS - set(row)
        assert row["window_end"] - row["window_start"] == 180 and row["window_end"] % 60 == 0
        assert row["prediction"] in ("attack", "benign", "error")
        if row["prediction"] == "error":
            assert row["attack_prob"] is None and row["error"] == "too_few_nodes"
            assert row["graph_nodes"] < 3
        else:
            assert 0 <= row["attack_prob"] <= 1
            assert abs(row["confidence"] - max(row["attack_prob"], 1 - row["attack_prob"])) < 1e-9
        if row["prediction"] == "attack":
            assert 1 <= len(row["evidence"]) <= 15
            assert abs(sum(e["share"] for e in row["evidence"]) - 1) < 1e-6
    attacked = {r["endpoint_id"] for r in rows if r["prediction"] == "attack"}
    assert attacked == {"hr001"}


def test_verdicts_are_the_same_whatever_the_workers(logster, captures):
    files = (captures.attack, captures.benign, captures.shellshock)
    one = without_time(logster("scan", "--json", "--workers", 1, *files).text)
    assert one.count("\n") > 20
    for workers in (2, 3, 7):
        assert without_time(logster("scan", "--json", "--workers", workers, *files).text) == one
    table = logster("scan", "--workers", 1, *files).text
    assert logster("scan", "--workers", 5, *files).text == table


def test_interleaving_endpoints_changes_nothing(logster, captures, tmp_path):
    import subprocess
    text = subprocess.run(["zstd", "-dcq", captures.attack], capture_output=True, check=True).stdout
    lines = text.splitlines(keepends=True)
    by_host = sorted(lines, key=lambda line: json.loads(line)["computer_name"].lower())
    assert by_host != lines
    other = tmp_path / "by-host.ndjson"
    other.write_bytes(b"".join(by_host))

    def canonical(path):
        return sorted(without_time(logster("scan", "--json", path).text).splitlines())

    assert canonical(captures.attack) == canonical(other)


def test_quiet_host_is_quiet(logster, captures):
    done = logster("scan", captures.benign)
    assert done.rc == 0, done.text


def test_graph_prints_a_window(logster, captures):
    listing = logster("graph", captures.attack, "--endpoint", "hr001")
    assert listing.rc == 0
    end = listing.text.splitlines()[1].split()[1]
    graph = json.loads(logster("graph", captures.attack, "--endpoint", "hr001", "--window", end).text)
    assert graph["nodes"] and graph["edges"]
    dot = logster("graph", captures.attack, "--endpoint", "hr001", "--window", end, "--dot").text
    assert dot.startswith("digraph") and dot.count("{") == dot.count("}")
    assert logster("graph", captures.attack, "--window", "1970-01-01T00:00:00Z").rc == 2


def test_models_are_verified(logster, tmp_path):
    import shutil
    from conftest import ROOT
    for name in ("windows", "linux"):
        assert logster("model", "verify", ROOT / "models" / name).rc == 0
    broken = tmp_path / "model"
    shutil.copytree(ROOT / "models/windows", broken)
    weights = broken / "gat-3.safetensors"
    data = bytearray(weights.read_bytes())
    data[-5] ^= 1
    weights.write_bytes(data)
    done = logster("scan", "--model", broken, "tests/data/captures/omerbenamram_sysmon.ndjson.zst")
    assert done.rc == 2 and "gat-3" in done.err and "SHA-256" in done.err


def test_formats_with_state_in_a_mixed_file(logster, captures, tmp_path):
    """auditd's records of one event stand batches apart, behind and between others."""
    import subprocess
    text = subprocess.run(["zstd", "-dcq", captures.attack], stdout=subprocess.PIPE, check=True).stdout
    lines = text.splitlines(keepends=True)
    audit = [(f'node=aux type=SYSCALL msg=audit(1561484{300 + i}.000:{i}): arch=c000003e syscall=59 '
              f'success=yes exit=0 items=0 ppid={i} pid={100 + i} uid=0 euid=0 comm="c{i}" exe="/bin/c{i}"\n',
              f'node=aux type=EXECVE msg=audit(1561484{300 + i}.000:{i}): argc=1 a0="c{i}"\n')
             for i in range(40)]
    for i, (first, second) in enumerate(audit):
        lines[500 + 20 * i] += first.encode()
        lines[500 + 20 * i + 15] += second.encode()
    mixed = tmp_path / "mixed.log"
    mixed.write_bytes(b"".join(lines))
    one = logster("scan", "--json", "--workers", 1, mixed)
    assert "1358 events" in one.err, one.err
    for workers in (2, 5):
        many = logster("scan", "--json", "--workers", workers, mixed)
        assert without_time(many.text) == without_time(one.text)
        assert many.err == one.err


def test_recordings_of_one_host_may_come_in_any_order(logster, captures, tmp_path):
    """An older recording of a host is not late to a newer one: every window of both is judged."""
    import subprocess
    text = subprocess.run(["zstd", "-dcq", captures.attack], capture_output=True, check=True).stdout
    older = tmp_path / "older.ndjson"
    older.write_bytes(text.replace(b"2019-06-25", b"2018-06-25"))

    def rows(*files):
        return sorted(without_time(logster("scan", "--json", *files).text).splitlines())

    both = sorted(rows(captures.attack) + rows(older))
    assert rows(captures.attack, older) == both
    assert rows(older, captures.attack) == both
