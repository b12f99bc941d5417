"""The dashboard's page in a browser, on a running platform that holds real captures: web/e2e/*.test.mjs."""

import json
import os
import subprocess

import pytest

import dashboard_seed as seed
from conftest import ROOT
from platform_util import Platform

TESTS = sorted((ROOT / "web/e2e").glob("*.test.mjs"))
# Where scripts/web.sh built the page that the program holds: its modules drive the browser too.
TREE = ROOT / "build/web/tree"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dashboard")
    with Platform(folder / "data", **seed.SETTINGS) as up:
        facts = folder / "world.json"
        facts.write_text(json.dumps(seed.fill(up)))
        yield facts


@pytest.mark.parametrize("script", TESTS, ids=lambda path: path.name.split(".")[0])
def test_in_browser(world, script):
    done = subprocess.run(["node", "--test", str(script)], cwd=ROOT, timeout=300, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "E2E_WORLD": str(world), "WEB_TREE": str(TREE)})
    assert done.returncode == 0, done.stdout[-12000:]
    assert "# pass 0" not in done.stdout, "no test ran"
