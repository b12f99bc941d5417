"""`logster train`, `eval` and `scan --model` with what came out, on tests/data/train."""

import json
import shutil

import pytest
from conftest import ROOT
from platform_util import Platform

DATA = ROOT / "tests/data/train"


def train(logster, out, *args):
    return logster("train", "--data", DATA, "--split", DATA / "tiny.split.tsv", "--out", out,
                   "--seeds", 1, "--epochs", 1, "--name", "tiny", "--version", "1", *args)


def test_train_eval_scan(logster, captures, tmp_path):
    done = train(logster, tmp_path / "a")
    assert done.rc == 0, done.err
    show = logster("model", "show", tmp_path / "a")
    assert show.rc == 0 and "tiny" in show.text and "networks      1" in show.text
    assert logster("model", "verify", tmp_path / "a").rc == 0

    figures = logster("eval", "--model", tmp_path / "a", "--data", DATA,
                      "--split", DATA / "tiny.split.tsv")
    assert figures.rc == 0, figures.err
    assert "| **jury** |" in figures.text and "the model's threshold" in figures.text

    done = logster("scan", "--json", "--model", tmp_path / "a", captures.attack)
    assert done.rc == 1, done.err
    rows = [json.loads(line) for line in done.text.splitlines()]
    assert {row["model"]["name"] for row in rows} == {"tiny"}
    digest = next(line.split()[1] for line in show.text.splitlines() if line.startswith("sha256"))
    assert {row["model"]["sha256"] for row in rows} == {digest}
    assert "hr001" in {row["endpoint_id"] for row in rows if row["prediction"] == "attack"}

    # the same seed gives the same model, to the last byte of the manifest
    assert train(logster, tmp_path / "b", "--threads", 3).rc == 0
    assert (tmp_path / "a/manifest.json").read_bytes() == (tmp_path / "b/manifest.json").read_bytes()
    assert (tmp_path / "a/report.md").read_bytes() == (tmp_path / "b/report.md").read_bytes()


def test_only_signed_models_are_trusted(logster, tmp_path):
    key, other = tmp_path / "key", tmp_path / "other"
    assert logster("model", "key", key).rc == 0 and logster("model", "key", other).rc == 0
    assert logster("model", "key", key).rc == 2  # never overwritten
    assert key.stat().st_mode & 0o777 == 0o600
    model = tmp_path / "windows"
    shutil.copytree(ROOT / "models/windows", model)
    pub = tmp_path / "key.pub"

    def verify(*keys):
        return logster("model", "verify", model, *keys)
    assert verify().rc == 0
    unsigned = verify(pub)
    assert unsigned.rc == 2 and "not signed" in unsigned.err
    trusting = {"model.path": model, "model.linux_model_path": ROOT / "models/linux",
                "model.trusted_keys": pub.read_text().strip()}
    with pytest.raises(AssertionError, match="the model is not signed"):
        Platform(tmp_path / "refused", **trusting).start()
    with Platform(tmp_path / "told", **trusting, **{"model.require_signature": "false"}) as up:
        assert {m["platform"]: (m["signature"], m["signer"])
                for m in up.get("/models").json()["models"]} == {
                    "windows": ("unsigned", None), "linux": ("unsigned", None)}

    said = logster("model", "sign", model, key)
    assert said.rc == 0
    name = said.text.split("signed by ")[1].split(";")[0]
    assert logster("model", "sign", model, key).rc == 0
    assert len((model / "manifest.sig").read_text().splitlines()) == 1
    assert f"signed by {name}" in verify(pub).text
    assert verify(tmp_path / "other.pub").rc == 2 and verify(tmp_path / "other.pub", pub).rc == 0
    with pytest.raises(AssertionError, match="models/linux: the model is not signed"):
        Platform(tmp_path / "half", **trusting).start()
    with Platform(tmp_path / "good", **trusting, **{"model.require_signature": "false"}) as up:
        models = {m["platform"]: m for m in up.get("/models").json()["models"]}
        assert (models["windows"]["signature"], models["windows"]["signer"]) == ("valid", name)
        rows = up.get("/audit").json()["audit"]
        assert {(r["detail"]["platform"], r["detail"]["signature"], r["detail"]["signer"])
                for r in rows if r["action"] == "model.load"} == {
                    ("windows", "valid", name), ("linux", "unsigned", "")}

    manifest = model / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"threshold":', '"threshold": '))
    changed = verify(pub)
    assert changed.rc == 2 and "as it is now" in changed.err


def test_a_platform_without_a_model_is_told(logster, captures, tmp_path):
    assert train(logster, tmp_path / "a").rc == 0
    done = logster("scan", "--json", "--model", tmp_path / "a", captures.shellshock)
    assert done.rc == 2
    assert "platform" in done.err
    twice = logster("scan", "--model", tmp_path / "a", "--model", tmp_path / "a", captures.attack)
    assert twice.rc == 2 and "second model" in twice.err


@pytest.mark.parametrize("args, word", [
    ([], "--data"),
    (["--data", DATA], "--split"),
    (["--data", DATA, "--split", DATA / "tiny.split.tsv"], "--out"),
    (["--seeds", "0"], "range"), (["--seeds", "17"], "range"), (["--epochs", "x"], "range"),
    (["--threads", "65"], "range"), (["--first-seed", "-1"], "range"),
    (["--weights", "1,1"], "--weights"), (["--weights", "0,0,0"], "--weights"),
    (["--weights", "1,-1,1"], "--weights"), (["--platform", "beos"], "--platform"),
    (["--frobnicate"], "frobnicate"), (["surplus"], "--data")])
def test_arguments(logster, args, word):
    done = logster("train", *args)
    assert done.rc == 2
    assert word in done.err
    assert done.out == b""


@pytest.mark.parametrize("split, word", [
    ("file\tgroup\tfold\n../captures/copyleft.ndjson.zst\tg\t0\n", "licence"),
    ("file\tgroup\tfold\nnowhere\tg\t0\n", "manifest"),
    ("file\tgroup\n", "fold")])
def test_bad_splits(logster, tmp_path, split, word):
    path = tmp_path / "split.tsv"
    path.write_text(split)
    done = logster("train", "--data", DATA, "--split", path, "--out", tmp_path / "out")
    assert done.rc == 2 and word in done.err
    assert not (tmp_path / "out/manifest.json").exists()


def test_eval_arguments(logster, tmp_path):
    assert logster("eval").rc == 2
    done = logster("eval", "--model", tmp_path, "--data", DATA, "--split", DATA / "tiny.split.tsv")
    assert done.rc == 2 and "manifest.json" in done.err


def test_figures_without_a_model_and_weights(logster, tmp_path):
    done = train(logster, tmp_path / "m", "--no-model", "--weights", "1,2,1", "--min-events", 10,
                 "--experimental", "--any-licence")
    assert done.rc == 0, done.err
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == ["report.md"]
