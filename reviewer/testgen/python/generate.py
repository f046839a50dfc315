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
from reviewer.sandbox.api import Execute
from reviewer.tasks.conversation.prompts import fence_of
from reviewer.testgen.evidence import (
    Budget,
    Candidate,
    Cannot,
    Failure,
    Proven,
    Shown,
    Stopped,
    Subject,
    Unit,
)
from reviewer.testgen.python.appending import ends_of, with_appendices
from reviewer.testgen.python.baseline import measure
from reviewer.testgen.python.gates.copied_values import copied
from reviewer.testgen.python.gates.run_gates import Bench, judge
from reviewer.testgen.python.harness_client import Rig, Wanted
from reviewer.testgen.python.harness_report import function_of
from reviewer.testgen.python.prompts import Briefing
from reviewer.testgen.python.test_command import plan_for
from reviewer.testgen.python.units import changed_units, hit, measured, riskiest
from reviewer.testgen.repair_loop import Asked, Rounds
from reviewer.testgen.working_tree import added, python_files, text_of


def prove(
    subject: Subject,
    ask: Ask,
    execute: Execute,
    *,
    salt: bytes,
    budget: Budget | None = None,
    now: Callable[[], float] = time.monotonic,
) -> Proven | Cannot:
    """Ask for tests of the riskiest changed functions, run what comes, and return what proved itself.

    `salt` keys the fences round untrusted text, `now` is the clock of the budget, in seconds. Raises ReviewerError when
    `execute` says that nothing may or can be run here.
    """
    budget = budget or Budget()
    deadline = now() + budget.seconds
    ready = prepared(subject, execute, budget)
    if isinstance(ready, Cannot):
        return ready
    bench, units = ready
    if not units:
        return Proven(notes=_notes(bench, "Existing tests run every changed line of every function: nothing to add."))
    files = python_files(subject.head)
    ends = ends_of(subject, bench) if subject.appends else ()
    fence = fence_of(salt, subject.change)
    briefing = Briefing(subject, bench.head, bench.before, files, fence, tuple(end.path for end in ends))
    rounds = Rounds(_Python(briefing, bench), budget, ask, lambda: now() < deadline)
    rounds.all([Asked(briefing.tests(unit), f"`{unit.name}`", partial(_itself, unit)) for unit in units])
    done = rounds.proven(*_notes(bench))
    return replace(done, tests=with_appendices(done.tests, ends, bench, lambda: now() < deadline))


def _itself(unit: Unit, _test: TestSuggestion) -> Unit:
    return unit


def prepared(subject: Subject, execute: Execute, budget: Budget) -> tuple[Bench, tuple[Unit, ...]] | Cannot:
    """Find the command, run the repository's own tests, and choose the units. One project at a time: the riskiest's."""
    if not subject.python.exists():
        return Cannot(f"There is no Python at `{subject.python}`: set up the interpreter that the tests need first.")
    heads = {
        file.path: text
        for file in subject.change.diff.files
        if file.path.endswith(".py") and (text := text_of(subject.head, file.path)) is not None
    }
    units = changed_units(subject.change.diff, heads)
    if not units:
        return Cannot("The change touches no Python function outside the tests: there is nothing to write a test for.")
    files = python_files(subject.head)
    first = riskiest([replace(unit, missed=unit.lines) for unit in units], most=1, fix=True)[0]
    plan = plan_for(subject.head, files, first.path, subject.command)
    if isinstance(plan, Cannot):
        return plan
    rig = Rig(execute, subject.head, subject.shown_at, subject.python, plan)
    prefix = f"{plan.cwd}/" if plan.cwd else ""
    here = [unit for unit in units if unit.path.startswith(prefix)]
    before = measure(rig, sorted({unit.path for unit in here}), files, suite_seconds=budget.suite_seconds)
    if isinstance(before, Cannot):
        return before
    if len(here) < len(units):
        note = f"Tests were proven for `{plan.cwd}` only; the change also touches other projects of the repository."
        before = replace(before, note=" ".join(filter(None, [before.note, note])))
    chosen = riskiest(measured(here, before.files), most=budget.units, fix=subject.fix)
    base = rig.on(subject.base) if subject.fix and subject.base else None
    return Bench(rig, base, before, budget, frozenset(files)), chosen


def _notes(bench: Bench, *more: str) -> tuple[str, ...]:
    return tuple(note for note in (bench.before.note, *more) if note)


@dataclass(frozen=True, slots=True)
class _Python:
    """Python, to the rounds."""

    briefing: Briefing
    bench: Bench

    def judge(self, candidate: Candidate, taken: frozenset[str]) -> Shown | Stopped:
        return judge(candidate, replace(self.bench, taken=self.bench.taken | taken))

    def repair(self, prompt: Prompt, candidate: Candidate, stopped: Stopped) -> Prompt:
        return self.briefing.repair(prompt, candidate, stopped)

    def copied(self, before: Candidate, stopped: Stopped, after: Candidate) -> str | None:
        failed = {function_of(one.test) for one in stopped.failures}
        if not failed:
            return None
        try:
            return copied(before.code, after.code, failed)
        except (SyntaxError, ValueError, RecursionError):
            return None  # the policy gate says what is wrong with it

    def fails_again(self, candidate: Candidate, failure: Failure) -> bool:
        unit = candidate.unit
        elsewhere = {"PYTHONHASHSEED": "7", "TZ": "XYZ-13:45"}
        wanted = Wanted(paths=(candidate.path,), cover=(unit.path,), reverse=True, environment=elsewhere)
        with added(self.bench.head.tree, candidate.path, candidate.code):
            report = self.bench.head.run(wanted)
        ran = bool(hit(unit, report.files.get(unit.path)))
        return ran and any(test.id == failure.test and test.asserted for test in report.bad)

    def doubt(self, prompt: Prompt, candidate: Candidate, failure: Failure) -> Prompt:
        del prompt  # the unit alone, without the style of other tests
        return self.briefing.doubt(candidate, failure)
