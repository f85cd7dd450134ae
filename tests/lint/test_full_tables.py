#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every table of the segment has a test that fills it to its last slot.

The tables are those that src/segment/layout*.h declares; a new one has to be named here, by the name that
people read when it is full, and a test in tests/core has to want "the table of NAME is full: N of M".
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = {
    "attachments": "attachments",
    "groups": "consumer groups",
    "mappings": "user mappings",
    "plans": "resource plans",
    "directives": "plan directives",
    "sessions": "sessions",
    "tasks": "tasks",
    "schedules": "plan schedules",
    "windows": "maintenance windows",
    "quotas": "memory quotas",
    "allocations": "memory allocations",
    "externals": "outside engines' sessions",
    "executions": "parallel executions",
    "servers": "parallel servers",
    "pools": "server pools",
    "rules": "assignment rules",
    "zones": "time zones that rules name",
    "requests": "I/O requests",
    "executors": "I/O executors",
}
# As many as another table has rows, one for each at most: those that have ended make room.
NEVER_FULL = ["admissions"]
# Rows of fixed number, which are no struct reeve_sh_table.
FIXED = ["memory pools", "I/O targets", "steps of an edit"]


def declared():
    """Names of all tables in the layout."""
    found = []
    for path in sorted((ROOT / "src/segment").glob("layout*.h")):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for names in re.findall(r"struct reeve_sh_table\s+([\w\s,]+);", text):
            found += [name.strip() for name in names.split(",")]
    return found


def main():
    """Says what is missing; the number of faults is the exit status."""
    tables = declared()
    tests = "".join(path.read_text() for path in (ROOT / "tests/core").glob("*.c"))
    tests = re.sub(r'"\s*"', "", tests)
    faults = []
    for table in tables:
        if table not in NAMES and table not in NEVER_FULL:
            faults.append(f"table {table} of the layout is not named in {__file__}")
    faults += [f"table {table} is not in the layout" for table in [*NAMES, *NEVER_FULL]
               if table not in tables]
    for name in [NAMES[table] for table in tables if table in NAMES] + FIXED:
        if not re.search(rf"the table of {re.escape(name)} is full: \d+ of \d+", tests):
            faults.append(f"no test fills the table of {name} to its last slot")
    for fault in faults:
        print(fault)
    print(f"{len(tables) + len(FIXED)} tables, {len(faults)} faults")
    return 1 if faults or len(tables) < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
