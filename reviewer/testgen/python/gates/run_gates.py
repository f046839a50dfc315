"""Run a candidate through the gates, cheapest first: it passes all, or the result says which one stopped it.

A candidate that passes had every test counted, ran changed lines, noticed mutants, passed again in new processes under
other conditions and together with neighbouring tests, and left no files behind. Never edits a file of the repository;
the candidate is in the tree only during its runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath

from reviewer.languages.allowed_tests import refused_place
from reviewer.languages.parsers import python_tree
from reviewer.testgen.evidence import Candidate, CodeUnit, Evidence, FailedTest, Gate, GateFailure, GenerationBudget
from reviewer.testgen.python.baseline import Baseline
from reviewer.testgen.python.gates.assertions import test_functions
from reviewer.testgen.python.gates.mutation_gate import Kills, mutation_gate
from reviewer.testgen.python.gates.static_gates import policy, smells
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.harness_report import HarnessReport, HarnessTestResult, function_of
from reviewer.testgen.python.units import branches, hit
from reviewer.testgen.repair_loop import left_behind, restore
from reviewer.testgen.working_tree import added, changes, folder_of, snapshot

#: A suite that takes longer is not run again for each candidate; only its nearest files are.
NEIGHBOURS_FROM_SECONDS, MOST_NEIGHBOURS = 20.0, 4

#: Conditions of the runs after the first: reverse order, hash seed, time zone, and twice in the same process.
CONDITIONS = (
    HarnessRun(reverse=True, environment={"PYTHONHASHSEED": "1"}),
    HarnessRun(repeat=2, environment={"PYTHONHASHSEED": "4242", "TZ": "XYZ-13:45"}),
)


@dataclass(frozen=True, slots=True)
class GateContext:
    """What candidates are judged with: clients for head and base (if any), the baseline, the limits, existing paths."""

    head: HarnessClient
    base: HarnessClient | None
    before: Baseline
    budget: GenerationBudget
    taken: frozenset[str]


def judge(candidate: Candidate, context: GateContext) -> Evidence | GateFailure:
    """Run all gates on a candidate. Raises TreeChanged if it changed existing files of the tree."""
    plan = context.head.plan
    allowed = policy(candidate, roots=plan.test_roots, names=plan.names, taken=context.taken)
    if stopped := allowed or _placed(candidate, context) or smells(candidate):
        return stopped
    untouched = snapshot(context.head.tree)
    try:
        with added(context.head.tree, candidate.path, candidate.code):
            return _run_through(candidate, context)
    except FileExistsError:
        return GateFailure(Gate.POLICY, f"`{candidate.path}` cannot be added: something else is there.")
    finally:
        restore(context.head.tree, untouched)


def _placed(candidate: Candidate, context: GateContext) -> GateFailure | None:
    """Stop a file whose place in the repository is not one for its tests."""
    why = refused_place(candidate.path, partial(folder_of, context.head.tree))
    return GateFailure(Gate.POLICY, f"Its path {why}.", f"Its path {why}: choose another.") if why else None


def _run_through(candidate: Candidate, context: GateContext) -> Evidence | GateFailure:
    present = snapshot(context.head.tree)
    alone = _alone(candidate, context)
    stopped = collects(candidate, alone) or passes(alone, context.head) or clean(context.head, present, alone)
    if stopped := stopped or covers(candidate.unit, alone, context):
        return stopped
    shown = kills(candidate, alone, context)
    if isinstance(shown, GateFailure):
        return shown
    stopped = steady(candidate, context) or coexists(candidate, context) or clean(context.head, present, alone)
    return stopped or shown


def _alone(candidate: Candidate, context: GateContext) -> HarnessReport:
    return context.head.run(
        HarnessRun(paths=(candidate.path,), cover=(candidate.unit.path,), seconds=context.budget.run_seconds)
    )


def collects(candidate: Candidate, alone: HarnessReport) -> GateFailure | None:
    """Stop a file that the framework cannot collect completely."""
    if alone.errors:
        text = alone.errors[0].text.strip()
        return GateFailure(Gate.COLLECTS, "The file cannot be imported by the test framework.", _tail(text))
    if alone.problem and not alone.collected:
        return GateFailure(Gate.COLLECTS, f"Nothing was collected: {alone.problem}.", alone.problem)
    expected = {test.name for test in test_functions(python_tree(candidate.code))}
    seen = {function_of(name) for name in alone.collected}
    if missing := sorted(expected - seen):
        return GateFailure(Gate.COLLECTS, f"`{missing[0]}` was not collected.", f"Not collected: {', '.join(missing)}.")
    return None


def passes(alone: HarnessReport, client: HarnessClient) -> GateFailure | None:
    """Stop a file unless every collected test passed."""
    if alone.problem:
        return GateFailure(Gate.PASSES, f"The run did not end properly: {alone.problem}.", alone.problem)
    if alone.strays:
        return GateFailure(Gate.PASSES, "The tests ran another copy of the code than the one under review.")
    if alone.bad:
        failures = tuple(_failure(test, client) for test in alone.bad)
        text = "\n\n".join(_described(failure) for failure in failures[:5])
        reason = f"{len(failures)} of {len(alone.tests)} tests fail on the code as it is, first `{failures[0].test}`."
        return GateFailure(Gate.PASSES, reason, text, failures)
    odd = [test for test in alone.tests if test.outcome != "passed"]
    if odd or len(alone.tests) != len(alone.collected):
        what = f"the outcome of `{odd[0].id}` is `{odd[0].outcome}`" if odd else "not every collected test was run"
        return GateFailure(Gate.PASSES, f"A test that did not run proves nothing: {what}.")
    return None


def covers(unit: CodeUnit, alone: HarnessReport, context: GateContext) -> GateFailure | None:
    """Stop a file unless it runs a changed line, or takes a branch of one, that existing tests do not."""
    ran = alone.files.get(unit.path)
    hits = hit(unit, ran)
    fresh = branches(unit, ran) - branches(unit, context.before.files.get(unit.path))
    gained = hits & unit.missed or {arc for arc in fresh if arc[0] in unit.half}
    open_lines = bool(unit.missed or unit.half)
    if gained or (not open_lines and (hits or (not unit.lines and ran is not None))):
        return None
    reason = f"It runs none of the changed lines of `{unit.name}` that existing tests leave out."
    return GateFailure(Gate.COVERS, reason, still_uncovered(unit, hits))


def still_uncovered(unit: CodeUnit, hits: frozenset[int]) -> str:
    """Return the changed statements, with their text, that neither existing tests nor the candidate run."""
    rows = unit.source.split("\n")
    left = sorted(unit.missed - hits)
    return "\n".join(f"{line:>5} | {rows[line - 1].rstrip()}" for line in left[:40])


def kills(candidate: Candidate, alone: HarnessReport, context: GateContext) -> Evidence | GateFailure:
    """Stop a file that notices neither mutants of the changed code nor the code before the change."""
    unit = candidate.unit
    ran = alone.files.get(unit.path)
    hits = hit(unit, ran)
    fails = _fails_on_base(candidate, alone, context)
    result = mutation_gate(candidate, hits, client=context.head, before=context.before, budget=context.budget)
    if not fails and isinstance(result, GateFailure):
        return replace(result, feedback="\n".join(filter(None, [result.feedback, still_uncovered(unit, hits)])))
    numbers = result if isinstance(result, Kills) else None
    return Evidence(
        runs=1 + sum(condition.repeat for condition in CONDITIONS) + 1,
        covered=(len(hits & unit.missed), len(unit.missed)),
        killed=None if numbers is None else (numbers.killed, numbers.mutants),
        branches=len({arc for arc in branches(unit, ran) if arc[0] in unit.half}),
        fails_on_base=fails,
    )


def _fails_on_base(candidate: Candidate, alone: HarnessReport, context: GateContext) -> bool:
    """Whether a test that passes on head fails without the change by its own assertion.

    An error while collecting, a name or an argument that does not exist yet is no evidence: every test of something new
    fails in this way.
    """
    if context.base is None:
        return False
    run = HarnessRun(paths=(candidate.path,), watch=(candidate.unit.path,), seconds=context.budget.run_seconds)
    try:
        with added(context.base.tree, candidate.path, candidate.code):
            report = context.base.run(run)
    except FileExistsError:
        return False
    passed = {test.id for test in alone.tests if test.outcome == "passed"}
    usable = not (report.problem or report.errors or report.strays)
    return usable and any(test.asserted and test.outcome == "failed" and test.id in passed for test in report.tests)


def steady(candidate: Candidate, context: GateContext) -> GateFailure | None:
    """Stop a file whose outcome depends on order, hash seed, time zone or on earlier tests in its process."""
    for condition in CONDITIONS:
        run = replace(condition, paths=(candidate.path,), seconds=context.budget.run_seconds)
        report = context.head.run(run)
        if not report.green or any(test.outcome != "passed" for test in report.tests) or not report.tests:
            failures = tuple(_failure(test, context.head) for test in report.bad)
            how = "in reverse order and with another hash seed" if condition.reverse else "in another time zone, twice"
            text = _described(failures[0]) if failures else report.problem
            reason = f"It passes once and fails in a new process {how}."
            return GateFailure(Gate.STEADY, reason, f"{reason}\n{text}")
    return None


def coexists(candidate: Candidate, context: GateContext) -> GateFailure | None:
    """Stop a file that fails together with neighbouring tests, or makes them fail."""
    neighbours = _neighbours(candidate, context)
    report = context.head.run(
        HarnessRun(paths=(candidate.path, *neighbours), seconds=context.budget.run_seconds + 2 * context.before.seconds)
    )
    if report.green and len(report.tests) == len(report.collected):
        return None
    failures = tuple(_failure(test, context.head) for test in report.bad)
    text = _described(failures[0]) if failures else report.problem or report.errors[0].text
    return GateFailure(Gate.COEXISTS, "Run together with the neighbouring tests, some fail.", _tail(text))


def _neighbours(candidate: Candidate, context: GateContext) -> tuple[str, ...]:
    """Return the test files of the candidate's folder; for a long suite only the nearest."""
    folder = PurePosixPath(candidate.path).parent
    same = [path for path in context.before.test_files if PurePosixPath(path).parent == folder]
    if not context.before.limited and context.before.seconds <= NEIGHBOURS_FROM_SECONDS:
        return tuple(same)
    near = [path for path in context.before.siblings if path in same]
    return tuple(near[:MOST_NEIGHBOURS])


def clean(client: HarnessClient, before: dict[str, tuple[int, int]], alone: HarnessReport) -> GateFailure | None:
    """Stop a file that leaves files in the tree, in its home or temporary folder, or among the results."""
    return left_behind([*changes(client.tree, before), *alone.left], "Use tmp_path.")


def _failure(test: HarnessTestResult, client: HarnessClient) -> FailedTest:
    def short(text: str) -> str:
        return text.replace(f"{client.tree}/", "").replace(f"{client.shown_at}/", "")

    return FailedTest(test.id, test.kind, test.line, short(test.message), _tail(short(test.trace)), test.asserted)


def _described(failure: FailedTest) -> str:
    return f"{failure.test}, line {failure.line}: {failure.kind}\n{failure.message}\n\n{failure.trace}"


def _tail(text: str, lines: int = 40) -> str:
    rows: Sequence[str] = text.strip().split("\n")
    return "\n".join(rows[-lines:])
