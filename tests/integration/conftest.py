"""Runs the program that CMake built; LOGSTER in the environment says which."""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "tests/data/captures"
ATTACK = CAPTURES / "empire_reg_dump_sam_2019-06-25133822.ndjson.zst"
BENIGN = CAPTURES / "omerbenamram_sysmon.ndjson.zst"
SHELLSHOCK = CAPTURES / "sysflow_shellshock.ndjson.zst"


def run_logster(*args, stdin=b"", cwd=ROOT, timeout=240, prefix=()):
    """Runs the program to its end, under another one where `prefix` names it. A death by signal is
    an error of the program in every test."""
    done = subprocess.run([*prefix, os.environ["LOGSTER"], *map(str, args)], input=stdin, cwd=cwd,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          check=False)
    err = done.stderr.decode("utf-8", "replace")
    assert done.returncode >= 0, f"killed by signal {-done.returncode}: {err}"
    assert "Sanitizer" not in err and "runtime error:" not in err, err
    return SimpleNamespace(rc=done.returncode, out=done.stdout, err=err,
                           text=done.stdout.decode("utf-8"))


@pytest.fixture
def logster():
    return run_logster


@pytest.fixture
def captures():
    return SimpleNamespace(attack=ATTACK, benign=BENIGN, shellshock=SHELLSHOCK)
