#!/usr/bin/python3
"""Measures what becomes of recorded telemetry, and writes the figures into docs/formats.md.

DATA is a folder with a MANIFEST.tsv whose column `file` names the recordings. Which of the records
that became no event are of a listed type is decided here, from their bytes, by rules of its own:
what Logster says of them does not count. Without DATA only the figures of the samples under
tests/data are made anew.
"""

import argparse
import base64
import csv
import json
import math
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/formats.md"
GOAL = 0.995

# Channel, in lower case: the listed event ids.
WINDOWS = {
    "microsoft-windows-sysmon/operational": set(range(1, 30)),
    "linux-sysmon/operational": set(range(1, 30)),
    "security": {4624, 4625, 4648, 4656, 4663, 4672, 4688, 4689, 4697, 4698, 4720, 4732, 5140,
                 5145, 5156, 1102},
    "windows powershell": {400, 800},
    "microsoft-windows-powershell/operational": {4103, 4104},
    "powershellcore/operational": {4103, 4104},
    "system": {7045, 104},
    "microsoft-windows-wmi-activity/operational": {5861},
}
SYSCALLS = set("""execve execveat fork vfork clone clone3 exit exit_group open openat openat2 creat
    open_by_handle_at unlink unlinkat rmdir rename renameat renameat2 chmod fchmod fchmodat
    fchmodat2 chown fchown lchown fchownat connect accept accept4 bind listen ptrace init_module
    finit_module setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid kill tkill
    tgkill mount memfd_create bpf""".split())
X86_64 = {2: "open", 42: "connect", 43: "accept", 49: "bind", 50: "listen", 56: "clone",
          57: "fork", 58: "vfork", 59: "execve", 60: "exit", 62: "kill", 82: "rename",
          84: "rmdir", 85: "creat", 87: "unlink", 90: "chmod", 91: "fchmod", 92: "chown",
          93: "fchown", 94: "lchown", 101: "ptrace", 105: "setuid", 106: "setgid",
          113: "setreuid", 114: "setregid", 117: "setresuid", 119: "setresgid", 122: "setfsuid",
          123: "setfsgid", 165: "mount", 175: "init_module", 200: "tkill", 231: "exit_group",
          234: "tgkill", 257: "openat", 260: "fchownat", 263: "unlinkat", 264: "renameat",
          268: "fchmodat", 288: "accept4", 304: "open_by_handle_at", 313: "finit_module",
          316: "renameat2", 319: "memfd_create", 321: "bpf", 322: "execveat", 435: "clone3",
          437: "openat2", 452: "fchmodat2"}
# Names that collectors give to what is listed, beside those of the system calls.
LINUX_NAMES = SYSCALLS | set("""procexit sched_process_exec sched_process_fork sched_process_exit
    security_file_open security_inode_unlink security_inode_rename security_socket_connect
    security_socket_accept security_socket_bind security_socket_listen security_sb_mount
    security_bpf vfs_write magic_write chmod_common commit_creds fd_install
    security_file_permission security_mmap_file tcp_connect process_exec process_exit
    process_connect process_accept process_close process_listen net_flow_tcp_begin
    net_packet_dns""".split())
EBPF_ACTIONS = set("""exec fork exit setuid setgid ptrace signal module_load mount memfd_create bpf
    open write create delete rename chmod chown connect accept bind listen""".split())
# Types of event that come of what is listed; a write tells of an open where the collector says so.
LINUX_TYPES = set("""process_create process_fork process_terminate file_open file_write file_create
    file_delete file_rename file_mode_change file_owner_change network_connect network_accept
    network_bind network_listen process_ptrace kernel_module_load credential_change process_signal
    mount memfd_create bpf""".split())

DATA_MARK, SAMPLE_MARK = "figures of the recordings", "figures of the samples"
SAMPLES = {
    "audit": ["*.ndjson", "*.log"],
    "ebpf": ["*.ndjson"],
    "windows": ["*.ndjson", "*.xml", "*.txt"],
}


def sample_files():
    return [path.relative_to(ROOT).as_posix() for folder, globs in sorted(SAMPLES.items())
            for pattern in globs for path in sorted((ROOT / "tests/data" / folder).glob(pattern))]


def platform_of(name):
    windows = ("winlogbeat", "nxlog", "flat", "sysmon-e", "event-xml", "azure", "splunk")
    return "windows" if name.startswith(windows) else "linux"


# ---- is this record of a listed type? ----

def at(record, *names):
    """The first of these members, dots going down, that the record has."""
    for name in names:
        value = record
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def windows_listed(channel, code):
    try:
        return int(str(code).strip()) in WINDOWS.get(str(channel).lower(), ())
    except ValueError:
        return False


def audit_calls(text):
    """Names of the system calls in the lines of an audit event."""
    yield from re.findall(r"\bSYSCALL=(\w+)", text)
    for arch, call in re.findall(r"\barch=(\w+).*?\bsyscall=(\w+)", text):
        if call.isdigit() and arch == "c000003e":
            call = X86_64.get(int(call), call)
        yield call
    if re.search(r"\btype=(EXECVE|1309)\b", text):
        yield "execve"


def linux_listed(name, record):
    if name == "sysflow":
        return True
    if name == "ebpf":
        return record.get("action") in EBPF_ACTIONS
    if name == "tetragon":
        call = at(record, "process_kprobe.function_name", "process_tracepoint.event",
                  "process_lsm.function_name")
        call = call or next((key for key in record if key.startswith("process_")), "")
    elif name in ("sysdig", "falco"):
        fields = record.get("output_fields", record)
        call = fields.get("evt.type")
        if call is None:
            return record.get("source", "syscall") == "syscall"
    else:
        call = at(record, "auditd.data.syscall", "event.data.syscall", "data.syscall",
                  "SYSCALL.SYSCALL", "SYSCALL.syscall", "eventName", "triggeredBy.name",
                  "data.trigger.name", "name")
        if call is None and "EXECVE" in record:
            return True
    call = re.sub(r"^(__x64_|__ia32_)?sys_(enter_|exit_)?", "", str(call))
    return (X86_64.get(int(call), "") if call.isdigit() else call) in LINUX_NAMES


def is_listed(name, text):
    """Whether the record is of a type that must become an event; if nobody knows, it is."""
    if name == "auditd":
        return not SYSCALLS.isdisjoint(audit_calls(text))
    if name == "splunk-text":
        code, channel = (re.search(rf"^{key}=(.*)$", text, re.M) for key in ("EventCode", "LogName"))
        return not (code and channel) or windows_listed(channel[1].strip(), code[1])
    if name not in ("event-xml", "sysmon-linux"):
        try:
            record = json.loads(text)
        except ValueError:
            return True
        if platform_of(name) == "linux":
            return linux_listed(name, record)
        if name == "sysmon-eventdata":
            return windows_listed("microsoft-windows-sysmon/operational", at(record, "EventId"))
        text = record.get("SyslogMessage")
        if text is None:
            channel = at(record, "winlog.channel", "log_name", "Channel", "EventLog")
            return windows_listed(channel, at(record, "winlog.event_id", "event_id", "EventID"))
        if "auoms" in text[:200].lower():
            return not SYSCALLS.isdisjoint(audit_calls(text))
    code = re.search(r"<EventID[^>]*>(\d+)<", text)
    channel = re.search(r"<Channel>([^<]*)<", text)
    return not (code and channel) or windows_listed(channel[1], code[1])


# ---- measuring ----

def measure(tool, folder, names, every):
    """Figures of each format over these files; dead letters of listed types by reason."""
    formats, lost = {}, {}
    with tempfile.TemporaryDirectory() as temp:
        dead = Path(temp) / "dead.ndjson"
        for name in names:
            done = subprocess.run([tool, "-e", "recorded", "-s", every, "-d", dead, name],
                                  cwd=folder, stdout=subprocess.PIPE, check=True)
            for key, found in json.loads(done.stdout)["formats"].items():
                if found["accounted"] != found["records"]:
                    sys.exit(f"formats: {name}: {key}: {found['records']} records, but only "
                             f"{found['accounted']} accounted for")
                total = formats.setdefault(key, Counter())
                total["files"] += 1
                for field, value in found.items():
                    if isinstance(value, dict):
                        total.update({(field, k): v for k, v in value.items()})
                    else:
                        total[field] += value
            with open(dead, encoding="utf-8") as letters:
                for line in letters:
                    letter = json.loads(line)
                    text = letter["bytes"]
                    if isinstance(text, dict):
                        text = base64.b64decode(text["base64"]).decode("utf-8", "replace")
                    if is_listed(letter["format"], text):
                        reasons = lost.setdefault(letter["format"] or "(none)", Counter())
                        reasons[letter["reason"]] += 1
    return formats, lost


def listed_events(name, total):
    """Every event of Windows is listed; of Linux, those of the listed types."""
    if platform_of(name) == "windows":
        return total["used"]
    other = sum(n for key, n in total.items()
                if key[0] == "types" and key[1] not in LINUX_TYPES)
    return total["used"] - other


def by_reason(total, kind):
    rows = sorted(((n, key[1]) for key, n in total.items() if key[0] == kind), reverse=True)
    return ", ".join(f"{n:,} `{reason}`" for n, reason in rows) or "–"


def share(part, whole):
    if whole == 0:
        return "–"
    if part == whole:
        return "100 %"
    percent = math.floor(1e5 * part / whole) / 1e3  # what is not all is not printed as all
    return f"{percent:.3f} %" if percent > 99 else f"{percent:.0f} %"


def whole_percent(part, whole):
    return f"{100 * part // whole} %" if whole else "–"


def table(formats, lost):
    rows = ["| format | files | records | events | skipped | dead letters | listed | became events | "
            "fields read |", "|---|--:|--:|--:|---|---|--:|--:|--:|"]
    sums = Counter()
    for name in sorted(formats, key=lambda n: (platform_of(n), n)):
        total = formats[name]
        good = listed_events(name, total)
        listed = good + sum(lost.get(name, {}).values())
        sums.update({"files": total["files"], "records": total["records"],
                     "events": total["events"], "good": good, "listed": listed})
        rows.append(f"| `{name}` | {total['files']} | {total['records']:,} | {total['events']:,} | "
                    f"{by_reason(total, 'skipped')} | {by_reason(total, 'dead')} | {listed:,} | "
                    f"{share(good, listed)} | {whole_percent(total['read'], total['parts'])} |")
    rows.append(f"| all | | {sums['records']:,} | {sums['events']:,} | | | "
                f"{sums['listed']:,} | {share(sums['good'], sums['listed'])} | |")
    return rows, sums


def lost_lines(lost):
    if not any(lost.values()):
        return ["No record of a listed type was lost."]
    lines = ["Listed records that became no event:", ""]
    for name, reasons in sorted(lost.items()):
        what = ", ".join(f"{n:,} `{reason}`" for reason, n in reasons.most_common())
        lines.append(f"* `{name}`: {what}")
    return lines


def replace(page, mark, lines):
    """Puts the lines between the page's two comments of that mark."""
    begin, end = f"<!-- begin: {mark} -->", f"<!-- end: {mark} -->"
    before, rest = page.split(begin)
    after = rest.split(end)[1]
    return before + "\n".join([begin, "", *lines, "", end]) + after


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, help="folder of recordings, with MANIFEST.tsv")
    parser.add_argument("--tool", type=Path, default=ROOT / "build/release/tests/normalize_stats")
    args = parser.parse_args()
    tool, page = args.tool.resolve(), PAGE.read_text(encoding="utf-8")

    formats, lost = measure(tool, ROOT, sample_files(), "1")
    page = replace(page, SAMPLE_MARK, [*table(formats, lost)[0], "", *lost_lines(lost)])
    enough = True
    if args.data:
        with open(args.data / "MANIFEST.tsv", encoding="utf-8") as f:
            names = [row["file"] for row in csv.DictReader(f, delimiter="\t")]
        formats, lost = measure(tool, args.data, names, "97")
        rows, sums = table(formats, lost)
        page = replace(page, DATA_MARK, [*rows, "", *lost_lines(lost)])
        print(f"{len(names)} files, {sums['records']:,} records, {sums['listed']:,} of them listed, "
              f"{share(sums['good'], sums['listed'])} of these became events")
        enough = sums["good"] >= GOAL * sums["listed"]
    PAGE.write_text(page, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")
    if not enough:
        sys.exit(f"formats: less than {100 * GOAL} % of the listed records became events")


if __name__ == "__main__":
    main()
