#!/usr/bin/env python3
"""Random scenarios: whatever machine, plan, clients and events, nothing breaks.

    test_random.py REEVE_SIM COUNT [SEED]

Runs COUNT scenarios drawn from SEED (printed; a random one by default). reeve-sim itself watches that
no call fails unexpectedly, every statement ends, everything is given back and the segment is in
order. Of those that fail the text is printed; exit 1.
"""
import os
import random
import subprocess
import sys
import tempfile


POLICIES = ["completely-fair", "fair-share", "priority", "weighted-fair"]


IO_POLICIES = ["completely-fair", "deadline", "budget-fair", "priority"]
# whatever ends a statement is no surprise here
ENDS = ["timeouts", "cancels", "kills", "queue-timeouts", "refusals"]


def machine(chance):
    yield f"machine cores {chance.choice([1, 2, 2, 4])} wakeup 5us {chance.choice([5, 50, 300])}us"
    if chance.random() < 0.4:
        yield f"slots {chance.choice([1, 1, 2, 3, 6])}"
    yield f"quantum {chance.choice([1, 5, 10, 100])}ms"
    yield f"policy {chance.choice(POLICIES)}"
    yield (f"io policy {chance.choice(IO_POLICIES)} concurrent {chance.choice([1, 2, 4, 64])}"
           f" burst {chance.choice([1, 10, 100])}%")
    yield f"device latency {chance.choice([0, '50us', '2ms'])} bandwidth {chance.choice(['20MiB', '500MiB'])}"
    yield f"servers {chance.choice([4, 16, 64])}"
    if chance.random() < 0.3:
        yield f"runaway {chance.choice([1, 20, 200])}ms speed {chance.choice([10, 50, 90])}%"
    yield f"tick {chance.choice(['never', '100ms', '10ms'])}"


def directive(chance, plan, method, group, groups, left):
    words = ["directive", plan, group]
    if method == "shares":
        words += ["shares", str(chance.choice([1, 10, 100, 1000]))]
    else:
        percent = min(left[0], chance.choice([0, 10, 20, 30]))
        left[0] -= percent
        words += ["percent", f"{percent}%"]
        if method == "emphasis":
            words += ["level", str(chance.choice([1, 1, 2, 8]))]
    if chance.random() < 0.3:
        words += ["cap", f"{chance.choice([5, 25, 60, 100])}%"]
    return " ".join(words) + limits(chance, groups)


def limits(chance, groups):
    """Some of the limits that a directive may have."""
    fields = [f"parallelDegreeLimit {chance.choice([1, 3, 8])}",
              f"parallelServerLimit {chance.choice([0, 2, 8])}",
              f"parallelQueueTimeout {chance.choice([1, 50])}ms",
              "parallelQueueRunsSerial 1",
              f"activeSessPoolP1 {chance.choice([1, 2, 4])}",
              f"queueingP1 {chance.choice([1, 30, 500])}ms",
              f"maxEstExecTime {chance.choice([1, 40])}ms",
              f"maxIdleTime {chance.choice([1, 90])}ms",
              f"maxIdleBlockerTime {chance.choice([1, 20])}ms",
              f"switchGroup {chance.choice(groups)}",
              f"switchAction {chance.choice(['nothing', 'log', 'cancel', 'kill'])}",
              f"switchTime {chance.choice([1, 10, 300])}ms",
              f"switchElapsedTime {chance.choice([5, 50])}ms",
              f"switchIoBytes {chance.choice([1, 64, 4096])}KiB",
              f"switchIoRequests {chance.choice([1, 10, 100])}",
              "switchEstimate 1",
              "switchForCall 1",
              f"sessionPgaLimit {chance.choice([1, 64, 4096])}KiB",
              f"ioBandwidthLimit {chance.choice([1, 100])}MiB",
              f"iopsLimit {chance.choice([100, 3000])}",
              f"ioWeight {chance.choice([1, 100, 10000])}",
              f"priority {chance.choice([0, 1, 9])}"]
    if chance.random() < 0.5:
        return ""
    return " " + " ".join(chance.sample(fields, chance.randint(1, 6)))


def plan(chance, name, groups):
    method = chance.choice(["shares", "ratio", "emphasis"])
    left = [100]
    limit = f" max {chance.choice([20, 50, 90])}%" if chance.random() < 0.3 else ""
    managed = chance.choice(["", " sessions", " parallel", " sessions parallel"])
    yield f"plan {name} {method}{limit}{managed}"
    for group in groups:
        if chance.random() < 0.85:
            yield directive(chance, name, method, group, groups, left)


def clients(chance, name, groups, processes, duration):
    works = ["exponential 200us", "exponential 3ms", "lognormal 1ms 1.5", "50ms", "5us"]
    thinks = ["", " think exponential 1ms", " think 30us", " think exponential 100ms"]
    is_endless = chance.random() < 0.3
    text = (f"clients {name} {chance.randint(1, 8)} group {chance.choice(groups)}"
            f" process {chance.choice(processes)}"
            f" priority {chance.choice(['critical', 'high', 'normal', 'low'])} work ")
    text += "endless" if is_endless else chance.choice(works) + chance.choice(thinks)
    for pattern in ("block", "shield"):
        if chance.random() < 0.4:
            text += (f" {pattern} {chance.choice([50, 500, 15000])}us"
                     f" every {chance.choice([100, 1000, 20000])}us")
    if chance.random() < 0.3:
        text += f" lock {chance.choice([20, 400])}us every {chance.choice([100, 2000])}us"
        text += chance.choice(["", "", " silent"])
        text += chance.choice(["", "", " keeps-lock"])
    if chance.random() < 0.4:
        text += (f" io {chance.choice(['512B', '8KiB', '256KiB'])} every {chance.choice([200, 5000])}us"
                 f" {chance.choice(['read', 'write', 'sync-write', 'metadata'])}"
                 f" {chance.choice(['real-time', 'high', 'normal', 'low', 'idle'])}")
        text += chance.choice(["", " due 5ms"]) + chance.choice(["", " pull"])
    if chance.random() < 0.2:
        text += f" memory {chance.choice(['1KiB', '300KiB', '4MiB'])} every {chance.choice([100, 3000])}us"
    if chance.random() < 0.2:
        text += f" parallel {chance.choice([1, 2, 8])}" + chance.choice(["", " or-less"])
    if chance.random() < 0.3:
        text += f" estimate {chance.choice([10, 100, 1000])}%"
    if chance.random() < 0.2:
        text += f" start {chance.randrange(duration)}ms"
    if chance.random() < 0.2 and not is_endless:
        text += f" deadline {chance.choice([1, 10, 100])}ms"
    return text


def event(chance, groups, processes, kinds, duration):
    group = chance.choice(groups)
    what = chance.choice([
        f"activate {chance.choice(['P0', 'P1'])}",
        f"switch {chance.choice(kinds)} {group}",
        f"kill {chance.choice(processes)}",
        f"quantum {chance.choice([1, 7, 100])}ms",
        f"register {group} shares {chance.choice([1, 50, 900])}{chance.choice(['', ' cap 30%'])}",
        f"policy {chance.choice(POLICIES)}",
        f"cancel {chance.choice(kinds)}",
        f"end {chance.choice(kinds)}",
        f"directive P0 {group} cap {chance.choice([10, 70])}%",
        f"directive P0 {group}{limits(chance, groups)}",
        f"directive P1 {group} without cap"])
    return f"at {chance.randrange(duration * 1000 - 1)}us {what}"


def scenario(chance):
    duration = chance.choice([500, 2000])
    groups = [f"G{i}" for i in range(chance.randint(1, 5))]
    processes = ["a", "b", "c"]
    kinds = [f"c{i}" for i in range(chance.randint(1, 6))]
    yield f"seed {chance.randrange(1 << 30)}"
    yield f"duration {duration}ms"
    yield "drain 600s"
    yield from machine(chance)
    for group in groups:
        yield f"group {group} priority {chance.randrange(8)} cpu {chance.choice([0, 10, 50])}%"
    yield from plan(chance, "P0", groups)
    yield from plan(chance, "P1", groups)
    yield "activate P0"
    for process in processes:
        yield f"process {process}"
    for kind in kinds:
        yield clients(chance, kind, groups, processes, duration)
    yield from (f"expect {end} >= 0" for end in ENDS)
    for _ in range(chance.randint(0, 12)):
        yield event(chance, groups, processes, kinds, duration)


def main():
    program, count = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(os.environ.get("REEVE_SEED", random.randrange(1 << 32)))
    print(f"seed {seed}")
    chance = random.Random(seed)
    failed = 0
    with tempfile.NamedTemporaryFile("w", suffix=".scn") as file:
        for _ in range(count):
            text = "\n".join(scenario(chance)) + "\n"
            file.seek(0)
            file.truncate()
            file.write(text)
            file.flush()
            result = subprocess.run([program, file.name], timeout=60, text=True, check=False,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if result.returncode != 0:
                print(f"--- exit status {result.returncode}\n{text}--- {result.stdout}")
                failed += 1
    print(f"{count - failed} of {count} scenarios ran well")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
