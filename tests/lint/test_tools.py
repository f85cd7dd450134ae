#!/usr/bin/env python3
"""Tests of the tools that judge the tree: check_layers.py finds what it must, count.py counts."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"


def run(tool, *arguments):
    result = subprocess.run([sys.executable, TOOLS / tool, *arguments], capture_output=True, text=True)
    return result.returncode, result.stdout.splitlines()


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Layers(Tree):
    def setUp(self):
        super().setUp()
        self.write("include/reeve/types.h", "#include <stdint.h>\n")
        self.write("src/base/base.h", "#include <reeve/types.h>\n")
        self.write("src/policy/fair.h", '#include "../base/base.h"\n')
        self.write("src/segment/layout.h", '#include "base/base.h"\n')

    def layers(self):
        return run("check_layers.py", str(self.root))

    def test_a_tree_in_order_is_silent(self):
        self.write("src/engine/cpu.c", '#include "../policy/fair.h"\n#include "../segment/layout.h"\n')
        self.assertEqual(self.layers(), (0, []))

    def test_an_include_upwards_is_found_with_file_and_line(self):
        self.write("src/engine/cpu.h", "\n")
        self.write("src/policy/fair.c", '/* x */\n#include "../engine/cpu.h"\n')
        status, lines = self.layers()
        self.assertEqual(status, 1)
        self.assertEqual(len(lines), 1)
        self.assertTrue(lines[0].startswith("src/policy/fair.c:2: "), lines[0])
        self.assertIn("src/engine/cpu.h", lines[0])

    def test_the_daemon_may_not_see_the_segment_by_any_spelling(self):
        for spelling in ('"segment/layout.h"', "<segment/layout.h>", '"../src/segment/layout.h"'):
            self.write("daemon/main.c", f"#  include {spelling}\n")
            status, lines = self.layers()
            self.assertEqual((status, len(lines)), (1, 1), spelling)
            self.assertTrue(lines[0].startswith("daemon/main.c:1: "), lines[0])

    def test_public_headers_may_not_see_the_inside(self):
        self.write("include/reeve/cpu.h", '#include "../../src/base/base.h"\n')
        self.assertEqual(self.layers()[0], 1)

    def test_policy_may_not_have_a_clock(self):
        self.write("src/policy/clock.c", "#include <stdint.h>\n#include <time.h>\n")
        status, lines = self.layers()
        self.assertEqual((status, len(lines)), (1, 1))
        self.assertTrue(lines[0].startswith("src/policy/clock.c:2: "), lines[0])
        self.write("src/policy/clock.c", "#include <sys/socket.h>\n")
        self.assertEqual(self.layers()[0], 1)

    def test_a_folder_without_a_layer_is_found(self):
        self.write("src/misc/help.c", "\n")
        status, lines = self.layers()
        self.assertEqual((status, len(lines)), (1, 1))
        self.assertTrue(lines[0].startswith("src/misc/help.c:1: "), lines[0])


JUNIT = '<?xml version="1.0"?><testsuite>%s</testsuite>'
CASE = '<testcase name="%s" status="%s"><system-out>%s</system-out></testcase>'


class Count(Tree):
    def count(self, *cases, steps=""):
        self.write("run.xml", JUNIT % "".join(CASE % case for case in cases))
        self.write("steps.txt", steps)
        status, lines = run("dev/count.py", str(self.root))
        return status, lines[-1]

    def test_cases_of_a_program_count_one_by_one(self):
        text = "[==========] 3 test(s) run.\n[  PASSED  ] 2 test(s).\n[  PASSED  ] 1 test(s).\n"
        self.assertEqual(self.count(("unit", "run", text)), (0, "3 passed, 0 failed"))

    def test_failed_cases_count_and_decide_the_status(self):
        text = "[  PASSED  ] 2 test(s).\n[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] b\n"
        self.assertEqual(self.count(("unit", "fail", text)), (1, "2 passed, 1 failed"))

    def test_node_summaries_count(self):
        text = "# tests 5\n# pass 4\n# fail 0\n# skipped 1\n"
        self.assertEqual(self.count(("client", "run", text)), (0, "4 passed, 0 failed"))

    def test_a_crash_after_passed_cases_is_a_failure(self):
        text = "[  PASSED  ] 2 test(s).\n"
        self.assertEqual(self.count(("unit", "fail", text)), (1, "2 passed, 1 failed"))

    def test_a_program_without_a_summary_is_one_test(self):
        self.assertEqual(self.count(("a", "run", ""), ("b", "fail", "")), (1, "1 passed, 1 failed"))

    def test_steps_count(self):
        steps = "passed lint layers\nfailed lint format\n"
        self.assertEqual(self.count(steps=steps), (1, "1 passed, 1 failed"))

    def test_nothing_run_is_not_success(self):
        self.assertEqual(self.count(), (1, "0 passed, 0 failed"))


if __name__ == "__main__":
    outcome = unittest.main(exit=False, verbosity=2).result
    bad = len(outcome.failures) + len(outcome.errors)
    print(f"{outcome.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad or not outcome.testsRun else 0)
