#!/usr/bin/env python3
"""Plan files through the front door: reeve validate, diff, apply, export, and every example.

    test_plans.py REEVE REEVED EXAMPLES
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

REEVE, REEVED, EXAMPLES = sys.argv[1:4]

# What is wrong with a file, and what is said of it.
WRONG = [
    ("plans:\n  - name: X\n    cpuMethod: fair\n",
     "3: cpuMethod: expected one of emphasis, ratio, shares; got 'fair'"),
    ("groups:\n  - name: X\n    colour: red\n", "3: colour: there is no such field in a group"),
    ("groups:\n  - name: X\nteams: []\n", "3: teams: there is no such section"),
    ("groups:\n  - name: X\n    priority: low\n", "3: priority: expected a number; got 'low'"),
    ("groups:\n  - name: X\n  - name: X\n", "3: groups: 'X' is there twice"),
    ("groups:\n  - priority: 1\n", "2: groups: name is missing"),
    ("groups: 7\n", "1: groups: expected a list"),
    ("- 1\n", "1: a document is a map"),
    ("groups:\n  - name: X\n    name: Y\n", "3: name is there twice"),
    ("groups:\n  - {name: X, maxIdleTime: soon}\n", "2: maxIdleTime: expected seconds"),
    ("groups:\n  - {name: X, memoryLimit: 5 GB}\n", "2: memoryLimit: expected bytes"),
    ("groups:\n  - {name: X, memoryLimit: 99999999TiB}\n", "2: memoryLimit: expected bytes"),
    ("groups:\n  - {name: X, isActive: maybe}\n", "2: isActive: expected true or false"),
    ("groups:\n  - {name: " + "x" * 129 + "}\n", "name: expected a text of at most 128 bytes"),
    ("plans:\n  - name: X\n    directives:\n      - {group: NOBODY, cpuShares: 1}\n",
     "4: group: there is no consumer group 'NOBODY'"),
    ("plans:\n  - name: X\n    directives:\n      - {group: BATCH_GROUP, cpuShares: 0}\n",
     "4: cpuShares: expected 1 to 1000000 shares; got '0'"),
    ("plans:\n  - name: X\n    directives:\n      - {cpuShares: 1}\n",
     "4: directives: group is missing"),
    ("defaultGroup: NOBODY\n", "1: group: there is no consumer group 'NOBODY'"),
    ("activePlan: NONE\n", "1: plan: there is no resource plan 'NONE'"),
    ("rules:\n  - {name: r, group: BATCH_GROUP}\n", "2: rules: condition is missing"),
    ("rules:\n  - {name: r, group: BATCH_GROUP, condition: {user: x}}\n", "2: user: expected"),
    ("rules:\n  - {name: r, group: BATCH_GROUP, condition: {username: {like: x}}}\n",
     "2: like: expected one of contains"),
    ("schedules:\n  - {name: s, plan: DAYTIME_PLAN, startTime: \"25:00\"}\n",
     "2: startTime: expected a time"),
    ("schedules:\n  - {name: s, plan: DAYTIME_PLAN, days: [someday]}\n",
     "2: item: expected one of sunday"),
    ("users:\n  - {userId: 0, username: u, group: BATCH_GROUP}\n", "2: userId: expected"),
    ("settings: {disk: {}}\n", "1: disk: expected one of cpu, io"),
    ("groups: &a []\nplans: *a\n", "2: aliases"),
    ("groups: [\n", "2: did not find"),
    ("groups: []\n---\ngroups: []\n", "2: a second document begins here"),
    ("", "the document is empty"),
] + [
    # what only the library knows: the line of the field, else of the item
    *(LIBRARY := [
        ("groups:\n  - name: W\n  - name: X\n    description: d\n    priority: 9\n",
         "5: priority is 9; allowed are 0 to 7"),
        ("plans:\n  - name: W\n  - name: X\n    parent: X\n", r"4: parentPlanId \d+ of resource plan \d+ would "),
        ("activePlan: X\nplans:\n  - name: X\n    isEnabled: false\n", r"1: resource plan \d+ \(X\) is disabled"),
        ("settings:\n  io: {}\n  cpu:\n    quantum: 0ms\n", "4: quantum is 0.000 ms; allowed are 1 to 1000 ms"),
        ("cpuLimits:\n  - group: BATCH_GROUP\n    shares: 0\n", "3: shares is 0; allowed are 1 to "),
        ("users:\n  - userId: 5\n    group: BATCH_GROUP\n    username: \"\"\n", "4: username is empty"),
        ("serverPools:\n  - {name: p, maxServers: 2}\n  - name: q\n    minServers: 5\n    maxServers: 2\n",
         "4: minServers is 5; allowed are 0 to 2"),
        ("schedules:\n  - {name: s, plan: DAYTIME_PLAN}\n  - name: s\n    plan: DAYTIME_PLAN\n"
         "    priority: 3000000000\n  - {name: s, plan: DAYTIME_PLAN}\n", "5: priority is 3000000000; allowed are 0"),
        ("plans:\n  - name: DEFAULT_PLAN\n    directives:\n      - {group: BATCH_GROUP, cpuShares: 5}\n"
         "      - group: SYS_GROUP\n        cpuShares: 5\n        subPlan: DEFAULT_PLAN\n",
         "7: subPlanId: the plan in force would go round in a circle"),
    ]),
]


class Plans(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reeve-plans-")
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [REEVED, "--data", self.folder, "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE)
        ready = next(line for line in self.process.stderr if b'"ready"' in line)
        self.server = "http://" + json.loads(ready)["address"]

    def stop(self):
        self.process.terminate()
        self.process.communicate()

    def tearDown(self):
        self.stop()
        shutil.rmtree(self.folder)

    def reeve(self, *args, status=0, server=True, text=None):
        env = {**os.environ, "REEVE_SERVER": self.server if server else "http://127.0.0.1:1"}
        done = subprocess.run([REEVE, *args], capture_output=True, text=True, env=env, input=text,
                              check=False, timeout=60)
        self.assertEqual(done.returncode, status, (args, done.stdout, done.stderr))
        return done.stdout + done.stderr

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def there_and_back(self, path, where):
        self.assertIn("would be changed.", self.reeve("apply", "--dry-run", *where, path))
        difference = self.reeve("diff", *where, path, status=1)
        self.assertIn("+ ", difference)
        self.assertIn("changed.", self.reeve("apply", *where, path))
        self.assertIn("No change.", self.reeve("apply", *where, path))
        self.assertIn("no difference", self.reeve("diff", *where, path))
        for option, name in ([], "all.yaml"), (["--json"], "all.json"):
            whole = self.write(name, self.reeve("export", *where, *option))
            self.assertIn("no difference", self.reeve("diff", *where, whole))
            self.assertIn("No change.", self.reeve("apply", *where, whole))

    def test_wrong_files(self):
        for text, said in WRONG:
            with self.subTest(text=text):
                path = self.write("plan.yaml", text)
                answer = self.reeve("validate", path, status=2, server=False)
                self.assertRegex(answer, said if (text, said) in LIBRARY else re.escape(said))
                self.assertIn("plan.yaml", answer)
        path = self.write("plan.yaml", "groups: 7\n")
        for command in ("apply", "diff"):
            self.assertIn("plan.yaml:1: groups", self.reeve(command, path, status=2))

    def test_lines_of_refusals(self):
        """Whoever refuses: a segment tried out, a segment, or the server."""
        segment = os.path.join(self.folder, "reeve.segment")
        for text, said in LIBRARY:
            path = self.write("plan.yaml", text)
            for where in ["--segment", segment], []:
                for command in ["diff"], ["apply", "--dry-run"], ["apply"]:
                    with self.subTest(text=text, command=command, where=where):
                        answer = self.reeve(*command, *where, path, status=2)
                        self.assertEqual(answer.count("\n"), 1, answer)
                        self.assertRegex(answer, "/plan.yaml:" + said)
        self.assertIn("no difference", self.reeve("diff", self.write("none.yaml", "groups: []\n")))

    def test_usage(self):
        path = self.write("plan.yaml", "groups: []\n")
        for args in (["validate"], ["diff", path, path], ["export", path], ["validate", "-n", path],
                     ["apply", "--never", path], ["diff", path + ".not"]):
            self.reeve(*args, status=2)
        self.assertIn("is reeved running", self.reeve("diff", path, status=2, server=False))
        self.assertIn("Usage", self.reeve("apply", "--help"))
        self.assertIn("valid", self.reeve("validate", "-", text="groups: []\n", server=False))

    def test_one_revision_each(self):
        path = self.write("plan.yaml", "groups:\n  - {name: A}\n  - {name: B}\n")
        self.assertIn("2 definitions were changed.", self.reeve("apply", path))
        path = self.write("plan.yaml", "groups:\n  - {name: B, priority: 1}\n")
        self.assertEqual(self.reeve("diff", path, status=1),
                         "- group A\n~ group B\n    priority: 3 -> 1\n")
        # A refused file changes nothing: a plan that is referred to cannot go.
        keep = self.write("keep.yaml", "plans: [{name: P}]\nschedules:\n  - {name: s, plan: P, "
                          "isEnabled: false}\n")
        self.reeve("apply", keep)
        gone = self.write("gone.yaml", "plans: []\ngroups: []\n")
        for args in (["apply", "--dry-run"], ["apply"]):
            self.assertRegex(self.reeve(*args, gone, status=2), "gone.yaml:1: .*referred to")
        self.assertIn("no difference", self.reeve("diff", keep))

    def test_a_segment(self):
        segment = os.path.join(self.folder, "reeve.segment")
        path = os.path.join(EXAMPLES, "classic.yaml")
        self.there_and_back(path, ["--segment", segment])
        self.assertIn("no difference", self.reeve("diff", path))  # reeved sees it too
        # ... and takes it into the catalog, at the latest before the next change.
        ask = urllib.request.Request(
            self.server + "/graphql", headers={"Content-Type": "application/json"},
            data=json.dumps({"query": """mutation { createConsumerGroup(name: "NEXT", priority: 3,
                category: "CUSTOM") { groupId } }"""}).encode())
        urllib.request.urlopen(ask).read()
        ask.data = json.dumps({"query": """{ listConfigurationRevisions { operation } }"""}).encode()
        operations = [r["operation"] for r in json.load(urllib.request.urlopen(ask))["data"][
            "listConfigurationRevisions"]]
        self.assertEqual(operations[:2], ["createConsumerGroup", "changed from outside"])
        # What is changed while reeved is down does not stay.
        kept = self.write("kept.yaml", self.reeve("export"))
        self.stop()
        self.reeve("apply", "--segment", segment, self.write("other.yaml", "groups: [{name: OTHER}, "
                   "{name: GOLD}, {name: SILVER}, {name: BRONZE}, {name: REPORTS}, {name: LEFTOVERS}]"))
        self.start()
        self.assertIn("no difference", self.reeve("diff", kept))


def add_example(path):
    def test(self):
        self.assertIn("valid", self.reeve("validate", path, server=False))
        self.there_and_back(path, [])
    setattr(Plans, "test_" + os.path.basename(path).replace("-", "_").split(".")[0], test)


FOUND = sorted(glob.glob(os.path.join(EXAMPLES, "*.yaml")))
assert FOUND, EXAMPLES
for example in FOUND:
    add_example(example)

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
