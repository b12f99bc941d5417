"""`logster config`: what would start, what would not and why, what is in force and from where."""

import json

import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("LOGSTER_DATA_DIR", "DISABLE_AUTH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write(folder, text):
    path = folder / "service-config.yaml"
    path.write_text(text)
    return path


def test_check(logster, folder):
    assert logster("config", "check").rc == 0
    path = write(folder, "inference:\n  window: 5m\n")
    done = logster("config", "check", "--data-dir", folder)
    assert (done.rc, done.text) == (0, f"{path}: good\n")
    write(folder, "inference:\n  windw: 5m\n")
    done = logster("config", "check", "--data-dir", folder)
    assert done.rc == 2
    assert f"{path}:2:3: unknown key 'inference.windw'; did you mean 'inference.window'?" in done.err
    done = logster("config", "check", "--config", folder / "none.yaml")
    assert done.rc == 2 and "No such file" in done.err


def test_precedence(logster, folder, monkeypatch):
    write(folder, "api:\n  port: 9000\n  threads: 3\nbus.partitions: 4\n")
    monkeypatch.setenv("LOGSTER_DATA_DIR", str(folder))
    monkeypatch.setenv("LOGSTER_API_PORT", "9001")
    monkeypatch.setenv("LOGSTER_API_THREADS", "5")
    done = logster("config", "show", "--json", "--set", "api.threads=7")
    assert done.rc == 0
    shown = json.loads(done.text)
    assert shown["api.threads"] == {"value": 7, "origin": "command_line"}
    assert shown["api.port"] == {"value": 9001, "origin": "environment"}
    assert shown["bus.partitions"] == {"value": 4, "origin": "file", "line": 4}
    assert shown["inference.window"] == {"value": "3m", "origin": "default"}


def test_a_misspelt_variable_stops(logster, folder, monkeypatch):
    monkeypatch.setenv("LOGSTER_INFERENCE_WINDWO", "60s")
    done = logster("config", "check", "--data-dir", folder)
    assert done.rc == 2
    assert "did you mean LOGSTER_INFERENCE_WINDOW?" in done.err


def test_secrets_stay_secret(logster, folder):
    args = ["--data-dir", folder, "--set", "notifications.webhook_secret=hunter2"]
    for extra in ([], ["--json"]):
        done = logster("config", "show", *args, *extra)
        assert done.rc == 0
        assert "hunter2" not in done.text and "********" in done.text


def test_what_is_shown_can_be_read(logster, folder):
    write(folder, "inference: {window: 120s, interval: 30s}\napi.cors_origins: ['https://a']\n")
    first = logster("config", "show", "--data-dir", folder)
    path = folder / "again.yaml"
    path.write_text(first.text)
    second = logster("config", "show", "--json", "--config", path)
    assert second.rc == 0
    shown = json.loads(second.text)
    assert shown["inference.window"]["value"] == "2m"
    assert shown["api.cors_origins"]["value"] == ["https://a"]


def test_reference_has_every_key(logster, folder):
    keys = json.loads(logster("config", "show", "--json", "--data-dir", folder).text)
    page = logster("config", "reference").text
    assert len(keys) > 90
    for key in keys:
        assert f"| `{key}` <br> `LOGSTER_{key.upper().replace('.', '_')}` |" in page


def test_usage(logster):
    for args in ([], ["frobnicate"], ["check", "--set", "x"], ["check", "more"]):
        done = logster("config", *args)
        assert done.rc == 2 and done.err
    assert "usage: logster config" in logster("config", "--help").text
