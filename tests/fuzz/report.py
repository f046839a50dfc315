"""`make fuzz`: feed everything that reads untrusted input, and print what broke.

    python -m tests.fuzz [--inputs 100000] [--seed 0] [TARGET...]

Where Atheris is installed, a tenth as many inputs follow for each target that are guided by the code they reach. Ends
with 1 where an input crashed a target, was read wrongly, or took more than linear time. Each failure is printed
with the smallest input that causes it: put that into a test of the module, then mend the module.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Sequence

from bench.table import show
from tests.fuzz.campaign import Outcome, run
from tests.fuzz.targets import TARGETS

_HEAD = ("target", "inputs", "seconds", "failures", "slowest input", "its size", "twice as much costs")


def main(arguments: Sequence[str]) -> int:
    """Run the campaigns that were asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Feed everything that reads untrusted input.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"one or more of: {', '.join(TARGETS)}")
    parser.add_argument("--inputs", type=int, default=100_000, help="inputs for each target (default: 100,000)")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other inputs (default: 0)")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.targets if name not in TARGETS]:
        parser.error(f"there is no target {unknown[0]}; there are {', '.join(TARGETS)}")
    outcomes = []
    for name in options.targets or TARGETS:
        print(f"{name} ...", flush=True)
        outcomes.append(run(TARGETS[name], options.inputs, seed=options.seed))
        for failure in outcomes[-1].failures:
            print(failure, flush=True)
    show("Fuzzing", _HEAD, [_row(outcome) for outcome in outcomes])
    failed = [outcome.target for outcome in outcomes if outcome.failures]
    if importlib.util.find_spec("atheris") is None:
        print("\nAtheris is not installed, so no inputs were guided: `make fuzz` installs it where it can.")
    else:
        failed += guided([outcome.target for outcome in outcomes], max(1, options.inputs // 10), options.seed)
    return 1 if failed else 0


def guided(names: Sequence[str], inputs: int, seed: int) -> list[str]:
    """Feed the targets with guided inputs, each in a process of its own; return those that failed."""
    rows, failed = [], []
    for name in names:
        command = [sys.executable, "-m", "tests.fuzz.guided", name, str(inputs), str(seed)]
        ran = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if ran.returncode:
            failed.append(name)
            print(f"{name}, guided: {ran.stdout}{ran.stderr}"[-6_000:], flush=True)
        rows.append((name, f"{inputs:,}", "failed" if ran.returncode else "held"))
    show("Guided by the code they reach", ("target", "inputs", "result"), rows)
    return failed


def _row(outcome: Outcome) -> tuple[object, ...]:
    seconds, size = outcome.slowest
    growth = f"{outcome.growth:.1f} times" if outcome.growth else "too little to measure"
    return (
        *(outcome.target, f"{outcome.inputs:,}", f"{outcome.seconds:.0f}", len(outcome.failures)),
        *(f"{seconds * 1000:.1f} ms", f"{size:,}", growth),
    )
