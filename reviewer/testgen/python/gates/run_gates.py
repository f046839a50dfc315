"""Run a candidate through the gates, cheapest first: it passes all, or the result says which one stopped it.

A candidate that passes had every test counted, ran changed lines, noticed mutants, passed again in new processes under
other conditions and together with neighbouring tests, and left no files behind. Tests of it that add nothing to the
others are left out. Never edits a file of the repository; the candidate is in the tree only during its runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from operator import ge

from reviewer.languages.allowed_tests import refused_place
from reviewer.languages.parsers import python_tree
from reviewer.testgen.evidence import (
    Candidate,
    CodeUnit,
    Evidence,
    FailedTest,
    Gate,
    GateFailure,
    GenerationBudget,
    left_behind,
)
from reviewer.testgen.python.baseline import Baseline
from reviewer.testgen.python.gates.assertions import test_functions
from reviewer.testgen.python.gates.demands import named_tests
from reviewer.testgen.python.gates.mutation_gate import UNUSABLE, Kills, mutation_gate
from reviewer.testgen.python.gates.neighbours import coexists
from reviewer.testgen.python.gates.own_share import name_of, useless_tests, without_tests
from reviewer.testgen.python.gates.static_gates import policy, smells
from reviewer.testgen.python.gates.steadiness import steady
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.harness_report import FileCoverage, HarnessReport, HarnessTestResult, function_of
from reviewer.testgen.python.units import branches, hit
from reviewer.testgen.working_tree import added, changes, folder_of, restore, snapshot


@dataclass(frozen=True, slots=True)
class GateContext:
    """What candidates are judged with: clients for head and base (if any), the baseline, the limits, existing paths.

    `units` are all changed functions of the project.
    """

    head: HarnessClient
    base: HarnessClient | None
    before: Baseline
    budget: GenerationBudget
    taken: frozenset[str]
    units: tuple[CodeUnit, ...] = ()


@dataclass(frozen=True, slots=True)
class _Measured:
    """A candidate that passes the gates up to KILLS: its evidence so far, its run, and what it kills (if known)."""

    candidate: Candidate
    evidence: Evidence
    alone: HarnessReport
    kills: Kills | None

    @property
    def numbers(self) -> tuple[int, ...]:
        """What a shorter version of the file must reach as well."""
        known = self.evidence
        return known.covered[0], known.fresh, known.branches, known.fails_on_base


def judge(candidate: Candidate, context: GateContext) -> Evidence | GateFailure:
    """Run all gates on a candidate. Raises TreeChanged if it changed existing files of the tree."""
    plan = context.head.plan
    allowed = policy(candidate, roots=plan.test_roots, names=plan.names, taken=context.taken)
    if stopped := allowed or _placed(candidate, context) or smells(candidate):
        return stopped
    measured = _measured(candidate, context)
    if isinstance(measured, GateFailure):
        return measured
    useless = _useless(measured)
    if useless:
        code = without_tests(candidate.code, useless)
        shorter = _measured(replace(candidate, code=code), context)
        if isinstance(shorter, _Measured) and all(map(ge, shorter.numbers, measured.numbers)):
            left_out = tuple(useless.items())
            measured = replace(shorter, evidence=replace(shorter.evidence, code=code, left_out=left_out))
    return _settled(measured, context)


def _useless(measured: _Measured) -> dict[str, GateFailure]:
    if measured.kills is None:
        return {}
    unit, evidence = measured.candidate.unit, measured.evidence
    coverage = measured.alone.files.get(unit.path, FileCoverage())
    return useless_tests(measured.candidate.code, unit, coverage, measured.kills, evidence.failing_before)


def _placed(candidate: Candidate, context: GateContext) -> GateFailure | None:
    """Stop a file whose place in the repository is not one for its tests."""
    why = refused_place(candidate.path, partial(folder_of, context.head.tree))
    return GateFailure(Gate.POLICY, f"Its path {why}.", f"Its path {why}: choose another.") if why else None


def _measured(candidate: Candidate, context: GateContext) -> _Measured | GateFailure:
    """Run the gates up to KILLS."""
    with _inside(candidate, context) as present:
        if isinstance(present, GateFailure):
            return present
        alone = _alone(candidate, context)
        stopped = collects(candidate, alone) or passes(alone, context.head) or clean(context, present, alone)
        if stopped := stopped or covers(candidate.unit, alone, context):
            return stopped
        return kills(candidate, alone, context)


def _settled(measured: _Measured, context: GateContext) -> Evidence | GateFailure:
    """Run the gates after KILLS, which are the same for every test of the file."""
    candidate = measured.candidate
    with _inside(candidate, context) as present:
        if isinstance(present, GateFailure):
            return present
        runs = steady(candidate, context.head, context.budget)
        if isinstance(runs, GateFailure):
            return runs
        stopped = coexists(candidate, context.head, context.before, context.budget) or clean(
            context, present, measured.alone
        )
        return stopped or replace(measured.evidence, runs=1 + runs + 1)


@contextmanager
def _inside(candidate: Candidate, context: GateContext) -> Iterator[dict[str, tuple[int, int]] | GateFailure]:
    """Add the candidate to the tree, and yield what is there then; afterwards the tree is as before."""
    tree = context.head.tree
    untouched = snapshot(tree)
    try:
        with added(tree, candidate.path, candidate.code):
            yield snapshot(tree)
    except FileExistsError:
        yield GateFailure(Gate.POLICY, f"`{candidate.path}` cannot be added: something else is there.")
    finally:
        restore(tree, untouched, context.before.writes)


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
        failures = tuple(failed_test(test, client) for test in alone.bad)
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


def kills(candidate: Candidate, alone: HarnessReport, context: GateContext) -> _Measured | GateFailure:
    """Stop a file that notices neither mutants of the changed code nor the code before the change."""
    unit = candidate.unit
    ran = alone.files.get(unit.path)
    hits = hit(unit, ran)
    failing = _failing_before(candidate, alone, context)
    result = mutation_gate(candidate, hits, client=context.head, before=context.before, budget=context.budget)
    if isinstance(result, GateFailure):
        if result.reason.startswith(UNUSABLE):
            flaky = steady(candidate, context.head, context.budget)
            result = flaky if isinstance(flaky, GateFailure) else result
        if not failing or result.gate is Gate.STEADY:
            return replace(result, feedback="\n".join(filter(None, [result.feedback, still_uncovered(unit, hits)])))
    numbers = result if isinstance(result, Kills) else None
    evidence = Evidence(
        runs=1,
        covered=(len(hits & unit.missed), len(unit.missed)),
        killed=None if numbers is None else (numbers.killed, numbers.mutants),
        fresh=len(numbers.fresh) if numbers else 0,
        unreached=numbers.unreached if numbers else 0,
        branches=len({arc for arc in branches(unit, ran) if arc[0] in unit.half}),
        failing_before=failing,
        unkilled=result if isinstance(result, GateFailure) else None,
        tests=len(test_functions(python_tree(candidate.code))),
    )
    return _Measured(candidate, evidence, alone, numbers)


def _failing_before(candidate: Candidate, alone: HarnessReport, context: GateContext) -> frozenset[str]:
    """Return the tests that pass on head and fail without the change by their own assertion.

    An error while collecting, a name or an argument that does not exist yet is no evidence: every test of something new
    fails in this way.
    """
    if context.base is None:
        return frozenset()
    run = HarnessRun(paths=(candidate.path,), watch=(candidate.unit.path,), seconds=context.budget.run_seconds)
    try:
        with added(context.base.tree, candidate.path, candidate.code):
            report = context.base.run(run)
    except FileExistsError:
        return frozenset()
    passed = {test.id for test in alone.tests if test.outcome == "passed"}
    if report.problem or report.errors or report.strays:
        return frozenset()
    failed = {test.id for test in report.tests if test.asserted and test.outcome == "failed" and test.id in passed}
    names = [name for name, _ in named_tests(python_tree(candidate.code))]
    return frozenset(filter(None, (name_of(test, names) for test in failed)))


def clean(context: GateContext, before: dict[str, tuple[int, int]], alone: HarnessReport) -> GateFailure | None:
    """Stop a file that leaves files in the tree, in its home or temporary folder, or among the results."""
    new = [path for path in changes(context.head.tree, before) if path not in context.before.writes]
    return left_behind([*new, *alone.left], "Use tmp_path.")


def failed_test(test: HarnessTestResult, client: HarnessClient) -> FailedTest:
    """Return a failure as it is shown: without the paths of this machine, its traceback cut."""

    def short(text: str) -> str:
        return text.replace(f"{client.tree}/", "").replace(f"{client.shown_at}/", "")

    return FailedTest(test.id, test.kind, test.line, short(test.message), _tail(short(test.trace)), test.asserted)


def _described(failure: FailedTest) -> str:
    return f"{failure.test}, line {failure.line}: {failure.kind}\n{failure.message}\n\n{failure.trace}"


def _tail(text: str, lines: int = 40) -> str:
    rows: Sequence[str] = text.strip().split("\n")
    return "\n".join(rows[-lines:])
