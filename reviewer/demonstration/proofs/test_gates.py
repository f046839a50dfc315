"""The gates that a failing test passes to demonstrate a finding, and those of a passing test that refutes one.

Cheapest first; the first that stops it is named. The only effects are those of the project's runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from reviewer.demonstration.proofs.claims import Claim
from reviewer.demonstration.proofs.tried_code import accepts_wrong_result, tried_code
from reviewer.demonstration.runs import (
    RUNS,
    ChangedFiles,
    ClaimedPlace,
    ProposedTest,
    RanTest,
    TestProject,
    TestsRun,
    failure_lines,
)
from reviewer.domain.demonstrations import DemonstrationGate as Gate
from reviewer.domain.demonstrations import StoppedDemonstration

#: Exceptions that say that the test itself is wrong, whatever a claim names.
_OWN_MISTAKES = frozenset({"NameError", "ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError"})
_OWN_MISTAKES_ELSEWHERE = frozenset({"ReferenceError", "SyntaxError", "NoMethodError"})


@dataclass(frozen=True, slots=True)
class FailingTest:
    """A test that fails on the head for the stated reason, each time. `note` says what was not measured."""

    test: ProposedTest
    failure: str
    runs: int
    worked_before: bool
    note: str


@dataclass(frozen=True, slots=True)
class PassingTest:
    """A test that uses the claimed input and lines, and passes on the head each time: it speaks against the claim."""

    test: ProposedTest
    runs: int
    note: str


@dataclass(frozen=True, slots=True)
class TestGates:
    """Judges tests of one claim. `fix` is the head with the finding's own suggestion, where it has one."""

    __test__ = False

    project: TestProject
    place: ClaimedPlace
    claim: Claim
    fix: ChangedFiles | None
    in_time: Callable[[], bool]

    def judge(self, test: ProposedTest) -> FailingTest | PassingTest | StoppedDemonstration:
        """Run the test through the gates. Raises ReviewerError if nothing can be run here."""
        if stopped := self.project.refuse(test, self.place):
            return stopped
        first = self.project.run(test, self.place, {})
        stopped = _collects(first) or _left(first)
        if stopped:
            return stopped
        outcome = self._passing(test, first) if first.is_green else self._failing(test, first)
        if not isinstance(outcome, StoppedDemonstration) and (left := self.project.leftovers()):
            return StoppedDemonstration(Gate.CLEAN, f"It leaves files behind: `{left[0]}`.")
        return outcome

    def _failing(self, test: ProposedTest, first: TestsRun) -> FailingTest | StoppedDemonstration:
        stopped = _fails(first) or self._reason(first)
        if stopped:
            return stopped
        note = self._place(test, first, self.place.lines)
        if isinstance(note, StoppedDemonstration):
            return note
        again = self._steady(test, first)
        if isinstance(again, StoppedDemonstration):
            return again
        before = self.project.run_at_base(test, self.place) if self.in_time() else None
        return FailingTest(
            test,
            failure_lines(first.failed[0]),
            runs=again,
            worked_before=before is not None and before.is_green and before.passed >= _names(first),
            note=note,
        )

    def _reason(self, first: TestsRun) -> StoppedDemonstration | None:
        """Stop a test that fails for another reason: a mistake of its own, a fixture, an exception nobody named."""
        for test in first.failed:
            what = (test.kind or "an error") + (f": {test.message.splitlines()[0][:200]}" if test.message else "")
            if test.verdict == "error":
                return StoppedDemonstration(Gate.REASON, f"`{test.id}` cannot be set up: {what}.")
            if test.asserted:
                continue
            mistakes = _OWN_MISTAKES | _OWN_MISTAKES_ELSEWHERE
            named = test.kind in self.claim.failures or (test.kind == "panic" and self.claim.crashes)
            if not named or test.kind in mistakes:
                reason = f"`{test.id}` fails for another reason than the claim's: {what}."
                return StoppedDemonstration(Gate.REASON, reason)
        return None

    def _place(self, test: ProposedTest, first: TestsRun, lines: frozenset[int]) -> str | StoppedDemonstration:
        """Stop a test that does not run the claimed lines, or gives the same result without them. Return the note."""
        measured = first.ran is not None
        traced = any(_passes(item, self.place.path, lines) for item in first.failed)
        if first.ran is not None and not traced and not first.ran.get(self.place.path, frozenset()) & lines:
            return StoppedDemonstration(Gate.PLACE, f"It does not run the claimed lines of `{self.place.path}`.")
        canary = self.project.canary(self.place)
        if canary is None:
            return (
                ""
                if measured
                else StoppedDemonstration(Gate.PLACE, "Whether it runs the claimed lines cannot be measured here.")
            )
        other = self.project.run(test, self.place, canary)
        if not other.problem and _signature(other) == _signature(first):
            reason = "It gives the same result when the claimed code is replaced by an error."
            return StoppedDemonstration(Gate.DEPENDS, reason)
        return "" if measured else "coverage is not measured here"

    def _steady(self, test: ProposedTest, first: TestsRun) -> int | StoppedDemonstration:
        """Run the test again under other conditions; return how many runs ended in the same way, all of them."""
        again = self.project.run(test, self.place, {}, again=True)
        if again.problem or _endings(again) != _endings(first):
            return StoppedDemonstration(Gate.STEADY, "It does not end in the same way each time that it is run.")
        return RUNS

    def _passing(self, test: ProposedTest, first: TestsRun) -> PassingTest | StoppedDemonstration:
        """Judge a test that passes: only an honest one, about the claimed input and lines, speaks against the claim."""
        wrong = self.claim.is_expected_by(test.code)
        if not wrong and test.path.endswith(".py"):
            wrong = accepts_wrong_result(test.code, self.claim.calls, self.claim.results)
        if wrong:
            return StoppedDemonstration(Gate.CURRENT, f"It demands what the claim calls wrong (`{wrong}`).")
        if not self.claim.names_an_input:
            return StoppedDemonstration(Gate.FAILS, "It passes on the head, and the claim names no input to try.")
        if not self.claim.is_tried_by(tried_code(test.path, test.code)):
            reason = "It passes on the head, but does not try the input that the claim names."
            return StoppedDemonstration(Gate.FAILS, reason)
        # Where a claim is wrong, the test often never comes to its very lines.
        note = self._place(test, first, self.place.around)
        if isinstance(note, StoppedDemonstration):
            return note
        if self.fix is not None and not self.project.run(test, self.place, self.fix).is_green:
            return StoppedDemonstration(Gate.CURRENT, "It passes on the head, and fails with the suggested fix.")
        again = self._steady(test, first)
        return again if isinstance(again, StoppedDemonstration) else PassingTest(test, again, note)


def _collects(run: TestsRun) -> StoppedDemonstration | None:
    if run.unread:
        return StoppedDemonstration(Gate.COLLECTS, f"The framework cannot run the file: {run.problem[:300]}")
    if run.problem:
        return StoppedDemonstration(Gate.FAILS, f"The run did not end properly: {run.problem[:300]}")
    if not run.tests:
        return StoppedDemonstration(Gate.COLLECTS, "The framework finds no test in the file.")
    return None


def _left(run: TestsRun) -> StoppedDemonstration | None:
    return StoppedDemonstration(Gate.CLEAN, f"It leaves files behind: `{run.left[0]}`.") if run.left else None


def _fails(run: TestsRun) -> StoppedDemonstration | None:
    if not run.failed:
        return StoppedDemonstration(Gate.FAILS, "Its tests were skipped: a test that does not run shows nothing.")
    return None


def _names(run: TestsRun) -> frozenset[str]:
    return frozenset(test.id for test in run.tests)


def _endings(run: TestsRun) -> frozenset[tuple[str, str, str]]:
    """Return how each test ended: its verdict and the kind of its failure."""
    return frozenset((test.id, test.verdict, test.kind) for test in run.tests)


def _signature(run: TestsRun) -> frozenset[tuple[str, str, str, str]]:
    return frozenset((test.id, test.verdict, test.kind, test.message) for test in run.tests)


def _passes(test: RanTest, path: str, lines: frozenset[int]) -> bool:
    """Whether the traceback of a failed test passes one of those lines: a crash often leaves no coverage behind."""
    named = re.finditer(rf"{re.escape(PurePosixPath(path).name)}(?::|\", line )(?P<line>\d{{1,7}})", test.trace)
    return any(int(found["line"]) in lines for found in named)
