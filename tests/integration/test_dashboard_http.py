"""The dashboard's listener of a running platform: signing in, and the API behind a session."""

import http.client
import json
import signal
import socket
import time
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from conftest import ATTACK, run_logster
from platform_util import Platform

FAST = {"inference.idle_timeout": "1s", "inference.checkpoint_interval": "1s"}
JSON = {"Content-Type": "application/json"}


class Desk:
    """A browser's side: keeps the cookie and the CSRF token, and never the token it signed in with."""

    def __init__(self, up):
        self.up = up
        self.cookie = self.csrf = None

    def call(self, method, path, body=None, headers=None, csrf=True):
        send = dict(headers or {})
        if self.cookie:
            send.setdefault("Cookie", self.cookie)
        if csrf and self.csrf and method != "GET":
            send.setdefault("X-CSRF-Token", self.csrf)
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            send.setdefault("Content-Type", "application/json")
        where = urlsplit(self.up.dashboard)
        line = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
        line.request(method, path, body, send)
        answer = line.getresponse()
        got = SimpleNamespace(status=answer.status, headers=answer.headers, body=answer.read())
        got.json = lambda: json.loads(got.body)
        line.close()
        return got

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def sign_in(self, token):
        got = self.call("POST", "/session", {"token": token})
        if got.status == 200:
            self.cookie = got.headers["Set-Cookie"].split(";")[0]
            self.csrf = got.json()["csrf_token"]
        return got


def make_token(up, name, **grants):
    made = up.request("POST", "/tokens", {"name": name, **grants})
    assert made.status == 201, made.body
    return made.json()["token"], made.json()["details"]["token_id"]


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """A platform with an attack in its default tenant, and an empty tenant beside it."""
    with Platform(tmp_path_factory.mktemp("dash") / "data", **FAST) as up:
        done = run_logster("replay", "--url", up.url, "--token-file", up.folder / "admin-token",
                           ATTACK)
        assert done.rc == 0, done.err
        up.wait(lambda: up.get("/alerts").json()["total"], lambda n: n > 0, 120)
        up.settle(int(done.err.split("replayed ")[1].split()[0]))
        assert up.request("POST", "/tenants", {"tenant_id": "other"}).status == 201
        yield up


@pytest.fixture
def desk(up):
    desk = Desk(up)
    assert desk.sign_in(up.token).status == 200
    return desk


def test_sign_in_and_out(up):
    desk = Desk(up)
    assert desk.get("/session").status == 401
    assert desk.get("/api/alerts").status == 401
    got = desk.sign_in(up.token)
    assert got.status == 200
    flags = [f.strip() for f in got.headers["Set-Cookie"].split(";")[1:]]
    assert flags[:3] == ["Path=/", "HttpOnly", "SameSite=Strict"] and "Secure" not in flags
    assert up.token.encode() not in got.body
    assert got.json()["me"]["platform"] == ["operator"]
    assert 11 * 3600 < got.json()["expires_at"] - time.time() <= 12 * 3600 + 1
    again = desk.get("/session").json()
    assert again["csrf_token"] == desk.csrf and again["me"]["id"] == got.json()["me"]["id"]
    assert desk.call("DELETE", "/session", csrf=False).status == 403
    assert desk.call("DELETE", "/session").status == 204
    assert desk.get("/session").status == 401
    deeds = [row["action"] for row in up.get("/audit?action=log").json()["audit"]]
    assert deeds[:4] == ["logout"] * 2 + ["login"] * 2  # its tenants' part, and the platform's


def test_refused_logins_are_audited(up):
    desk = Desk(up)
    refused = desk.sign_in("lgt_" + "a" * 16 + "_" + "a" * 52)
    assert refused.status == 401 and refused.headers["Set-Cookie"] is None
    assert desk.call("POST", "/session", b"token=x",
                     {"Content-Type": "application/x-www-form-urlencoded"}).status == 415
    assert desk.call("POST", "/session", {"token": up.token},
                     {"Origin": "https://evil.example"}).status == 403
    rows = up.get("/audit?action=login.refused").json()["audit"]
    assert "unknown token" in {row["detail"]["reason"] for row in rows}


def test_guessing_is_slowed_down(tmp_path):
    """Of many wrong tokens only some are looked up; who has one is not locked out by it."""
    with Platform(tmp_path / "data", **{"api.auth_failure_rate": 0.01, "api.rate": 100000,
                                        "api.burst": 100000}) as up:
        desk = Desk(up)
        for i in range(80):
            guess = f"lgt_{'abcdefgh'[i % 8] * 15}{'abcdefghij'[i // 8]}_" + "a" * 52
            assert desk.sign_in(guess).status == 401
        rows = up.get("/audit?action=login.refused").json()["audit"]
        assert "too many unknown tokens" in {row["detail"]["reason"] for row in rows}
        assert desk.sign_in(up.token).status == 200


def test_the_api_is_the_same(up, desk):
    """Every list answers the same bytes below /api as on the API's own listener."""
    alert = up.get("/alerts").json()["alerts"][0]
    span = f"from={alert['first_seen'] - 86400:.0f}&to={alert['last_seen'] + 86400:.0f}"
    for path in ("/alerts", "/events?limit=20", "/inferences", "/endpoints", f"/summary?{span}",
                 f"/hosts?{span}", f"/timeline?{span}", f"/techniques?{span}", "/tenants",
                 f"/alerts/{alert['alert_id']}", f"/alerts/{alert['alert_id']}/tree",
                 f"/inferences/{alert['first_inference_id']}/graph", "/models", "/suppressions"):
        ours, theirs = desk.get("/api" + path), up.get(path)
        assert (ours.status, ours.headers["ETag"]) == (200, theirs.headers["ETag"]), path
        assert ours.body == theirs.body, path
    assert desk.get(f"/api/summary?{span}").json()["total_attacks"] > 0
    assert desk.get(f"/api/hosts?{span}").json()["hosts"]


def test_what_is_not_behind_it(up, desk):
    for path in ("/api/metrics", "/api/ingest/sysmon", "/api/_bulk", "/api/services/collector",
                 "/api/session", "/api/openapi.json"):
        assert desk.get(path).status == 404, path
    assert desk.call("POST", "/ingest/sysmon", b"{}", JSON).status == 405
    assert up.get("/session").status == 404
    cookie = {"Cookie": desk.cookie}
    assert up.get("/alerts", token=None, headers=cookie).status == 401


def test_changes_need_the_csrf_token(up, desk):
    alert = desk.get("/api/alerts").json()["alerts"][0]
    path, tag = "/api/alerts/" + alert["alert_id"], {"If-Match": f'"{alert["version"]}"'}
    change = {"analyst_notes": "seen from the dashboard"}
    assert desk.call("PATCH", path, change, tag, csrf=False).status == 403
    assert desk.call("PATCH", path, change, {**tag, "X-CSRF-Token": "0" * 64}).status == 403
    done = desk.call("PATCH", path, change, tag)
    assert done.status == 200 and done.json()["analyst_notes"] == change["analyst_notes"]
    assert desk.call("PATCH", path, change, tag).status == 412
    history = up.get(f"/alerts/{alert['alert_id']}/history").json()["history"]
    assert history[-1]["actor"].startswith("admin (")


def test_stream_with_the_cookie(up, desk):
    alert = desk.get("/api/alerts").json()["alerts"][0]
    where = urlsplit(up.dashboard)
    line = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    line.request("GET", "/api/stream", headers={"Cookie": desk.cookie})
    answer = line.getresponse()
    assert answer.getheader("Content-Type").startswith("text/event-stream")
    assert b"hello" in answer.readline() + answer.readline()
    assert desk.call("PATCH", "/api/alerts/" + alert["alert_id"], {"analyst_notes": "streamed"},
                     {"If-Match": f'"{alert["version"]}"'}).status == 200
    text, end = b"", time.monotonic() + 20
    while b"streamed" not in text and time.monotonic() < end:
        text += answer.readline()
    assert b"event: updated" in text
    assert desk.call("DELETE", "/session").status == 204
    line.sock and line.sock.settimeout(30)
    while answer.readline():  # the stream ends with the session
        pass
    line.close()


def test_roles_and_tenants(up):
    """A viewer reads and may not write; a tenant's analyst does not learn of the other's things."""
    alert = up.get("/alerts").json()["alerts"][0]
    path = "/api/alerts/" + alert["alert_id"]
    viewer, other = Desk(up), Desk(up)
    viewer.sign_in(make_token(up, "v", tenants={"default": ["viewer"]})[0])
    other.sign_in(make_token(up, "o", tenants={"other": ["analyst"]})[0])
    tag = {"If-Match": f'"{alert["version"]}"'}
    assert viewer.get(path).status == 200
    assert viewer.call("PATCH", path, {"analyst_notes": "x"}, tag).status == 403
    assert viewer.get("/api/audit").status == 403 and viewer.get("/api/status").status == 403
    assert "alerts.write" not in viewer.get("/session").json()["me"]["actions"]
    unknown = other.get("/api/alerts/00000000-0000-8000-8000-000000000000")
    foreign = other.get(path)
    assert foreign.status == 404 and foreign.body == unknown.body
    assert other.get("/api/alerts?tenant_id=default").body == other.get(
        "/api/alerts?tenant_id=nosuch").body
    assert other.get("/api/alerts").json()["total"] == 0
    assert other.get("/api/hosts").json()["hosts"] == []
    assert [t["tenant_id"] for t in other.get("/api/tenants").json()["tenants"]] == ["other"]
    shipper = Desk(up).sign_in(make_token(up, "s", tenants={"default": ["ingest"]})[0])
    assert shipper.status == 403


def test_a_revoked_token_ends_its_session(up):
    token, token_id = make_token(up, "gone", tenants={"default": ["viewer"]})
    desk = Desk(up)
    assert desk.sign_in(token).status == 200
    assert desk.get("/api/alerts").status == 200
    assert up.request("DELETE", "/tokens/" + token_id).status == 204
    assert desk.get("/api/alerts").status == 401
    assert desk.get("/session").status == 401


def test_page_and_its_headers(up):
    desk = Desk(up)
    page = desk.get("/alerts/whatever?from=now-1d")
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "unsafe" not in policy
    assert "<script>" not in page.body.decode() and "<style" not in page.body.decode()
    assert page.headers["Cache-Control"] == "no-cache"
    tag = page.headers["ETag"]
    assert desk.get("/", headers={"If-None-Match": tag}).status == 304
    scripts = [s.split('"')[0] for s in page.body.decode().split('src="')[1:]]
    assert scripts and all(s.startswith("/assets/") for s in scripts)
    for script in scripts:
        plain = desk.get(script)
        packed = desk.get(script, headers={"Accept-Encoding": "gzip"})
        assert plain.status == packed.status == 200
        assert packed.headers["Content-Encoding"] == "gzip"
        assert len(packed.body) < len(plain.body)
        assert "immutable" in plain.headers["Cache-Control"]
    assert desk.get("/assets/none.js").status == 404
    assert desk.get("/%2e%2e/%2e%2e/etc/passwd").status == 404


def test_raw_paths_lead_nowhere(up):
    where = urlsplit(up.dashboard)
    for path in ("/../../etc/passwd", "//etc/passwd", "/assets/..%2f..%2findex.html",
                 "/assets/%2e%2e/index.html", "/..\\..\\x"):
        with socket.create_connection((where.hostname, where.port), 10) as line:
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            got = b""
            while chunk := line.recv(65536):
                got += chunk
        assert b"root:" not in got and got.startswith(b"HTTP/1.1"), path


def test_restart_keeps_the_session_and_time_ends_it(tmp_path):
    up = Platform(tmp_path / "data", **{"dashboard.session_idle": "20s",
                                        "dashboard.session_max": "40s"})
    with up:
        desk, gone = Desk(up), Desk(up)
        began = time.monotonic()
        assert desk.sign_in(up.token).status == gone.sign_in(up.token).status == 200
        assert gone.call("DELETE", "/session").status == 204
        up.stop(signal.SIGTERM)
        up.start()
        assert desk.get("/session").json()["csrf_token"] == desk.csrf
        assert gone.get("/session").status == 401
        up.kill()
        up.start()
        assert desk.get("/api/me").status == 200
        background = {"X-Logster-Background": "1"}
        up.wait(lambda: desk.get("/session", headers=background).status, lambda s: s == 401, 40)
        assert time.monotonic() - began > 19


def test_without_authentication(tmp_path):
    with Platform(tmp_path / "data", **{"auth.disable": "true"}) as up:
        desk = Desk(up)
        session = desk.get("/session").json()
        assert session["auth_disabled"] is True and session["csrf_token"] is None
        assert desk.get("/api/alerts").status == 200
        assert desk.call("POST", "/api/searches", {"name": "n", "query": {}}).status == 201
        for headers in ({"Host": "evil.example"}, {"X-Forwarded-For": "192.0.2.1"},
                        {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert desk.get("/session", headers=headers).status == 401, headers


def test_can_be_left_out(tmp_path):
    with Platform(tmp_path / "data", **{"dashboard.enabled": "false"}) as up:
        assert up.dashboard is None and up.get("/alerts").status == 200
