#!/usr/bin/python3
"""Writes the pages of docs/ that are made from the sources; --check fails when one is stale."""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TYPES = {"STR": "string", "U64": "unsigned integer", "I64": "integer", "BOOL": "boolean",
         "TIME": "time, epoch seconds"}
NOTE = "<!-- Made by `make docs` from {}; edit that. -->\n\n"


def cell(text):
    return text.replace("|", "\\|")


def fields_page():
    """docs/fields.md: the field dictionary of NormalizedEvent and its event types."""
    rows, section = [], "fields"
    field = re.compile(r'X\((\w+), "(\w+)", (\w+), "([^"]*)", "((?:[^"\\]|\\.)*)"\)')
    text = (ROOT / "src/event/fields.def").read_text()
    body = text.split("*/", 1)[1]
    for line in body.splitlines():
        comment = re.fullmatch(r"/\* (.*) \*/", line.strip())
        if comment:
            section = comment.group(1)
            continue
        for m in field.finditer(line):
            rows.append((section, m.group(2), TYPES[m.group(3)], m.group(4), m.group(5)))
    if len(rows) != len(re.findall(r"^X\(", body, re.M)):
        sys.exit("docs: a line of src/event/fields.def is not understood")

    types = []
    header = (ROOT / "src/event/event.h").read_text()
    table = re.search(r"#define LG_EVENT_TYPES\(X\)(.*?)\n(?!.*\\\n)", header, re.S).group(1)
    for m in re.finditer(r'X\(\w+,\s*"(\w+)",\s*((?:"(?:[^"\\]|\\.)*"[\s\\]*)+)\)', table):
        meaning = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', m.group(2)))
        types.append((m.group(1), meaning))
    if not types:
        sys.exit("docs: no event types found in src/event/event.h")

    out = ["# Fields of a normalized event\n\n",
           NOTE.format("`src/event/fields.def` and `src/event/event.h`"),
           "What may stand in `data` of a normalized event. The acting process is always "
           "`process_*` and `image`; what it\nacts on is `target_*`. ECS names the field of the "
           "Elastic Common Schema with the same meaning, where there is one.\n"]
    last = None
    for section, name, kind, ecs, meaning in rows:
        if section != last:
            out.append(f"\n## {section[0].upper() + section[1:]}\n\n"
                       "| field | type | ECS | meaning |\n|---|---|---|---|\n")
            last = section
        out.append(f"| `{name}` | {kind} | {f'`{ecs}`' if ecs else ''} | {cell(meaning)} |\n")
    out.append("\n## Event types\n\n| `event_type` | made from |\n|---|---|\n")
    out += [f"| `{name}` | {cell(meaning)} |\n" for name, meaning in types]
    return "".join(out)


PAGES = {"docs/fields.md": fields_page}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when stale")
    args = parser.parse_args()
    stale = []
    for name, make in PAGES.items():
        path = ROOT / name
        want = make()
        if path.exists() and path.read_text() == want:
            continue
        stale.append(name)
        if not args.check:
            path.write_text(want)
    for name in stale:
        print(f"{name} {'is stale' if args.check else 'written'}")
    return 1 if args.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
