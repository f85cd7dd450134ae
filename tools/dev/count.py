#!/usr/bin/env python3
"""Adds up what ./dev test found, and prints `N passed, N failed` as the last line.

    tools/dev/count.py DIR

DIR holds ctest's JUnit files (*.xml) and steps.txt (lines `passed NAME` or `failed NAME`). A ctest
program is as many tests as it says itself: cmocka's and node's own summaries, and lines `N passed,
N failed`, are read from its output. One without a summary is one test. A program that ctest calls
failed but that counted no failure (it crashed, or ran out of time) adds one.

Exit status: 0 when something passed and nothing failed.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree

SUMMARIES = (  # (passed, failed) in one program's output; a program can print several
    (r"^\[  PASSED  \] (\d+) test\(s\)", r"^\[  FAILED  \] (\d+) test\(s\)"),  # cmocka
    (r"^(?:#|ℹ) pass (\d+)$", r"^(?:#|ℹ) fail (\d+)$"),  # node --test
    (r"^(\d+) passed, \d+ failed$", r"^\d+ passed, (\d+) failed$"),
)


def total(pattern, text):
    return sum(int(number) for number in re.findall(pattern, text, re.MULTILINE))


def count_output(text, ctest_failed):
    """(passed, failed) of one program, from its output and ctest's verdict."""
    for passed_pattern, failed_pattern in SUMMARIES:
        passed, failed = total(passed_pattern, text), total(failed_pattern, text)
        if passed or failed:
            break
    else:
        passed, failed = int(not ctest_failed), 0
    if ctest_failed and not failed:
        failed = 1
    return passed, failed


def count_junit(path):
    """Yields (name, passed, failed) for each program of one ctest run that was run at all."""
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        status = case.get("status")
        if status in ("disabled", "notrun") and case.find("failure") is None:
            if case.find("skipped") is None or "SKIP" in (case.find("skipped").get("message") or ""):
                continue
            yield case.get("name"), 0, 1  # its program is not there
            continue
        text = case.findtext("system-out") or ""
        yield (case.get("name"), *count_output(text, status != "run"))


def count_steps(path):
    for line in path.read_text().splitlines() if path.exists() else ():
        verdict, _, name = line.partition(" ")
        yield name, int(verdict == "passed"), int(verdict != "passed")


def main(directory):
    folder = pathlib.Path(directory)
    runs = [("lint", list(count_steps(folder / "steps.txt")))]
    runs += [(path.stem, list(count_junit(path))) for path in sorted(folder.glob("*.xml"))]
    passed = failed = 0
    for run, results in runs:
        for name, good, bad in results:
            passed, failed = passed + good, failed + bad
            if bad:
                print(f"failed: {run}: {name} ({bad} of {good + bad})")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
