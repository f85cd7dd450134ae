#!/usr/bin/env python3
"""The command line through its front door: exit statuses, texts, JSON, and top in a terminal.

    test_cli.py REEVE CLI_HOLD [unittest arguments]

REEVE is the program, CLI_HOLD the process it looks at (hold.c); the environment's REEVED serves its
segment. Terminals are tmux's.
"""
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

REEVE, HOLD = sys.argv[1:3]
REEVED = os.environ.get("REEVED")
TIMEOUT = 30
ALL = os.environ.get("REEVE_TEST_ALL")
PAGE = 4096
SHELL_PATH = os.environ["PATH"]


def reeve(*arguments, env=None):
    """Runs reeve; standard input and output are no terminals."""
    environment = {"PATH": SHELL_PATH, "LC_ALL": "C.UTF-8", **(env or {})}
    return subprocess.run([REEVE, *map(str, arguments)], env=environment, text=True, timeout=10,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Holder:
    """A running cli-hold."""

    def __init__(self, segment):
        self.process = subprocess.Popen([HOLD, str(segment)], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.expect("ready\n")

    def expect(self, line):
        seen = self.process.stdout.readline()
        if seen != line:
            raise AssertionError(f"cli-hold said {seen!r}, not {line!r}")

    def work(self):
        self.process.stdin.write("work\n")
        self.process.stdin.flush()
        self.expect("working\n")

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it was killed
        status = self.process.wait(TIMEOUT)
        self.process.stdout.close()
        return status


class CliTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="reeve-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.segment = self.folder / "reeve.segment"

    def hold(self):
        holder = Holder(self.segment)
        self.addCleanup(holder.close)
        return holder

    def make_segment(self):
        """A segment at rest, that nobody is attached to."""
        self.assertEqual(Holder(self.segment).close(), 0)

    def assert_refused(self, result, *texts):
        self.assertEqual(result.returncode, 2, result)
        self.assertEqual(result.stdout, "")
        for text in texts:
            self.assertIn(text, result.stderr)


class Usage(CliTest):
    def test_help(self):
        for command in ([], ["top"], ["status"], ["segment"]):
            result = reeve(*command, "--help")
            self.assertEqual(result.returncode, 0)
            self.assertTrue(result.stdout.startswith("Usage: reeve"))
            self.assertEqual(result.stderr, "")
            for line in result.stdout.splitlines():
                self.assertLessEqual(len(line), 88)

    def test_version(self):
        result = reeve("--version")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r"^reeve \d+\.\d+\.\d+\n$")

    def test_no_command(self):
        self.assert_refused(reeve(), "Usage: reeve")

    def test_unknown_command(self):
        self.assert_refused(reeve("tap"), "no command `tap`")

    def test_bad_flags(self):
        self.assert_refused(reeve("top", "--fast"), "--fast", "reeve top --help")
        self.assert_refused(reeve("status", "-x"), "reeve status --help")
        self.assert_refused(reeve("status", "extra"), "`extra`")
        self.assert_refused(reeve("segment"), "check FILE")
        self.assert_refused(reeve("segment", "mend", "x"), "`mend`")
        self.assert_refused(reeve("segment", "check"), "one FILE")
        self.assert_refused(reeve("segment", "check", "a", "b"), "one FILE")
        for delay in ("0", "-1", "x", "1x", "nan", "3601", ""):
            self.assert_refused(reeve("top", "-d", delay), "--delay", f"`{delay}`")
        self.assert_refused(reeve("top", "--token-file", "x"), "--token-file is for --server")
        self.assert_refused(reeve("top", "--sort", "luck"), "`luck`")
        self.assert_refused(reeve("top", "--page", "luck"), "`luck`", "parallel")

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run([REEVE, "--help"], stdout=full, stderr=subprocess.PIPE,
                                    timeout=TIMEOUT)
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"No space left", result.stderr)


class Finding(CliTest):
    def test_nothing_given(self):
        for command in ("status", "top"):
            self.assert_refused(reeve(command), "--segment", "--data", "REEVE_SEGMENT")

    def test_missing(self):
        for command in (["status"], ["top", "--once"]):
            result = reeve(*command, "--segment", self.segment)
            self.assert_refused(result, str(self.segment), "is reeved running")
            self.assertFalse(self.segment.exists())

    def test_ways_to_name_it(self):
        self.make_segment()
        for arguments, env in ((["-s", self.segment], {}), (["--data", self.folder], {}),
                               ([], {"REEVE_SEGMENT": str(self.segment)}),
                               (["-s", self.segment], {"REEVE_SEGMENT": "/nonexistent"})):
            result = reeve("status", *arguments, env=env)
            self.assertEqual(result.returncode, 0, result)
            self.assertIn(str(self.segment), result.stdout)

    def test_too_long(self):
        self.assert_refused(reeve("status", "-s", "/" + "x" * 5000), "longer than")

    def test_foreign(self):
        self.segment.write_text("not a segment\n" * 10000)
        self.assert_refused(reeve("status", "-s", self.segment), str(self.segment), "not a reeve")


class Status(CliTest):
    def test_text(self):
        self.hold()
        result = reeve("status", "-s", self.segment)
        self.assertEqual(result.returncode, 0, result)
        out = result.stdout
        self.assertRegex(out, r"state +READY")
        self.assertRegex(out, r"plan +TEST_PLAN \(100\), SHARES")
        self.assertRegex(out, r"CPU +2 slots, 2 running, 1 waiting, quantum 1.00s")
        self.assertRegex(out, r"alice +GOLD +ACTIVE ")
        self.assertRegex(out, r"carol +IRON +WAITING .*waiting for a CPU slot")
        self.assertRegex(out, r"dave +IRON +BLOCKED .*blocked outside reeve")
        self.assertRegex(out, r"erin +GOLD +INACTIVE")
        self.assertRegex(out, r"\d+ cli-hold ")
        self.assertNotIn("dead", out)

    def test_json(self):
        holder = self.hold()
        result = reeve("status", "--json", "-s", self.segment)
        self.assertEqual(result.returncode, 0, result)
        status = json.loads(result.stdout)
        self.assertEqual(status["segment"]["path"], str(self.segment))
        self.assertEqual(status["segment"]["state"], "READY")
        self.assertEqual(status["segment"]["cpu_slots"], 2)
        self.assertEqual(status["plan"]["name"], "TEST_PLAN")
        self.assertEqual(status["plan"]["cpu_method"], "SHARES")
        self.assertIsNone(status["plan"]["max_utilization_percent"])
        self.assertEqual((status["cpu"]["running"], status["cpu"]["waiting"]), (2, 1))
        self.assertEqual(status["cpu"]["quantum_ns"], 10**9)
        self.assertEqual([(a["name"], a["pid"], a["sessions"], a["is_alive"])
                          for a in status["attachments"]],
                         [("cli-hold", holder.process.pid, 5, True)])

    def test_json_groups(self):
        self.hold()
        status = json.loads(reeve("status", "--json", "-s", self.segment).stdout)
        groups = {group["name"]: group for group in status["groups"]}
        self.assertEqual(set(groups), {"SYS_GROUP", "INTERACTIVE_GROUP", "BATCH_GROUP",
                                       "MAINTENANCE_GROUP", "GOLD", "IRON"})
        gold, iron = groups["GOLD"], groups["IRON"]
        self.assertEqual((gold["running"], gold["waiting"], gold["sessions"]), (2, 0, 3))
        self.assertEqual((iron["running"], iron["waiting"], iron["sessions"]), (0, 1, 2))
        self.assertGreater(gold["entitled_percent"], 2.5 * iron["entitled_percent"])
        self.assertIsNone(gold["cap_percent"])
        self.assertEqual(iron["cap_percent"], 50.0)

    def test_json_sessions(self):
        holder = self.hold()
        status = json.loads(reeve("status", "--json", "-s", self.segment).stdout)
        sessions = {session["user"]: session for session in status["sessions"]}
        self.assertEqual({user: session["state"] for user, session in sessions.items()},
                         {"alice": "ACTIVE", "bob": "ACTIVE", "carol": "WAITING",
                          "dave": "BLOCKED", "erin": "INACTIVE"})
        carol, erin = sessions["carol"], sessions["erin"]
        self.assertEqual(carol["waits_for"], "waiting for a CPU slot")
        self.assertGreater(carol["waiting_ns"], 0)
        self.assertGreater(carol["statement_ns"], 0)  # by another counter: not to be compared
        self.assertEqual((carol["group"], carol["program"]), ("IRON", "report"))
        self.assertEqual(carol["pid"], holder.process.pid)
        self.assertIsNone(erin["waits_for"])
        self.assertIsNone(erin["statement_ns"])
        self.assertIsNone(erin["machine"])

    def test_nobody_attached(self):
        self.make_segment()
        result = reeve("status", "-s", self.segment)
        self.assertEqual(result.returncode, 0)
        self.assertIn("no process is attached; is reeved running?", result.stdout)
        self.assertIn("no sessions", result.stdout)

    def test_dead_process(self):
        holder = self.hold()
        holder.process.kill()
        holder.process.wait(TIMEOUT)
        result = reeve("status", "-s", self.segment)
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r"cli-hold .*dead; the next tick returns what it held")


class SegmentCheck(CliTest):
    def check(self, *arguments):
        return reeve("segment", "check", *arguments, self.segment)

    def test_good(self):
        self.make_segment()
        result = self.check()
        self.assertEqual(result.returncode, 0, result)
        self.assertRegex(result.stdout, r": in order: 6 groups, 5 plans, ")
        self.assertEqual(self.check("--quiet").stdout, "")

    def test_live(self):
        self.hold()
        result = self.check()
        self.assertEqual(result.returncode, 0, result)
        self.assertIn("in order", result.stdout)

    def test_killed_process_leaves_it_in_order(self):
        holder = self.hold()
        holder.process.kill()
        holder.process.wait(TIMEOUT)
        result = self.check()
        self.assertEqual(result.returncode, 0, result)

    def test_truncated(self):
        self.make_segment()
        whole = self.segment.read_bytes()
        for length in (0, 1, 100, 4096, len(whole) // 2, len(whole) - 1):
            self.segment.write_bytes(whole[:length])
            self.assert_refused(self.check(), str(self.segment))

    def test_foreign(self):
        self.segment.write_bytes(b"SQLite format 3\0" * 4096)
        self.assert_refused(self.check(), str(self.segment), "not a reeve segment")
        self.segment.write_bytes(bytes(1 << 20))
        self.assert_refused(self.check(), "not a reeve segment")

    def test_of_another_version(self):
        self.make_segment()
        whole = bytearray(self.segment.read_bytes())
        whole[8] ^= 0x40  # behind the magic
        self.segment.write_bytes(whole)
        self.assert_refused(self.check(), str(self.segment))

    def test_unreadable(self):
        self.assert_refused(self.check(), str(self.segment), "no segment")
        self.segment.mkdir()
        self.assert_refused(self.check(), str(self.segment))

    def write_sparse(self, whole, pages):
        """The segment as it was, with holes where it has zeros: it is 50 MB, and says little."""
        with self.segment.open("wb") as file:
            for page in pages:
                file.seek(page)
                file.write(whole[page:page + PAGE])
            file.truncate(len(whole))

    def check_damaged(self, whole, pages, at, bit):
        self.write_sparse(whole, pages)
        with self.segment.open("r+b") as file:
            file.seek(at)
            file.write(bytes([whole[at] ^ 1 << bit]))
        result = self.check()
        self.assertIn(result.returncode, (0, 1, 2), f"byte {at}, bit {bit}: {result}")
        if result.returncode == 1:
            self.assertRegex(result.stdout, r"\d+ faults?\n$")
        if result.returncode == 2:
            self.assertIn(str(self.segment), result.stderr)
        return result.returncode

    def test_damaged(self):
        """One bit changed, in the header and anywhere: a verdict, no crash, no hang. REEVE_TEST_ALL=1: in
        each byte of the header, and in ten times as many others."""
        self.make_segment()
        whole = self.segment.read_bytes()
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", file=sys.stderr)
        chance = random.Random(seed)
        written = [i for i in range(len(whole)) if whole[i] != 0]
        header = [i for i in written if i < PAGE]
        places = header + chance.sample(written, 600) if ALL else \
            chance.sample(header, 90) + chance.sample(written, 60)
        pages = sorted({i - i % PAGE for i in written})
        seen, hangs = set(), []
        for at in places:
            try:
                seen.add(self.check_damaged(whole, pages, at, chance.randrange(8)))
            except subprocess.TimeoutExpired:
                hangs.append(at)
        self.assertEqual(hangs, [], "bytes of the segment whose damage makes the check hang")
        self.assertLessEqual({1, 2}, seen)

class Completion(CliTest):
    def complete(self, *words):
        """What bash offers for the last word."""
        script = pathlib.Path(__file__).parents[2] / "packaging/completion/reeve"
        quoted = " ".join(f"'{word}'" for word in ("reeve", *words))
        program = (f"source '{script}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _reeve; "
                   "printf '%s\\n' \"${COMPREPLY[@]}\"")
        path = f"{pathlib.Path(REEVE).resolve().parent}:{SHELL_PATH}"
        return subprocess.run(["bash", "-c", program], cwd=self.folder, check=True, text=True,
                              env={**os.environ, "PATH": path},
                              timeout=TIMEOUT, stdout=subprocess.PIPE).stdout.split()

    def test_words(self):
        (self.folder / "a.segment").touch()
        (self.folder / "a.dir").mkdir()
        self.assertEqual(sorted(self.complete("st")), ["stats", "status"])
        self.assertEqual(self.complete("top", "--s"), ["--segment", "--server", "--sort"])
        self.assertEqual(self.complete("top", "--sort", "w"), ["wait"])
        self.assertEqual(self.complete("status", "--js"), ["--json"])
        self.assertEqual(sorted(self.complete("status", "--segment", "a.")),
                         ["a.dir", "a.segment"])
        self.assertEqual(self.complete("status", "--data", "a"), ["a.dir"])
        self.assertEqual(self.complete("segment", "ch"), ["check"])
        self.assertIn("a.segment", self.complete("segment", "check", "a"))
        self.assertEqual(self.complete("nonesuch", "x"), [])
        self.assertEqual(self.complete("top", "--page", "w"), ["waits"])
        self.assertEqual(self.complete("dir"), ["directive"])
        self.assertEqual(self.complete("group", "cr"), ["create"])
        self.assertEqual(self.complete("group", "create", "pri"), ["priority="])
        self.assertEqual(self.complete("group", "create", "--col"), ["--columns"])
        self.assertEqual(self.complete("help", "wind"), ["window"])

    def test_every_option_is_offered(self):
        for command in ("top", "status", "segment"):
            listed = re.findall(r"(--[a-z][a-z-]*)", reeve(command, "--help").stdout.split("Exit")[0])
            self.assertEqual(set(listed), set(self.complete(command, "--")))


class Once(CliTest):
    def test_idle(self):
        self.hold()
        result = reeve("top", "--once", "-d", "0.1", "-s", self.segment)
        self.assertEqual(result.returncode, 0, result)
        self.assertIn("plan TEST_PLAN", result.stdout)
        self.assertIn("2 of 2 slots busy, 1 waiting", result.stdout)
        self.assertRegex(result.stdout, r"GOLD +\d+\.\d +0\.0 +0\.0 +- +2 +0 ")
        self.assertRegex(result.stdout, r"IRON +\d+\.\d +0\.0 +0\.0 50\.0 +0 +1 ")
        self.assertRegex(result.stdout, r"carol +IRON +WAITING .*CPU slot")
        for line in result.stdout.splitlines():
            self.assertLessEqual(len(line), 80)

    def test_shares(self):
        holder = self.hold()
        holder.work()
        result = reeve("top", "--once", "-d", "1", "-s", self.segment, env={"COLUMNS": "120"})
        self.assertEqual(result.returncode, 0, result)
        share = {}
        for name in ("GOLD", "IRON"):
            row = re.search(rf"^{name} +\S+ +(\S+) ", result.stdout, re.MULTILINE)
            share[name] = float(row.group(1))
        self.assertAlmostEqual(share["GOLD"] + share["IRON"], 100, delta=0.3)
        self.assertAlmostEqual(share["GOLD"], 75, delta=10)
        self.assertEqual(holder.close(), 0)

    def test_sorted(self):
        self.hold()
        for key, first in (("wait", "carol"), ("time", "dave"), ("name", "alice")):
            out = reeve("top", "-1", "-d", "0.1", "-o", key, "-s", self.segment).stdout
            rows = out.split("WAITS FOR\n")[1].splitlines()
            self.assertEqual(rows[0].split()[1], first, key)

    def test_pages(self):
        self.hold()
        for page, wanted in (
                ("groups", r"^GROUP +ENTITLED.*\n.*GOLD|IRON"),
                ("sessions", r"^ +ID USER(.*\n)+.*carol +IRON +WAITING"),
                ("waits", r"^ +\d+ carol +IRON +\S+ +2 +2 +\d+ \+1 +a CPU slot$"),
                ("io", r"^COMPLETELY_FAIR; 0B/s, 0 ops/s; 0 under way of 128, 0 queued"),
                ("io", r"^GOLD +0 +- +0 +- +0 +0 +0 +0$"),
                ("memory", r"^pressure NONE at 0.0%; 0 of \S+ used"),
                ("memory", r"^POOL +USED +USED% +MAX"),
                ("parallel", r"^0 of \d+ servers held, peak 0; 0 executing, 0 queued"),
                ("parallel", r"^IRON +0 +\S+ +\S+ +0 +0$")):
            result = reeve("top", "-1", "-d", "0.1", "-p", page, "-s", self.segment)
            self.assertEqual(result.returncode, 0, result)
            self.assertRegex(result.stdout, re.compile(wanted, re.MULTILINE), page)
            for line in result.stdout.splitlines():
                self.assertLessEqual(len(line), 80)


class Terminal(CliTest):
    """A tmux server of its own with one window."""

    def setUp(self):
        super().setUp()
        self.server = f"reeve-cli-{os.getpid()}-{self.id().rsplit('.', 1)[1]}"
        self.addCleanup(self.tmux, "kill-server", check=False)

    def tmux(self, *arguments, check=True):
        return subprocess.run(["tmux", "-L", self.server, "-f", "/dev/null", *arguments],
                              env={"PATH": SHELL_PATH, "LC_ALL": "C.UTF-8", "TERM": "screen"},
                              check=check, text=True, timeout=TIMEOUT, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE).stdout

    def command(self, *arguments):
        return " ".join([REEVE, "top", "-s", str(self.segment), *arguments]) + "; echo exit=$?; exec cat"

    def start(self, width, height, *arguments):
        self.tmux("new-session", "-d", "-x", str(width), "-y", str(height), self.command(*arguments))

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def wait_for(self, pattern):
        """The screen, when it shows this."""
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            screen = self.screen()
            if re.search(pattern, screen, re.MULTILINE):
                return screen
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} on\n{self.screen()}")

    def test_80_by_24(self):
        self.hold()
        self.start(80, 24, "-d", "0.2")
        screen = self.wait_for("carol")
        lines = screen.splitlines()
        self.assertEqual(len(lines), 24)
        self.assertRegex(lines[0], r"^reeve .* plan TEST_PLAN .*READY")
        self.assertRegex(lines[1], r"^2 of 2 slots busy, 1 waiting")
        self.assertRegex(screen, r"(?m)^GOLD +\d+\.\d ")
        self.assertRegex(screen, r"(?m)^IRON +\d+\.\d ")
        self.assertRegex(screen, r"carol +IRON +WAITING +\S+ +\S+ +\S+ a CPU slot")
        self.assertRegex(lines[23], r"^q quit")
        self.tmux("send-keys", "q")
        self.wait_for("^exit=0")

    def test_resize(self):
        self.hold()
        self.start(80, 24, "-d", "0.2")
        self.wait_for("carol")
        self.tmux("resize-window", "-x", "132", "-y", "40")
        end = time.monotonic() + TIMEOUT
        while not self.screen().splitlines()[-1].startswith("q quit"):
            self.assertLess(time.monotonic(), end, self.screen())
        self.assertEqual(len(self.screen().splitlines()), 40)
        # wider: the whole reason and the whole name of a group fit
        self.wait_for("MAINTENANCE_GROUP .*")
        self.wait_for("dave .* outside reeve .I/O, lock or client.")
        # and very small: still there, and back
        self.tmux("resize-window", "-x", "25", "-y", "5")
        self.wait_for("^2 of 2 slots")
        self.tmux("resize-window", "-x", "80", "-y", "24")
        self.wait_for("carol")
        self.tmux("send-keys", "q")
        self.wait_for("^exit=0")

    def first_row_after(self, key, heading, wanted):
        self.tmux("send-keys", key)
        self.wait_for(rf"{heading}.*\n *{wanted}\b")

    def test_keys(self):
        self.hold()
        self.start(100, 30, "-d", "60")
        self.wait_for("by CPU")
        self.first_row_after("w", "^GROUP", "IRON")
        self.first_row_after("w", "^ +ID USER", r"\d+ carol")
        self.first_row_after("e", "^ +ID USER", r"\d+ dave")
        self.first_row_after("n", "^GROUP", "BATCH_GROUP")
        self.first_row_after("n", "^ +ID USER", r"\d+ alice")
        # the picked row: what a question would be about
        for keys, user in ((["Down"], "bob"), (["Up"], "alice"), (["NPage"], "erin"),
                           (["Home"], "alice"), (["End", "Up"], "dave"), (["Home", "Up"], "alice")):
            self.tmux("send-keys", *keys)
            self.tmux("send-keys", "k")
            self.wait_for(rf"^Kill session \d+ \({user} of ")
            self.tmux("send-keys", "n")
            self.wait_for("^Nothing was changed")
        # columns: from ID to the one on its left, which is the last, and back
        self.tmux("send-keys", "<")
        self.wait_for("by WAITS FOR")
        self.tmux("send-keys", ">", ">")
        self.wait_for("by USER")
        self.tmux("send-keys", "q")
        self.wait_for("^exit=0")

    def test_pages(self):
        self.hold()
        self.start(80, 24, "-d", "0.2")
        for width, height in ((80, 24), (120, 40)):
            self.tmux("resize-window", "-x", str(width), "-y", str(height))
            self.wait_for(rf"\A(.*\n){{{height - 1}}}q quit")
            for key, wanted in (("2", r"^GROUP +ENTITLED"), ("3", "carol +IRON"),
                                ("4", "^waits for a CPU slot: 2 of 2 are in use"),
                                ("5", "^GROUP +BYTES/S"), ("6", "^POOL +USED"),
                                ("7", "^ +ID +SESSION"), ("Tab", "^GROUP +ENTITLED"),
                                ("BTab", "DEGREE LIMIT")):
                self.tmux("send-keys", key)
                lines = self.wait_for(wanted).splitlines()
                self.assertEqual(len(lines), height)
                self.assertRegex(lines[-1], "^q quit . help 1-7 page .* kill .* switch")
                self.assertRegex(lines[2], r"\[\d \w+\]")
        self.tmux("send-keys", "q")
        self.wait_for("^exit=0")

    def test_filter_help_pause_delay(self):
        self.hold()
        self.start(80, 24, "-d", "0.1")
        self.wait_for("carol")
        self.tmux("send-keys", "/")
        self.wait_for("^Show rows with: _")
        self.tmux("send-keys", "CARX", "BSpace", "Enter")
        screen = self.wait_for("^only CAR ")
        self.assertIn("carol", screen)
        self.assertNotIn("alice", screen)
        self.tmux("send-keys", "Escape")
        self.wait_for("alice")
        self.tmux("send-keys", "?")
        self.wait_for("kill the picked session")
        self.tmux("send-keys", "x")
        self.wait_for("alice")
        self.tmux("send-keys", "p")
        paused = self.wait_for("^reeve .* PAUSED plan").splitlines()
        self.tmux("send-keys", "n")
        self.assertEqual(self.wait_for("by ID").splitlines()[0], paused[0])
        self.tmux("send-keys", "p")
        self.wait_for(r"^reeve \S+ \S+  plan")
        for text, said in (("x", "^`x` is not a number"), ("0", "^`0` is not"), ("nan", "^`nan`")):
            self.tmux("send-keys", "d")
            self.wait_for("^Seconds between")
            self.tmux("send-keys", text, "Enter")
            self.wait_for(said)
        self.tmux("send-keys", "d")
        self.wait_for("^Seconds between")
        self.tmux("send-keys", "0.5", "Enter")
        self.wait_for("^q quit")
        self.tmux("send-keys", "q")
        self.wait_for("^exit=0")

    def pick(self, user):
        """The sessions alone, by number, with this one picked."""
        self.tmux("send-keys", "3", "n")
        self.wait_for(r"\[3 sessions\].*by ID")
        for _ in range(["alice", "bob", "carol", "dave", "erin"].index(user)):
            self.tmux("send-keys", "Down")

    def sessions(self):
        status = json.loads(reeve("status", "--json", "-s", self.segment).stdout)
        return {session["user"]: session for session in status["sessions"]}

    def test_kill_and_switch(self):
        self.hold()
        self.start(100, 30, "-d", "0.1")
        self.wait_for("erin")
        self.pick("erin")
        self.tmux("send-keys", "k")
        self.wait_for(r"^Kill session \d+ \(erin of GOLD\), directly in the segment\? y or n")
        self.tmux("send-keys", "x")
        self.wait_for("^Nothing was changed")
        self.assertIn("erin", self.sessions())
        self.tmux("send-keys", "s")
        self.wait_for(r"^Switch session \d+ \(erin of GOLD\) to group")
        self.tmux("send-keys", "NOWHERE", "Enter")
        self.wait_for("^There is no group `NOWHERE`")
        self.tmux("send-keys", "s")
        self.wait_for(r"^Switch session \d+ \(erin of GOLD\) to group")
        self.tmux("send-keys", "IRON", "Enter")
        self.wait_for("to IRON, directly in the segment. y or n")
        self.tmux("send-keys", "y")
        self.wait_for(r"^Session \d+ was switched")
        self.assertEqual(self.sessions()["erin"]["group"], "IRON")
        self.tmux("send-keys", "k")
        self.wait_for(r"^Kill session \d+ \(erin of IRON\)")
        self.tmux("send-keys", "y")
        self.wait_for(r"^Session \d+ was killed")
        self.assertNotIn("erin", self.sessions())
        # on a page without sessions they only say so
        for key in ("k", "s"):
            self.tmux("send-keys", "5")
            self.wait_for("^q quit")
            self.tmux("send-keys", key)
            self.wait_for("^There are no sessions on this page")
        self.tmux("send-keys", "q")
        self.wait_for("^exit=0")

    def serve(self):
        """reeved over the segment, at a socket; tokens of two roles."""
        data, socket = self.folder / "data", self.folder / "socket"
        for role in ("viewer", "operator"):
            made = subprocess.run([REEVED, "token", "create", "--token-file", self.folder / "tokens", "--name", role,
                                   "--role", role], stdout=subprocess.PIPE, text=True, check=True)
            (self.folder / role).write_text(made.stdout)
        process = subprocess.Popen([REEVED, "--data", data, "--segment", self.segment, "--listen", f"unix:{socket}",
                                    "--token-file", self.folder / "tokens"], stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.terminate)
        next(line for line in process.stderr if b'"ready"' in line)
        return f"unix:{socket}"

    @unittest.skipUnless(REEVED, "no reeved")
    def test_kill_and_switch_through_a_server(self):
        self.hold()
        server = self.serve()
        self.start(100, 30, "--help")
        for role, said in (("viewer", "needs the role operator, and token:viewer has viewer"),
                           ("operator", r"^Session \d+ was switched")):
            self.tmux("respawn-window", "-k", self.command(
                "-d", "0.1", "--server", server, "--token-file", str(self.folder / role)))
            self.wait_for("erin")
            self.pick("erin")
            self.tmux("send-keys", "s")
            self.wait_for("to group")
            self.tmux("send-keys", "IRON", "Enter")
            self.wait_for("to IRON, through the server. y or n")
            self.tmux("send-keys", "y")
            self.wait_for(said)
            if role == "viewer":
                self.assertEqual(self.sessions()["erin"]["group"], "GOLD")
        self.assertEqual(self.sessions()["erin"]["group"], "IRON")
        self.tmux("send-keys", "k")
        self.wait_for(r"^Kill session \d+ \(erin of IRON\), through the server\? y or n")
        self.tmux("send-keys", "y")
        self.wait_for(r"^Session \d+ was killed")
        self.assertNotIn("erin", self.sessions())
        log = [json.loads(line) for line in (self.folder / "data/audit.log").read_text().splitlines()]
        self.assertEqual([(e["who"], e["operation"], e["outcome"]) for e in log],
                         [("token:viewer", "switchSessionGroup", "PERMISSION_DENIED"),
                          ("token:operator", "switchSessionGroup", "ok"), ("token:operator", "killSession", "ok")])

    def test_server_that_is_not_there(self):
        self.hold()
        self.start(120, 30, "-d", "0.1", "--server", f"unix:{self.folder}/none")
        self.wait_for("erin")
        self.pick("erin")
        self.tmux("send-keys", "k")
        self.wait_for("through the server. y or n")
        self.tmux("send-keys", "y")
        self.wait_for("^unix:.*/none: ")
        self.assertIn("erin", self.sessions())
        self.tmux("send-keys", "q")
        self.wait_for("^exit=0")

    def test_follows_what_happens(self):
        holder = self.hold()
        self.start(80, 24, "-d", "0.1")
        self.wait_for("2 of 2 slots busy")
        holder.work()
        self.wait_for("carol .*INACTIVE")
        self.assertEqual(holder.close(), 0)
        self.wait_for("0 sessions, 0 in a statement; 0 attached")

    def test_does_not_flicker(self):
        """After the first frame the screen is never cleared: only differences are sent."""
        self.hold()
        self.start(80, 24, "-d", "0.1")
        self.wait_for("carol")
        log = self.folder / "log"
        self.tmux("pipe-pane", f"cat >{log}")
        self.tmux("send-keys", "w")
        self.wait_for("by SINCE")
        self.tmux("send-keys", "n")
        self.wait_for("by ID")
        end = time.monotonic() + TIMEOUT
        while not log.exists() or len(log.read_bytes()) < 500:
            self.assertLess(time.monotonic(), end)
        sent = log.read_bytes()
        self.assertNotIn(b"\033[2J", sent)
        self.assertNotIn(b"\033[H\033[J", sent)
        self.assertNotIn(b"\033c", sent)

    def test_needs_a_terminal(self):
        self.make_segment()
        self.assert_refused(reeve("top", "-s", self.segment), "needs a terminal", "--once")

    def test_unknown_terminal(self):
        self.make_segment()
        # newterm itself leaks when it fails, which is not what a sanitized build looks for here
        command = (f"ASAN_OPTIONS=detect_leaks=0 TERM=nonesuch {REEVE} top -s {self.segment}; "
                   "echo exit=$?; exec cat")
        self.tmux("new-session", "-d", "-x", "100", "-y", "10", command)
        self.assertIn("TERM=nonesuch", self.wait_for("^exit=2"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
