"""Clients that send Sysmon events in Winlogbeat's shape without pause, each for a host of its own."""

import http.client
import json
import threading
import time
import urllib.parse
from datetime import datetime, timedelta, timezone

START = datetime(2026, 3, 2, 9, 0, 0, tzinfo=timezone.utc)
IMAGES = ["C:\\Windows\\System32\\cmd.exe", "C:\\Windows\\System32\\whoami.exe",
          "C:\\Program Files\\App\\app.exe", "C:\\Windows\\System32\\net.exe"]


def event(host, seq, step=0.5, when=None):
    """Process creation number `seq` of a host: everything about it follows from the two."""
    when = when or START + timedelta(seconds=seq * step)
    utc = when.strftime("%Y-%m-%d %H:%M:%S.") + f"{when.microsecond // 1000:03d}"
    image = IMAGES[seq % len(IMAGES)]
    guid = f"{{{seq:08x}-0000-4000-8000-{abs(hash_of(host)):012x}}}"
    # Most have a parent of the last seconds; some, the host's very first process.
    parent_seq = 0 if seq % 7 == 3 else seq - seq % 40
    parent = f"{{{parent_seq:08x}-0000-4000-8000-{abs(hash_of(host)):012x}}}"
    return {
        "@timestamp": when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z",
        "agent": {"type": "winlogbeat", "version": "7.17.0"},
        "winlog": {
            "api": "wineventlog", "channel": "Microsoft-Windows-Sysmon/Operational",
            "provider_name": "Microsoft-Windows-Sysmon", "event_id": 1, "record_id": seq + 1,
            "computer_name": host, "version": 5, "opcode": "Info", "task": "Process Create",
            "event_data": {
                "UtcTime": utc, "ProcessGuid": guid, "ProcessId": str(1000 + seq % 50000),
                "Image": image, "CommandLine": f"\"{image}\" /seq {seq}",
                "CurrentDirectory": "C:\\Users\\ann\\", "User": "CORP\\ann",
                "IntegrityLevel": "Medium", "Hashes": f"SHA256={seq:064x}",
                "ParentProcessGuid": parent, "ParentProcessId": "900",
                "ParentImage": "C:\\Windows\\explorer.exe",
                "ParentCommandLine": "C:\\Windows\\explorer.exe",
            },
        },
    }


def hash_of(text):
    """The same in every process, unlike hash()."""
    value = 0
    for char in text.encode():
        value = (value * 131 + char) & 0xFFFFFFFFFFFF
    return value


class Sender(threading.Thread):
    """Sends batches in order; a batch is repeated until it was acknowledged."""

    def __init__(self, host, platform, batch=50, limit=None, pause=0):
        super().__init__(name=host, daemon=True)
        self.pause = pause      # seconds between requests
        self.host, self.platform, self.batch, self.limit = host, platform, batch, limit
        self.token = getattr(platform, "shipper", None) or platform.token
        self.acked = 0          # events 0..acked-1 were acknowledged
        self.in_flight = False  # a request is open right now
        self.cut = 0            # requests that broke off once they were open
        self.halt = threading.Event()
        self.error = None

    def body(self):
        rows = [json.dumps(event(self.host, seq)) for seq in range(
            self.acked, self.acked + self.batch)]
        return ("\n".join(rows) + "\n").encode()

    def post(self, body):
        url = urllib.parse.urlsplit(self.platform.url)
        line = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
        try:
            line.request("POST", "/ingest/sysmon-logs", body,
                         {"Authorization": f"Bearer {self.token}",
                          "Content-Type": "application/x-ndjson"})
            answer = line.getresponse()
            return answer.status, answer.read()
        finally:
            line.close()

    def run(self):
        while not self.halt.is_set() and (self.limit is None or self.acked < self.limit):
            body = self.body()
            try:
                self.in_flight = True
                status, said = self.post(body)
                self.in_flight = False
            except OSError as error:
                self.in_flight = False
                self.cut += not isinstance(error, ConnectionRefusedError)
                time.sleep(0.05)
                continue
            except http.client.HTTPException:
                self.in_flight = False
                self.cut += 1
                continue
            if status == 200:
                self.acked += self.batch
                time.sleep(self.pause)
            elif status in (429, 503):
                time.sleep(0.1)
            else:
                self.error = (status, said)
                return
