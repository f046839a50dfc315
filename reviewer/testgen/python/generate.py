"""Tests for a change that were run: units chosen, a model asked, its files put through the gates, evidence given.

Promises: what is suggested has passed every gate on this machine and carries what it showed; what is not suggested is
counted by the gate that stopped it; where nothing can be claimed, a sentence says why. Its only effects are `execute`,
`ask`, and the staged trees, in which it leaves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from reviewer.domain.findings import TestSuggestion
from reviewer.llm.messages import Ask, Prompt
from reviewer.sandbox.api import SandboxRunner
from reviewer.tasks.conversation.prompts import fence_of
from reviewer.testgen.evidence import (
    Candidate,
    ChangeUnderTest,
    CodeUnit,
    Evidence,
    FailedTest,
    GateFailure,
    GeneratedTests,
    GenerationBudget,
    NotRun,
)
from reviewer.testgen.python.appending import ends_of, with_appendices
from reviewer.testgen.python.baseline import measure
from reviewer.testgen.python.gates.copied_values import only_expectation_changed
from reviewer.testgen.python.gates.run_gates import GateContext, judge
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.harness_report import function_of
from reviewer.testgen.python.prompts import UnitPrompts
from reviewer.testgen.python.test_command import plan_for
from reviewer.testgen.python.units import changed_units, hit, measured, riskiest
from reviewer.testgen.repair_loop import RepairLoop, UnitPrompt
from reviewer.testgen.working_tree import added, python_files, text_of


def prove(
    subject: ChangeUnderTest,
    ask: Ask,
    execute: SandboxRunner,
    *,
    salt: bytes,
    budget: GenerationBudget | None = None,
    now: Callable[[], float] = time.monotonic,
) -> GeneratedTests | NotRun:
    """Ask for tests of the riskiest changed functions, run what comes, and return what proved itself.

    `salt` keys the fences round untrusted text, `now` is the clock of the budget, in seconds. Raises ReviewerError when
    `execute` says that nothing may or can be run here.
    """
    budget = budget or GenerationBudget()
    deadline = now() + budget.seconds
    ready = prepared(subject, execute, budget)
    if isinstance(ready, NotRun):
        return ready
    bench, units = ready
    if not units:
        return GeneratedTests(
            notes=_notes(bench, "Existing tests run every changed line of every function: nothing to add.")
        )
    files = python_files(subject.head)
    ends = ends_of(subject, bench) if subject.appends else ()
    fence = fence_of(salt, subject.change)
    briefing = UnitPrompts(subject, bench.head, bench.before, files, fence, tuple(end.path for end in ends))
    rounds = RepairLoop(_Python(briefing, bench), budget, ask, lambda: now() < deadline)
    rounds.all([UnitPrompt(briefing.tests(unit), f"`{unit.name}`", partial(_itself, unit)) for unit in units])
    done = rounds.proven(*_notes(bench))
    return replace(done, tests=with_appendices(done.tests, ends, bench, lambda: now() < deadline))


def _itself(unit: CodeUnit, _test: TestSuggestion) -> CodeUnit:
    return unit


def prepared(
    subject: ChangeUnderTest, execute: SandboxRunner, budget: GenerationBudget
) -> tuple[GateContext, tuple[CodeUnit, ...]] | NotRun:
    """Find the command, run the repository's own tests, and choose the units. One project at a time: the riskiest's."""
    if not subject.python.exists():
        return NotRun(f"There is no Python at `{subject.python}`: set up the interpreter that the tests need first.")
    heads = {
        file.path: text
        for file in subject.change.diff.files
        if file.path.endswith(".py") and (text := text_of(subject.head, file.path)) is not None
    }
    units = changed_units(subject.change.diff, heads)
    if not units:
        return NotRun("The change touches no Python function outside the tests: there is nothing to write a test for.")
    files = python_files(subject.head)
    first = riskiest([replace(unit, missed=unit.lines) for unit in units], most=1, fix=True)[0]
    plan = plan_for(subject.head, files, first.path, subject.command)
    if isinstance(plan, NotRun):
        return plan
    rig = HarnessClient(execute, subject.head, subject.shown_at, subject.python, plan)
    prefix = f"{plan.cwd}/" if plan.cwd else ""
    here = [unit for unit in units if unit.path.startswith(prefix)]
    before = measure(rig, sorted({unit.path for unit in here}), files, suite_seconds=budget.suite_seconds)
    if isinstance(before, NotRun):
        return before
    if len(here) < len(units):
        note = f"Tests were proven for `{plan.cwd}` only; the change also touches other projects of the repository."
        before = replace(before, note=" ".join(filter(None, [before.note, note])))
    chosen = riskiest(measured(here, before.files), most=budget.units, fix=subject.fix)
    base = rig.on(subject.base) if subject.fix and subject.base else None
    return GateContext(rig, base, before, budget, frozenset(files)), chosen


def _notes(bench: GateContext, *more: str) -> tuple[str, ...]:
    return tuple(note for note in (bench.before.note, *more) if note)


@dataclass(frozen=True, slots=True)
class _Python:
    """Python, to the rounds."""

    briefing: UnitPrompts
    bench: GateContext

    def judge(self, candidate: Candidate, taken: frozenset[str]) -> Evidence | GateFailure:
        return judge(candidate, replace(self.bench, taken=self.bench.taken | taken))

    def repair(self, prompt: Prompt, candidate: Candidate, stopped: GateFailure) -> Prompt:
        return self.briefing.repair(prompt, candidate, stopped)

    def copied(self, before: Candidate, stopped: GateFailure, after: Candidate) -> str | None:
        failed = {function_of(one.test) for one in stopped.failures}
        if not failed:
            return None
        try:
            return only_expectation_changed(before.code, after.code, failed)
        except (SyntaxError, ValueError, RecursionError):
            return None  # the policy gate says what is wrong with it

    def fails_again(self, candidate: Candidate, failure: FailedTest) -> bool:
        unit = candidate.unit
        elsewhere = {"PYTHONHASHSEED": "7", "TZ": "XYZ-13:45"}
        wanted = HarnessRun(paths=(candidate.path,), cover=(unit.path,), reverse=True, environment=elsewhere)
        with added(self.bench.head.tree, candidate.path, candidate.code):
            report = self.bench.head.run(wanted)
        ran = bool(hit(unit, report.files.get(unit.path)))
        return ran and any(test.id == failure.test and test.asserted for test in report.bad)

    def doubt(self, prompt: Prompt, candidate: Candidate, failure: FailedTest) -> Prompt:
        del prompt  # the unit alone, without the style of other tests
        return self.briefing.doubt(candidate, failure)
