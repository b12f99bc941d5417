"""Ordinary log shippers against `logster up`: what they send is found in /events.

rsyslog, curl and python3-elasticsearch come from Debian (scripts/deps.sh test), the Node.js clients
from shippers/package-lock.json by `npm ci` into the build folder (node_clients.py). A tool that is
missing fails the test. Beats and Fluent Bit are not in Debian: what they ask and send is written
after their public sources (libbeat/esleg/eslegclient, libbeat/licenser, plugins/out_es) and replayed.
"""

import base64
import gzip
import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from node_clients import node
from platform_util import Platform
from senders import event
from servers.ports import free_port

COUNT = 40
PEER = "logster.test"  # the name in our certificate
TENANT = "branch"      # the name in rsyslog's certificate


def run(*args, **more):
    done = subprocess.run(list(map(str, args)), capture_output=True, text=True, timeout=60,
                          check=False, **more)
    assert done.returncode == 0, f"{args[0]}: {done.stdout}{done.stderr}"
    return done.stdout


# ---- certificates: a CA, ours, and rsyslog's ----

def sign(folder, name, subject, extension):
    key, csr, crt = (folder / f"{name}.{kind}" for kind in ("key", "csr", "crt"))
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", key, "-out", csr, "-subj", f"/CN={subject}")
    (folder / "ext").write_text(extension)
    run("openssl", "x509", "-req", "-in", csr, "-CA", folder / "ca.crt", "-CAkey",
        folder / "ca.key", "-CAcreateserial", "-days", "2", "-extfile", folder / "ext", "-out", crt)
    key.chmod(0o600)


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certs")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes", "-keyout", folder / "ca.key", "-out", folder / "ca.crt", "-days", "2",
        "-subj", "/CN=Test CA")
    sign(folder, "server", PEER, f"subjectAltName=DNS:{PEER}")
    sign(folder, "client", TENANT, "extendedKeyUsage=clientAuth")
    return folder


@pytest.fixture(scope="module")
def up(tmp_path_factory, certs):
    settings = {"syslog.port": free_port(), "syslog.tls_port": free_port(),
                "syslog.tls_cert": certs / "server.crt", "syslog.tls_key": certs / "server.key",
                "syslog.tls_client_ca": certs / "ca.crt"}
    with Platform(tmp_path_factory.mktemp("shippers") / "data", **settings) as up:
        up.port = int(up.url.rsplit(":", 1)[1])
        made = up.request("POST", "/tokens", {"name": "shipper",
                                              "tenants": {"default": ["ingest"]}})
        assert made.status == 201, made.body
        up.shipper = made.json()["token"]
        made = up.request("POST", "/tenants", {"tenant_id": TENANT, "name": "Branch office"})
        assert made.status == 201, made.body
        yield up


# ---- what is shipped and found ----

def sysmon(host, count=COUNT):
    return [event(host, seq) for seq in range(count)]


def lines(events):
    return "".join(json.dumps(e, separators=(",", ":")) + "\n" for e in events)


def audit(mark, count=COUNT):
    """Executions as auditd logs them: three records each."""
    now, out = int(time.time()) - 60, []
    for i in range(count):
        head = f"msg=audit({now + i // 10}.{i % 10:03d}:{7000 + i}):"
        out += [f'type=SYSCALL {head} arch=c000003e syscall=59 success=yes exit=0 items=2 ppid=900'
                f' pid={2000 + i} auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0'
                f' tty=pts0 ses=3 comm="id" exe="/usr/bin/id" key="exec"',
                f'type=EXECVE {head} argc=3 a0="id" a1="-u" a2="{mark}-{i:04d}"',
                f'type=PROCTITLE {head} proctitle={"id".encode().hex()}']
    return out


def command_line(stored):
    return stored["data"].get("command_line", "")


def found(up, endpoint, wanted, tenant="default", seconds=40):
    """Waits until the events of an endpoint are those whose command lines hold `wanted`, each once."""
    def ask():
        page = up.get(f"/events?tenant_id={tenant}&endpoint={endpoint}&limit=1000")
        assert page.status == 200, page.body
        return [command_line(e) for e in page.json()["events"]]

    got = up.wait(ask, lambda rows: len(rows) >= len(wanted), seconds)
    assert len(got) == len(wanted), sorted(got)
    for mark in wanted:
        assert sum(mark in row for row in got) == 1, (mark, sorted(got))


def sysmon_found(up, endpoint, count=COUNT, tenant="default"):
    def ask():
        page = up.get(f"/events?tenant_id={tenant}&endpoint={endpoint}&limit=1000")
        assert page.status == 200, page.body
        return sorted(command_line(e) for e in page.json()["events"])

    wanted = sorted(e["winlog"]["event_data"]["CommandLine"] for e in sysmon(endpoint, count))
    got = up.wait(ask, lambda rows: len(rows) >= count, 40)
    assert got == wanted


# ---- rsyslog ----

class Rsyslog:
    """rsyslogd as a program of ours: reads one file, ships by `action`, no service, no /dev/log."""

    def __init__(self, folder, host, text, action, modules="", globals_=""):
        self.folder, work = folder, folder / "work"
        work.mkdir()
        (folder / "in.log").write_text(text)
        self.said = folder / "rsyslogd.log"
        (folder / "rsyslog.conf").write_text(f"""
module(load="imfile")
{modules}
global(workDirectory="{work}" localHostname="{host}" {globals_})
input(type="imfile" file="{folder}/in.log" tag="shipped" ruleset="out")
syslog.* action(type="omfile" file="{folder}/internal.log")
ruleset(name="out") {{
{action}
}}
""")
        self.process = None

    def __enter__(self):
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen(
                ["rsyslogd", "-n", "-i", str(self.folder / "pid"), "-f",
                 str(self.folder / "rsyslog.conf")], stdout=said, stderr=said,
                env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
        return self

    def __exit__(self, kind, *_):
        alive = self.process.poll() is None
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if kind is not None or not alive:
            internal = self.folder / "internal.log"
            print(self.said.read_text(errors="replace"),
                  internal.read_text(errors="replace") if internal.exists() else "")
        assert alive, "rsyslogd ended by itself"


def omelasticsearch(up, source, template, folder):
    return f"""
  action(type="omelasticsearch" server="http://127.0.0.1:{up.port}/ingest/{source}"
         searchType="" bulkmode="on" uid="x" pwd="{up.shipper}" template="{template}"
         errorfile="{folder}/refused.json" action.resumeRetryCount="-1")
"""


def test_rsyslog_elasticsearch_json(up, tmp_path):
    modules = """module(load="omelasticsearch")
template(name="bare" type="string" string="%msg%")"""
    with Rsyslog(tmp_path, "collector", lines(sysmon("rs-json")),
                 omelasticsearch(up, "sysmon", "bare", tmp_path), modules):
        sysmon_found(up, "rs-json")
    assert not (tmp_path / "refused.json").exists()


def test_rsyslog_elasticsearch_audit(up, tmp_path):
    """auditd's file, wrapped into JSON as rsyslog's own templates do."""
    modules = """module(load="omelasticsearch")
template(name="wrapped" type="list" option.jsonf="on") {
  property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}"""
    with Rsyslog(tmp_path, "rs-audit", "\n".join(audit("rs-audit")) + "\n",
                 omelasticsearch(up, "auditd", "wrapped", tmp_path), modules):
        found(up, "rs-audit", [f"rs-audit-{i:04d}" for i in range(COUNT)])
    assert not (tmp_path / "refused.json").exists()


def test_rsyslog_tcp(up, tmp_path):
    action = f"""
  action(type="omfwd" target="127.0.0.1" port="{up.settings['syslog.port']}" protocol="tcp"
         TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format")
"""
    with Rsyslog(tmp_path, "rs-tcp", "\n".join(audit("rs-tcp")) + "\n", action):
        found(up, "rs-tcp", [f"rs-tcp-{i:04d}" for i in range(COUNT)])


def test_rsyslog_tls(up, tmp_path, certs):
    """Both ends show certificates; the name in rsyslog's is the tenant."""
    action = f"""
  action(type="omfwd" target="127.0.0.1" port="{up.settings['syslog.tls_port']}" protocol="tcp"
         TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"
         StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name"
         StreamDriverPermittedPeers="{PEER}")
"""
    globals_ = (f'defaultNetstreamDriverCAFile="{certs}/ca.crt" '
                f'defaultNetstreamDriverCertFile="{certs}/client.crt" '
                f'defaultNetstreamDriverKeyFile="{certs}/client.key"')
    with Rsyslog(tmp_path, "rs-tls", "\n".join(audit("rs-tls")) + "\n", action, globals_=globals_):
        found(up, "rs-tls", [f"rs-tls-{i:04d}" for i in range(COUNT)], tenant=TENANT)
    elsewhere = up.get("/events?tenant_id=default&endpoint=rs-tls").json()
    assert elsewhere["events"] == []


# ---- Elasticsearch's clients ----

@pytest.mark.parametrize("way", ["basic", "api_key"])
def test_python_elasticsearch(up, way):
    from elasticsearch import Elasticsearch, helpers
    _, token_id, secret = up.shipper.split("_", 2)
    auth = {"http_auth": ("x", up.shipper)} if way == "basic" else {"api_key": (token_id, secret)}
    client = Elasticsearch([f"{up.url}/ingest/sysmon"], **auth)
    host = "py-" + way.replace("_", "-")
    assert client.info()["tagline"] == "You Know, for Search"
    rows = ({"_index": "logs", "_op_type": "create", "_source": e} for e in sysmon(host))
    assert helpers.bulk(client, rows) == (COUNT, [])
    bad = [{"_index": "logs", "_op_type": "create", "_source": event(host, 0)},
           {"_index": "logs", "_op_type": "delete", "_id": "1"}]
    good, errors = helpers.bulk(client, bad, raise_on_error=False)
    assert good == 1 and len(errors) == 1 and errors[0]["delete"]["status"] == 400, errors
    client.close()
    sysmon_found(up, host)


@pytest.mark.parametrize("package", ["@elastic/elasticsearch", "@opensearch-project/opensearch"])
def test_node_clients(up, tmp_path, package):
    host = "js-" + package.rsplit("/", 1)[1]
    file = tmp_path / "events.ndjson"
    file.write_text(lines(sysmon(host)))
    said = json.loads(node("ship.js", package, f"{up.url}/ingest/sysmon", up.shipper, file))
    assert said == {"version": "8.19.0", "total": COUNT, "successful": COUNT, "failed": 0,
                    "dropped": [], "deleteRefused": True}
    sysmon_found(up, host)


# ---- curl ----

def curl(up, path, file, *headers, scheme="Bearer"):
    args = ["curl", "-sS", "--fail-with-body", "--data-binary", f"@{file}", "-H",
            f"Authorization: {scheme} {up.shipper}"]
    for header in headers:
        args += ["-H", header]
    return json.loads(run(*args, up.url + path))


@pytest.mark.parametrize("coding", ["plain", "gzip", "zstd"])
def test_curl(up, tmp_path, coding):
    host = f"curl-{coding}"
    file = tmp_path / "events.ndjson"
    file.write_text(lines(sysmon(host)))
    headers = []
    if coding != "plain":
        run(coding, "-q" if coding == "zstd" else "-k", file)
        file = next(tmp_path.glob("events.ndjson.*"))
        headers = [f"Content-Encoding: {coding}"]
    assert curl(up, "/ingest/sysmon", file, *headers) == {"accepted": COUNT, "refused": 0,
                                                          "errors": []}
    sysmon_found(up, host)


def test_splunk_hec_event(up, tmp_path):
    file = tmp_path / "events.json"
    file.write_text("".join(json.dumps({"time": 1772442000 + i, "host": "hec", "event": e,
                                        "sourcetype": "XmlWinEventLog:Sysmon"})
                            for i, e in enumerate(sysmon("hec-event"))))
    assert curl(up, "/services/collector/event", file, scheme="Splunk")["code"] == 0
    health = json.loads(run("curl", "-sS", "--fail", up.url + "/services/collector/health"))
    assert health["code"] == 17
    sysmon_found(up, "hec-event")


def test_splunk_hec_raw(up, tmp_path):
    file = tmp_path / "audit.log"
    file.write_text("\n".join(audit("hec-raw")) + "\n")
    answer = curl(up, "/services/collector/raw?sourcetype=linux_audit&host=hec-raw", file,
                  scheme="Splunk")
    assert answer["code"] == 0
    found(up, "hec-raw", [f"hec-raw-{i:04d}" for i in range(COUNT)])


# ---- replayed after the public sources: Beats, Fluent Bit ----

BULK_FILTER = ("errors,items.index.status,items.index.error,items.create.status,"
               "items.create.error,items.update.status,items.update.error")


class Replay:
    """Sends what a shipper's source says that it sends."""

    def __init__(self, up, source, agent, authorization):
        self.up, self.base = up, f"/ingest/{source}"
        self.headers = {"User-Agent": agent, "Authorization": authorization}

    def ask(self, method, path, body=None, want=200, **headers):
        answer = self.up.request(method, self.base + path, body, token=None,
                                 headers={**self.headers, **headers})
        assert answer.status == want, (method, path, answer.status, answer.body)
        return answer

    def bulk(self, path, action, events, pack=True, kind="application/json; charset=UTF-8"):
        body = "".join(json.dumps(action) + "\n" + json.dumps(e) + "\n" for e in events).encode()
        headers = {"Content-Type": kind}
        if pack:
            headers["Content-Encoding"] = "gzip"
            headers["X-Elastic-Uncompressed-Request-Length"] = str(len(body))
            body = gzip.compress(body, 1)
        return self.ask("POST", path, body, **headers).json()


@pytest.mark.parametrize("version", ["7.17.28", "8.17.0"])
def test_beats(up, version):
    """Connect: version and product; licence; policy and template unless setup is off; then bulks."""
    _, token_id, secret = up.shipper.split("_", 2)
    key = base64.b64encode(f"{token_id}:{secret}".encode()).decode()
    beat = Replay(up, "winlogbeat", f"Elastic-Winlogbeat/{version} (windows; amd64; x; x)",
                  f"ApiKey {key}")
    accept, name, major = {"Accept": "application/json"}, f"winlogbeat-{version}", version[0]
    info = beat.ask("GET", "", **accept)
    assert info.headers["X-Elastic-Product"] == "Elasticsearch"
    # a Beat refuses a cluster that is older than itself
    assert tuple(map(int, info.json()["version"]["number"].split("."))) >= \
        tuple(map(int, version.split(".")))
    licence = beat.ask("GET", "/_license?human=false", **accept).json()["license"]
    assert licence["status"] == "active" and licence["uid"] and licence["type"]
    if major == "7":
        assert beat.ask("GET", "/_xpack", **accept).json()["features"]["ilm"]["enabled"]
        beat.ask("HEAD", "/_alias/winlogbeat-7.17.28", **accept)
    beat.ask("GET", "/_ilm/policy/winlogbeat", **accept)
    beat.ask("HEAD", f"/_index_template/{name}", **accept)
    put = beat.ask("PUT", f"/_index_template/{name}", json.dumps({"index_patterns": [name]}).encode(),
                   **{"Content-Type": "application/json; charset=UTF-8"})
    assert put.json()["acknowledged"] is True
    if major == "8":
        beat.ask("GET", f"/_data_stream/{name}", **accept)
    host = f"beat-{major}"
    action = {"create": {"_index": name}} if major == "8" else \
        {"index": {"_index": name, "_type": "_doc"}}
    answer = beat.bulk(f"/_bulk?filter_path={BULK_FILTER.replace(',', '%2C')}", action,
                       sysmon(host) + [{"winlog": "no event"}])
    statuses = [item[next(iter(action))]["status"] for item in answer["items"]]
    assert len(statuses) == COUNT + 1 and statuses[:COUNT] == [201] * COUNT
    sysmon_found(up, host)


def test_fluent_bit(up):
    """out_es asks nothing: it posts bulks and looks at the status and at `errors`."""
    shipper = base64.b64encode(f"x:{up.shipper}".encode()).decode()
    bit = Replay(up, "sysmon", "Fluent-Bit", f"Basic {shipper}")
    for i, action in enumerate([{"create": {"_index": "fluent-bit"}},
                                {"index": {"_index": "fluent-bit", "_type": "_doc"}}]):
        host = f"fluent-bit-{i}"
        answer = bit.bulk("/_bulk", action, sysmon(host), pack=i == 1, kind="application/x-ndjson")
        assert answer["errors"] is False and len(answer["items"]) == COUNT
        sysmon_found(up, host)
