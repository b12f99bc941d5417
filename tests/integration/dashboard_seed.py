"""Fills a platform for the dashboard's tests and pictures: real captures, moved to now, and people."""

import json
import os
import subprocess
from datetime import datetime, timezone

from conftest import ATTACK, CAPTURES, SHELLSHOCK, run_logster

# Browsers ask much and at once; what they may ask is another test's matter.
SETTINGS = {"inference.idle_timeout": "1s", "inference.checkpoint_interval": "1s"}
SECRET = "zz-secret-tenant"  # what another tenant's user must never read
LSASS = CAPTURES / "cmd_lsass_memory_dumpert_syscalls_2020-10-1822561997.ndjson.zst"
QUIET = (CAPTURES / "190319-SchTasksCreation-Userland_2022-09-22.ndjson.zst",
         CAPTURES / "190518-RegKeyModification-WDigestDowngrade_2022-09-22.ndjson.zst")
# What makes pictures of an ordinary hour: capture and minutes before now, oldest first.
PAST = ((CAPTURES / "busy_telemetry_workstation6_2020-09-22.ndjson.zst", 52),
        (CAPTURES / "omerbenamram_sysmon.ndjson.zst", 48),
        (CAPTURES / "busy_logons_hfdc01_2019-05-18.ndjson.zst", 40),
        (CAPTURES / "190319-RunKeysModification-Userland_2022-09-22.ndjson.zst", 34))

# What a process may call itself. Each would show at once if it were taken for anything but text.
HOSTILE = {
    "script": "<script>window.pwned=1</script>",
    "image": "<img src=x onerror=window.pwned=2>",
    "template": "{{7*7}}${7*7}javascript:window.pwned=3",
    "formula": "=cmd|'/c calc'!A0",
    "rtl": "invoice\u202efdp.exe",
    "controls": "a\u001b[31mred\u0007\u0085\u2028\ufeff\u200bb",
    "long": "A" * 10_000,
}


def people(up):
    """One token for each role, and one of another tenant."""
    def token(name, **grants):
        made = up.request("POST", "/tokens", {"name": name, **grants})
        assert made.status == 201, made.body
        return made.json()["token"]

    made = up.request("POST", "/tenants", {"tenant_id": SECRET, "name": "Zz Secret Tenant"})
    assert made.status == 201, made.body
    return {
        "root": up.token,
        "admin": token("ada", tenants={"default": ["admin"]}),
        "anna": token("anna", tenants={"default": ["analyst"]}),
        "ben": token("ben", tenants={"default": ["analyst"]}),
        "viewer": token("vera", tenants={"default": ["viewer"]}),
        "operator": token("otto", platform=["operator"]),
        "stranger": token("sam", tenants={SECRET: ["analyst"]}),
    }


def replay(up, capture, ago=0, tenant="default"):
    """Replays a capture so that it ends `ago` minutes before now."""
    done = run_logster("replay", "--quiet", "--shift-to-now", "--tenant", tenant, "--url", up.url,
                       "--token-file", up.folder / "admin-token", capture,
                       prefix=("faketime", "-f", f"-{ago}m") if ago else ())
    assert done.rc in (0, 1), done.err


def hostile_events(capture):
    """The attack again on a host of its own, by processes with names that no file system should hold."""
    text = subprocess.run(["zstd", "-dcq", capture], check=True, stdout=subprocess.PIPE).stdout
    rows = [json.loads(line) for line in text.splitlines()]
    rows = [row for row in rows if row["computer_name"].startswith("HR001")]
    times = [datetime.fromisoformat(row["@timestamp"].replace("Z", "+00:00")) for row in rows]
    shift = datetime.now(timezone.utc) - max(times)
    names = list(HOSTILE.values())
    out = []
    for at, (row, when) in enumerate(zip(rows, times)):
        moved = when + shift
        name = names[at % len(names)]
        data = row.setdefault("event_data", {})
        row["@timestamp"] = moved.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        row["computer_name"] = "evil-host"
        row.pop("message", None)
        if "UtcTime" in data:
            old = datetime.fromisoformat(data["UtcTime"]).replace(tzinfo=timezone.utc)
            data["UtcTime"] = (old + shift).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        for key in ("CommandLine", "ParentCommandLine", "User", "TargetFilename", "Details"):
            if key in data:
                data[key] = f"{data[key]} {name}"
        line = json.dumps(row, ensure_ascii=False).encode()
        # Bytes that are no UTF-8, in a string of otherwise good JSON.
        out.append(line.replace(b"reg.exe", b"reg\xff\xfe\xc0.exe") if at % 3 == 0 else line)
    return b"\n".join(out) + b"\n"


def fill(up, large=False):
    """Everything that the tests in web/e2e/ read about; their `world`."""
    tokens = people(up)
    for capture, ago in PAST if large else ():
        replay(up, capture, ago)
    for ago, capture in zip((28, 21, 14, 7, 0), (*QUIET, LSASS, SHELLSHOCK, ATTACK)):
        replay(up, capture, ago)
    if not large:
        replay(up, LSASS, tenant=SECRET)
        sent = up.request("POST", "/ingest/sysmon?tenant=default", hostile_events(ATTACK))
        assert sent.status == 200 and sent.json()["refused"] == 0, sent.body
    alerts = up.wait(lambda: alerts_of(up), lambda got: set(got) >= {"hr001", "workstation5"}, 120)
    up.settle(1)
    alerts = alerts_of(up)
    assert large or "evil-host" in alerts, sorted(alerts)
    hide(up, alerts["workstation6"])
    main, hostile = alerts["hr001"], alerts.get("evil-host")
    return {
        "url": up.dashboard, "tokens": tokens, "host": "hr001", "secret": SECRET,
        "alert": main["alert_id"], "inference": main["last_inference_id"],
        "triage": alerts["workstation5"]["alert_id"], "shared": alerts["local"]["alert_id"],
        "live": alerts["workstation6"]["alert_id"],
        "hostile": {"names": HOSTILE, "host": "evil-host", "alert": hostile["alert_id"],
                    "inference": hostile["last_inference_id"]} if hostile else None,
    }


def load_world(folder, until, **counts):
    """Writes a large store through the stores' own interface: tests/bench/load_world.c."""
    options = [word for name, count in counts.items() for word in (f"--{name}", str(count))]
    subprocess.run([os.environ["LOAD_WORLD"], folder, "--until", str(until), *options], check=True,
                   stdout=subprocess.DEVNULL)


def fill_large(up):
    """The `world` of web/e2e/scale.mjs: a large store, and one attack with all that belongs to it."""
    replay(up, ATTACK)
    main = up.wait(lambda: alerts_on(up, "hr001"), bool, 120)[0]
    up.settle(1)
    return {"url": up.dashboard, "tokens": {"root": up.token}, "host": "hr001",
            "alert": main["alert_id"], "inference": main["last_inference_id"],
            "hosts": up.get("/endpoints?limit=1").json()["total"]}


def alerts_on(up, host):
    return up.get(f"/alerts?endpoint={host}&limit=10&sort=severity").json()["alerts"]


def alerts_of(up):
    """The gravest alert of each host of the default tenant."""
    rows = up.get("/alerts?tenant_id=default&limit=1000&sort=attack_prob&order=asc").json()["alerts"]
    rows.sort(key=lambda row: ("low", "medium", "high", "critical").index(row["severity"]))
    return {row["endpoint_id"]: row for row in rows}


def hide(up, alert):
    made = up.request("POST", "/suppressions", {
        "tenant_id": "default", "endpoint_id": "build-*", "process": alert["process"] or "cl.exe",
        "reason": "Compiler farm, agreed with its owner"})
    assert made.status == 201, made.body
