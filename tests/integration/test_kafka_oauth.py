"""OAUTHBEARER against a real broker: the token comes from an endpoint of client credentials."""

import base64
import http.server
import json
import os
import subprocess
import threading
import time
import urllib.parse

import pytest

from servers.kafka import Kafka

SECRET = "s3cret: with & signs"


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned_token():
    """What a broker takes that was told of no keys (RFC 7519, 6)."""
    now = int(time.time())
    return f"{part({'alg': 'none'})}.{part({'sub': 'logster', 'iat': now, 'exp': now + 3600})}."


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = urllib.parse.parse_qs(
            self.rfile.read(int(self.headers["Content-Length"])).decode())
        who = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        name, secret = map(urllib.parse.unquote_plus, who.split(":"))
        self.server.asked.append((name, asked))
        good = (name, secret) == ("logster", SECRET) and asked == {
            "grant_type": ["client_credentials"], "scope": ["kafka write"]}
        body = json.dumps({"access_token": unsigned_token(), "token_type": "Bearer",
                           "expires_in": 3600} if good else {"error": "invalid_client"}).encode()
        self.send_response(200 if good else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def endpoint():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    login = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required " \
            'unsecuredLoginStringClaim_sub="broker";'
    with Kafka(tmp_path_factory.mktemp("kafka"), protocol="SASL_PLAINTEXT", extra={
            "listener.name.client.sasl.enabled.mechanisms": "OAUTHBEARER",
            "listener.name.client.oauthbearer.sasl.jaas.config": login}) as kafka:
        yield kafka


def init(tmp_path, broker, endpoint, secret):
    (tmp_path / "secret").write_text(secret + "\n")
    settings = {"bus.type": "kafka", "bus.kafka.brokers": broker.addresses,
                "bus.kafka.security": "sasl_plaintext", "bus.kafka.mechanism": "oauthbearer",
                "bus.kafka.username": "logster", "bus.kafka.password_file": tmp_path / "secret",
                "bus.kafka.token_url": f"http://127.0.0.1:{endpoint.server_port}/token",
                "bus.kafka.token_scope": "kafka write", "bus.partitions": 1,
                "bus.kafka.replication": 1, "bus.kafka.min_insync": 1}
    args = [x for key, value in settings.items() for x in ("--set", f"{key}={value}")]
    return subprocess.run([os.environ["LOGSTER"], "service", "kafka-init", *args],
                          capture_output=True, text=True, timeout=90, check=False)


def test_a_token_lets_in(tmp_path, broker, endpoint):
    done = init(tmp_path, broker, endpoint, SECRET)
    assert done.returncode == 0, done.stderr
    assert "created" in done.stdout and "sysmon-logs" in done.stdout
    assert endpoint.asked and endpoint.asked[0][0] == "logster"


def test_without_a_token_it_says_why(tmp_path, broker, endpoint):
    done = init(tmp_path, broker, endpoint, "wrong")
    assert done.returncode == 2
    assert "401" in done.stderr, done.stderr
    assert "wrong" not in done.stderr and SECRET not in done.stderr
