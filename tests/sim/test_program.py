#!/usr/bin/env python3
"""reeve-sim through its command line: exit statuses and what it prints.

    test_program.py REEVE_SIM [unittest arguments]
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

REEVE_SIM = sys.argv[1]
GOOD = ("duration 200ms\ngroup A\nclients a 3 group A work exponential 1ms\n"
        "expect usage A >= 90%\n")


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="reeve-sim-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, text, name="t.scn"):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def run_sim(self, *arguments):
        return subprocess.run([REEVE_SIM, *arguments], text=True, timeout=60, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_all_met(self):
        path = self.file(GOOD)
        result = self.run_sim(path)
        self.assertEqual(result.returncode, 0, result)
        lines = result.stdout.splitlines()
        self.assertEqual(lines[0], f"     {path}: seed 1")
        self.assertRegex(lines[1], rf"^PASS {path}:4: expect usage A >= 90%: \d+\.\d\d%$")
        self.assertRegex(lines[2], rf"^PASS {path}: no call failed")
        self.assertEqual(len(lines), 3)

    def test_one_not_met(self):
        path = self.file(GOOD + "expect usage A < 1%\n")
        result = self.run_sim(path)
        self.assertEqual(result.returncode, 1, result)
        self.assertRegex(result.stdout, rf"(?m)^PASS {path}:4: ")
        self.assertRegex(result.stdout, rf"(?m)^FAIL {path}:5: expect usage A < 1%: \d")

    def test_fault(self):
        result = self.run_sim(self.file(GOOD + "at 10ms unregister A\n"))
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("1 faults, the first: ending a registration", result.stdout)

    def test_mistake(self):
        path = self.file(GOOD + "machine cors 2\n")
        result = self.run_sim(path)
        self.assertEqual(result.returncode, 2, result)
        self.assertEqual(result.stderr, f"reeve-sim: {path}:5: expected `cores`, found `cors`\n")
        self.assertEqual(result.stdout, "")

    def test_worst_of_many_files_counts(self):
        good = self.file(GOOD)
        bad = self.file(GOOD + "expect usage A < 1%\n", "bad.scn")
        self.assertEqual(self.run_sim(good, bad).returncode, 1)
        self.assertEqual(self.run_sim(bad, str(self.folder / "none"), good).returncode, 2)

    def test_seed(self):
        path = self.file(GOOD.replace(">= 90%", ">= 0%") + "expect statements A > 0\n")
        first, again, other = (self.run_sim("--groups", "--seed", seed, path).stdout
                               for seed in ("7", "7", "8"))
        self.assertEqual(first, again)
        self.assertIn("seed 7", first)
        self.assertNotEqual(first.replace("seed 7", "seed 8"), other)

    def test_parse_only(self):
        result = self.run_sim("--parse", self.file(GOOD))
        self.assertEqual((result.returncode, result.stdout), (0, ""))
        self.assertEqual(self.run_sim("-n", self.file("sed 1\n")).returncode, 2)

    def test_directives(self):
        path = self.file(GOOD + "plan P shares\ndirective P A ioWeight 5 cap 50%\nactivate P\n")
        result = self.run_sim("--directives", path)
        self.assertEqual((result.returncode, result.stdout), (0, "cpuUtilizationLimit\nioWeight\n"))
        self.assertIn("cpuShares yes\n", self.run_sim("-d").stdout)
        self.assertIn("undoPool no\n", self.run_sim("-d").stdout)
        self.assertEqual(self.run_sim(path).returncode, 1)
        self.assertEqual(self.run_sim("--without=cpuUtilizationLimit", path).returncode, 0)
        result = self.run_sim("--without", "cpuLimit", path)
        self.assertEqual((result.returncode, result.stderr), (
            2, "reeve-sim: --without: expected a field of directives, found `cpuLimit`\n"))

    def test_io_policy(self):
        result = self.run_sim("--io-policy", "fair", self.file(GOOD))
        self.assertEqual((result.returncode, result.stderr), (
            2, "reeve-sim: --io-policy: expected one of completely-fair deadline budget-fair "
               "priority, found `fair`\n"))

    def test_usage(self):
        self.assertEqual(self.run_sim("--help").returncode, 0)
        self.assertRegex(self.run_sim("--version").stdout, r"^reeve-sim \d+\.\d+\.\d+\n$")
        for arguments in ([], ["--fast"], ["--seed", "x", "f"], ["--seed", "", "f"]):
            result = self.run_sim(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertNotEqual(result.stderr, "")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
