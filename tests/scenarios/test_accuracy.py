#!/usr/bin/env python3
"""Random scenarios with bounds: shares hold under every policy that knows shares, aging under the other.

    test_accuracy.py REEVE_SIM COUNT [SEED]

Runs COUNT scenarios drawn from SEED (printed; always the same one by default, and in the long suite
a random one and ten times as many), the policies in turn. Groups
with random shares want more than there is, all the time: by endless statements, by short ones, or by
sessions that come, run one short statement and go (churn). One comes late, one was idle for long.

    completely fair, weighted fair    from the moment the late and the idle come: each within 1.5
                                      points of its share over 10 s, within 5 over any second after the
                                      first; nobody above 95 points of any 100 ms for longer than that
    fair share                        the same once 60 s have passed since they came; before that nobody
                                      has more than 4 times his share relative to another
    priority                          the highest group has the most; nobody waits for longer than the
                                      aging bound, which round_robin.h states

Of those that fail the text is printed; exit 1.
"""
import os
import random
import subprocess
import sys
import tempfile

POLICIES = ["completely-fair", "weighted-fair", "fair-share", "priority"]
LATE = 15


def clients(chance, name, cores, start=0):
    """Lines of clients that saturate the machine by themselves, each in another way."""
    kind = chance.choice(["endless", "short", "churn"])
    count = cores + 1 + chance.randrange(4)
    begin = f" start {start}s" if start else ""
    if kind == "endless":
        return f"clients {name.lower()} {count} group {name} work endless{begin}"
    work = chance.choice([300, 1000, 4000])
    line = f"clients {name.lower()} {count} group {name} work {work}us{begin}"
    return line + (f" renew {chance.choice([1, 3])}" if kind == "churn" else "")


def by_share(chance, policy, cores, lines):
    names = ["A", "B", "C"][:chance.choice([2, 3])]
    shares = {name: chance.choice([100, 200, 300, 500]) for name in names}
    total = sum(shares.values())
    settle = 60 if policy == "fair-share" else 0
    end = LATE + settle + 12
    lines += [f"duration {end}s", "plan P shares"]
    for name in names:
        lines += [f"group {name}", f"directive P {name} shares {shares[name]}"]
    lines.append("activate P")
    for name in names[:-1]:
        lines.append(clients(chance, name, cores))
    late = names[-1]
    lines.append(clients(chance, late, cores, LATE))
    if chance.random() < 0.5:  # not a newcomer but long idle
        lines.append(f"clients early 1 group {late} work 20ms stop 1s")
    begin = LATE + settle
    for name in names:
        share = 100 * shares[name] / total
        lines.append(f"expect share {name} from {begin}s to {begin + 10}s = "
                     f"{share:.2f}% within 1.5%")
        lines.append(f"expect share {name} from {begin + 1}s to {begin + 11}s every 1s = "
                     f"{share:.2f}% within 5%")
    rest = 100 - 100 * shares[late] / total
    lines.append(f"expect share {late} from {LATE}s to {LATE + 1}s <= "
                 f"{min(99.0, 100 - rest / 4):.2f}%")
    # sessions that run one short statement each are handed the slot one by one: wake-ups of 30 us
    least = 88 if any("renew" in line for line in lines) else 97
    lines.append(f"expect utilization from 1s to {end}s >= {least}%")
    return lines


def by_priority(chance, cores, lines):
    levels = sorted(chance.sample(range(8), chance.choice([2, 3])))
    names = ["A", "B", "C"][:len(levels)]
    lines += ["duration 60s"]
    tasks = 0
    for name, level in zip(names, levels):
        lines.append(f"group {name} priority {level}")
        count = cores + chance.randrange(3)
        tasks += count
        lines.append(f"clients {name.lower()} {count} group {name} work endless")
    lines.append("expect share A from 1s to 60s >= 80%")
    for name, level in zip(names, levels):
        steps = level - levels[0]
        bound = steps * 1000 + 20 * (tasks // cores + 2)
        lines.append(f"expect park {name} max < {bound}ms")
    lines.append("expect utilization from 1s to 60s >= 97%")
    return lines


def scenario(seed, policy):
    chance = random.Random(seed)
    cores = chance.choice([1, 1, 2])
    lines = [f"seed {seed % 100000}", f"machine cores {cores}", f"policy {policy}",
             "quantum 20ms"]
    if policy == "priority":
        return "\n".join(by_priority(chance, cores, lines)) + "\n"
    return "\n".join(by_share(chance, policy, cores, lines)) + "\n"


def main():
    sim, count = sys.argv[1], int(sys.argv[2])
    long = os.environ.get("REEVE_TEST_ALL")
    count *= 10 if long else 1
    seed = random.SystemRandom().randrange(2**32) if long else 1
    if len(sys.argv) > 3:
        seed = int(sys.argv[3])
    print(f"seed {seed}")
    failed = 0
    for i in range(count):
        text = scenario(seed + i, POLICIES[i % 4])
        with tempfile.NamedTemporaryFile("w", suffix=".scn", delete=False) as file:
            file.write(text)
        done = subprocess.run([sim, file.name], capture_output=True, text=True, timeout=120,
                              check=False)
        os.unlink(file.name)
        if done.returncode != 0:
            failed += 1
            print(f"--- {seed + i}, exit {done.returncode}\n{text}")
            print("\n".join(line for line in (done.stdout + done.stderr).splitlines()
                            if not line.startswith("PASS")))
    print(f"{count - failed} of {count} met their bounds")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
