"""Measure the cost of running suggested tests on real packages, and recount what their evidence states.

Downloads three sdists and pytest with pip. In each, one function counts as new and its own tests are taken out: a test
file goes through all gates, and an independent script (`recount.py`) counts coverage, kills and new kills again. CPU is
that of all processes, without the repository's own suite (run once before).
"""

from __future__ import annotations

import json
import resource
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.table import show
from bench.testgen.demonstrations import demonstrations
from bench.testgen.real_packages import HUMANIZE, PACKAGES, STRONG, WEAK, RealPackage, unpacked
from bench.testgen.recount import Fault, Package, Recounted, SuggestedFile, passes, recount
from reviewer.sandbox.api import SandboxCommand, SandboxResult
from reviewer.testgen.evidence import Candidate, ChangeUnderTest, CodeUnit, Evidence, GenerationBudget
from reviewer.testgen.python.gates.mutation_gate import mutation_gate
from reviewer.testgen.python.gates.run_gates import GateContext, judge
from reviewer.testgen.python.generate import prepare
from reviewer.testgen.python.harness_report import REPORT, HarnessReport
from reviewer.testgen.python.mutants import mutants
from reviewer.testgen.python.units import changed_units, measured
from tests.fixtures.run_unconfined import run_in_tree

#: Rounds of the mutants: other work on the machine can only make a round slower.
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Counting:
    """Runs commands, and keeps them with their results."""

    runs: list[SandboxResult] = field(default_factory=list)
    commands: list[SandboxCommand] = field(default_factory=list)

    def __call__(self, command: SandboxCommand) -> SandboxResult:
        ran = run_in_tree(command)
        self.runs.append(ran)
        self.commands.append(command)
        return ran

    def reports(self, tree: Path, path: str, first: int) -> Iterator[dict[str, Any]]:
        """Yield what the processes reported of a test file, without faults, in that tree; from a run on."""
        for command, ran in zip(self.commands[first:], self.runs[first:], strict=True):
            job = json.loads(command.argv[-1])
            if command.tree == tree and path in job["paths"] and not job["mutants"] and not job["overlay"]:
                report = json.loads(ran.results[REPORT])
                yield {"tests": [test for test in report["tests"] if test["id"].startswith(path)]}


def main() -> None:
    """Print the tables."""
    demonstrations()
    recounts()


def recounts() -> None:
    """Print what files cost on a real package, and what evidence states beside what was counted anew."""
    rows: list[list[object]] = []
    for package in PACKAGES:
        with tempfile.TemporaryDirectory() as folder:
            subject = unpacked(Path(folder), package)
            counting = Counting()
            ready = prepare(subject, counting, GenerationBudget(units=999))
            if not isinstance(ready, tuple):
                raise SystemExit(ready.reason)
            bench, _ = ready
            unit = _unit(package, subject, bench)
            if package is HUMANIZE:
                _costs(unit, bench, counting)
            rows += _recounted(package, unit, bench, subject.python, counting)
    head = ["package", "numbers", "covered", "killed", "mutants", "new kills", "not run", "runs"]
    show("Recounted by faults on disk and coverage.py's own command: both rows must be the same", head, rows)


def _unit(package: RealPackage, subject: ChangeUnderTest, bench: GateContext) -> CodeUnit:
    """Return the function that counts as new, with what the existing tests run of it."""
    text = (subject.head / package.path).read_text(encoding="utf-8")
    units = measured(changed_units(subject.change.diff, {package.path: text}), bench.before.files)
    return next(one for one in units if one.name == package.unit)


def _costs(unit: CodeUnit, bench: GateContext, counting: Counting) -> None:
    """Print what a kept and a stopped file cost, and what one mutant costs."""
    suite = counting.runs[0]
    files = (("strong", STRONG), ("weak", WEAK))
    rows = [_judged(name, code, unit, bench, counting) for name, code in files]
    title = f"Proving on {HUMANIZE.requirement}: its own {bench.before.tests} tests, measured with contexts, take"
    show(
        f"{title} {suite.cpu_seconds:.1f} s CPU (aim: 15 s beyond it for a kept file)",
        ["candidate", "runs", "CPU s", "outcome"],
        rows,
    )
    _mutants(unit, bench, counting)


def _recounted(
    package: RealPackage, unit: CodeUnit, bench: GateContext, python: Path, counting: Counting
) -> list[list[object]]:
    candidate, before = Candidate(unit, package.test, package.code), len(counting.runs)
    evidence = judge(candidate, bench)
    if not isinstance(evidence, Evidence):
        raise SystemExit(f"{package.requirement}: stopped: {evidence.gate}. {evidence.reason}")
    faults = [Fault(it.line, it.start, it.end, it.after) for it in mutants(unit, most=bench.budget.mutants) if it.swaps]
    file = SuggestedFile(package.test, evidence.code or package.code, unit.path, min(unit.lines), unit.last)
    runs = passes(counting.reports(bench.head.tree, package.test, before))
    again = recount(file, faults, Package(bench.head.tree, python, package.source, package.suite), runs)
    killed, total = evidence.killed or (0, 0)
    stated = Recounted(evidence.covered, killed, total, evidence.fresh, evidence.unreached, evidence.runs)
    rows = [("stated", stated), ("recounted", again)]
    verdict = "the same" if stated == again else "DIFFERENT"
    return [[package.requirement, f"{name} ({verdict})", *_numbers(numbers)] for name, numbers in rows]


def _numbers(numbers: Recounted) -> list[object]:
    covered = f"{numbers.covered[0]} of {numbers.covered[1]}"
    return [covered, numbers.killed, numbers.mutants, numbers.fresh, numbers.unreached, numbers.runs]


def _judged(name: str, code: str, unit: CodeUnit, bench: GateContext, counting: Counting) -> list[object]:
    before, cpu = len(counting.runs), _cpu()
    outcome = judge(Candidate(unit, f"tests/test_lists_{name}.py", code), bench)
    told = outcome.line if isinstance(outcome, Evidence) else f"stopped: {outcome.gate}. {outcome.reason}"
    return [name, len(counting.runs) - before, f"{_cpu() - cpu:.1f}", told]


def _cpu() -> float:
    """Return the processor time of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _mutants(unit: CodeUnit, bench: GateContext, counting: Counting) -> None:
    """Print what one mutant takes once its tests are collected: for each, its fastest round."""
    path = "tests/test_lists_strong.py"
    place = bench.head.tree / path
    candidate = Candidate(unit, path, STRONG)
    place.write_text(STRONG, encoding="utf-8")
    first = len(counting.runs)
    try:
        for _ in range(ROUNDS):
            mutation_gate(candidate, unit.lines, client=bench.head, before=bench.before, budget=bench.budget)
    finally:
        place.unlink()
    reports = [HarnessReport.model_validate_json(ran.results[REPORT]) for ran in counting.runs[first:]]
    rounds = zip(*(report.mutants for report in reports if report.mutants), strict=True)
    by_mutant = list(rounds)
    best = [min(same, key=lambda one: one.seconds) for same in by_mutant]
    spent = [[one.cpu_seconds for one in same] for same in by_mutant]
    rows = [
        _row("a mutant", [one.seconds for one in best]),
        _row("of which its tests, as pytest runs them", [one.tests_seconds for one in best]),
        _row("of which ours: compile, fork, wait", [one.seconds - one.tests_seconds for one in best]),
        _row("processor time of a mutant, which other work does not lengthen", [min(cpu) for cpu in spent]),
    ]
    title = f"{len(best)} mutants of natural_list, each in a fork, best of {ROUNDS} rounds (aim: 15 ms at most)"
    show(title, ["what", "median ms", "worst ms"], rows)


def _row(what: str, seconds: list[float]) -> list[object]:
    return [what, f"{statistics.median(seconds) * 1000:.1f}", f"{max(seconds) * 1000:.1f}"]
