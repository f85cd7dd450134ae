#!/usr/bin/env python3
"""Makes the demonstration's database: Debian's package index, as apt keeps it on this machine.

    tools/demo/make_data.py FILE                 from apt's lists; made up where there are none
    tools/demo/make_data.py FILE --generate N    N made-up packages, the same every time

Tables: packages (a name once, real or virtual), versions (what an archive offers of it) and
dependencies (what a version depends on, recommends, ... and of which alternative). The file is
replaced whole when it is ready; one that was made from the same source is kept.
"""
import argparse
import glob
import os
import random
import re
import sqlite3
import subprocess
import sys

MADE_BY = "3"  # counts changes of the tables below; another number means another file
LISTS = "/var/lib/apt/lists/*_Packages*"
APT_HELPER = "/usr/lib/apt/apt-helper"

SCHEMA = """
CREATE TABLE source (description TEXT NOT NULL, made_by TEXT NOT NULL);
CREATE TABLE packages (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	section TEXT,              -- NULL: a name that others only provide or ask for
	priority TEXT,
	maintainer TEXT,
	summary TEXT
);
CREATE TABLE versions (
	id INTEGER PRIMARY KEY,
	package_id INTEGER NOT NULL REFERENCES packages,
	version TEXT NOT NULL,
	architecture TEXT NOT NULL,
	source TEXT NOT NULL,
	installed_kb INTEGER NOT NULL,
	download_bytes INTEGER NOT NULL
);
CREATE TABLE dependencies (
	id INTEGER PRIMARY KEY,
	package_id INTEGER NOT NULL REFERENCES packages,
	version_id INTEGER NOT NULL REFERENCES versions,
	kind TEXT NOT NULL,        -- depends, recommends, suggests, ...
	clause INTEGER NOT NULL,   -- one of a clause's alternatives is enough
	target_id INTEGER NOT NULL REFERENCES packages,
	relation TEXT,             -- with target_version: (>= 2.34)
	target_version TEXT
);
"""
INDEXES = (
    "CREATE INDEX packages_section ON packages (section)",
    "CREATE INDEX versions_package ON versions (package_id)",
    "CREATE INDEX versions_source ON versions (source)",
    "CREATE INDEX dependencies_package ON dependencies (package_id, kind, target_id)",
    "CREATE INDEX dependencies_target ON dependencies (target_id, kind, package_id)",
    "ANALYZE",
)
KINDS = ("Pre-Depends", "Depends", "Recommends", "Suggests", "Enhances", "Breaks", "Conflicts",
         "Replaces", "Provides")
FIELD = re.compile(r"^([A-Za-z-]+): (.*)$", re.MULTILINE)
TARGET = re.compile(r"^([^\s:(]+)(?::\S+)?\s*(?:\(([<>=]+)\s*([^)]+)\))?")


class Progress:
    """One line on a terminal that is written over; a few lines elsewhere."""

    def __init__(self, title, total):
        self.title, self.total, self.shown = title, max(total, 1), -1
        self.step = 2 if sys.stderr.isatty() else 50

    def at(self, done):
        percent = 100 * done // self.total
        if percent < 100 and percent < self.shown + self.step:
            return
        self.shown = percent
        if sys.stderr.isatty():
            bar = "#" * (percent * 40 // 100)
            end = "\n" if percent >= 100 else ""
            print(f"\r  {self.title} [{bar:<40}] {percent:3d} %", end=end, file=sys.stderr, flush=True)
        else:
            print(f"  {self.title} {percent} %", file=sys.stderr, flush=True)


def apt_text():
    """(description, package index as text) of this machine; None where apt has none."""
    names = sorted(glob.glob(LISTS))
    if names and os.access(APT_HELPER, os.X_OK):
        outputs = [subprocess.run([APT_HELPER, "cat-file", name], capture_output=True) for name in names]
        text = "\n".join(output.stdout.decode("utf-8", "replace") for output in outputs)
        if "\nPackage: " in "\n" + text:
            return f"apt's package lists: {len(names)} files", text
    try:
        output = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    text = output.stdout.decode("utf-8", "replace")
    return ("apt-cache dumpavail", text) if text.startswith("Package: ") else None


def stanzas(text):
    """Yields a dictionary of fields for each package of a Debian package index."""
    blocks = text.split("\n\n")
    progress = Progress("reading the package index", len(blocks))
    for number, block in enumerate(blocks, 1):
        fields = dict(FIELD.findall(block))
        if "Package" in fields and "Version" in fields:
            yield fields
        progress.at(number)


WORDS = ("amber birch cedar delta ember fjord grove heath inlet jetty knoll larch marsh notch ochre "
         "pearl quartz ridge slate thorn umber vale willow xylem yarrow zephyr").split()


def made_up(count):
    """As stanzas(), invented: few popular packages that many depend on, many that none does."""
    chance = random.Random(20240229)
    progress = Progress("inventing packages", count)
    names = []
    for number in range(count):
        first, second = WORDS[number % len(WORDS)], WORDS[number // len(WORDS) % len(WORDS)]
        name = f"lib{first}-{second}{number}" if number % 3 == 0 else f"{first}-{second}{number}"
        wanted = {names[int(len(names) * chance.random() ** 3)]
                  for _ in range(min(len(names), chance.randint(0, 9)))}
        yield {
            "Package": name, "Version": f"{chance.randint(0, 9)}.{chance.randint(0, 40)}-1",
            "Architecture": "amd64" if number % 4 else "all",
            "Section": WORDS[chance.randint(0, 11)], "Priority": "optional",
            "Maintainer": f"{first} team <{first}@example.org>", "Description": f"{first} {second}",
            "Installed-Size": str(chance.randint(20, 90000)), "Size": str(chance.randint(5000, 30000000)),
            "Depends": ", ".join(sorted(wanted)),
        }
        names.append(name)
        progress.at(number + 1)


class Writer:
    """Fills the tables from stanzas."""

    def __init__(self, database):
        self.database = database
        self.ids = {}
        self.packages, self.versions, self.dependencies = {}, [], []

    def id_of(self, name):
        return self.ids.setdefault(name, len(self.ids) + 1)

    def add(self, fields):
        package, version = self.id_of(fields["Package"]), len(self.versions) + 1
        self.packages[package] = (fields.get("Section"), fields.get("Priority"),
                                  fields.get("Maintainer"), fields.get("Description"))
        source = fields.get("Source", fields["Package"]).split(" ")[0]
        self.versions.append((version, package, fields["Version"], fields.get("Architecture", "all"),
                              source, int(fields.get("Installed-Size", 0)), int(fields.get("Size", 0))))
        for kind in KINDS:
            for clause, alternatives in enumerate(fields[kind].split(",") if kind in fields else ()):
                for alternative in alternatives.split("|"):
                    match = TARGET.match(alternative.strip())
                    if match:
                        self.dependencies.append((package, version, kind.lower(), clause,
                                                  self.id_of(match[1]), match[2], match[3]))

    def write(self):
        nothing = (None, None, None, None)
        steps = [
            ("INSERT INTO packages VALUES (?,?,?,?,?,?)",
             ((number, name, *self.packages.get(number, nothing)) for name, number in self.ids.items())),
            ("INSERT INTO versions VALUES (?,?,?,?,?,?,?)", self.versions),
            ("INSERT INTO dependencies VALUES (NULL,?,?,?,?,?,?,?)", self.dependencies),
        ]
        progress = Progress("writing the tables", len(steps) + len(INDEXES))
        for number, (statement, rows) in enumerate(steps, 1):
            self.database.executemany(statement, rows)
            progress.at(number)
        for number, statement in enumerate(INDEXES, len(steps) + 1):
            self.database.execute(statement)
            progress.at(number)
        return len(self.ids), len(self.versions), len(self.dependencies)


def is_made_from(path, description):
    try:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        row = database.execute("SELECT description, made_by FROM source").fetchone()
        database.close()
    except sqlite3.Error:
        return False
    return row == (description, MADE_BY)


def make(path, description, packages):
    temporary = path + ".new"
    if os.path.exists(temporary):
        os.unlink(temporary)
    database = sqlite3.connect(temporary)
    database.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;" + SCHEMA)
    database.execute("BEGIN")
    writer = Writer(database)
    for fields in packages:
        writer.add(fields)
    counts = writer.write()
    database.execute("INSERT INTO source VALUES (?,?)", (description, MADE_BY))
    database.commit()
    database.execute("PRAGMA journal_mode = WAL")
    database.close()
    for leftover in (path + "-wal", path + "-shm"):
        if os.path.exists(leftover):
            os.unlink(leftover)
    os.replace(temporary, path)
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("file")
    parser.add_argument("--generate", type=int, metavar="N", help="N made-up packages")
    options = parser.parse_args()
    found = None if options.generate else apt_text()
    count = options.generate or 60000
    description = f"{found[0]}, {len(found[1])} characters" if found else f"{count} made-up packages"
    if is_made_from(options.file, description):
        return
    print(f"  making {os.path.basename(options.file)} from {description}", file=sys.stderr)
    packages, versions, dependencies = make(
        options.file, description, stanzas(found[1]) if found else made_up(count))
    print(f"  {packages} package names, {versions} versions, {dependencies} dependencies, "
          f"{os.path.getsize(options.file) >> 20} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
