"""The PostgreSQL store against a real server: the contract suites, crashes, races, walls, TLS."""

import os
import subprocess
from pathlib import Path

import pytest

from servers.postgres import Postgres

CONTRACTS = Path(os.environ["CONTRACTS"])


@pytest.fixture(scope="module")
def server():
    with Postgres(durable=False) as pg:
        pg.sql("CREATE ROLE logster LOGIN CREATEROLE PASSWORD 'pw'")
        pg.sql("CREATE DATABASE logster OWNER logster ENCODING 'UTF8'")
        yield pg


def environment(pg, **more):
    return {**os.environ, "LG_CONTRACT": "postgres", "LG_POSTGRES_HOST": "127.0.0.1",
            "LG_POSTGRES_PORT": str(pg.port), "LG_POSTGRES_DBNAME": "logster",
            "LG_POSTGRES_USER": "logster", "LG_POSTGRES_PASSWORD": "pw", **more}


def run(pg, program, *args, timeout=240, **more):
    done = subprocess.run([CONTRACTS / program, *args], env=environment(pg, **more),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                          check=False)
    out = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, f"{program} {args}: {done.returncode}\n{out}\n{pg.errors()}"
    return out


@pytest.mark.parametrize("suite", ["alert", "admin"])
def test_contract(server, suite):
    out = run(server, f"{suite}_contract")
    assert "[  PASSED  ]" in out
    assert int(server.sql("SELECT count(*) FROM pg_namespace WHERE nspname ~ '^t[0-9a-f]{16}$'",
                          dbname="logster")) > 0, "it did not run on this server"
