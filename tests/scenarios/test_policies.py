#!/usr/bin/env python3
"""The four CPU policies differ: each one's scenario fails under each of the others. And they agree in
caps, blocking, deadlines, locks and in keeping the machine busy. The same of the four I/O policies,
which agree in limits.

    test_policies.py REEVE_SIM FOLDER

Runs FOLDER/policy-NAME.scn (io-policy-NAME.scn) under every policy. It must meet all its expectations under NAME, and miss
one under each other. Runs what is common under every policy, and shares and I/O weights under
those that know them; they must meet all. Prints which did what; exit 1 when one did
otherwise.
"""
import pathlib
import subprocess
import sys

POLICIES = ["completely-fair", "fair-share", "priority", "weighted-fair"]
COMMON = ["cap", "cap-one-core", "cap-change-live", "cap-of-churning-sessions", "blocked-alone",
          "deadlines-and-cancels", "fewer-tasks-than-slots", "lock-boost", "share-equal"]
IO_POLICIES = ["completely-fair", "deadline", "budget-fair", "priority"]
IO_COMMON = ["io-bandwidth-limit", "iops-limit", "switch-io-requests", "io-share-equal"]
KINDS = [("policy", POLICIES, COMMON), ("io-policy", IO_POLICIES, IO_COMMON)]
# shares and weights, under the policies that know them
SHARES = ["share-3to1-20tasks-2core", "share-9to1-2tasks-1core", "share-in-every-second"]
BY_WEIGHT = [("policy", policy, name) for policy in ["completely-fair", "fair-share", "weighted-fair"]
             for name in SHARES]
BY_WEIGHT += [("io-policy", policy, name) for policy in ["completely-fair", "budget-fair"]
              for name in ["io-weight", "io-pull-weight", "io-share-few-clients"]]


def run(sim, option, policy, file, wanted):
    """Whether the exit status is as wanted; prints what it was."""
    done = subprocess.run([sim, f"--{option}={policy}", file], capture_output=True, text=True,
                          timeout=120, check=False)
    print(f"{file.name} under {option} {policy}: exit {done.returncode}, wanted {wanted}")
    if done.returncode != wanted:
        print(done.stdout + done.stderr)
    return done.returncode == wanted


def main():
    sim, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    wrong = 0
    for option, policies, common in KINDS:
        for policy in policies:
            for name in policies:
                wrong += not run(sim, option, policy, folder / f"{option}-{name}.scn",
                                 0 if policy == name else 1)
            for name in common:
                wrong += not run(sim, option, policy, folder / f"{name}.scn", 0)
    for option, policy, name in BY_WEIGHT:
        wrong += not run(sim, option, policy, folder / f"{name}.scn", 0)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
