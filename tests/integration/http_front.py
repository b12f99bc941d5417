"""A server in front of another one: passes requests on, or answers in its place."""

import gzip
import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Front:
    """`answer(method, path, headers, body)` gives (status, JSON) or None, which passes the request
    on to `target`; `change(path, status, JSON)` may change what comes back. `seen` has what came:
    (method, path, headers, body)."""

    def __init__(self, target=None, answer=None, change=None, tls=None):
        self.target, self.answer, self.change, self.seen = target, answer, change, []
        self.lock = threading.Lock()
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_all(self):
                n = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(n)
                status, answer = front.take(self.command, self.path, dict(self.headers), body)
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_all

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, method, path, headers, body):
        plain = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
        with self.lock:
            self.seen.append((method, path, headers, plain))
            own = self.answer(method, path, headers, plain) if self.answer else None
        if own is not None:
            return own
        host = urlsplit(self.target)
        link = http.client.HTTPConnection(host.hostname, host.port, timeout=60)
        keep = {k: v for k, v in headers.items() if k.lower() not in ("host", "connection")}
        link.request(method, path, body, keep)
        got = link.getresponse()
        data = got.read()
        link.close()
        if self.change is not None:
            with self.lock:
                return self.change(path, got.status, json.loads(data) if data else {})
        return got.status, data

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
