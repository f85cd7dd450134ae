#!/usr/bin/env python3
"""Every directive field that the library enforces has a scenario, which can fail.

    test_directives.py REEVE_SIM FOLDER

Holds the table of FOLDER/README.md against the library's fields (reeve-sim --directives): none is
missing, none unknown, and what is not enforced is called so. Each scenario of a row sets the field, and
misses an expectation when the field is taken out of its plans (reeve-sim --without). Prints what is
wrong; exit 1 then.
"""
import pathlib
import re
import subprocess
import sys

ROW = re.compile(r"^\| (\w+) \| ([\w, -]+) \|$", re.M)


def sim(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)


def read_table(text):
    rows = {field: names.split(", ") for field, names in ROW.findall(text) if field != "field"}
    unenforced = re.search(r"^Not enforced, and refused: ([\w, \n]+)\.$", text, re.M)
    return rows, set(re.split(r",\s+", unenforced[1])) if unenforced else set()


def compare(rows, unenforced, fields):
    """Sentences about fields that the table lacks, and about what it has too much."""
    enforced = {name for name, is_enforced in fields.items() if is_enforced == "yes"}
    wrong = [f"{name}: enforced, and without a scenario" for name in enforced - set(rows)]
    wrong += [f"{name}: has a row, and is not an enforced field" for name in set(rows) - enforced]
    wrong += [f"{name}: is or is not enforced, and the table says otherwise"
              for name in unenforced ^ (set(fields) - enforced)]
    return sorted(wrong)


def try_out(program, folder, field, name):
    """What is wrong with one scenario of a field, or None."""
    file = str(folder / f"{name}.scn")
    if field not in sim(program, "--directives", file).stdout.split():
        return f"{name}: does not set {field}"
    done = sim(program, f"--without={field}", file)
    print(f"{name} without {field}: exit {done.returncode}, wanted 1")
    if done.returncode == 1 and "FAIL" in done.stdout:
        return None
    return f"{name}: meets all it expects without {field}\n{done.stdout}{done.stderr}"


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    rows, unenforced = read_table((folder / "README.md").read_text())
    listed = sim(program, "--directives").stdout.splitlines()
    fields = dict(line.split() for line in listed)
    wrong = compare(rows, unenforced, fields)
    # the comparison itself can fail: a new field, and a row too many
    if not compare(rows, unenforced, fields | {"newLimit": "yes"}) \
            or not compare(rows | {"oldLimit": ["cap"]}, unenforced, fields):
        wrong.append("the comparison overlooks fields")
    wrong += [problem for field, names in rows.items() for name in names
              if (problem := try_out(program, folder, field, name))]
    print("\n".join(wrong) if wrong else f"{len(rows)} fields")
    return 1 if wrong or not fields else 0


if __name__ == "__main__":
    sys.exit(main())
