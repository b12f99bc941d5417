"""The PostgreSQL store against a real server: the contract suites, crashes, races, walls, TLS."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from servers.postgres import Postgres

CONTRACTS = Path(os.environ["CONTRACTS"])
TENANT_TABLES = ["tenant_refs", "endpoints", "alerts", "alert_techniques", "alert_texts",
                 "alert_counts", "alert_inferences", "alert_history", "outbox", "feedback",
                 "suppressions", "suppression_hits", "audit", "searches", "deliveries"]
SERVICE_TABLES = ["tenants", "tokens", "settings", "sessions", "leases"]


def new_database(pg):
    pg.sql("CREATE ROLE logster LOGIN CREATEROLE PASSWORD 'pw'")
    pg.sql("CREATE DATABASE logster OWNER logster ENCODING 'UTF8'")
    return pg


@pytest.fixture(scope="module")
def server():
    """Shared by the tests that do not end it; each takes a schema of its own."""
    with Postgres(durable=False) as pg:
        yield new_database(pg)


@pytest.fixture
def crashing():
    """One that keeps what it said it has."""
    with Postgres(durable=True) as pg:
        yield new_database(pg)


def environment(pg, schema, **more):
    return {**os.environ, "LG_CONTRACT": "postgres", "LG_POSTGRES_HOST": "127.0.0.1",
            "LG_POSTGRES_PORT": str(pg.port), "LG_POSTGRES_DBNAME": "logster",
            "LG_POSTGRES_USER": "logster", "LG_POSTGRES_PASSWORD": "pw",
            **({"LG_POSTGRES_SCHEMA": schema} if schema else {}), **more}


def start(pg, schema, *args, program="postgres_tool", **more):
    return subprocess.Popen([CONTRACTS / program, *map(str, args)],
                            env=environment(pg, schema, **more), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, bufsize=0)


def finish(pg, process, rc=0):
    out = process.communicate(timeout=240)[0].decode("utf-8", "replace")
    assert process.returncode == rc, f"{process.args}: {process.returncode}\n{out}\n{pg.errors()}"
    assert "Sanitizer" not in out, out
    return out


def run(pg, schema, *args, rc=0, **more):
    return finish(pg, start(pg, schema, *args, **more), rc)


def ask(pg, schema, text, tenants="*", user="logster", password="pw", **more):
    """Behind the store's back, with the tenants that the session says it may see."""
    options = f"-c search_path={schema}"
    if tenants is not None:
        options += f" -c logster.tenants={tenants}"
    return pg.sql(text, user=user, password=password, dbname="logster", options=options, **more)


@pytest.mark.parametrize("suite", ["alert", "admin"])
def test_contract(server, suite):
    before = int(server.sql("SELECT count(*) FROM pg_namespace", dbname="logster"))
    out = run(server, None, program=f"{suite}_contract")
    assert "[  PASSED  ]" in out
    after = int(server.sql("SELECT count(*) FROM pg_namespace", dbname="logster"))
    assert after > before + 5, "it did not run on this server"


@pytest.mark.parametrize("seed", [1, 2])
def test_differential(server, seed):
    out = run(server, f"differential{seed}", program="alert_differential", LG_SEED=str(seed))
    assert "[  PASSED  ]" in out


def test_replicas_start_at_once(server):
    """Several processes find an empty database: one makes the tables, all come up."""
    processes = [start(server, "together", "open") for _ in range(6)]
    for process in processes:
        assert finish(server, process) == "opened\n"
    assert ask(server, "together", "SELECT count(*), max(version) FROM schema_version") == "1|1"


def test_newer_schema_is_refused(server):
    run(server, "newer", "open")
    ask(server, "newer", "INSERT INTO schema_version(version) VALUES(99)")
    out = run(server, "newer", "open", rc=3)
    assert "newer version (schema 99" in out and "update Logster" in out


def test_same_verdicts_from_two_replicas(server):
    """Both apply the same verdicts at once: each counts once, no fold key has two open alerts."""
    processes = [start(server, "twice", "apply", 1, 700, batch) for batch in (7, 10, 3)]
    for process in processes:
        finish(server, process)
    assert ask(server, "twice", "SELECT count(*), count(DISTINCT inference) FROM"
                                " alert_inferences") == "700|700"
    assert ask(server, "twice", "SELECT count(*) FROM (SELECT fold_key FROM alerts GROUP BY"
                                " tenant, fold_key HAVING count(*)>1) x") == "0"
    assert ask(server, "twice", "SELECT sum(occurrences) FROM alerts") == "700"
    assert run(server, "twice", "verify").strip() == "verify 0"
    # Each change went to the outbox once, and comes out once and in the alert's order.
    rows = run(server, "twice", "outbox", 5).splitlines()
    assert len(rows) == 700
    versions = {}
    for row in rows:
        alert = re.search(r'"alert_id":"([^"]+)"', row).group(1)
        occurrences = int(re.search(r'"occurrences":(\d+)', row).group(1))
        assert occurrences == versions.get(alert, 0) + 1
        versions[alert] = occurrences


def test_patches_race_with_if_match(server):
    """Of those that name the same version, exactly one wins: versions count the winners."""
    run(server, "patches", "apply", 1, 1, 1)
    processes = [start(server, "patches", "patch", 150, f"p{i}") for i in range(4)]
    out = [finish(server, process) for process in processes]
    won = sum(int(re.search(r"won (\d+)", text).group(1)) for text in out)
    refused = sum(int(re.search(r"refused (\d+)", text).group(1)) for text in out)
    assert won + refused == 600 and refused > 0
    assert ask(server, "patches", "SELECT version FROM alerts") == str(1 + won)
    assert ask(server, "patches", "SELECT count(*) FROM alert_history") == str(1 + won)
    assert run(server, "patches", "verify").strip() == "verify 0"


def test_outbox_goes_to_one_reader(server):
    """Two read while a third writes: nothing is lost, nothing comes twice."""
    writer = start(server, "outbox", "apply", 1, 600, 2)
    time.sleep(0.3)
    readers = [start(server, "outbox", "outbox", 60) for _ in range(2)]
    finish(server, writer)
    rows = [set(re.findall(r"^row (\d+) ", finish(server, r), re.M)) for r in readers]
    assert not rows[0] & rows[1]
    if len(rows[0]) + len(rows[1]) < 600:  # both may have gone before the writer ended
        rows.append(set(re.findall(r"^row (\d+) ", run(server, "outbox", "outbox", 5), re.M)))
    assert sum(map(len, rows)) == 600
    assert ask(server, "outbox", "SELECT count(*) FROM outbox") == "0"


def test_audit_chain_with_many_writers(server):
    processes = [start(server, "chain", "audit", 60, f"writer{i}") for i in range(4)]
    for process in processes:
        finish(server, process)
    assert ask(server, "chain", "SELECT count(*), max(seq) FROM audit") == "240|240"
    assert run(server, "chain", "verify").strip() == "verify 0"
    # An owner who removes the triggers can change a row, but not unseen.
    ask(server, "chain", "DROP TRIGGER audit_write_once ON audit;"
                         "UPDATE audit SET actor='nobody' WHERE seq=77")
    assert "audit row 77 was altered" in run(server, "chain", "verify")


def test_records_are_write_once(server):
    run(server, "once", "apply", 1, 3, 1)
    run(server, "once", "audit", 1, "x")
    for text in ["UPDATE alert_history SET actor='x'", "DELETE FROM alert_history",
                 "UPDATE alert_inferences SET at=1", "DELETE FROM alert_inferences",
                 "DELETE FROM alerts", "UPDATE alerts SET tenant='b'", "TRUNCATE audit",
                 "DELETE FROM audit", "UPDATE audit SET actor='x'", "TRUNCATE alerts"]:
        rc, out = ask(server, "once", text, check=False)
        assert rc != 0 and re.search("write-once|never deleted", out), f"{text} was taken: {out}"


def fill_two_tenants(pg, schema):
    run(pg, schema, "apply", 1, 30, 10)  # tenants a and b
    run(pg, schema, "audit", 2, "x")  # rows of the platform


def counts(pg, schema, tables, tenants, where="true"):
    """Rows that a query without any restriction of its own sees, by table."""
    text = " UNION ALL ".join(f"SELECT '{t}', count(*) FROM {t} WHERE {where}" for t in tables)
    return {name: int(n) for name, n in
            (line.split("|") for line in ask(pg, schema, text, tenants).splitlines())}


def test_row_level_security(server):
    """The second wall: without the store's own restriction, only the session's tenants are seen."""
    fill_two_tenants(server, "walls")
    tables = TENANT_TABLES + SERVICE_TABLES
    forced = ask(server, "walls", "SELECT relname FROM pg_class WHERE relkind='r' AND relnamespace="
                                  "'walls'::regnamespace AND relrowsecurity AND relforcerowsecurity")
    every = ask(server, "walls", "SELECT relname FROM pg_class WHERE relkind='r' AND relnamespace="
                                 "'walls'::regnamespace")
    assert set(forced.split()) == set(tables)
    assert set(every.split()) == {*tables, "schema_version"}, "a table without a wall"
    # A forgotten setting shows nothing, of no table.
    for tenants in (None, "", "nowhere", "%"):
        assert set(counts(server, "walls", tables, tenants).values()) == {0}, tenants
    # A query that forgot its tenants sees those of the session and no others.
    own, both = counts(server, "walls", tables, "a"), counts(server, "walls", tables, "*")
    others = counts(server, "walls", tables, "b")
    listed = counts(server, "walls", tables, "a,b")
    foreign = counts(server, "walls", TENANT_TABLES, "a", "tenant<>'a'")
    assert set(foreign.values()) == {0}
    for table in ["alerts", "alert_history", "alert_inferences", "alert_texts", "outbox",
                  "endpoints", "alert_techniques", "alert_counts", "tenant_refs"]:
        assert 0 < own[table] < both[table] == own[table] + others[table] == listed[table], table
    for table in SERVICE_TABLES + ["audit"]:  # the audit rows there are the platform's
        assert own[table] == listed[table] == 0
    assert both["audit"] == 2
    # Nor can it change or make rows of others.
    assert ask(server, "walls", "UPDATE alerts SET analyst_notes='x' WHERE tenant='b' RETURNING id",
               "a") == ""
    rc, out = ask(server, "walls", "INSERT INTO tenant_refs VALUES('c', true)", "a", check=False)
    assert rc != 0 and "row-level security" in out


def test_store_init_makes_a_lesser_role(server):
    """store-init by the owner; the services' role works with rows and cannot do more."""
    out = run(server, "lesser", "init", "logster_app", "app-pw")
    assert "version 1" in out and "logster_app" in out and "app-pw" not in out
    assert run(server, "lesser", "init", "logster_app", "app-pw") == ""  # changes nothing
    app = {"LG_POSTGRES_USER": "logster_app", "LG_POSTGRES_PASSWORD": "app-pw"}
    fill = [("apply", 1, 30, 10), ("audit", 2, "x"), ("patch", 3, "p"), ("outbox", 3), ("verify",)]
    for args in fill:
        run(server, "lesser", *args, **app)

    def as_app(text):
        return ask(server, "lesser", text, user="logster_app", password="app-pw", check=False)

    for text in ["DROP TABLE alerts", "ALTER TABLE audit DISABLE TRIGGER ALL", "DELETE FROM alerts",
                 "UPDATE audit SET actor='x'", "UPDATE alert_history SET actor='x'",
                 "ALTER TABLE alerts DISABLE ROW LEVEL SECURITY", "CREATE TABLE lesser.t(x int)",
                 "INSERT INTO schema_version(version) VALUES(50)", "TRUNCATE audit"]:
        rc, out = as_app(text)
        assert rc != 0, f"{text} was taken: {out}"
    rc, out = ask(server, "lesser", "SELECT count(*) FROM alerts", None, user="logster_app",
                  password="app-pw", check=False)
    assert (rc, out) == (0, "0")
    # The lesser role cannot make the tables where they are missing, and says who can.
    out = run(server, "absent", "open", rc=3, **app)
    assert "store-init" in out, out
    # The password went over as a verifier only.
    assert server.sql("SELECT rolpassword ~ '^SCRAM-SHA-256' FROM pg_authid WHERE"
                      " rolname='logster_app'") == "t"


def test_backup_by_pg_dump(server):
    """As docs/operations.md says, by the owner, through row-level security."""
    fill_two_tenants(server, "dumped")
    done = subprocess.run(
        [server.bin / "pg_dump", "-h", server.sockets, "-p", str(server.port), "-U", "logster",
         "--enable-row-security", "--schema", "dumped", "logster"],
        env={"PGPASSWORD": "pw", "PGOPTIONS": "-c logster.tenants=*", "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr
    restored = done.stdout.decode().replace("dumped", "restored")
    ask(server, "restored", restored)
    assert run(server, "restored", "verify").strip() == "verify 0"
    assert (ask(server, "restored", "SELECT count(*) FROM alert_inferences") ==
            ask(server, "dumped", "SELECT count(*) FROM alert_inferences"))


def test_killed_server_loses_nothing(crashing):
    """kill -9 in the midst of writes, several times: what was acknowledged is there, once."""
    run(crashing, "logster", "open")
    appliers = [start(crashing, "logster", "apply", 1, 1000, 1),
                start(crashing, "logster", "apply", 1001, 2000, 3)]
    auditor = start(crashing, "logster", "audit", 600, "x")
    seen = [process.stdout.readline().decode() for process in (*appliers, auditor)]
    for _ in range(4):
        time.sleep(0.3)
        assert all(process.poll() is None for process in appliers), "too late"
        crashing.kill()
        time.sleep(0.2)
        crashing.start()
    said = "".join(seen + [finish(crashing, p) for p in (*appliers, auditor)])
    assert sum(map(int, re.findall(r"^applied \d+ (\d+)$", said, re.M))) == 3000
    assert said.count("audited") == 600
    assert ask(crashing, "logster", "SELECT count(*), count(DISTINCT inference) FROM"
                                    " alert_inferences") == "3000|3000"
    assert ask(crashing, "logster", "SELECT count(*) FROM (SELECT fold_key FROM alerts GROUP BY"
                                    " tenant, fold_key HAVING count(*)>1) x") == "0"
    assert ask(crashing, "logster", "SELECT count(*), count(DISTINCT target) FROM audit"
               ) == "600|600"
    assert run(crashing, "logster", "verify").strip() == "verify 0"


def results(out):
    return [(int(rc), int(ms)) for rc, ms in re.findall(r"^get (-?\d+) (\d+)$", out, re.M)]


ENOENT, EIO = -4, -3


def test_restart_is_survived(crashing):
    """A store with idle connections over a restart: away, each call fails at once; then it goes on
    by itself."""
    reader = start(crashing, "logster", "get", 60, 50)
    first = reader.stdout.readline().decode()
    crashing.stop()
    time.sleep(0.7)
    crashing.start()
    seen = results(first + finish(crashing, reader))
    codes = [rc for rc, _ in seen]
    assert len(seen) == 60 and set(codes) == {ENOENT, EIO}, codes
    assert codes[0] == ENOENT and codes[-1] == ENOENT
    assert max(ms for _, ms in seen) < 3000
    # One that only saw the restart in its sleep does not notice.
    reader = start(crashing, "logster", "get", 2, 1500)
    first = reader.stdout.readline().decode()
    crashing.stop()
    crashing.start()
    assert [rc for rc, _ in results(first + finish(crashing, reader))] == [ENOENT, ENOENT]


def test_silent_server_is_given_up(crashing):
    """The server's processes are stopped: TCP still answers, they do not."""
    reader = start(crashing, "logster", "get", 80, 50, LG_POSTGRES_TIMEOUT_MS="500")
    first = reader.stdout.readline().decode()
    crashing.freeze()
    time.sleep(5)
    crashing.thaw()
    seen = results(first + finish(crashing, reader))
    assert EIO in {rc for rc, _ in seen}
    assert max(ms for _, ms in seen) < 4500, seen


def certificate(folder, name, issuer=None):
    """A key and a certificate for 127.0.0.1, signed by itself or by `issuer`."""
    key, cert = folder / f"{name}.key", folder / f"{name}.crt"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-keyout", key, "-out",
               cert, "-subj", f"/CN={name}"]
    if issuer:
        command += ["-CA", folder / f"{issuer}.crt", "-CAkey", folder / f"{issuer}.key", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return cert, key


def test_tls(tmp_path):
    certificate(tmp_path, "authority")
    certificate(tmp_path, "stranger")
    tls = certificate(tmp_path, "server", issuer="authority")
    with Postgres(durable=False, tls=tls) as pg:
        new_database(pg)
        good, wrong = str(tmp_path / "authority.crt"), str(tmp_path / "stranger.crt")
        full = {"LG_POSTGRES_SSLMODE": "verify-full"}
        run(pg, "logster", "open", LG_POSTGRES_SSLROOTCERT=good, **full)
        out = run(pg, "logster", "open", rc=3, LG_POSTGRES_SSLROOTCERT=wrong, **full)
        assert "certificate verify failed" in out and "pw" not in out
        # The system's authorities, which do not know it either.
        assert "certificate verify failed" in run(pg, "logster", "open", rc=3, **full)
        # The right authority, but a name that the certificate does not have.
        out = run(pg, "logster", "open", rc=3, LG_POSTGRES_SSLROOTCERT=good,
                  LG_POSTGRES_HOST="localhost", **full)
        assert "does not match host name" in out
        out = run(pg, "logster", "open", rc=3, LG_POSTGRES_SSLMODE="disable")
        assert "no encryption" in out


def test_client_certificate(tmp_path):
    certificate(tmp_path, "authority")
    certificate(tmp_path, "stranger")
    tls = certificate(tmp_path, "server", issuer="authority")
    own = certificate(tmp_path, "logster", issuer="authority")
    foreign = certificate(tmp_path, "foreign", issuer="stranger")
    with Postgres(durable=False, tls=tls, client_ca=tmp_path / "authority.crt") as pg:
        new_database(pg)
        full = {"LG_POSTGRES_SSLMODE": "verify-full",
                "LG_POSTGRES_SSLROOTCERT": str(tmp_path / "authority.crt")}

        def with_certificate(cert, key):
            return {**full, "LG_POSTGRES_SSLCERT": str(cert), "LG_POSTGRES_SSLKEY": str(key)}

        run(pg, "logster", "open", **with_certificate(*own))
        out = run(pg, "logster", "open", rc=3, **full)
        assert "requires a valid client certificate" in out
        out = run(pg, "logster", "open", rc=3, **with_certificate(*foreign))
        assert "unknown ca" in out or "certificate" in out


def test_first_of_two_hosts_is_down(server):
    """Hosts are tried in order until one takes writes."""
    assert run(server, "hosts", "open", LG_POSTGRES_HOST="127.0.0.1,127.0.0.1",
               LG_POSTGRES_PORT=f"1,{server.port}") == "opened\n"
    out = run(server, "hosts", "open", rc=3, LG_POSTGRES_HOST="127.0.0.1,127.0.0.1",
              LG_POSTGRES_PORT="1,2")
    assert "refused" in out


def test_wrong_password_is_not_told(server):
    out = run(server, "logster", "open", rc=3, LG_POSTGRES_PASSWORD="hunter2-secret")
    assert "password authentication failed" in out and "hunter2" not in out


def test_database_in_another_encoding_is_refused(server):
    server.sql("CREATE DATABASE latin OWNER logster ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    out = run(server, "logster", "open", rc=3, LG_POSTGRES_DBNAME="latin")
    assert "not UTF8" in out
