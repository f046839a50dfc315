"""Propose updates of existing tests whose expectation the change means to alter, each of them run and proven.

An independent pass says whether the old expectation is still right: then the change breaks the test, and no update is
shown. Where the change promises another value, the model is asked for the smallest edit. Only what that test expects
may change; it must pass with the change in several new processes and fail without it, and the other tests of its file
must end as before. Two calls of the model at most, without repairs. The staged tree is left as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from reviewer.domain.findings import TestSuggestion
from reviewer.llm.messages import Ask
from reviewer.tasks.conversation.follow_ups import Answer, ask_and_read
from reviewer.tasks.conversation.replies import read_tests, read_verdicts
from reviewer.testgen.evidence import Candidate, CodeUnit, DroppedTest, Gate, GateFailure, left_behind
from reviewer.testgen.independent_pass import Demand, Opinion, opinions_of
from reviewer.testgen.merge import patch_of_text
from reviewer.testgen.progress import telling
from reviewer.testgen.python.editing.altered_tests import AlteredTest
from reviewer.testgen.python.editing.least_edit import least_edit, lost_comment
from reviewer.testgen.python.editing.same_inputs import expected_errors, function_text, not_only_expectation, replaced
from reviewer.testgen.python.gates.own_share import name_of
from reviewer.testgen.python.gates.run_gates import GateContext
from reviewer.testgen.python.gates.steadiness import conditions
from reviewer.testgen.python.harness_client import HarnessRun
from reviewer.testgen.python.harness_report import HarnessReport
from reviewer.testgen.python.prompts import OldExpectation, UnitPrompts
from reviewer.testgen.repair_loop import unfit_text
from reviewer.testgen.without_change import without_change
from reviewer.testgen.working_tree import TreeChanged, changed_to, changes, restore, snapshot, text_of


@dataclass(slots=True)
class Updates:
    """One pass over the tests that a change alters; afterwards its lists hold the result.

    `undecided` are the ids of tests of which nobody could tell whether the old expectation holds, or whose update did
    not pass.
    """

    prompts: UnitPrompts
    context: GateContext
    ask: Ask
    may_continue: Callable[[], bool]
    progress: Callable[[str], None]
    answers: list[Answer[Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tests: list[TestSuggestion] = field(default_factory=list)
    units: dict[str, CodeUnit] = field(default_factory=dict)
    left_out: list[DroppedTest] = field(default_factory=list)
    decided: set[str] = field(default_factory=set)

    def run(self, altered: Sequence[AlteredTest]) -> None:
        """Ask which expectations still hold, name those that the change breaks, and update the others."""
        if not altered or not self.may_continue():
            return
        outdated: list[tuple[AlteredTest, str]] = []
        for test, opinion in zip(altered, self._opinions(altered), strict=True):
            if opinion.demand is Demand.RIGHT:
                self.decided |= test.ids
                self.notes.append(_broken(test, opinion))
            elif opinion.demand is Demand.WRONG:
                outdated.append((test, opinion.reason))
        if not outdated or not self.may_continue():
            return
        answers = self._answers(outdated)
        by_file: dict[str, list[tuple[AlteredTest, str]]] = {}
        for test, reason in outdated:
            by_file.setdefault(test.path, []).append((test, reason))
        try:
            for path, tests in by_file.items():
                self._update(path, tests, answers)
        except TreeChanged as error:
            self.notes.append(str(error))

    def _opinions(self, altered: Sequence[AlteredTest]) -> list[Opinion]:
        with telling(self.progress, f"asking whether {_count(altered, 'old expectation')} still hold"):
            prompt = self.prompts.old_expectations(list(map(_shown, altered)), [test.unit for test in altered])
            (answer,) = ask_and_read([(prompt, read_verdicts)], self.ask, follow_ups=0)
        self.answers.append(answer)
        if answer.error:
            self.notes.append(f"Whether old expectations still hold was not checked: {answer.error}")
        found = opinions_of(answer)
        return [found.get(number, Opinion(Demand.UNDECIDED)) for number in range(1, len(altered) + 1)]

    def _answers(self, outdated: Sequence[tuple[AlteredTest, str]]) -> dict[tuple[str, str], str]:
        """Return the answered code by file and name of the test."""
        with telling(self.progress, f"asking for updates of {_count(outdated, 'test')}"):
            shown = [replace(_shown(test), reason=reason) for test, reason in outdated]
            prompt = self.prompts.updates(shown, [test.unit for test, _ in outdated])
            (answer,) = ask_and_read([(prompt, read_tests)], self.ask, follow_ups=0)
        self.answers.append(answer)
        if answer.error:
            self.notes.append(f"No update of existing tests: {answer.error}")
        return {(written.path, written.covers): written.code for written in answer.value or ()}

    def _update(self, path: str, tests: Sequence[tuple[AlteredTest, str]], answers: dict[tuple[str, str], str]) -> None:
        """Update the tests of one file, each on top of those before it."""
        before = now = text_of(self.context.head.tree, path) or ""
        kept: list[str] = []
        for test, reason in tests:
            code = answers.get((path, test.name))
            if code is None:
                continue
            with telling(self.progress, f"running the update of `{test.shown}`"):
                outcome = self._judged(test, now, code)
            if isinstance(outcome, GateFailure):
                self.left_out.append(DroppedTest(test.shown, test.unit.covers, outcome))
                self.notes.append(f"An update of `{test.shown}` is not shown ({outcome.gate}): {outcome.reason}")
                continue
            now, runs = outcome
            self.decided |= test.ids
            self.units[path] = test.unit
            kept.append(
                f"updates `{test.name}`, whose expectation the change alters: passes in {runs} of {runs} runs with the "
                f"change, fails without it, all else in the file ends as before. Why: {reason}"
            )
        if kept:
            covers = self.units[path].covers
            self.tests.append(
                TestSuggestion(path, covers, now, "; ".join(kept), patch=patch_of_text(path, before, now))
            )

    def _judged(self, test: AlteredTest, now: str, code: str) -> tuple[str, int] | GateFailure:
        """Return the file with the update and the number of runs in which the test passed, or what stopped it."""
        if stopped := unfit_text(Candidate(test.unit, test.path, code)):
            return stopped
        text = edited(now, test.name, code)
        if isinstance(text, GateFailure):
            return text
        runs = self._passes(test, now, text)
        if isinstance(runs, GateFailure):
            return runs
        return self._fails_without(test, text) or (text, runs)

    def _passes(self, test: AlteredTest, now: str, text: str) -> int | GateFailure:
        """Run the file with the update under many conditions; the first also sees inputs and the other tests."""
        tree, budget = self.context.head.tree, self.context.budget
        untouched = snapshot(tree)
        plain = HarnessRun(paths=(test.path,), observe=(test.unit,), seconds=budget.run_seconds)
        with changed_to(tree, test.path, now):
            old = self.context.head.run(plain)
        with changed_to(tree, test.path, text):
            there = snapshot(tree)
            new = self.context.head.run(plain)
            stopped = _passed(new, test) or _same_around(old, new, test) or _same_calls(old, new, test)
            writes = [path for path in changes(tree, there) if path not in self.context.before.writes]
            stopped = stopped or left_behind([*writes, *new.left])
            planned = conditions(Candidate(test.unit, test.path, text), budget.runs) if not stopped else ()
            for condition in planned:
                stopped = stopped or _passed(
                    self._ran(replace(condition, seconds=budget.run_seconds)), test, again=True
                )
        restore(tree, untouched, self.context.before.writes)
        return stopped or 1 + len(planned)

    def _ran(self, condition: HarnessRun) -> HarnessReport:
        """Run the file; where moving the clock is what disturbs it, without."""
        run = replace(condition, seconds=self.context.budget.run_seconds)
        report = self.context.head.run(run)
        return report if report.green or not run.clock else self.context.head.run(replace(run, clock=0.0))

    def _fails_without(self, test: AlteredTest, text: str) -> GateFailure | None:
        """Stop an update that does not fail without the change: by its assertion, or by the error that was expected."""
        client, base = self.context.head, self.context.base
        assert base is not None
        with ExitStack() as stack:
            stack.enter_context(without_change(client.tree, base.tree, self.prompts.subject.change.diff.files))
            stack.enter_context(changed_to(client.tree, test.path, text))
            report = client.run(HarnessRun(paths=(test.path,), seconds=self.context.budget.run_seconds))
        failed = [result for result in report.bad if _is_case(result.id, test)]
        errors = expected_errors(text_of(client.tree, test.path) or "", test.name)
        if failed and all(result.asserted or result.kind in errors for result in failed):
            return None
        reason = "It passes without the change as well, so it expects nothing that the change alters."
        if failed:
            reason = f"Without the change it does not fail by its own assertion, but with {failed[0].kind}."
        return GateFailure(Gate.ALTERED, reason)


def edited(now: str, name: str, code: str) -> str | GateFailure:
    """Return the file with the answered test in place of the old one, if only what it expects differs. Pure."""
    try:
        answered = replaced(now, name, code)
        if problem := not_only_expectation(now, answered, name):
            return GateFailure(Gate.INPUTS, problem)
        # Of a whole file only the test itself is taken: the rest keeps its layout and its comments.
        old, new = (function_text(text, name) or "" for text in (now, answered))
        new = least_edit(old, new)
        if comment := lost_comment(old, new):
            return GateFailure(Gate.INPUTS, f"It takes away or changes a comment: `{comment[:100]}`.")
        return replaced(now, name, new)
    except (SyntaxError, ValueError, RecursionError, KeyError) as error:
        return GateFailure(Gate.INPUTS, f"The answer cannot be read as the test: {error}.")


def _passed(report: HarnessReport, test: AlteredTest, *, again: bool = False) -> GateFailure | None:
    """Stop an update of which not every case passes."""
    cases = [result for result in report.tests if _is_case(result.id, test)]
    odd = next((result for result in cases if result.outcome != "passed"), None)
    if not report.problem and not report.errors and cases and odd is None:
        return None
    words = f"{odd.outcome}: {odd.kind} {odd.message}".partition("\n")[0] if odd else report.problem or "it was not run"
    if again:
        return GateFailure(Gate.STEADY, f"It is flaky: it passes in one run and not in another ({words[:200]}).")
    return GateFailure(Gate.PASSES, f"It fails with the change: {words[:200]}.")


def _same_around(old: HarnessReport, new: HarnessReport, test: AlteredTest) -> GateFailure | None:
    """Stop an update with which another test of the file ends in another way."""

    def around(report: HarnessReport) -> dict[str, str]:
        return {result.id: result.outcome for result in report.tests if not _is_case(result.id, test)}

    earlier, later = around(old), around(new)
    other = next((name for name in sorted({*earlier, *later}) if earlier.get(name) != later.get(name)), None)
    return GateFailure(Gate.COEXISTS, f"With it `{other}` ends in another way than before.") if other else None


def _same_calls(old: HarnessReport, new: HarnessReport, test: AlteredTest) -> GateFailure | None:
    """Stop an update that does not call the changed function with every input with which the old test called it."""

    def calls(report: HarnessReport) -> list[str]:
        return [call for name, noted in report.inputs.items() if _is_case(name, test) for call in noted]

    later = calls(new)
    lost = next((call for call in calls(old) if call not in later), None)
    return GateFailure(Gate.INPUTS, f"The old test calls `{lost[:200]}`, the update does not.") if lost else None


def _is_case(identity: str, test: AlteredTest) -> bool:
    """Whether a result is one of the test's cases, in a report about the test's file alone."""
    return name_of(identity, [test.name]) == test.name


def _shown(test: AlteredTest) -> OldExpectation:
    failure = test.failure
    return OldExpectation(test.path, test.name, test.code, failure)


def _broken(test: AlteredTest, opinion: Opinion) -> str:
    message = test.failure.message.partition("\n")[0][:300]
    return (
        f"Your change breaks the test `{test.shown}`, a possible regression: it passes without the change and fails "
        f"with it ({message}), and a second pass finds what it expects still right: {opinion.reason}"
    )


def _count(items: Sequence[object], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"
