"""The gates that run a candidate: each lets it pass or says what stopped it, cheapest first.

Promises: a candidate that comes through was counted test by test, ran changed lines, told the code from faulty code,
and did so in fresh processes under other conditions, beside its neighbours, leaving nothing behind. Never edits a file
of the repository; the candidate stands in the tree only for the time of its runs.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from reviewer.testgen.evidence import Candidate, CodeUnit, Evidence, FailedTest, Gate, GateFailure, GenerationBudget
from reviewer.testgen.python.baseline import Baseline
from reviewer.testgen.python.gates.mutation_gate import Kills, mutation_gate
from reviewer.testgen.python.gates.static_gates import policy, smells, test_functions
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.harness_report import HarnessReport, HarnessTestResult, function_of
from reviewer.testgen.python.units import branches, hit
from reviewer.testgen.repair_loop import left_behind, restore
from reviewer.testgen.working_tree import added, changes, snapshot

#: A suite longer than this is not run again for each candidate: the nearest of its files are.
NEIGHBOURS_FROM_SECONDS, MOST_NEIGHBOURS = 20.0, 4

#: Conditions of the runs after the first: order, hash seed, time zone, and once more in the same process.
CONDITIONS = (
    HarnessRun(reverse=True, environment={"PYTHONHASHSEED": "1"}),
    HarnessRun(repeat=2, environment={"PYTHONHASHSEED": "4242", "TZ": "XYZ-13:45"}),
)


@dataclass(frozen=True, slots=True)
class GateContext:
    """What candidates are judged with: rigs for head and, where there is one, base; the suite before; the ceilings."""

    head: HarnessClient
    base: HarnessClient | None
    before: Baseline
    budget: GenerationBudget
    taken: frozenset[str]


def judge(candidate: Candidate, bench: GateContext) -> Evidence | GateFailure:
    """Put a candidate through all gates. Raises TreeChanged when it changed existing files of the tree."""
    plan = bench.head.plan
    allowed = policy(candidate, roots=plan.test_roots, names=plan.names, taken=bench.taken)
    if stopped := allowed or smells(candidate):
        return stopped
    untouched = snapshot(bench.head.tree)
    try:
        with added(bench.head.tree, candidate.path, candidate.code):
            return _run_through(candidate, bench)
    except FileExistsError:
        return GateFailure(Gate.POLICY, f"`{candidate.path}` cannot be added: something else stands there.")
    finally:
        restore(bench.head.tree, untouched)


def _run_through(candidate: Candidate, bench: GateContext) -> Evidence | GateFailure:
    present = snapshot(bench.head.tree)
    alone = _alone(candidate, bench)
    stopped = collects(candidate, alone) or passes(alone, bench.head) or clean(bench.head, present, alone)
    if stopped := stopped or covers(candidate.unit, alone, bench):
        return stopped
    shown = kills(candidate, alone, bench)
    if isinstance(shown, GateFailure):
        return shown
    stopped = steady(candidate, bench) or coexists(candidate, bench) or clean(bench.head, present, alone)
    return stopped or shown


def _alone(candidate: Candidate, bench: GateContext) -> HarnessReport:
    return bench.head.run(
        HarnessRun(paths=(candidate.path,), cover=(candidate.unit.path,), seconds=bench.budget.run_seconds)
    )


def collects(candidate: Candidate, alone: HarnessReport) -> GateFailure | None:
    """Stop a file that the framework cannot collect whole."""
    if alone.errors:
        told = alone.errors[0].text.strip()
        return GateFailure(Gate.COLLECTS, "The file cannot be imported by the test framework.", _tail(told))
    if alone.problem and not alone.collected:
        return GateFailure(Gate.COLLECTS, f"Nothing was collected: {alone.problem}.", alone.problem)
    expected = {test.name for test in test_functions(ast.parse(candidate.code))}
    seen = {function_of(name) for name in alone.collected}
    if missing := sorted(expected - seen):
        return GateFailure(Gate.COLLECTS, f"`{missing[0]}` was not collected.", f"Not collected: {', '.join(missing)}.")
    return None


def passes(alone: HarnessReport, rig: HarnessClient) -> GateFailure | None:
    """Stop a file of which not every collected test was counted as passed."""
    if alone.problem:
        return GateFailure(Gate.PASSES, f"The run did not end as it should: {alone.problem}.", alone.problem)
    if alone.strays:
        return GateFailure(Gate.PASSES, "The tests ran another copy of the code than the one under review.")
    if alone.bad:
        failures = tuple(_failure(test, rig) for test in alone.bad)
        told = "\n\n".join(_told(one) for one in failures[:5])
        reason = f"{len(failures)} of {len(alone.tests)} tests fail on the code as it is, first `{failures[0].test}`."
        return GateFailure(Gate.PASSES, reason, told, failures)
    odd = [test for test in alone.tests if test.outcome != "passed"]
    if odd or len(alone.tests) != len(alone.collected):
        what = f"`{odd[0].id}` came to `{odd[0].outcome}`" if odd else "not every collected test was run"
        return GateFailure(Gate.PASSES, f"A test that did not run proves nothing: {what}.")
    return None


def covers(unit: CodeUnit, alone: HarnessReport, bench: GateContext) -> GateFailure | None:
    """Stop a file that runs no changed line, and takes no branch of one, that existing tests leave out."""
    ran = alone.files.get(unit.path)
    hits = hit(unit, ran)
    fresh = branches(unit, ran) - branches(unit, bench.before.files.get(unit.path))
    gained = hits & unit.missed or {arc for arc in fresh if arc[0] in unit.half}
    open_lines = bool(unit.missed or unit.half)
    if gained or (not open_lines and (hits or (not unit.lines and ran is not None))):
        return None
    reason = f"None of the changed lines of `{unit.name}` that no test runs was run."
    return GateFailure(Gate.COVERS, reason, still_uncovered(unit, hits))


def still_uncovered(unit: CodeUnit, hits: frozenset[int]) -> str:
    """Return the changed statements that neither existing tests nor the candidate run, with their text."""
    rows = unit.source.split("\n")
    left = sorted(unit.missed - hits)
    return "\n".join(f"{line:>5} | {rows[line - 1].rstrip()}" for line in left[:40])


def kills(candidate: Candidate, alone: HarnessReport, bench: GateContext) -> Evidence | GateFailure:
    """Stop a file that cannot tell the changed code from faulty code, nor from the code before the change."""
    unit = candidate.unit
    ran = alone.files.get(unit.path)
    hits = hit(unit, ran)
    fails = _fails_on_base(candidate, alone, bench)
    result = mutation_gate(candidate, hits, rig=bench.head, before=bench.before, budget=bench.budget)
    if not fails and isinstance(result, GateFailure):
        return replace(result, feedback="\n".join(filter(None, [result.feedback, still_uncovered(unit, hits)])))
    numbers = result if isinstance(result, Kills) else None
    return Evidence(
        runs=1 + sum(one.repeat for one in CONDITIONS) + 1,
        covered=(len(hits & unit.missed), len(unit.missed)),
        killed=None if numbers is None else (numbers.killed, numbers.mutants),
        branches=len({arc for arc in branches(unit, ran) if arc[0] in unit.half}),
        fails_on_base=fails,
    )


def _fails_on_base(candidate: Candidate, alone: HarnessReport, bench: GateContext) -> bool:
    """Whether a test that passes on head fails without the change by its own assertion.

    An error while collecting, a name that does not exist yet or an argument that was not known yet is no evidence: so
    fails every test of something new.
    """
    if bench.base is None:
        return False
    wanted = HarnessRun(paths=(candidate.path,), watch=(candidate.unit.path,), seconds=bench.budget.run_seconds)
    try:
        with added(bench.base.tree, candidate.path, candidate.code):
            report = bench.base.run(wanted)
    except FileExistsError:
        return False
    passed = {test.id for test in alone.tests if test.outcome == "passed"}
    usable = not (report.problem or report.errors or report.strays)
    return usable and any(test.asserted and test.outcome == "failed" and test.id in passed for test in report.tests)


def steady(candidate: Candidate, bench: GateContext) -> GateFailure | None:
    """Stop a file whose outcome hangs on order, hash seed, time zone or on what ran in its process before."""
    for condition in CONDITIONS:
        wanted = replace(condition, paths=(candidate.path,), seconds=bench.budget.run_seconds)
        report = bench.head.run(wanted)
        if not report.green or any(test.outcome != "passed" for test in report.tests) or not report.tests:
            failures = tuple(_failure(test, bench.head) for test in report.bad)
            how = "in reverse order and with another hash seed" if condition.reverse else "in another time zone, twice"
            told = _told(failures[0]) if failures else report.problem
            reason = f"It passes once, and fails in a fresh process {how}."
            return GateFailure(Gate.STEADY, reason, f"{reason}\n{told}")
    return None


def coexists(candidate: Candidate, bench: GateContext) -> GateFailure | None:
    """Stop a file that fails beside its neighbours, or makes them fail."""
    neighbours = _neighbours(candidate, bench)
    report = bench.head.run(
        HarnessRun(paths=(candidate.path, *neighbours), seconds=bench.budget.run_seconds + 2 * bench.before.seconds)
    )
    if report.green and len(report.tests) == len(report.collected):
        return None
    failures = tuple(_failure(test, bench.head) for test in report.bad)
    told = _told(failures[0]) if failures else report.problem or report.errors[0].text
    return GateFailure(Gate.COEXISTS, "Run together with the neighbouring tests, some fail.", _tail(told))


def _neighbours(candidate: Candidate, bench: GateContext) -> tuple[str, ...]:
    """Return the test files of the candidate's folder; of a long suite only the nearest."""
    folder = PurePosixPath(candidate.path).parent
    same = [path for path in bench.before.test_files if PurePosixPath(path).parent == folder]
    if not bench.before.limited and bench.before.seconds <= NEIGHBOURS_FROM_SECONDS:
        return tuple(same)
    near = [path for path in bench.before.siblings if path in same]
    return tuple(near[:MOST_NEIGHBOURS])


def clean(rig: HarnessClient, before: dict[str, tuple[int, int]], alone: HarnessReport) -> GateFailure | None:
    """Stop a file that leaves files behind: in the tree, in its home or temporary folder, among the results."""
    return left_behind([*changes(rig.tree, before), *alone.left], "Use tmp_path.")


def _failure(test: HarnessTestResult, rig: HarnessClient) -> FailedTest:
    def short(text: str) -> str:
        return text.replace(f"{rig.tree}/", "").replace(f"{rig.shown_at}/", "")

    return FailedTest(test.id, test.kind, test.line, short(test.message), _tail(short(test.trace)), test.asserted)


def _told(failure: FailedTest) -> str:
    return f"{failure.test}, line {failure.line}: {failure.kind}\n{failure.message}\n\n{failure.trace}"


def _tail(text: str, lines: int = 40) -> str:
    rows: Sequence[str] = text.strip().split("\n")
    return "\n".join(rows[-lines:])
