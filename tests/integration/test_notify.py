"""Notifications of `logster up`: signed webhooks, syslog, receivers that are away or forbidden."""

import hashlib
import hmac
import http.server
import json
import os
import signal
import socketserver
import threading
import time

import pytest

from platform_util import Platform
from servers.ports import free_port

SECRET = "not so secret"
FAST = {"inference.idle_timeout": "1s", "inference.checkpoint_interval": "1s"}


class Receiver:
    """Keeps what is posted to it; answers 204."""

    def __init__(self, port=0):
        posts = self.posts = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posts.append((self.path, dict(self.headers), body, time.time()))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Collector:
    """A syslog server: keeps lines."""

    def __init__(self, port=0):
        lines = self.lines = []

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                lines.extend(line.decode().rstrip("\n") for line in self.rfile)

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def attack(up, logster, captures):
    """Replays an attack; the alerts that it became, of the severities that are notified."""
    done = logster("replay", "--url", up.url, "--token-file", up.folder / "admin-token",
                   captures.attack)
    assert done.rc == 0, done.err
    up.settle(int(done.err.split("replayed ")[1].split()[0]))
    up.wait(lambda: up.get("/alerts").json()["total"], lambda n: n > 0, 60)
    up.wait(lambda: up.metric("logster_stage_lag_records"), lambda lag: lag == 0, 60)
    return {a["alert_id"]: a for a in up.get("/alerts?limit=1000").json()["alerts"]}


def check_signature(headers, body):
    stamp = headers["X-Logster-Timestamp"]
    want = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Logster-Signature"] == "sha256=" + want
    assert abs(int(stamp) - time.time()) < 120
    assert headers["Content-Type"] == "application/json"


def test_signed_posts_and_cef(tmp_path, logster, captures):
    with Receiver() as hook, Collector() as siem:
        settings = {"notifications.webhook_url": f"http://127.0.0.1:{hook.port}/alerts",
                    "notifications.webhook_secret": SECRET,
                    "notifications.webhook_allow": "127.0.0.0/8",
                    "notifications.syslog_address": f"127.0.0.1:{siem.port}",
                    "notifications.min_severity": "low"}
        with Platform(tmp_path / "data", **FAST, **settings) as up:
            alerts = attack(up, logster, captures)
            up.wait(lambda: {json.loads(b)["alert"]["alert_id"] for _, _, b, _ in hook.posts},
                    lambda ids: ids == alerts.keys(), 30)
            up.wait(lambda: len(siem.lines), lambda n: n >= len(alerts), 30)
            for path, headers, body, _ in hook.posts:
                assert path == "/alerts"
                check_signature(headers, body)
                post = json.loads(body)
                assert post["event"] in ("created", "severity_raised")
                assert post["delivery_id"] == headers["X-Logster-Delivery"]
                assert post["alert"]["evidence"]
            firsts = [p for p in map(lambda p: json.loads(p[2]), hook.posts)
                      if p["event"] == "created"]
            assert len(firsts) == len(alerts)  # once each, however often it folded
            ids = [p[1]["X-Logster-Delivery"] for p in hook.posts]
            assert len(ids) == len(set(ids))
            for line in siem.lines:
                header, cef = line.split(" - ", 2)[0], line[line.index("CEF:0|"):]
                assert header.startswith("<") and " logster" in header
                assert cef.startswith("CEF:0|Logster|Logster|") and " externalId=" in cef

            # reopening is told, another step is not
            one = next(iter(alerts))
            before = len(hook.posts)
            for status in ("acknowledged", "resolved", "investigating"):
                assert up.request("PATCH", f"/alerts/{one}", {"status": status}).status == 200
            up.wait(lambda: len(hook.posts), lambda n: n > before, 20)
            time.sleep(1)
            assert [json.loads(p[2])["event"] for p in hook.posts[before:]] == ["reopened"]
            assert up.metric('logster_notifications_total{channel="webhook",result="sent"}') >= 2


def test_receiver_that_is_away(tmp_path, logster, captures):
    """Down at first, and over a restart of the platform; told once it is there."""
    port = free_port()
    settings = {"notifications.webhook_url": f"http://127.0.0.1:{port}/", **FAST,
                "notifications.webhook_secret": SECRET,
                "notifications.webhook_allow": "127.0.0.0/8",
                "notifications.min_severity": "low"}
    with Platform(tmp_path / "data", **settings) as up:
        alerts = attack(up, logster, captures)
        up.wait(lambda: up.metric("logster_notifications_total"), lambda n: n > 0, 20)
        assert "could not be delivered; trying again" in up.errors()
    with Platform(tmp_path / "data", **settings) as up, Receiver(port) as hook:
        up.wait(lambda: {json.loads(b)["alert"]["alert_id"] for _, _, b, _ in hook.posts},
                lambda ids: ids == alerts.keys(), 60)
        for _, headers, body, _ in hook.posts:
            check_signature(headers, body)
        ids = [p[1]["X-Logster-Delivery"] for p in hook.posts]
        assert len(ids) == len(set(ids))


def test_private_target_is_refused(tmp_path, logster, captures):
    """... and says so; what waits goes out after the operator allowed it and reloads."""
    folder = tmp_path / "data"
    folder.mkdir()
    config = folder / "service-config.yaml"
    with Receiver() as hook:
        text = ("inference:\n  idle_timeout: 1s\n  checkpoint_interval: 1s\n"
                "notifications:\n  min_severity: low\n"
                f"  webhook_url: http://localhost:{hook.port}/\n  webhook_secret: {SECRET}\n")
        config.write_text(text)
        with Platform(folder) as up:
            attack(up, logster, captures)
            up.wait(lambda: up.metric("logster_notifications_total"), lambda n: n > 0, 20)
            said = up.wait(up.errors, lambda log: "the webhook's target is refused" in log, 20)
            assert "notifications.webhook_allow" in said
            assert not hook.posts
            config.write_text(text + "  webhook_allow: [127.0.0.0/8, \"::1/128\"]\n")
            up.process.send_signal(signal.SIGHUP)
            up.wait(lambda: len(hook.posts), lambda n: n > 0, 60)


@pytest.mark.parametrize("way", ["syslog", "webhook"])
def test_audit_head_is_carried_away(tmp_path, way):
    with Receiver() as hook, Collector() as siem:
        settings = {"audit.export": way, "audit.export_address": f"127.0.0.1:{siem.port}",
                    "audit.export_url": f"http://127.0.0.1:{hook.port}/head",
                    "notifications.webhook_allow": "127.0.0.0/8",
                    "notifications.webhook_secret": SECRET}
        with Platform(tmp_path / "data", **settings) as up:
            if way == "syslog":
                line = up.wait(lambda: list(siem.lines), lambda got: got, 20)[0]
                assert line.startswith("<109>1 ") and " audit-head " in line
                head = line.rsplit("head=", 1)[1]
            else:
                path, headers, body, _ = up.wait(lambda: hook.posts, lambda got: got, 20)[0]
                check_signature(headers, body)
                assert path == "/head" and json.loads(body)["event"] == "audit_head"
                head = json.loads(body)["head"]
            assert len(head) == 64 and int(head, 16) >= 0
        assert not os.path.exists(tmp_path / "data/audit-head.log")
