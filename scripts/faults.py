#!/usr/bin/env python3
"""Plants the faults of tests/faults/*.toml one by one and requires that unit tests notice each.

Works on a copy of the last commit (or, with --working-tree, of the tree as it is) in build/faults,
so that nothing here is touched. A fault that no test notices, that does not compile or whose text
is no longer there fails the run.
"""

import argparse
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build/faults"
TREE = WORK / "tree"
BUILD = WORK / "build"
JOBS = os.environ.get("JOBS") or str(os.cpu_count())


def run(*args, **more):
    return subprocess.run([str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, **more)


def must(*args, **more):
    done = run(*args, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, args))}\n{done.stdout}")
    return done.stdout


def load(names):
    faults = []
    for path in sorted((TREE / "tests/faults").glob("*.toml")):
        faults += tomllib.loads(path.read_text())["fault"]
    all_names = [f["name"] for f in faults]
    assert len(set(all_names)) == len(all_names), "a fault's name stands twice"
    for fault in faults:
        fault.setdefault("tests", rf"^unit\.{fault['file'].split('/')[1]}\.")
    unknown = set(names) - set(all_names)
    if unknown:
        sys.exit(f"no such fault: {', '.join(sorted(unknown))}")
    return [f for f in faults if not names or f["name"] in names]


def copy_tree(working_tree):
    """Unchanged files keep their time, so that a second run builds what changed."""
    if working_tree:
        listed = must("git", "-C", ROOT, "ls-files", "-z", "-c", "-o", "--exclude-standard").split("\0")
        files = {n: (ROOT / n).read_bytes() for n in listed if n and (ROOT / n).is_file()}
    else:
        fresh = WORK / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        tar = subprocess.run(["git", "-C", ROOT, "archive", "HEAD"], stdout=subprocess.PIPE, check=True)
        subprocess.run(["tar", "-x", "-C", fresh], input=tar.stdout, check=True)
        files = {str(p.relative_to(fresh)): p.read_bytes() for p in fresh.rglob("*") if p.is_file()}
        shutil.rmtree(fresh)
    if TREE.exists():
        for old in [p for p in TREE.rglob("*") if p.is_file()]:
            if str(old.relative_to(TREE)) not in files:
                old.unlink()
    for name, data in files.items():
        path = TREE / name
        if not path.exists() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            if (ROOT / name).exists():
                shutil.copymode(ROOT / name, path)


def programs_of(pattern):
    """The programs of the tests that a fault must wake (tests/CMakeLists.txt names them)."""
    listing = json.loads(must("ctest", "--test-dir", BUILD, "--show-only=json-v1", "-R", pattern))
    programs = []
    for test in listing["tests"]:
        kind, module, short = test["name"].split(".")
        assert kind == "unit", test["name"]
        programs.append(f"test_{short}_{module}")
    if not programs:
        sys.exit(f"no test matches {pattern}")
    return programs


def configure():
    args = ["cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
            "-DCMAKE_C_FLAGS_DEBUG=-O0", "-DCMAKE_CXX_FLAGS_DEBUG=-O0"]  # no -g: links faster
    if shutil.which("ccache"):
        args += ["-DCMAKE_C_COMPILER_LAUNCHER=ccache", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"]
    must(*args)


def build(programs):
    return run("ninja", "-C", BUILD, "-j", JOBS, *programs)


def failing(pattern):
    """Tests that fail; a crash and a hang are failures too."""
    done = run("ctest", "--test-dir", BUILD, "-R", pattern, "-j", JOBS, "--timeout", "60",
               "--no-tests=error")
    return re.findall(r"^\s*\d+ - (\S+) \(", done.stdout, re.M), done


def pattern_of(text):
    """White space counts as one blank: formatting moves lines about."""
    return re.compile(r"\s+".join(re.escape(word) for word in text.split()))


def plant(fault):
    path = TREE / fault["file"]
    whole = text = path.read_text()
    for old, new in fault["edits"]:
        found = pattern_of(old).findall(text)
        if len(found) != 1:
            return whole, f"its text stands {len(found)} times in {fault['file']}: {old!r}"
        text = text.replace(found[0], new)
    path.write_text(text)
    return whole, None


def try_fault(fault):
    """(caught, what to print)"""
    path = TREE / fault["file"]
    whole, error = plant(fault)
    try:
        if error:
            return False, f"NOT PLANTED: {error}"
        done = build(programs_of(fault["tests"]))
        if done.returncode != 0:
            errors = [line for line in done.stdout.splitlines() if "error:" in line]
            return False, f"DOES NOT COMPILE: {(errors or [''])[0]}"
        tests, _ = failing(fault["tests"])
        if not tests:
            return False, "SURVIVED"
        return True, ", ".join(t.removeprefix("unit.") for t in tests)
    finally:
        path.write_text(whole)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    ap.add_argument("--working-tree", action="store_true", help="the tree as it is, not the last commit")
    ap.add_argument("names", nargs="*", metavar="FAULT", help="only these")
    args = ap.parse_args()

    WORK.mkdir(parents=True, exist_ok=True)
    lock = open(WORK / "lock", "w")  # pylint: disable=consider-using-with
    fcntl.flock(lock, fcntl.LOCK_EX)
    copy_tree(args.working_tree)
    faults = load(args.names)
    configure()
    for pattern in sorted({f["tests"] for f in faults}):
        done = build(programs_of(pattern))
        if done.returncode != 0:
            sys.exit(done.stdout)
        tests, done = failing(pattern)
        if done.returncode != 0:
            sys.exit(f"{done.stdout[-4000:]}\ntests fail without any fault: {', '.join(tests)}")
    caught = 0
    for fault in faults:
        began = time.monotonic()
        ok, text = try_fault(fault)
        caught += ok
        print(f"{fault['name']:44} {time.monotonic() - began:5.1f} s  {text}", flush=True)
    print(f"faults: {caught} of {len(faults)} noticed by unit tests")
    return 0 if caught == len(faults) else 1


if __name__ == "__main__":
    sys.exit(main())
