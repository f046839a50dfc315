"""Generate Python tests for a change: choose units, ask the model, run the gates, return tests with evidence.

A suggested test has passed every gate on this machine and has its evidence. Other candidates are counted by the gate
that stopped them. If nothing can be run, a sentence says why. The only effects are `execute`, `ask`, and the staged
trees, which are left as they were.
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


def generate_python_tests(
    subject: ChangeUnderTest,
    ask: Ask,
    execute: SandboxRunner,
    *,
    salt: bytes,
    budget: GenerationBudget | None = None,
    now: Callable[[], float] = time.monotonic,
) -> GeneratedTests | NotRun:
    """Ask for tests of the riskiest changed functions, run them, and return those that pass all gates.

    `salt` keys the fences around untrusted text; `now` is the clock of the budget in seconds. Raises ReviewerError if
    `execute` cannot run anything here.
    """
    budget = budget or GenerationBudget()
    deadline = now() + budget.seconds
    ready = prepare(subject, execute, budget)
    if isinstance(ready, NotRun):
        return ready
    context, units = ready
    if not units:
        return GeneratedTests(
            notes=_notes(
                context, "Existing tests run every changed line of every function, so there is nothing to add."
            )
        )
    files = python_files(subject.head)
    ends = ends_of(subject, context) if subject.appends else ()
    fence = fence_of(salt, subject.change)
    prompts = UnitPrompts(subject, context.head, context.before, files, fence, tuple(end.path for end in ends))
    loop = RepairLoop(_PythonSupport(prompts, context), budget, ask, lambda: now() < deadline)
    loop.run([UnitPrompt(prompts.tests(unit), f"`{unit.name}`", partial(_unit_of_prompt, unit)) for unit in units])
    done = loop.result(*_notes(context))
    return replace(done, tests=with_appendices(done.tests, ends, context, lambda: now() < deadline))


def _unit_of_prompt(unit: CodeUnit, _test: TestSuggestion) -> CodeUnit:
    return unit


def prepare(
    subject: ChangeUnderTest, execute: SandboxRunner, budget: GenerationBudget
) -> tuple[GateContext, tuple[CodeUnit, ...]] | NotRun:
    """Find the command, run the repository's own tests, and choose units of one project: that of the riskiest unit."""
    if not subject.python.exists():
        return NotRun(f"There is no Python at `{subject.python}`: first set up the interpreter that the tests need.")
    heads = {
        file.path: text
        for file in subject.change.diff.files
        if file.path.endswith(".py") and (text := text_of(subject.head, file.path)) is not None
    }
    units = changed_units(subject.change.diff, heads)
    if not units:
        return NotRun("The change touches no Python function outside the tests, so there is nothing to test.")
    files = python_files(subject.head)
    first = riskiest([replace(unit, missed=unit.lines) for unit in units], most=1, fix=True)[0]
    plan = plan_for(subject.head, files, first.path, subject.command)
    if isinstance(plan, NotRun):
        return plan
    client = HarnessClient(execute, subject.head, subject.shown_at, subject.python, plan)
    prefix = f"{plan.cwd}/" if plan.cwd else ""
    here = [unit for unit in units if unit.path.startswith(prefix)]
    before = measure(client, sorted({unit.path for unit in here}), files, suite_seconds=budget.suite_seconds)
    if isinstance(before, NotRun):
        return before
    if len(here) < len(units):
        note = f"Tests were generated for `{plan.cwd}` only; the change also touches other projects of the repository."
        before = replace(before, note=" ".join(filter(None, [before.note, note])))
    chosen = riskiest(measured(here, before.files), most=budget.units, fix=subject.fix)
    base = client.on(subject.base) if subject.fix and subject.base else None
    return GateContext(client, base, before, budget, frozenset(files)), chosen


def _notes(context: GateContext, *more: str) -> tuple[str, ...]:
    return tuple(note for note in (context.before.note, *more) if note)


@dataclass(frozen=True, slots=True)
class _PythonSupport:
    """The steps of the repair loop for Python."""

    prompts: UnitPrompts
    context: GateContext

    def judge(self, candidate: Candidate, taken: frozenset[str]) -> Evidence | GateFailure:
        return judge(candidate, replace(self.context, taken=self.context.taken | taken))

    def repair(self, prompt: Prompt, candidate: Candidate, stopped: GateFailure) -> Prompt:
        return self.prompts.repair(prompt, candidate, stopped)

    def only_expectation_changed(self, before: Candidate, stopped: GateFailure, after: Candidate) -> str | None:
        failed = {function_of(failure.test) for failure in stopped.failures}
        if not failed:
            return None
        try:
            return only_expectation_changed(before.code, after.code, failed)
        except (SyntaxError, ValueError, RecursionError):
            return None  # the policy gate says what is wrong with it

    def fails_again(self, candidate: Candidate, failure: FailedTest) -> bool:
        unit = candidate.unit
        elsewhere = {"PYTHONHASHSEED": "7", "TZ": "XYZ-13:45"}
        run = HarnessRun(paths=(candidate.path,), cover=(unit.path,), reverse=True, environment=elsewhere)
        with added(self.context.head.tree, candidate.path, candidate.code):
            report = self.context.head.run(run)
        ran = bool(hit(unit, report.files.get(unit.path)))
        return ran and any(test.id == failure.test and test.asserted for test in report.bad)

    def confirm_failure(self, prompt: Prompt, candidate: Candidate, failure: FailedTest) -> Prompt:
        del prompt  # the unit only, without other tests
        return self.prompts.confirm_failure(candidate, failure)
