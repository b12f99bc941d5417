"""Events and inferences in a real OpenSearch, and what only such a server can show."""

import base64
import random
import re
import ssl
import subprocess
import time
import urllib.request
import json

import pytest

from http_front import Front
from node_clients import node
from opensearch_tool import CONTRACTS, environment, run, tool
from servers.opensearch import OpenSearch
from servers.ports import free_port


@pytest.fixture(scope="module")
def cluster():
    with OpenSearch(1) as one:
        yield one


def made(urls, prefix):
    """Templates for this prefix, made; the same again for the words that follow."""
    tool(urls, "init", PREFIX=prefix)
    return prefix


def ids(cluster, prefix):
    """Every document's id, over all indices of events."""
    out, after = [], None
    while True:
        body = {"size": 5000, "_source": False,
                "sort": [{"logster.time": "asc"}, {"logster.tie": "asc"}]}
        if after:
            body["search_after"] = after
        hits = cluster.ask("POST", f"/{prefix}-events-*/_search", body)["hits"]["hits"]
        if not hits:
            return out
        out += [h["_id"] for h in hits]
        after = hits[-1]["sort"]


@pytest.mark.parametrize("suite", ["event_contract", "event_compare_contract"])
def test_contract(cluster, suite):
    assert "PASSED" in run(suite, cluster.urls)


def test_init_twice(cluster):
    first = tool(cluster.urls, "init", PREFIX="twice", DAYS=90)
    assert "made: index template twice-events\n" in first
    assert "made: index template twice-inferences\n" in first
    assert "not there: retention policy twice-retention" in first  # no plugin on this node
    before = cluster.ask("GET", "/_cluster/state/metadata?filter_path=metadata.version,version")
    again = tool(cluster.urls, "init", PREFIX="twice", DAYS=90)
    assert "made" not in again and again.count("kept: index template") == 2
    assert before == cluster.ask("GET", "/_cluster/state/metadata?filter_path=metadata.version,"
                                 "version")
    assert "changed: index template twice-events" in tool(
        cluster.urls, "init", PREFIX="twice", REPLICAS=1)
    no_templates = tool(cluster.urls, "write", 0, 5, "once", PREFIX="never-made", fails=True)
    assert "unsupported" in no_templates and "store-init" in no_templates
    assert not [i for i in cluster.ask("GET", "/_cat/indices?format=json")
                if i["index"].startswith("never-made")]


def test_seen_from_outside(cluster):
    """What other people's tools ask: ECS names, in any case, through other clients than ours."""
    prefix = made(cluster.urls, "outside")
    assert "stored 400 duplicate 0" in tool(cluster.urls, "write", 0, 400, PREFIX=prefix)
    assert "total 400 events 400 days 1 bytes 1 faults 0" in tool(
        cluster.urls, "ask", "WHOAMI", PREFIX=prefix)

    def count(query):
        body = {"query": {"query_string": {"query": query}}, "track_total_hits": True, "size": 0}
        return cluster.ask("POST", f"/{prefix}-events-*/_search", body)["hits"]["total"]["value"]

    assert count(r'process.executable:*\\cmd.exe') == 200
    assert count(r'process.name:CMD.EXE AND process.command_line:*WhoAmI*') == 200
    assert count('event.category:process AND event.type:start AND event.action:process_create') == 100
    assert count('user.name:"corp\\\\anna" AND host.id:h3') == sum(i % 7 == 3 for i in range(400))
    assert count('destination.ip:"10.0.0.0/8"') == sum(i % 3 == 0 for i in range(400))
    assert count('organization.id:b') == 80
    assert count('process.hash.sha256:aabb01 AND process.parent.entity_id:parent-1') == 400
    assert count('@timestamp:[2023-11-15T00:00:00Z TO 2023-11-15T00:10:00Z]') == 36
    assert count('host.name:H1 AND process.pid:[1 TO 100]') > 0
    one = cluster.ask("POST", f"/{prefix}-events-*/_search", {"size": 1})["hits"]["hits"][0]
    assert one["_source"]["process"]["executable"].endswith(".exe")
    assert one["_source"]["event"]["id"] == one["_id"]
    assert json.loads(one["_source"]["logster"]["body"])["event_id"] == one["_id"]
    assert "text" not in one["_source"]["logster"]
    curl = subprocess.run(["curl", "-sS", f"{cluster.urls[0]}/{prefix}-events-*/_count"],
                          stdout=subprocess.PIPE, check=True)
    assert json.loads(curl.stdout)["count"] == 400
    assert json.loads(node("query.js", cluster.urls[0], f"{prefix}-events-*", "CMD.exe")) == {
        "count": 400, "found": 200, "unique": 200,
        "hosts": {f"h{h}": sum(i % 7 == h for i in range(400)) for h in range(7)}}
    # nobody grows the mapping
    with pytest.raises(urllib.request.HTTPError):
        cluster.ask("POST", f"/{prefix}-events-2023.11.15/_doc", {"evil_field": 1})


def test_repeated_and_refused(cluster):
    prefix = made(cluster.urls, "refused")
    said = tool(cluster.urls, "write", 0, 600, "bad", PREFIX=prefix)
    assert "stored 540 duplicate 0 conflict 0 refused 60" in said
    assert "illegal_argument_exception: bytes can be at most 32766" in said
    said = tool(cluster.urls, "write", 0, 700, PREFIX=prefix)
    assert re.search(r"stored 160 duplicate 540 conflict 0 refused 0", said)
    cluster.ask("POST", f"/{prefix}-events-*/_refresh")
    assert len(ids(cluster, prefix)) == len(set(ids(cluster, prefix))) == 700


def test_retention(cluster):
    prefix = made(cluster.urls, "kept")
    for first in (0, 5200, 10400):  # a day each
        tool(cluster.urls, "write", first, 50, PREFIX=prefix)
    assert "days 3" in tool(cluster.urls, "ask", PREFIX=prefix)
    assert "removed 0: 0" in tool(cluster.urls, "retain", 2, 3600, PREFIX=prefix)  # written just now
    assert "removed 0: 0" in tool(cluster.urls, "retain", 0, 0, PREFIX=prefix)
    assert "removed 1: 0" in tool(cluster.urls, "retain", 1, 0, PREFIX=prefix)
    assert "removed 1: 0" in tool(cluster.urls, "retain", 0, 0, 1, PREFIX=prefix)  # one byte: last
    assert "days 1" in tool(cluster.urls, "ask", PREFIX=prefix)


def bulk_lines(body):
    lines = body.decode().split("\n")
    return [(json.loads(lines[i])["create"], lines[i + 1]) for i in range(0, len(lines) - 1, 2)]


def test_busy(cluster):
    """429 for whole bulks, for single records, 503, and an answer that is lost on the way."""
    turn = {"n": 0, "items": 0}

    def answer(method, path, headers, body):
        if not path.startswith("/_bulk"):
            return None
        turn["n"] += 1
        if turn["n"] == 1:
            return 429, {"error": {"type": "circuit_breaking_exception", "reason": "full"}}
        if turn["n"] == 2:
            return 503, {}
        return None

    def change(path, status, got):
        if path.startswith("/_bulk"):
            if turn["n"] == 3:
                return 502, {}  # it did its work, and nobody knows
            if turn["n"] == 4:  # these were there already: let half of them look busy
                for item in got["items"][::2]:
                    item["create"] = {"status": 429, "error": {
                        "type": "opensearch_rejected_execution_exception", "reason": "queue"}}
                    turn["items"] += 1
        return status, got

    front = Front(cluster.urls[0], answer, change)
    prefix = made(cluster.urls, "busy")
    said = tool([front.url], "write", 0, 200, PREFIX=prefix)
    assert "conflict 0 refused 0" in said and "stored 0 duplicate 200" in said
    assert turn["items"] == 100
    bulks = [s for s in front.seen if s[1].startswith("/_bulk")]
    assert all(s[2].get("Content-Encoding") == "gzip" for s in bulks)
    assert len(bulk_lines(bulks[4][3])) == 100  # only those that were turned away went out again
    assert all(set(c) == {"_index", "_id"} for c, _ in bulk_lines(bulks[0][3]))
    front.stop()
    cluster.ask("POST", f"/{prefix}-events-*/_refresh")
    assert len(ids(cluster, prefix)) == 200
    # never any room: bounded time, and nothing is said to be stored
    front = Front(cluster.urls[0], lambda m, path, h, b: (429, {}) if "_bulk" in path else None)
    begin = time.monotonic()
    said = tool([front.url], "write", 0, 20, "once", PREFIX=prefix, RETRY_MS=1500, fails=True)
    assert 1 < time.monotonic() - begin < 20
    assert "io_error" in said and "20 of 20 records are not stored" in said and "429" in said
    front.stop()


def test_too_large(cluster):
    """A server that takes small bodies only: bulks are cut down; a single one is refused."""
    def answer(method, path, headers, body):
        if not path.startswith("/_bulk"):
            return None
        big = len(bulk_lines(body)) > 30 or b'"h6"' in body and len(bulk_lines(body)) == 1
        return (413, {"error": "too large"}) if big else None

    front = Front(cluster.urls[0], answer)
    prefix = made(cluster.urls, "large")
    assert "stored 250 duplicate 0 conflict 0 refused 0" in tool(
        [front.url], "write", 0, 250, PREFIX=prefix)
    assert "stored 0 duplicate 0 conflict 0 refused 1\nlarger than" in tool(
        [front.url], "write", 251, 1, PREFIX=prefix)  # of h6
    front.stop()


def test_fail_over(cluster):
    """Dead nodes, and gateways that know of none behind them, are passed over."""
    dead = f"http://127.0.0.1:{free_port()}"
    gateway = Front(answer=lambda *_: (502, {}))
    prefix = made([dead, gateway.url, cluster.urls[0]], "over")
    begin = time.monotonic()
    said = tool([dead, gateway.url, cluster.urls[0]], "write", 0, 2000, PREFIX=prefix)
    assert "stored 2000" in said and time.monotonic() - begin < 30
    asked = len(gateway.seen)
    assert asked < 15, asked  # it sat out most of the time
    assert "events 2000" in tool([gateway.url, cluster.urls[0]], "ask", PREFIX=prefix)
    said = tool([dead, gateway.url], "write", 0, 5, "once", PREFIX=prefix, RETRY_MS=300, fails=True)
    assert "no node of 2 answers" in said
    gateway.stop()


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """An authority, a server's certificate for 127.0.0.1, a client's, and a stranger's authority."""
    folder = tmp_path_factory.mktemp("keys")

    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, stderr=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)

    for ca in ("ca", "stranger"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{ca}.key", "-out",
                f"{ca}.pem", "-days", "30", "-subj", f"/CN={ca}")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "30", "-out", f"{name}.pem", "-extfile", "names")
    return folder


def test_tls_and_secrets(cluster, keys):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(keys / "server.pem", keys / "server.key")
    tls.load_verify_locations(keys / "ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED  # of the client
    want = {"auth": "Basic " + base64.b64encode(b"anna:s3cret-w\xc3\xb6rd").decode()}

    def answer(method, path, headers, body):
        if headers.get("Authorization") != want["auth"]:
            return 401, {"error": {"type": "security_exception", "reason": "who are you"}}
        return None

    front = Front(cluster.urls[0], answer, tls=tls)
    client = {"CERT": keys / "client.pem", "KEY": keys / "client.key", "PREFIX": "secret"}
    who = {"USER": "anna", "PASSWORD": "s3cret-w\u00f6rd"}
    good = {"CA": keys / "ca.pem", **client, **who}
    assert "made" in tool([front.url], "init", **good)
    assert "stored 5" in tool([front.url], "write", 0, 5, "once", **good)
    seen = len(front.seen)
    for bad in ({"CA": keys / "stranger.pem", **client, **who}, {**client, **who},
                {"CA": keys / "ca.pem", "PREFIX": "secret", **who}):
        said = tool([front.url], "write", 5, 5, "once", RETRY_MS=300, fails=True, **bad)
        assert "io_error" in said and "s3cret" not in said, said
    assert len(front.seen) == seen  # no secret went to a server that nobody vouches for
    assert "stored 5" in tool([front.url], "write", 5, 5, "once", INSECURE=1, **client, **who)
    said = tool([front.url], "write", 10, 5, "once", RETRY_MS=300, fails=True,
                **{**good, "PASSWORD": "wrong-s3cret"})
    assert "401" in said and "s3cret" not in said
    want["auth"] = "ApiKey bXktaWQ6bXkta2V5"
    assert "stored 5" in tool([front.url], "write", 10, 5, "once", CA=keys / "ca.pem",
                              API_KEY="bXktaWQ6bXkta2V5", **client)
    front.stop()


def test_policies():
    """Clusters that look after old days themselves: ISM and ILM, as their documentation has them."""
    for api, path in (("ISM", "/_plugins/_ism/policies/"), ("ILM", "/_ilm/policy/")):
        stored = {}

        def answer(method, path_, headers, body):
            key = path_.split("?")[0]
            known = key.startswith(("/_index_template/", path))  # noqa: B023
            if not known:
                return 400, {"error": f"no handler found for uri [{path_}] and method [{method}]"}
            if method == "PUT":
                stored[key] = json.loads(body)  # noqa: B023
                return 200, {"acknowledged": True}
            if key not in stored:  # noqa: B023
                return 404, {"error": {"type": "not_found", "reason": "none"}, "status": 404}
            name = key.rsplit("/", 1)[1]
            if "_ism" in key:
                return 200, {"_id": name, "_seq_no": 7, "_primary_term": 1, **stored[key]}  # noqa: B023
            if "_ilm" in key:
                return 200, {name: stored[key]}  # noqa: B023
            return 200, {"index_templates": [{"name": name, "index_template": stored[key]}]}  # noqa: B023

        front = Front(answer=answer)
        assert f"made: {api} policy logster-retention" in tool([front.url], "init", DAYS=90)
        policy = stored[path + "logster-retention"]["policy"]
        assert "90d" in json.dumps(policy) and "delete" in json.dumps(policy)
        settings = stored["/_index_template/logster-events"]["template"]["settings"]["index"]
        assert ("lifecycle.name" in settings) == (api == "ILM")
        assert f"kept: {api} policy logster-retention" in tool([front.url], "init", DAYS=90)
        assert f"changed: {api} policy logster-retention" in tool([front.url], "init", DAYS=30)
        changes = [s[1] for s in front.seen if s[0] == "PUT" and path in s[1]]
        assert len(changes) == 2 and (api == "ILM" or "if_seq_no=7" in changes[1])
        front.stop()


def spoil(value, rnd):
    """The same JSON with something in it that has another type, or is gone."""
    odd = [None, True, -1, 2 ** 63, 1e300, "", "x" * 300, [], {}, [[]], {"value": {}}]
    if rnd.random() < 0.03:
        return rnd.choice(odd)
    if isinstance(value, dict):
        return {k: spoil(v, rnd) for k, v in value.items() if rnd.random() > 0.02}
    if isinstance(value, list):
        return [spoil(v, rnd) for v in value for _ in range(rnd.choice([1, 1, 1, 1, 0, 2]))]
    return value


def test_hostile_answers(cluster):
    """Answers that no server gives: wrong types, holes, cut off, no JSON at all. Nothing crashes
    (the program is watched by sanitizers), and nothing is taken for an answer that is none."""
    prefix = made(cluster.urls, "hostile")
    tool(cluster.urls, "write", 0, 100, PREFIX=prefix)
    tool(cluster.urls, "ask", PREFIX=prefix)  # which makes them visible
    assert "failed 0 of 14" in tool(cluster.urls, "reads", 1, PREFIX=prefix)
    rnd = random.Random(4)

    def change(path, status, got):
        how = rnd.random()
        text = json.dumps(spoil(got, rnd) if how < 0.8 else got).encode()
        if how > 0.9:
            text = text[:rnd.randrange(len(text))]
        if 0.85 < how < 0.9:
            text = bytes(b ^ (rnd.random() < 0.01) for b in text)
        return (status if how < 0.97 else rnd.choice([202, 302, 404, 418, 500])), text

    front = Front(cluster.urls[0], change=change)
    said = tool([front.url], "reads", 15, PREFIX=prefix, RETRY_MS=1)
    failures = int(re.search(r"failed (\d+) of 210", said).group(1))
    assert 10 < failures < 210, said
    front.stop()
    assert "failed 0 of 14" in tool(cluster.urls, "reads", 1, PREFIX=prefix)


def test_no_memory(cluster):
    """Every allocation of every op fails once: out of memory is what comes back, and nothing leaks."""
    prefix = made(cluster.urls, "memory")
    tool(cluster.urls, "write", 0, 100, PREFIX=prefix)
    tool(cluster.urls, "ask", PREFIX=prefix)
    counts = re.findall(r"question (\d+): (\d+) allocations", tool(
        cluster.urls, "oom", PREFIX=prefix, RETRY_MS=1))
    assert len(counts) == 14 and all(10 < int(n) < 900 for _, n in counts), counts


def test_killed_under_writes(cluster):
    """The node is killed while bulks go in: what was acknowledged is there, everything once."""
    prefix = made(cluster.urls, "killed")
    writer = subprocess.Popen([CONTRACTS / "opensearch_tool", "write", "0", "5000"],
                              stdout=subprocess.PIPE, env=environment(
                                  cluster.urls, RETRY_MS=2000, PREFIX=prefix))
    seen = []
    for line in writer.stdout:
        seen.append(line.decode())
        if seen[-1] == "at 2000\n":
            cluster.nodes[0].kill()
            cluster.nodes[0].start()
    assert writer.wait(60) == 0, "".join(seen[-20:])
    assert re.search(r"stored (\d+) duplicate (\d+) conflict 0 refused 0", seen[-2])
    cluster.ask("POST", f"/{prefix}-events-*/_refresh")
    have = ids(cluster, prefix)
    assert len(have) == len(set(have)) == 5000
