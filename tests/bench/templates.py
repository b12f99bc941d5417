"""Winlogbeat events of recordings, as load_http.c takes them: with marks where a host, a time, a
process GUID or a record number stands, so that each sent event is another one."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = re.compile(rb'"(?:computer_name|Computer)":\s*"([^"\\]{2,60})"')
TIME = re.compile(rb"\b(20[0-3]\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d:[0-5]\d\.\d{3})(?=\D)")
GUID = re.compile(rb'(Process(?:Gu?id|GUID)":\s*"\{[0-9A-Fa-f]{8}-)([0-9A-Fa-f]{4})(?=-)')
NUMBER = re.compile(rb'("record_(?:id|number)":\s*"?)\d+')
LARGEST = 4000  # bytes of an event: the mean over the recordings is then 2.1 KB, as in a fleet


def captures(data):
    found = sorted(Path(data, "windows", "mordor").glob("*.ndjson.zst")) if data else []
    return found or sorted((ROOT / "tests/data/captures").glob("*.ndjson.zst"))


def is_winlogbeat(line):
    return len(line) <= LARGEST and b'"@timestamp"' in line[:40] and \
        (b'"winlog":' in line or b'"beat":' in line)


def marked(lines):
    """The recording's events with marks; hosts are numbered by how often they are named."""
    text = b"\n".join(lines)
    hosts = {}
    for name in HOST.findall(text):
        short = name.split(b".")[0].lower()
        hosts[short] = hosts.get(short, 0) + 1
    order = sorted((h for h in hosts if len(h) > 2), key=lambda h: -hosts[h])[:20]
    for i, host in enumerate(order):
        text = re.sub(rb"(?i)\b" + re.escape(host) + rb"\b", b"\x01" + bytes([48 + i]), text)
    text = TIME.sub(b"\x02\\1", text)
    text = GUID.sub(b"\\1\x03\\2", text)
    return NUMBER.sub(b"\\1\x04", text).split(b"\n")


def write(data, out, most=60, events_each=1500):
    """Writes the marked events of up to `most` recordings; (recordings, events, mean bytes)."""
    recordings, events, size = 0, 0, 0
    with open(out, "wb") as f:
        for path in captures(data):
            text = subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, check=True).stdout
            lines = [line for line in text.split(b"\n") if is_winlogbeat(line)][:events_each]
            if len(lines) < 20 or re.search(rb"[\x00-\x08]", b"".join(lines)):
                continue
            f.write(b"\n".join(marked(lines)) + b"\n\n")
            recordings, events = recordings + 1, events + len(lines)
            size += sum(len(line) + 1 for line in lines)
            if recordings == most:
                break
    return recordings, events, size / max(events, 1)
