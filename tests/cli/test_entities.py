#!/usr/bin/env python3
"""The commands that go to reeved: each once as it works and once as it is refused.

    test_entities.py REEVE REEVED [unittest arguments]
"""
import http.server
import json
import os
import pathlib
import re
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.request

REEVE, REEVED = sys.argv[1:3]
NOBODY = "http://127.0.0.1:1"

# What to run in this order, what is said. SESSION, TASK... stand for ids made by MAKE below.
WORKS = [
    ("group create GOLD priority=2 maxSessions=20 isActive=true", "name +GOLD"),
    ("group create name=IRON category=Batch description=slow,and-steady", "slow,and-steady"),
    ("group list", r"^\d+ +GOLD +Custom +2 +0 +20 +true$"),
    ("group list nameContains=IRO", r"^\d+ +IRON"),
    ("group show GOLD", "^maxSessions +20$"),
    ("group update GOLD maxSessions=null", "^maxSessions +-$"),
    ("group stats GOLD", "^cpu"),
    ("group default IRON", "IRON|default"),
    ("user map 7 ann GOLD", "was mapped"),
    ("user list", "^7 +ann "),
    ("user show 7", "^username +ann$"),
    ("user unmap 7", "^done$"),
    ("rule create R1 GOLD condition=Username conditionValue=ann priority=5", "^name +R1$"),
    ("rule list", r"^\d+ +R1 +5 "),
    ("rule decide ann", "R1|GOLD"),
    ("rule show RULE", "^name +R1$"),
    ("rule update RULE isEnabled=false", "^isEnabled +false$"),
    ("rule delete RULE", "^done$"),
    ("plan create P1 cpuMethod=Shares", "^name +P1$"),
    ("plan list", r"^\d+ +P1 +Inactive +Shares"),
    ("plan show P1", "^name +P1$"),
    ("plan update P1 description=x", "^description +x$"),
    ("directive create P1 GOLD cpuShares=75", "^cpuShares +75$"),
    ("directive list P1", "75"),
    ("directive show DIRECTIVE", "^cpuShares +75$"),
    ("directive update DIRECTIVE cpuShares=60", "^cpuShares +60$"),
    ("plan validate P1", "^isValid +true$"),
    ("plan activate P1", "P1|activ"),
    ("plan active", "^name +P1$"),
    ("plan allocations", "GOLD"),
    ("plan history", "MANUAL|STARTUP"),
    ("plan decide", "plan"),
    ("plan deactivate", ""),
    ("directive delete DIRECTIVE", "^done$"),
    ("edit begin timeout=60", "edit was begun"),
    ("edit create-plan E1 cpuMethod=Shares", r"^planId +\d+$"),
    ("edit set-directive STAGED GOLD cpuShares=40", "is staged"),
    ("edit update-plan P1 description=staged", "is staged"),
    ("edit show", "^steps +3$"),
    ("edit validate", "^isValid +true$"),
    ("edit submit", "is made, as revision"),
    ("directive list E1", "40"),
    ("plan show P1", "^description +staged$"),
    ("edit begin", ""),
    ("edit remove-directive E1 GOLD", "^done$"),
    ("edit delete-plan E1", "^done$"),
    ("edit submit", ""),
    ("edit begin", ""),
    ("edit discard", "^done$"),
    ("edit show", "^isOpen +false$"),
    ("schedule create S1 P1 startTime=08:00 endTime=12:00 daysOfWeek=[1,2] isEnabled=false",
     "^name +S1$"),
    ("schedule list", r"^\d+ +S1"),
    ("schedule show SCHEDULE", "^name +S1$"),
    ("schedule update SCHEDULE priority=3", "^priority +3$"),
    ("schedule delete SCHEDULE", "^done$"),
    ("window create W1 0 60 P1 startTime=02:00 isEnabled=false", "^name +W1$"),
    ("window list", r"^\d+ +W1"),
    ("window show WINDOW", "^name +W1$"),
    ("window update WINDOW durationMinutes=90", "^durationMinutes +90$"),
    ("window delete WINDOW", "^done$"),
    ("plan delete P1", "^done$"),
    ("session list", r"^\d+ +ann"),
    ("session show SESSION", "^username +ann$"),
    ("session queued", ""),
    ("session switch SESSION GOLD", "GOLD|switched|success"),
    ("session history SESSION", "GOLD|groupId"),
    ("session boost SESSION", "High|HIGH"),
    ("session priority SESSION Low", "Low|LOW"),
    ("session limits SESSION idleTimeout=600", "limits"),
    ("session show SESSION", "^idleTimeout +600$"),
    ("session stats", "^total"),
    ("explain session SESSION", "^waiting +false$|^isWaiting +false$"),
    ("session-pool set GOLD 5 queueTimeout=9", "At most 5 sessions"),
    ("session-pool list", r"^\d+ +5 +0 +0 +9 +true$"),
    ("session-pool show GOLD", "^maxActiveSessions +5$"),
    ("session-pool remove GOLD", "^done$"),
    ("quota create SESSION GOLD maxPgaMemory=65536", ""),
    ("quota allocate SESSION 4096", ""),
    ("quota list", r"^\d+ +\d+ +65536 +4096 "),
    ("quota show SESSION", "^currentPgaUsage +4096$"),
    ("quota deallocate SESSION 4096", ""),
    ("quota remove SESSION", "^done$"),
    ("query execute SESSION workAreaBytes=4096", r"^executionId +\d+$"),
    ("query list", r"^\d+ +\d+ +\d+ "),
    ("query show QUERY", "^sessionId +"),
    ("query complete QUERY", ""),
    ("task add 5 GOLD priority=1", "^queryId +5$"),
    ("task list", r"^\d+ +\d+ +5 "),
    ("task show TASK", "^queryId +5$"),
    ("task suspend TASK Waiting", ""),
    ("task resume TASK", ""),
    ("task complete TASK cpuTimeNs=1000", ""),
    ("io limit GOLD bandwidthLimit=1000000 iopsLimit=50", ""),
    ("io list", r"^\d+ +0 +1000000 +0 +50 "),
    ("io show GOLD", "^bandwidthLimit +1000000$"),
    ("io stats", "^total"),
    ("io devices", ""),
    ("io requests", "^id "),
    ("io cancel REQUEST", ""),
    ("io unlimit GOLD", "^done$"),
    ("pool create MINE LargePool 1048576 parentPoolId=LARGE_POOL", "MINE"),
    ("pool list", r"^\d+ +MINE +LargePool +0 +1048576 "),
    ("pool show MINE", "^maxSize +1048576$"),
    ("pool update MINE maxSize=2097152", "^maxSize +2097152$"),
    ("pool allocate MINE 4096 tag=mine", "^size +4096$"),
    ("allocation list poolId=MINE", r"^\d+ +\d+ +- +- +4096 +mine "),
    ("allocation free ALLOCATION", "^done$"),
    ("pool allocate MINE 4096", "^size +4096$"),
    ("pool deallocate MINE 4096", ""),
    ("pool advice", ""),
    ("pool pressure", "^level +None$"),
    ("pool delete MINE", "^done$"),
    ("pool stats", "^total|^current"),
    ("pool limit GOLD maxGroupMemory=1048576", ""),
    ("pool limits", "1048576"),
    ("pool unlimit GOLD", "^done$"),
    ("server-pool create SP 1 3 idleServerTimeout=60", "^name +SP$"),
    ("server-pool list", r"^\d+ +SP +1 +3 +1 +1 +60$"),
    ("server-pool show SERVER_POOL", "^maxServers +3$"),
    ("server-pool update SERVER_POOL maxServers=2", "^maxServers +2$"),
    ("parallel servers state=IDLE", r"^\d+ +\d+ +Idle "),
    ("server-pool delete SERVER_POOL", "^done$"),
    ("parallel limit GOLD 3 serverLimit=2", "at most 3"),
    ("parallel limits", r"^\d+ +3 +2 +0$"),
    ("parallel show-limit GOLD", "^limit +3$"),
    ("parallel unlimit GOLD", "^done$"),
    ("parallel dop groupId=GOLD requestedDop=2", "^dop +"),
    ("parallel load", r"^\d+(\.\d+)?$"),
    ("execution request 77 GOLD 2", "^sessionId +77$"),
    ("execution list", r"^\d+ +77 "),
    ("execution queued", ""),
    ("execution show EXECUTION", "^sessionId +77$"),
    ("execution cancel EXECUTION", ""),
    ("execution request 78 GOLD 2", "^sessionId +78$"),
    ("execution complete EXECUTION2 rowsProcessed=5", ""),
    ("execution stats", "."),
    ("query execute SESSION workAreaBytes=4096 estimatedCost=1.5", "^state +Executing$"),
    ("query list", r"^\d+ +\d+ +\d+ +Executing "),
    ("query show QUERY", "^state +Executing$"),
    ("query complete QUERY", ""),
    ("stats reset", ""),
    ("stats show", "^totalsSince "),
    ("events", "GOLD"),
    ("events limit=1", r"^1 +\S+ +\w+ "),
    ("events list after=1 limit=1", r"^2 +\S+ +\w+ "),
    ("config get", "^maxTotalDop +"),
    ("config set maxTotalDop=64", "64"),
    ("config cpu", "^quantumMs"),
    ("config set-cpu quantumMs=8", "8"),
    ("config io", "^maxConcurrentIo +"),
    ("config set-io maxConcurrentIo=64 burstSeconds=0.5", "^maxConcurrentIo +64$"),
    ("config set-io-deadline READ HIGH deadlineMs=50", "was set"),
    ("config parallel", "^downgradeEnabled +true$"),
    ("config set-parallel defaultQueueTimeout=30", "^defaultQueueTimeout +30$"),
    ("config set-memory low=0.5 hysteresis=0.01", '"low":0.5,'),
    ("config sessions", "^globalSessionLimit +"),
    ("config set-sessions globalSessionLimit=50", "50"),
    ("revision list", "GOLD|createConsumerGroup"),
    ("revision list first=2", "^revision"),
    ("revision show REVISION", "^operation +"),
    ("revision diff REVISION", "GOLD"),
    ("window current", None),  # refused: none is open
    ("session kill SESSION", ""),
    ("group delete GOLD moveTo=IRON", "^done$"),
    ("revision rollback REVISION", ""),
]

# Refused by the server: exit status 1 and one line.
REFUSED = [
    ("group create NEW priority=9", "priority is 9, and must be 0 to 7"),
    ("group create SYS_GROUP", "SYS_GROUP"),
    ("group list category=Nonsense", "category"),
    ("group list --columns=id,colour", 'has no "colour"'),
    ("group list limit=-1", "limit"),
    ("group show NOBODY", 'no consumer group "NOBODY"'),
    ("group show 99", "Not found: consumer group 99"),
    ("group stats 99", "99"), ("group update 99 priority=1", "99"), ("group delete 99", "99"),
    ("group delete SYS_GROUP", "."), ("group default 99", "99"),
    ("user map 7 ann 99", "99"), ("user map 0 ann 2", "userId|user"), ("user unmap 7", "7"),
    ("user show 7", "7"), ("user list groupId=99", None),
    ("rule create R 99 condition=Username conditionValue=a", "99"), ("rule show 9", "9"),
    ("rule create R 2 condition=Nonsense conditionValue=a", "condition"),
    ("rule update 9 priority=1", "9"), ("rule delete 9", "9"), ("rule decide a at=never", "at"),
    ("plan create DAYTIME_PLAN", "DAYTIME_PLAN"), ("plan create X cpuMethod=Luck", "cpuMethod"),
    ("plan show 99", "99"), ("plan update 99 name=x", "99"), ("plan delete 99", "99"),
    ("plan activate 99", "99"), ("plan validate 99", "99"), ("plan allocations planId=99", "99"),
    ("plan history limit=-1", "limit"), ("plan decide at=never", "at"),
    ("directive list 99", "99"), ("directive show 99", "99"), ("directive delete 99", "99"),
    ("directive create DAYTIME_PLAN 2 cpuShares=0", "cpuShares"),
    ("directive update 99 cpuShares=1", "99"),
    ("edit discard", "no edit"), ("edit submit", "no edit"), ("edit validate", "no edit"),
    ("edit begin timeout=0", "timeout is 0, and must be 1 to 86400"),
    ("edit create-plan X", "no edit"), ("edit update-plan 2 description=x", "no edit"),
    ("edit delete-plan 2", "no edit"), ("edit set-directive 2 2 cpuShares=0", "cpuShares"),
    ("edit set-directive 2 2 cpuShares=1", "no edit"), ("edit remove-directive 2 2", "no edit"),
    ("session-pool set 2 0", "maxActiveSessions"), ("session-pool show 99", "99"),
    ("session-pool remove 99", "99"), ("quota create 999 99", "99"), ("quota show 999", "999"),
    ("quota allocate 999 1", "999"), ("quota deallocate 999 1", "999"),
    ("quota remove 999", "999"), ("quota list limit=-1", "limit"),
    ("allocation list limit=-1", "limit"), ("allocation free 999", "999"),
    ("pool allocate 999 1", "999"), ("pool deallocate LARGE_POOL 5", "5 bytes"),
    ("server-pool create X 3 1", "maxServers|minServers"), ("server-pool show 999", "999"),
    ("server-pool update 999 maxServers=1", "999"), ("server-pool delete 999", "999"),
    ("parallel servers state=BUSY", "state"), ("parallel show-limit 99", "99"),
    ("parallel limit 99 1", "99"), ("parallel unlimit 99", "99"),
    ("parallel dop groupId=99", "99"), ("config set-io policy=LUCK", "policy"),
    ("config set-io-deadline READ HIGH deadlineMs=0", "deadlineMs"),
    ("config set-parallel maxTotalDop=0", "maxTotalDop"),
    ("config set-memory low=50", "low is 50"),
    ("query list limit=-1", "limit"), ("query show 999", "999"), ("query execute 999", "999"),
    ("query complete 999", "999"),
    ("schedule create S DAYTIME_PLAN startTime=25:00 endTime=26:00", "startTime"),
    ("schedule show 9", "9"), ("schedule update 9 priority=1", "9"), ("schedule delete 9", "9"),
    ("window create W 9 60 DAYTIME_PLAN startTime=02:00", "dayOfWeek"),
    ("window show 9", "9"), ("window update 9 dayOfWeek=1", "9"), ("window delete 9", "9"),
    ("session list state=Nonsense", "state"), ("session show 999", "999"),
    ("session history 999", "999"), ("session kill 999", "999"), ("session cancel 999", "999"),
    ("session switch 999 2", "999"), ("session boost 999", "999"),
    ("session priority 999 High", "999"), ("session limits 999 idleTimeout=1", "999"),
    ("task list state=Nonsense", "state"), ("task show 999", "999"), ("task add 1 99", "99"),
    ("task suspend 999 Waiting", "999"), ("task resume 999", "999"), ("task complete 999", "999"),
    ("io show 99", "99"), ("io limit 99 weight=1", "99"), ("io unlimit 99", "99"),
    ("io limit 2 weight=0", "weight"), ("io requests state=Nonsense", "state"),
    ("io cancel 999", "999"),
    ("pool create X LargePool 0", "maxSize"), ("pool create X Nonsense 1", "poolType"),
    ("pool show 999", "999"), ("pool update 999 maxSize=1", "999"), ("pool delete 999", "999"),
    ("pool limit 99 maxGroupMemory=1", "99"), ("pool unlimit 99", "99"),
    ("execution list state=Nonsense", "state"), ("execution show 999", "999"),
    ("execution request 999 99 2", "99"), ("execution complete 999", "999"),
    ("execution cancel 999", "999"),
    ("query execute 99999", "99999"), ("query show 999", "999"), ("query complete 999", "999"),
    ("events list limit=-1", "limit"), ('events list kinds=["NONSENSE"]', "NONSENSE|kinds"),
    ("config set maxTotalDop=0", "maxTotalDop is 0, and must be 1 to 65536"),
    ("config set-cpu quantumMs=0", "quantumMs"),
    ("config set-sessions globalSessionLimit=-1", "globalSessionLimit"),
    ("explain session 999", "999"),
    ("revision list first=-1", "first"), ("revision show 9999", "9999"),
    ("revision diff 9999", "9999"),
    ("revision rollback 9999", "9999"),
]

# Wrong by themselves: exit status 2, and no server is asked.
WRONG = [
    ("group", "group wants a command"), ("group paint", "no command `paint`"),
    ("group create", "wants name"), ("group show", "wants groupId"),
    ("group create A colour=red", "no field `colour`"),
    ("group create A priority=high", "priority: expected a number; got `high`"),
    ("group create A priority=", "priority: expected a number; got ``"),
    ("group create A priority=1e3", "priority: expected a number"),
    ("group create A priority=99999999999999999999", "priority: expected a number"),
    ("group create A isActive=yes", "isActive: expected true or false; got `yes`"),
    ("group create A priority=1 priority=2", "priority is given twice"),
    ("group create A B", "takes no argument `B`"),
    ("group show groupId=", "groupId: expected a name or an id"),
    ("rule create R 2 expression={", "expression: expected JSON"),
    ("user unmap x", "userId: expected a number"),
    ("session kill all", "sessionId: expected a number"),
    ("window create W 1 long 2", "durationMinutes: expected a number"),
    ("group list --follow", "--follow is for events"),
    ("group list --columns=", "--columns takes names"),
    ("group list --fast", "reeve group --help"), ("group list --server", "reeve group --help"),
    ("group list --token-file", "reeve group --help"),
    ("group list --token-file=/nonexistent/token", "/nonexistent/token: No such file"),
    ("group list --token-file=/dev/null", "its first line is no token"),
    ("group list", "is reeved running there"), ("group list --server=nonsense://x", "nonsense"),
    ("group list --server=unix:/nonexistent/socket", "is reeved running there"),
    ("group list --server=", "missing URL"), ("events --follow", "is reeved running there"),
    ("help nonsense", "no help on `nonsense`"), ("help group extra", "no help on `group`"),
]


class Entities(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="reeve-entities-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.process = subprocess.Popen(
            [REEVED, "--data", cls.folder, "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE)
        cls.addClassCleanup(cls.stop)
        ready = next(line for line in cls.process.stderr if b'"ready"' in line)
        cls.server = "http://" + json.loads(ready)["address"]

    @classmethod
    def stop(cls):
        cls.process.terminate()
        cls.process.communicate()

    def reeve(self, command, status=0, server=None):
        env = {**os.environ, "REEVE_SERVER": server or self.server, "LC_ALL": "C.UTF-8"}
        env.pop("REEVE_TOKEN_FILE", None)
        words = command.split() if isinstance(command, str) else command
        done = subprocess.run([REEVE, *words], capture_output=True, text=True, env=env,
                              check=False, timeout=60)
        self.assertEqual(done.returncode, status, (command, done.stdout, done.stderr))
        if status != 0:
            self.assertEqual(done.stdout, "")
        return done.stdout if status == 0 else done.stderr

    def post(self, path, **body):
        request = urllib.request.Request(
            self.server + "/api/v1" + path, data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def find(self, command, member="id"):
        return str(json.loads(self.reeve(command + " --json"))[-1][member])

    def number(self, word):
        """The id of what earlier commands have made."""
        if word == "SESSION":
            if not hasattr(self, "session"):
                answer = self.post("/sessions", userId=7, username="ann")
                self.session = str(answer.get("sessionId") or answer["session"]["sessionId"])
            return self.session
        if word == "REQUEST":
            group = self.find("group list nameContains=GOLD")
            made = self.post("/requests", groupId=int(group), requestType="Read", sizeBytes=4096)
            return str(made["id"])
        return {"RULE": lambda: self.find("rule list"),
                "DIRECTIVE": lambda: self.find("directive list P1"),
                "STAGED": lambda: str(1 + max(int(p["id"]) for p in json.loads(
                    self.reeve("plan list --json")))),
                "QUERY": lambda: self.find("query list", "executionId"),
                "ALLOCATION": lambda: self.find("allocation list"),
                "SERVER_POOL": lambda: self.find("server-pool list", "poolId"),
                "SCHEDULE": lambda: self.find("schedule list"),
                "WINDOW": lambda: self.find("window list"),
                "REVISION": lambda: self.find("revision list", "revision"),
                "TASK": lambda: self.find("task list", "taskId"),
                "EXECUTION": lambda: self.find("execution list", "queryId"),
                "QUERY": lambda: self.find("query list", "executionId"),
                "EXECUTION2": lambda: self.find("execution list", "queryId")}.get(
                    word, lambda: word)()

    def test_1_each_works(self):
        self.number("SESSION")
        for command, wanted in WORKS:
            with self.subTest(command=command):
                words = [self.number(word) for word in command.split()]
                if wanted is None:
                    self.reeve(words, status=1)
                else:
                    out = self.reeve(words)
                    self.assertRegex(out, re.compile(wanted, re.MULTILINE))

    def test_2_each_is_refused(self):
        for command, wanted in REFUSED:
            with self.subTest(command=command):
                if wanted is None:
                    self.reeve(command)
                    continue
                said = self.reeve(command, status=1)
                self.assertRegex(said, wanted)
                self.assertRegex(said, r"\Areeve: [^\n]+\n\Z")

    def test_3_wrong(self):
        for command, wanted in WRONG:
            with self.subTest(command=command):
                said = self.reeve(command, status=2, server=NOBODY)
                self.assertIn(wanted, said)

    def test_every_command_is_here(self):
        tried = {tuple(command.split()[:2]) for command, _ in WORKS}
        listed = set()
        for entity in self.reeve("help --words").split():
            for verb in self.reeve(["help", "--words", entity]).split():
                listed.add((entity, verb))
        self.assertEqual(listed - tried, {("session", "cancel")})  # wants a statement: refused below
        refused = {tuple(command.split()[:2]) for command, _ in REFUSED}
        self.assertIn(("session", "cancel"), refused)

    def test_help(self):
        for entity in self.reeve("help --words").split():
            text = self.reeve(["help", entity])
            self.assertEqual(text, self.reeve([entity, "--help"]))
            for verb in self.reeve(["help", "--words", entity]).split():
                self.assertIn(f"reeve {entity} {verb}", text)
        page = self.reeve("help --man")
        self.assertIn("reeve session switch sessionId newGroupId [FIELD=VALUE]...", page)

    def test_pages_and_json(self):
        for i in range(230):
            self.post("/groups", name=f"MANY{i:03d}")
        names = [g["name"] for g in json.loads(self.reeve("group list nameContains=MANY --json"))]
        self.assertEqual(names, [f"MANY{i:03d}" for i in range(230)])
        self.assertEqual(len(self.reeve("group list nameContains=MANY").splitlines()), 231)
        self.assertEqual(len(self.reeve("group list limit=2").splitlines()), 3)
        only = self.reeve("group list --columns=name,id limit=1").split()
        self.assertEqual(only, ["name", "id", "SYS_GROUP", "1"])

    def test_odd_texts(self):
        name = 'a "b" / ü?&%=x'
        self.reeve(["group", "create", "name=" + name])
        self.assertIn(name, self.reeve(["group", "show", "groupId=" + name]))
        said = self.reeve(["group", "update", "groupId=" + name, "description=\x1b[2Jx"], status=1)
        self.assertIn("control character", said)

    def test_follow(self):
        env = {**os.environ, "REEVE_SERVER": self.server}
        with subprocess.Popen([REEVE, "events", "--follow"], env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as follower:
            try:
                self.reeve("group create FOLLOWED")
                seen = next(line for line in follower.stdout if "FOLLOWED" in line)
                self.assertIn("GROUP_CREATED", seen)
                self.reeve("group delete FOLLOWED")
                seen = next(line for line in follower.stdout if "GROUP_DELETED" in line)
            finally:
                follower.kill()
        # what is kept comes first; by kind, as JSON, and no more than asked for
        lines = self.reeve(["events", "--follow", "--json", "limit=2", 'kinds=["GROUP_CREATED"]']).splitlines()
        self.assertEqual([json.loads(line)["kind"] for line in lines], ["GROUP_CREATED"] * 2)
        last = json.loads(lines[1])["sequence"]
        self.assertEqual(len(self.reeve(["events", "--follow", f"after={last}", "limit=1"]).splitlines()), 1)
        for words, said in ((['kinds=["NONSENSE"]'], "NONSENSE"), (["after=-1"], "after|UInt64")):
            self.assertRegex(self.reeve(["events", "--follow", *words], status=1), said)
        self.assertIn("limit: expected", self.reeve(["events", "--follow", "limit=0"], status=2))


class Doors(unittest.TestCase):
    """A real reeved: tokens over TCP and over a Unix socket, each role to its limit."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="reeve-doors-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.socket = self.folder / "socket"
        tokens = self.folder / "tokens"
        for role in ("viewer", "operator", "admin"):
            made = subprocess.run([REEVED, "token", "create", f"--token-file={tokens}", f"--name={role}",
                                   f"--role={role}"], capture_output=True, text=True, check=True)
            (self.folder / role).write_text(made.stdout)
        process = subprocess.Popen(
            [REEVED, "--data", self.folder, "--listen", "127.0.0.1:0", "--listen", f"unix:{self.socket}",
             "--token-file", tokens, "--loopback-role", "none"], stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.terminate)
        ready = next(line for line in process.stderr if b'"ready"' in line)
        self.server = "http://" + json.loads(ready)["address"]

    def reeve(self, command, role=None, server=None, by_env=False):
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        options = {"server": server or self.server}
        if role:
            options["token-file"] = self.folder / role
        if by_env:
            env.update({"REEVE_" + k.upper().replace("-", "_"): str(v) for k, v in options.items()})
            options = {}
        return subprocess.run([REEVE, *command.split(), *(f"--{k}={v}" for k, v in options.items())],
                              env=env, capture_output=True, text=True, check=False, timeout=60)

    def assert_answer(self, done, status, said):
        self.assertEqual(done.returncode, status, done)
        self.assertRegex(done.stderr if status else done.stdout, said)

    def test_tokens_and_roles(self):
        create = "group create {}"
        self.assert_answer(self.reeve("group list"), 1, r"\Areeve: [^\n]*(token|credential)[^\n]*\n\Z")
        for role, listed, acted, defined in (("viewer", 0, 1, 1), ("operator", 0, 0, 1), ("admin", 0, 0, 0)):
            for by_env in (False, True):
                self.assert_answer(self.reeve("group list", role, by_env=by_env), listed, "SYS_GROUP")
            done = self.reeve("task add 5 2", role)
            self.assert_answer(done, acted, "needs the role operator, and token:viewer has viewer" if acted else "queryId")
            done = self.reeve(create.format(role.upper()), role)
            self.assert_answer(done, defined, f"needs the role admin, and token:{role} has {role}" if defined else "ADMIN")
        (self.folder / "wrong").write_text("reeve_wrongwrongwrongwrongwrongwrongwrong\n")
        self.assert_answer(self.reeve("group list", "wrong"), 1, r"\Areeve: [^\n]+\n\Z")
        self.assert_answer(self.reeve("events --follow limit=1"), 1, r"\Areeve: [^\n]*(token|credential)[^\n]*\n\Z")
        self.assert_answer(self.reeve("events --follow limit=1", "viewer", f"unix:{self.socket}"), 0, r"\A1 ")
        # at the socket this user is an admin; a token that is sent is judged there too
        unix = f"unix:{self.socket}"
        self.assert_answer(self.reeve(create.format("BY_SOCKET"), server=unix), 0, "BY_SOCKET")
        self.assert_answer(self.reeve("group show BY_SOCKET", "viewer", unix), 0, "BY_SOCKET")
        self.assert_answer(self.reeve("group delete BY_SOCKET", "viewer", unix), 1, "needs the role admin")
        self.assert_answer(self.reeve("group list", "wrong", unix), 1, r"\Areeve: [^\n]+\n\Z")
        # and all of it is in the audit log by the token's name
        self.assert_answer(self.reeve("group list", server=unix), 0, "ADMIN")
        log = [json.loads(line) for line in (self.folder / "audit.log").read_text().splitlines()]
        denied = [(e["who"], e["operation"]) for e in log if e["outcome"] != "ok"]
        self.assertIn(("token:viewer", "addCpuTask"), denied)
        self.assertIn(("token:operator", "createConsumerGroup"), denied)

    def test_plan_files(self):
        plan = self.folder / "plan.yaml"
        plan.write_text("groups:\n- name: FILED\n")
        self.assert_answer(self.reeve(f"apply {plan}", "viewer"), 2, "needs the role admin")
        self.assert_answer(self.reeve(f"apply {plan}", server=f"unix:{self.socket}"), 0, ".")
        self.assert_answer(self.reeve("group show FILED", "viewer"), 0, "FILED")


class Handler(http.server.BaseHTTPRequestHandler):
    """Keeps what it was asked, and answers what it is told to."""
    asked, answer = [], (200, b"[]")

    def do_GET(self):
        Handler.asked.append((self.path, self.headers.get("Authorization")))
        self.send_response(Handler.answer[0])
        self.send_header("Content-Length", str(len(Handler.answer[1])))
        self.end_headers()
        self.wfile.write(Handler.answer[1])

    def address_string(self):
        return "unix"

    def log_message(self, *args):
        pass


class Transport(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="reeve-transport-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.socket = self.folder / "socket"
        server = socketserver.UnixStreamServer(str(self.socket), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)

    def reeve(self, *words):
        return subprocess.run([REEVE, *words, f"--server=unix:{self.socket}"], timeout=60,
                              capture_output=True, text=True, check=False)

    def test_token_over_a_socket(self):
        token = self.folder / "token"
        token.write_text("abc.DEF-123=\nnot this\n")
        Handler.asked, Handler.answer = [], (200, b"[]")
        done = self.reeve("group", "list", f"--token-file={token}")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(Handler.asked, [("/api/v1/groups", "Bearer abc.DEF-123=")])
        for text in ("", "\n", "two words\n", "x" * 600, "a\x01b\n"):
            token.write_text(text)
            done = self.reeve("group", "list", f"--token-file={token}")
            self.assertEqual(done.returncode, 2, text)
            self.assertIn("is no token", done.stderr)
        self.assertEqual(len(Handler.asked), 1)

    def test_bad_answers(self):
        for answer, status, said in (
                ((200, b"<html>"), 2, "is not JSON"), ((200, b"[{"), 2, "is not JSON"),
                ((200, b""), 0, ""), ((500, b"oops"), 1, "status 500"),
                ((401, b'{"title":"No","detail":"A token is needed.","status":401}'), 1,
                 "reeve: A token is needed."),
                ((200, b'[{"id":18446744073709551615,"name":"big\\u001b[2J"}]'), 0, "")):
            Handler.answer = answer
            done = self.reeve("group", "list")
            self.assertEqual(done.returncode, status, (answer, done))
            self.assertIn(said, done.stderr)
        self.assertIn("18446744073709551615  big", done.stdout)
        self.assertNotIn("\x1b", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=1)
