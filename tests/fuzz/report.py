"""`make fuzz`: feed everything that reads untrusted input, and print what broke.

    python -m tests.fuzz [--inputs 100000] [--seed 0] [TARGET...]

Ends with 1 where an input crashed a target, was read wrongly, or took more than linear time. Each failure is printed
with the smallest input that causes it: put that into a test of the module, then mend the module.
"""

from __future__ import annotations

import argparse
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
    return 1 if any(outcome.failures for outcome in outcomes) else 0


def _row(outcome: Outcome) -> tuple[object, ...]:
    seconds, size = outcome.slowest
    growth = f"{outcome.growth:.1f} times" if outcome.growth else "too little to measure"
    return (
        *(outcome.target, f"{outcome.inputs:,}", f"{outcome.seconds:.0f}", len(outcome.failures)),
        *(f"{seconds * 1000:.1f} ms", f"{size:,}", growth),
    )
