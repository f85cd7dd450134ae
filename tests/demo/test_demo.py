#!/usr/bin/env python3
"""The demonstration of ./dev run, short and on a small database: it ends by itself, on Ctrl-C and
when it is killed, leaves no process behind, and its table holds what a table must.

    tests/demo/test_demo.py REEVE_DEMO REEVED
"""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO, REEVED = sys.argv[1:3]
DEADLINE_S = 60
ROWS = ("look-ups per second", "of those alone, percent", "look-up latency p50, ms",
        "look-up latency p99, ms", "look-up latency worst, ms", "reports per second",
        "CPU of look-up statements, percent", "CPU of report statements, percent",
        "CPU of server and clients, percent")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def processes_of(folder):
    """Command lines that name the folder, of processes that run (a zombie does not)."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(os.fsencode(folder) in word for word in words):
            found.append(words)
    return found


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.folder = cls.holder.name
        cls.database = os.path.join(cls.folder, "packages.db")
        subprocess.run([sys.executable, ROOT / "tools/demo/make_data.py", cls.database,
                        "--generate", "2000"], check=True, stderr=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def start(self, *options, port=None):
        self.port = port or free_port()
        demo = subprocess.Popen([DEMO, "--reeved", REEVED, "--database", self.database,
                                 "--folder", self.folder, "--port", str(self.port), *options],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(demo.stdout.close)
        self.addCleanup(demo.stderr.close)
        self.addCleanup(demo.wait)
        self.addCleanup(demo.kill)
        return demo

    def assert_nothing_is_left(self):
        deadline = time.monotonic() + DEADLINE_S
        while processes_of(self.folder) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(processes_of(self.folder), [])

    def wait_for_line(self, demo, text):
        for line in demo.stdout:
            if text in line:
                return
        self.fail(f"ended without saying {text!r}: {demo.stderr.read()}")

    def test_once_ends_by_itself_with_a_table(self):
        demo = self.start("--once", "--phase-seconds", "1")
        output, errors = demo.communicate(timeout=DEADLINE_S)
        self.assertEqual(demo.returncode, 0, errors + output)
        table = {}
        for row in ROWS:
            match = re.search(rf"^ +{row} +([\d.]+) +([\d.]+) +([\d.]+)$", output, re.MULTILINE)
            self.assertIsNotNone(match, f"no row {row!r} in:\n{output}")
            table[row] = [float(number) for number in match.groups()]
        self.assertTrue(all(rate > 0 for rate in table["look-ups per second"]), table)
        self.assertEqual(table["of those alone, percent"][0], 100)
        self.assertEqual(table["reports per second"][0], 0)
        self.assertTrue(all(rate > 0 for rate in table["reports per second"][1:]), table)
        for phase in range(3):
            self.assertLessEqual(table["look-up latency p50, ms"][phase],
                                 table["look-up latency p99, ms"][phase])
            self.assertLessEqual(table["look-up latency p99, ms"][phase],
                                 table["look-up latency worst, ms"][phase])
        self.assertEqual(table["CPU of report statements, percent"][0], 0)
        self.assertTrue(all(used > 0 for used in table["CPU of report statements, percent"][1:]))
        self.assert_nothing_is_left()

    def post(self, body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/graphql", body.encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:
            return json.load(response)

    def test_the_server_is_left_running_and_what_to_try_works(self):
        demo = self.start("--phase-seconds", "1")
        self.wait_for_line(demo, "until Ctrl-C")
        bodies = []
        while len(bodies) < 3:
            line = demo.stdout.readline()
            self.assertNotEqual(line, "", "ended before the third command")
            bodies += re.findall(r"-d '(.*)'$", line)
        answers = [self.post(body) for body in bodies]
        self.assertTrue(all("errors" not in answer for answer in answers), answers)
        self.assertEqual(answers[0]["data"]["getActiveResourcePlan"]["name"], "DEMO_PLAN")
        self.assertGreater(len(answers[1]["data"]["executeSql"]["rows"]), 0)
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=DEADLINE_S)
        self.assertEqual(demo.returncode, 0)
        self.assert_nothing_is_left()

    def test_ctrl_c_in_the_middle_of_a_phase_leaves_nothing(self):
        demo = self.start("--phase-seconds", "600")
        self.wait_for_line(demo, "settling")
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=DEADLINE_S)
        self.assertEqual(demo.returncode, 130)
        self.assert_nothing_is_left()

    def test_the_server_ends_when_the_demonstration_is_killed(self):
        demo = self.start("--phase-seconds", "600")
        self.wait_for_line(demo, "settling")
        demo.kill()
        demo.wait(timeout=DEADLINE_S)
        self.assert_nothing_is_left()

    def test_a_port_in_use_is_said(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            demo = self.start("--once", port=listener.getsockname()[1])
            output, errors = demo.communicate(timeout=DEADLINE_S)
        self.assertEqual((demo.returncode, output), (2, ""))
        self.assertIn(f"port {self.port} is in use", errors)
        self.assertEqual(len(errors.splitlines()), 1)


if __name__ == "__main__":
    outcome = unittest.main(argv=sys.argv[:1], exit=False, verbosity=2).result
    bad = len(outcome.failures) + len(outcome.errors)
    print(f"{outcome.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad or not outcome.testsRun else 0)
