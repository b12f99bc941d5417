"""The program as its users meet it: help, exit codes, bad input."""

import json
import os
import re
import subprocess

import pytest
from conftest import ROOT

COMMANDS = ["scan", "normalize", "graph", "train", "eval", "model"]


def test_help_names_every_command(logster):
    done = logster("--help")
    assert done.rc == 0
    for command in COMMANDS:
        assert f"  {command} " in done.text
    assert logster("--version").text.startswith("logster 0.")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(logster, command):
    done = logster(command, "--help")
    assert done.rc == 0
    assert f"usage: logster {command}" in done.text
    assert "Exit status" in done.text


def test_what_is_not_understood_is_said(logster, captures):
    for args, word in ((["frobnicate"], "frobnicate"),
                       (["normalize", "--frobnicate", captures.benign], "frobnicate"),
                       (["normalize"], "FILE"),
                       (["normalize", "--header-offset", "1e9", captures.benign], "-48..48"),
                       ([], "usage")):
        done = logster(*args)
        assert done.rc == 2
        assert word in done.err
        assert done.out == b""


def test_missing_file(logster, tmp_path):
    done = logster("normalize", tmp_path / "no-such-capture.json")
    assert done.rc == 2
    assert "no-such-capture.json" in done.err


def test_errors_name_the_file_once(logster, tmp_path):
    for command in ("scan", "normalize", "graph"):
        done = logster(command, tmp_path / "no-such-capture.json")
        assert done.rc == 2
        assert done.err.count("no-such-capture.json: No such file or directory") == 1
        assert done.err.count("no-such-capture.json") == 1


def test_what_the_front_doors_name_is_there():
    """./run's recording, and every target that the documents tell of."""
    capture = re.search(r"^capture=(\S+)$", (ROOT / "run").read_text(), re.M).group(1)
    assert (ROOT / capture).is_file()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"`make ([a-z]+)", page.read_text()):
            assert target in targets, f"{page.name}: make {target}"


def slugs(page):
    """Anchors that a page of Markdown has, as the usual viewers make them."""
    heads = re.findall(r"^#+ +(.*)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", head.replace("`", "").lower()).replace(" ", "-") for head in heads}


def test_links_of_the_documents_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("README.md")]
    assert len(pages) > 20
    for page in pages:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if link.startswith(("http:", "https:", "mailto:")):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), f"{page.relative_to(ROOT)}: {link}"
            if anchor and target.suffix == ".md":
                assert anchor in slugs(target), f"{page.relative_to(ROOT)}: {link}"


def test_names_cannot_steer_the_terminal(logster, captures, tmp_path):
    plain = subprocess.run(["zstd", "-dcq", captures.attack], stdout=subprocess.PIPE, check=True).stdout
    evil = "\x1b[31m\x07\x7f\x9b\u061c\u200f\u2028\u202e\u2066\u00e9"
    path = tmp_path / "evil.json"
    path.write_bytes(plain.replace(b"reg.exe", b"r" + json.dumps(evil)[1:-1].encode() + b"eg.exe"))
    done = logster("scan", path)
    assert done.rc == 1
    lines = [line for line in done.text.splitlines() if "eg.exe" in line]
    assert lines and all("r?[31m????????\u00e9eg.exe" in line for line in lines), lines
    assert all(char == "\n" or char.isprintable() for char in done.text)


def test_one_bad_file_does_not_stop_the_others(logster, captures, tmp_path):
    alone = logster("normalize", captures.benign)
    done = logster("normalize", tmp_path / "no-such-capture.json", captures.benign)
    assert done.rc == 2
    assert done.out == alone.out


def test_truncated_zstd_is_told_and_what_came_before_is_used(logster, captures, tmp_path):
    cut = tmp_path / "cut.ndjson.zst"
    cut.write_bytes(captures.attack.read_bytes()[:60000])
    done = logster("normalize", cut)
    assert done.rc == 2
    assert "cut.ndjson.zst" in done.err


@pytest.mark.parametrize("content", [b"\0" * 5000, b"\xff\xfe\x00{" * 999, b"{" * 100000,
                                     b'{"EventID":1}\n' * 50, b"not a record\n" * 50,
                                     b"\x28\xb5\x2f\xfd" + b"\xff" * 400, b"\x1f\x8b" + b"x" * 400],
                         ids=["zeros", "bytes", "braces", "bare", "prose", "zstd", "gzip"])
def test_garbage_is_refused_without_a_crash(logster, tmp_path, content):
    path = tmp_path / "garbage.log"
    path.write_bytes(content)
    done = logster("normalize", path)
    assert done.rc == 2, done.err
    assert done.out == b""


def test_empty_input(logster, tmp_path):
    path = tmp_path / "empty.log"
    path.write_bytes(b"")
    done = logster("normalize", path)
    assert done.out == b""
    assert done.rc in (0, 2)


def test_a_full_disk_is_told(captures):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([os.environ["LOGSTER"], "normalize", captures.attack], stdout=full,
                              stderr=subprocess.PIPE, timeout=240, check=False)
    assert done.returncode == 2
    assert b"No space left" in done.stderr


def test_a_closed_pipe_is_an_error_and_no_death(captures):
    with subprocess.Popen([os.environ["LOGSTER"], "normalize", str(captures.attack)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        p.stdout.read(100)
        p.stdout.close()
        err = p.stderr.read().decode()
        assert p.wait(timeout=240) == 2
    assert "Sanitizer" not in err
