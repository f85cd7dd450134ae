#!/usr/bin/env python3
"""Checks that includes go one way: ARCHITECTURE.md, "Layers".

    tools/check_layers.py [ROOT]

Every #include of every C file under the folders below is resolved to a file of the tree, and that
file's layer must be one that the including file's layer may see. A layer that must not touch a part
of the system (src/policy knows no clock) names the system headers it must not include. Prints
`file:line: reason` for each violation and exits 1, or prints nothing and exits 0.
"""
import pathlib
import re
import sys

PUBLIC = "include/reeve"
CORE = ["src/base", "src/policy", "src/segment", "src/model", "src/engine", "src/host", "src/api"]
ENGINE_HEADERS = ["engines/sqlite/include", "engines/postgres/include"]

# Layer: what it may include besides itself. The longest folder that holds a file is its layer.
MAY_INCLUDE = {
    PUBLIC: [],
    "src/base": [PUBLIC],
    "src/policy": [PUBLIC, "src/base"],
    "src/segment": [PUBLIC, "src/base"],
    "src/model": [PUBLIC, "src/base", "src/segment", "src/policy"],
    "src/engine": [PUBLIC, "src/base", "src/segment", "src/policy", "src/model", "src/host"],
    "src/host": [PUBLIC, "src/base"],
    "src/api": [PUBLIC] + CORE,
    "sim": [PUBLIC, "src/base", "src/policy", "src/host"],
    "document": [PUBLIC],
    "daemon": [PUBLIC, "src/base", "document"] + ENGINE_HEADERS,
    "cli": [PUBLIC, "src/base", "document"] + ENGINE_HEADERS,
    "engines/sqlite/include": [PUBLIC],
    "engines/sqlite": [PUBLIC, "engines/sqlite/include"],
    "engines/postgres/include": [PUBLIC],
    "engines/postgres": [PUBLIC, "engines/postgres/include"],
    "bench": [PUBLIC, "sim", "daemon", "tests"] + CORE + ENGINE_HEADERS,
    "tests": [PUBLIC, "sim", "daemon", "cli", "document", "engines/sqlite", "engines/postgres"] + CORE
    + ENGINE_HEADERS,
    "examples": [PUBLIC] + ENGINE_HEADERS,
    "tools": [PUBLIC],
}

NETWORK = {"sys/socket", "netinet/", "arpa/", "netdb", "poll", "sys/epoll", "curl/", "microhttpd"}
CLOCK_LOCK_HEAP_OUTPUT = {"time", "sys/time", "pthread", "threads", "semaphore", "stdlib", "malloc",
                          "stdio", "syslog", "unistd", "fcntl"}
# Layer: system headers it must not include (a final / stands for a folder), and the reason.
FORBIDDEN = {
    "src/policy": (CLOCK_LOCK_HEAP_OUTPUT | NETWORK, "policy is pure: no clock, lock, heap, output"),
    "src/model": (NETWORK, "the library knows no network"),
    "src/engine": (NETWORK | {"fcntl"}, "src/engine knows no network and no files"),
    "src/api": (NETWORK, "the library knows no network"),
}

# Where an include that is not beside its file is looked for, in this order.
INCLUDE_ROOTS = [".", "include", "src", "daemon", "cli", "sim", "tests", "bench",
                 "engines/sqlite", "engines/sqlite/include",
                 "engines/postgres", "engines/postgres/include"]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def layer_of(name):
    """Layer of a file by its path from the root; None when it is in none."""
    fitting = [layer for layer in MAY_INCLUDE if name.startswith(layer + "/")]
    return max(fitting, key=len, default=None)


def resolve(root, including, target, quoted):
    """Path from the root of the file that an include names; None when it is not of this tree."""
    places = [including.parent] if quoted else []
    for place in places + [root / folder for folder in INCLUDE_ROOTS]:
        path = place / target
        if path.is_file() and path.resolve().is_relative_to(root):
            return path.resolve().relative_to(root).as_posix()
    return None


def is_forbidden(layer, target):
    names = FORBIDDEN.get(layer, (set(), ""))[0]
    folder = target.split("/")[0] + "/" if "/" in target else None
    return target.removesuffix(".h") in names or folder in names


def fault_of(root, path, layer, quoted, target):
    """What is wrong with one include, as a sentence; None when nothing is."""
    found = resolve(root, path, target, quoted)
    if found is None:
        if is_forbidden(layer, target):
            return f"{layer} may not include <{target}>: {FORBIDDEN[layer][1]}"
        return None
    other = layer_of(found)
    if other == layer or other in MAY_INCLUDE[layer]:
        return None
    allowed = ", ".join([layer] + MAY_INCLUDE[layer])
    return f"{layer} may not include {found} ({other or 'in no layer'}); it may: {allowed}"


def violations(root):
    """Yields `file:line: reason`."""
    for top in sorted({layer.split("/")[0] for layer in MAY_INCLUDE}):
        for path in sorted((root / top).rglob("*.[ch]")):
            name = path.relative_to(root).as_posix()
            layer = layer_of(name)
            if "node_modules" in path.parts:
                continue
            if layer is None:
                yield f"{name}:1: is in no layer; tools/check_layers.py lists them"
                continue
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                match = INCLUDE.match(line)
                if match:
                    fault = fault_of(root, path, layer, match[1] == '"', match[2])
                    if fault:
                        yield f"{name}:{number}: {fault}"


def main():
    here = pathlib.Path(__file__).resolve().parent.parent
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else here
    found = list(violations(root))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
