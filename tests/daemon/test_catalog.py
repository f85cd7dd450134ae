#!/usr/bin/env python3
"""The catalog of reeved: SIGKILLs during changes, a full disk, revisions, documents.

    test_catalog.py REEVED

REEVE_TEST_ALL=1: 1,000 kills instead of 40. REEVE_TEST_SEED: the seed of a run before. With a checked build
(REEVE_CHECKED=1) reeved is killed at each of its named points too.
"""
import http.client
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

REEVED = sys.argv[1]
KILLS = 1000 if os.environ.get("REEVE_TEST_ALL") else 40
SEED = int(os.environ.get("REEVE_TEST_SEED", random.randrange(1 << 31)))
POINTS = ["rehearsed", "written", "performed", "catalog_begun", "catalog_row", "catalog_filled",
          "catalog_committed"]


class Refused(Exception):
    pass


class Daemon:
    """reeved on a free port, over one data directory."""

    running = None

    def __init__(self, folder, env=None, limit=None, options=()):
        def restrain():
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        self.segment = os.path.join(folder, "segment")
        self.process = subprocess.Popen(
            [REEVED, "--data", folder, "--listen", "127.0.0.1:0", "--segment", self.segment, *options],
            stderr=subprocess.PIPE, env={**os.environ, **(env or {})}, preexec_fn=restrain)
        self.log = []
        self.port = None
        Daemon.running = self.process
        for line in self.process.stderr:
            self.log.append(line.decode())
            if b'"ready"' in line:
                self.port = int(json.loads(line)["address"].rsplit(":", 1)[1])
                break
        if self.port is None:
            code = self.process.wait()
            raise Refused(code, "".join(self.log))
        self.drain = threading.Thread(target=lambda: self.log.extend(
            l.decode() for l in self.process.stderr))
        self.drain.start()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, query, **variables):
        self.connection.request("POST", "/graphql", json.dumps(
            {"query": query, "variables": variables}), {"Content-Type": "application/json"})
        answer = json.loads(self.connection.getresponse().read())
        if "errors" in answer:
            raise Refused(answer["errors"][0]["extensions"]["code"], answer["errors"][0]["message"])
        return answer["data"]

    def leave(self, names):
        """Deletes all groups but these and the system's."""
        self.ask(LOAD, d={"groups": [{"name": n} for n in names]})

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.gone()

    def gone(self):
        self.process.wait()
        self.drain.join()
        self.process.stderr.close()
        self.connection.close()


CREATE = """mutation($n: String!, $d: String, $p: Int) { createConsumerGroup(name: $n, priority: 3,
    category: "CUSTOM", description: $d, cpuAllocationPct: $p) { groupId } }"""
UPDATE = """mutation($i: UInt64!, $d: String, $p: Int) {
    updateConsumerGroup(groupId: $i, description: $d, cpuAllocationPct: $p) { revision } }"""
LOAD = """mutation($d: JSON!, $y: Boolean) { importConfiguration(document: $d, dryRun: $y)
    { message revision } }"""
LIST = "{ listConsumerGroups { id name description cpuAllocationPct } serverInfo { revision } }"
DEFINE = """mutation($n: String!, $d: String, $s: Int) { defineResourcePlan(input: { name: $n, description: $d,
    directives: [{groupId: 1, directive: {cpuShares: $s}}, {groupId: 2, directive: {cpuShares: $s}},
        {groupId: 3, directive: {cpuShares: $s}}] }) { planId } }"""
STAGE = """mutation($i: UInt64!, $d: String, $v: PlanDirectiveInput!) {
    stageUpdatePlan(planId: $i, description: $d) { success }
    a: stageDirective(planId: $i, groupId: 1, directive: $v) { success }
    b: stageDirective(planId: $i, groupId: 2, directive: $v) { success }
    c: stageDirective(planId: $i, groupId: 3, directive: $v) { success } }"""
BEGIN = "mutation { beginPlanEdit { success } }"
SUBMIT = "mutation { submitPlanEdit { success } }"
PLANS = "{ listResourcePlans { id name description directives { cpuShares } } }"
HISTORY = "{ listConfigurationRevisions { revision operation changeCount author } }"


class Model:
    """What is known of the groups: acknowledged, and the one change that was under way."""

    def __init__(self, rng):
        self.rng = rng
        self.groups = {}  # name: (id, value)
        self.pending = None  # (name, allowed values; None: not there)
        self.serial = 0
        self.acknowledged = 0

    def step(self, daemon):
        self.serial += 1
        value = self.serial % 101
        name = f"g{self.serial}"
        if self.groups and self.rng.random() < 0.6:
            name = self.rng.choice(sorted(self.groups))
        old = self.groups.get(name)
        gone = old and self.rng.random() < 0.4
        self.pending = (name, [old and old[1], None if gone else value])
        if not old:
            made = daemon.ask(CREATE, n=name, d=f"v{value}", p=value)
            self.groups[name] = (made["createConsumerGroup"]["groupId"], value)
        elif gone:
            daemon.leave(n for n in self.groups if n != name)
            del self.groups[name]
        else:
            daemon.ask(UPDATE, i=old[0], d=f"v{value}", p=value)
            self.groups[name] = (old[0], value)
        self.acknowledged += 1
        self.pending = None

    def check(self, test, daemon):
        """All that was acknowledged is there, nothing is half; what was under way is settled."""
        seen = {}
        for group in daemon.ask(LIST)["listConsumerGroups"]:
            if group["id"] >= 100:
                test.assertEqual(group["description"], f"v{group['cpuAllocationPct']}", "half")
                seen[group["name"]] = (group["id"], group["cpuAllocationPct"])
        if self.pending:
            name, allowed = self.pending
            now = seen.get(name)
            test.assertIn(now and now[1], allowed, self.pending)
            self.groups.pop(name, None)
            if now:
                self.groups[name] = now
            self.pending = None
        test.assertEqual(seen, self.groups)


class Plans:
    """The same of plans: defined whole, changed several at a time by staged edits, one made and one deleted by
    each. A plan's description and its directives say one number; half of a change is where they do not."""

    def __init__(self, rng):
        self.rng = rng
        self.plans = {}  # name: (id, value)
        self.after = None  # of the change under way; ids of new plans are None
        self.serial = 0
        self.acknowledged = {"defineResourcePlan": 0, "submitPlanEdit": 0}

    def step(self, daemon):
        self.serial += 1
        if len(self.plans) < 2 or (len(self.plans) < 6 and self.rng.random() < 0.5):
            self.define(daemon, f"p{self.serial}", self.serial)
        else:
            self.edit(daemon, self.serial)
        self.after = None

    def define(self, daemon, name, value):
        self.after = {**self.plans, name: (None, value)}
        made = daemon.ask(DEFINE, n=name, d=f"v{value}", s=value)["defineResourcePlan"]["planId"]
        self.plans[name] = (made, value)
        self.acknowledged["defineResourcePlan"] += 1

    def edit(self, daemon, value):
        gone, *changed = self.rng.sample(sorted(self.plans), self.rng.randint(2, len(self.plans)))
        daemon.ask(BEGIN)
        after = {k: v for k, v in self.plans.items() if k != gone}
        for name in changed:
            self.stage(daemon, after, name, self.plans[name][0], value)
        if self.rng.random() < 0.5:
            name = f"p{value}"
            made = daemon.ask("mutation($n: String!) { stageCreatePlan(name: $n) { planId } }", n=name)
            self.stage(daemon, after, name, made["stageCreatePlan"]["planId"], value)
        daemon.ask("mutation($i: UInt64!) { stageDeletePlan(planId: $i) { success } }", i=self.plans[gone][0])
        self.after = after
        daemon.ask(SUBMIT)
        self.plans = after
        self.acknowledged["submitPlanEdit"] += 1

    def stage(self, daemon, after, name, plan, value):
        after[name] = (plan, value)
        daemon.ask(STAGE, i=plan, d=f"v{value}", v={"cpuShares": value})

    def check(self, test, daemon):
        seen = {}
        for plan in daemon.ask(PLANS)["listResourcePlans"]:
            if plan["id"] >= 100:
                value = int(plan["description"][1:])
                test.assertEqual([d["cpuShares"] for d in plan["directives"]], [value] * 3, plan)
                seen[plan["name"]] = (plan["id"], value)
        if self.after is not None:
            after = {k: (i or seen.get(k, (None,))[0], v) for k, (i, v) in self.after.items()}
            test.assertIn(seen, [self.plans, after])
            self.plans, self.after = seen, None
        test.assertEqual(seen, self.plans)


class Both:
    """Groups and plans in turn, by chance."""

    def __init__(self, rng):
        self.rng = rng
        self.models = [Model(rng), Plans(rng)]

    def step(self, daemon):
        self.rng.choice(self.models).step(daemon)

    def check(self, test, daemon):
        for model in self.models:
            model.check(test, daemon)


class Catalog(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reeve-catalog-")

    def tearDown(self):
        if Daemon.running and Daemon.running.poll() is None:  # the test has failed
            Daemon.running.kill()
            Daemon.running.wait()
        shutil.rmtree(self.folder)

    def test_kills(self):
        rng = random.Random(SEED)
        model = Both(rng)
        for kill in range(KILLS):
            with self.subTest(seed=SEED, kill=kill):
                daemon = Daemon(self.folder)
                model.check(self, daemon)
                for _ in range(rng.randint(2, 8)):  # however slow the machine is
                    model.step(daemon)
                killer = threading.Timer(rng.random() * 0.04, daemon.process.kill)
                killer.start()
                try:
                    while True:
                        model.step(daemon)
                except (OSError, http.client.HTTPException, ValueError):
                    pass
                killer.join()
                daemon.gone()
                if rng.random() < 0.5:  # the machine has been started anew
                    os.unlink(daemon.segment)
        daemon = Daemon(self.folder)
        model.check(self, daemon)
        numbers = [r["revision"] for r in daemon.ask(HISTORY)["listConfigurationRevisions"]]
        self.assertEqual(numbers, sorted(set(numbers), reverse=True))
        daemon.end()
        groups, plans = model.models
        print(groups.acknowledged, plans.acknowledged, file=sys.stderr)
        self.assertGreater(groups.acknowledged, KILLS)
        for n in plans.acknowledged.values():
            self.assertGreater(n, KILLS / 4)

    @unittest.skipUnless(os.environ.get("REEVE_CHECKED") == "1", "needs a checked build")
    def test_points(self):
        model = Both(random.Random(SEED))
        for point in POINTS:
            for n in range(1, 5):
                daemon = Daemon(self.folder)
                model.check(self, daemon)
                daemon.end(signal.SIGKILL)
                first = 3 if point.startswith("catalog") else 0
                with self.subTest(seed=SEED, point=point, n=n):
                    daemon = Daemon(self.folder, {"REEVED_KILL_AT": f"{point}:{first + n}"})
                    with self.assertRaises((OSError, http.client.HTTPException, ValueError)):
                        for _ in range(50):
                            model.step(daemon)
                    daemon.gone()
        daemon = Daemon(self.folder)
        model.check(self, daemon)
        daemon.end()
        os.unlink(daemon.segment)
        with self.assertRaises(Refused):
            Daemon(self.folder, {"REEVED_KILL_AT": "restoring:1"})
        daemon = Daemon(self.folder)
        model.check(self, daemon)
        daemon.end()

    def test_full_disk(self):
        daemon = Daemon(self.folder)
        daemon.ask(CREATE, n="before", d="v1", p=1)
        daemon.end()
        size = os.path.getsize(os.path.join(self.folder, "catalog.db"))
        daemon = Daemon(self.folder, limit=size + 40000)
        was = None
        for i in range(1000):
            was = daemon.ask(LIST)["listConsumerGroups"]
            try:
                daemon.ask(CREATE, n=f"g{i}", d="v2", p=2)
            except Refused as refused:
                self.assertEqual(refused.args[0], "RESOURCE_EXHAUSTED")
                self.assertIn("catalog", refused.args[1])
                break
        else:
            self.fail("the disk never got full")
        self.assertEqual(daemon.ask(LIST)["listConsumerGroups"], was)
        daemon.end(signal.SIGKILL)
        daemon = Daemon(self.folder)
        self.assertEqual(daemon.ask(LIST)["listConsumerGroups"], was)
        daemon.ask(CREATE, n="after", d="v3", p=3)
        daemon.end()

    def test_edits_are_written_first(self):
        """A revision of its own, made by the rehearsal: not what the segment had done already."""
        daemon = Daemon(self.folder)
        plans = Plans(random.Random(SEED))
        for value in (1, 2):
            plans.define(daemon, f"p{value}", value)
        before = daemon.ask(HISTORY)["listConfigurationRevisions"]
        plans.edit(daemon, 3)
        history = daemon.ask(HISTORY)["listConfigurationRevisions"]
        self.assertEqual([r["operation"] for r in history[:2]], ["submitPlanEdit", before[0]["operation"]])
        self.assertGreater(history[0]["changeCount"], 5)
        # one that is refused is refused twice, and written never
        daemon.ask(BEGIN)
        daemon.ask(STAGE, i=99999, d="", v={"cpuShares": 1})
        with self.assertRaises(Refused) as refused:
            daemon.ask(SUBMIT)
        self.assertEqual(refused.exception.args[0], "NOT_FOUND")
        self.assertIn("step 1 of 4", refused.exception.args[1])
        self.assertEqual(daemon.ask(HISTORY)["listConfigurationRevisions"], history)
        daemon.ask("mutation { discardPlanEdit { success } }")
        # one that others' changes have made stale too, and then it is begun anew
        daemon.ask(BEGIN)
        daemon.ask(CREATE, n="between", d="v1", p=1)
        with self.assertRaises(Refused) as refused:
            daemon.ask(SUBMIT)
        self.assertEqual(refused.exception.args[0], "STALE_REVISION")
        daemon.ask("mutation { discardPlanEdit { success } }")
        plans.define(daemon, "more", 4)  # an edit deletes one, and changes one at least
        plans.edit(daemon, 5)
        plans.check(self, daemon)
        daemon.end(signal.SIGKILL)
        os.unlink(daemon.segment)
        daemon = Daemon(self.folder)
        plans.check(self, daemon)
        daemon.end()

    def test_not_a_catalog(self):
        with open(os.path.join(self.folder, "catalog.db"), "wb") as file:
            file.write(b"this is no data base" * 100)
        with self.assertRaises(Refused) as refused:
            Daemon(self.folder)
        self.assertEqual(refused.exception.args[0], 2)
        self.assertIn("catalog", refused.exception.args[1])

    def test_revisions(self):
        daemon = Daemon(self.folder, options=["--revisions", "5"])
        made = daemon.ask(CREATE, n="one", d="v1", p=1)["createConsumerGroup"]["groupId"]
        first = daemon.ask(LIST)["serverInfo"]["revision"]
        second = daemon.ask(UPDATE, i=made, d="v2", p=2)["updateConsumerGroup"]["revision"]
        self.assertGreater(second, first)
        changes = daemon.ask("query($a: UInt64!, $b: UInt64) { diffConfiguration(fromRevision: $a, "
                             "toRevision: $b) { kind id before after } }", a=first, b=second)
        [change] = changes["diffConfiguration"]
        self.assertEqual((change["kind"], change["id"]), ("group", made))
        self.assertEqual(change["before"]["cpuAllocationPct"], 1)
        self.assertEqual(change["after"]["cpuAllocationPct"], 2)
        shown = daemon.ask("query($r: UInt64!) { getConfigurationRevision(revision: $r) { revision "
                           "operation changes { before after } } }", r=second)
        self.assertEqual(shown["getConfigurationRevision"]["operation"], "updateConsumerGroup")
        daemon.leave([])
        # back: the group has its id and its fields again
        back = daemon.ask("mutation($r: UInt64!) { rollbackConfiguration(revision: $r) { revision } }",
                          r=first)["rollbackConfiguration"]["revision"]
        self.assertGreater(back, second)
        group = daemon.ask("query($i: UInt64!) { getConsumerGroup(groupId: $i) { name cpuAllocationPct } }",
                           i=made)["getConsumerGroup"]
        self.assertEqual(group, {"name": "one", "cpuAllocationPct": 1})
        self.assertEqual(len(daemon.ask(HISTORY)["listConfigurationRevisions"]), 5)
        for n in range(3):
            daemon.ask(UPDATE, i=made, d=f"v{n}", p=n)
        self.assertEqual(len(daemon.ask(HISTORY)["listConfigurationRevisions"]), 5)
        with self.assertRaises(Refused) as refused:  # not kept any more
            daemon.ask("mutation($r: UInt64!) { rollbackConfiguration(revision: $r) { revision } }",
                       r=first)
        self.assertEqual(refused.exception.args[0], "NOT_FOUND")
        daemon.end()

    def test_refused_by_the_segment(self):
        """Only everybody's segment knows of sessions: the rehearsal's change is written back."""
        daemon = Daemon(self.folder)
        made = daemon.ask(CREATE, n="busy", d="v1", p=1)["createConsumerGroup"]["groupId"]
        daemon.ask("mutation($g: UInt64!) { createSession(userId: 1, username: \"u\", groupId: $g) "
                   "{ sessionId } }", g=made)
        with self.assertRaises(Refused) as refused:
            daemon.leave([])
        self.assertEqual(refused.exception.args[0], "CONFLICT")
        history = daemon.ask(HISTORY)["listConfigurationRevisions"]
        self.assertEqual([r["operation"] for r in history[:2]],
                         ["importConfiguration: refused", "importConfiguration"])
        daemon.end(signal.SIGKILL)
        os.unlink(daemon.segment)
        daemon = Daemon(self.folder)
        self.assertIn("busy", [g["name"] for g in daemon.ask(LIST)["listConsumerGroups"]])
        daemon.end()

    def test_temporary_mappings(self):
        """They are no definitions: no revision, and nothing of them is left in the rehearsal."""
        daemon = Daemon(self.folder)
        made = daemon.ask(CREATE, n="one", d="v1", p=1)["createConsumerGroup"]["groupId"]
        revisions = daemon.ask(HISTORY)
        map_user = "mutation($g: UInt64!) { mapUserToGroup(userId: 9, username: \"u\", groupId: $g, " \
                   "isPermanent: false) { success } }"
        daemon.ask(map_user, g=made)
        self.assertEqual(daemon.ask(HISTORY), revisions)
        daemon.ask(map_user, g=2)
        daemon.leave([])
        self.assertEqual(daemon.ask(HISTORY)["listConfigurationRevisions"][0]["operation"],
                         "importConfiguration")
        daemon.end()

    def test_documents(self):
        daemon = Daemon(self.folder)
        daemon.ask(CREATE, n="one", d="v1", p=1)
        whole = daemon.ask("{ exportConfiguration }")["exportConfiguration"]
        revision = daemon.ask(LIST)["serverInfo"]["revision"]
        answer = daemon.ask(LOAD, d=whole)["importConfiguration"]
        self.assertEqual(answer, {"message": "No change.", "revision": revision})
        whole["groups"] = [g for g in whole["groups"] if g["name"] != "one"]
        whole["plans"][0]["directives"][1]["cpuShares"] = 777
        answer = daemon.ask(LOAD, d=whole, y=True)["importConfiguration"]
        self.assertEqual(answer["message"], "2 definitions would be changed.")
        self.assertEqual(daemon.ask(LIST)["serverInfo"]["revision"], revision)
        preview = daemon.ask("query($d: JSON!) { previewConfiguration(document: $d) { kind id } }",
                             d=whole)["previewConfiguration"]
        self.assertEqual([c["kind"] for c in preview], ["group", "directive"])
        answer = daemon.ask(LOAD, d=whole)["importConfiguration"]
        self.assertEqual(answer["message"], "2 definitions were changed.")
        self.assertGreater(answer["revision"], revision)
        for bad, code, text in [
                ({"groups": [{"name": "x", "priority": "low"}]}, "INVALID_ARGUMENT",
                 "priority: expected a number; got 'low'"),
                ({"gruops": []}, "INVALID_ARGUMENT", "gruops: there is no such section"),
                ({"groups": [{"name": "x", "colour": 1}]}, "INVALID_ARGUMENT", "colour"),
                ({"defaultGroup": "nobody"}, "NOT_FOUND", "nobody"),
                ({"groups": [{"name": "x", "priority": 9}]}, "INVALID_ARGUMENT", "0 to 7"),
                ([1], "INVALID_ARGUMENT", "map")]:
            with self.assertRaises(Refused) as refused:
                daemon.ask(LOAD, d=bad)
            self.assertEqual(refused.exception.args[0], code, refused.exception.args)
            self.assertIn(text, refused.exception.args[1])
        self.assertEqual(daemon.ask("{ exportConfiguration }")["exportConfiguration"], whole)
        daemon.end()


if __name__ == "__main__":
    print("seed", SEED, flush=True)
    unittest.main(argv=sys.argv[:1], verbosity=2)
