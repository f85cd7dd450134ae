#!/usr/bin/env python3
"""What README.md shows is what there is: its C example, the commands, the files it points to."""
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


class Readme(unittest.TestCase):
    def test_the_example_is_the_one_that_is_compiled(self):
        blocks = re.findall(r"^```c\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
        self.assertEqual(blocks, [(ROOT / "examples" / "embed.c").read_text()])

    def test_the_commands_exist(self):
        text = subprocess.run([ROOT / "dev", "help"], capture_output=True, text=True, check=True).stdout
        commands = set(re.findall(r"\./dev ([a-z]+)", README))
        self.assertIn("run", commands)
        self.assertIn("test", commands)
        for command in commands:
            self.assertRegex(text, rf"(?m)^  {command}\b")

    def test_the_files_it_points_to_exist(self):
        for page in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"):
            text = (ROOT / page).read_text()
            targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
            for target in targets:
                self.assertTrue((ROOT / target).exists(), f"{page} points to {target}")


if __name__ == "__main__":
    outcome = unittest.main(exit=False, verbosity=2).result
    bad = len(outcome.failures) + len(outcome.errors)
    print(f"{outcome.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad or not outcome.testsRun else 0)
