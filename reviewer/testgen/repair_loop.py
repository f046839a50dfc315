"""Ask for tests, judge them, have failing ones repaired, and confirm those that show a defect. For any language.

Every candidate ends as kept, as stopped by a named gate, or as a reproduction that a second, independent model call
confirmed. A repair that only changes the expected value to what the code returned is refused. The only effects are
`ask` and those of the `LanguageSupport`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from reviewer.domain.findings import TestSuggestion
from reviewer.errors import ReviewerError
from reviewer.languages.elisions import is_cut_short
from reviewer.llm.messages import Ask, Prompt
from reviewer.llm.usage import Usage
from reviewer.safety.placeholders import has_placeholder
from reviewer.safety.redaction import redact
from reviewer.tasks.conversation.follow_ups import Answer, ask_and_read
from reviewer.tasks.conversation.replies import read_tests, read_verdicts
from reviewer.testgen.evidence import (
    Candidate,
    CodeUnit,
    DefectReproduction,
    DroppedTest,
    Evidence,
    FailedTest,
    Gate,
    GateFailure,
    GeneratedTests,
    GenerationBudget,
)
from reviewer.testgen.working_tree import changes


class TreeChanged(ReviewerError):
    """A candidate changed files of the staged tree, so no later run in it can be trusted."""


class LanguageSupport(Protocol):
    """The steps that differ between languages."""

    def judge(self, candidate: Candidate, taken: frozenset[str]) -> Evidence | GateFailure:
        """Run the gates on a candidate. Raises TreeChanged. `taken` are paths of candidates that were kept."""

    def repair(self, prompt: Prompt, candidate: Candidate, stopped: GateFailure) -> Prompt:
        """Return the conversation, continued by the candidate and what stopped it."""

    def only_expectation_changed(self, before: Candidate, stopped: GateFailure, after: Candidate) -> str | None:
        """Return the name of a test whose repair only changes the expected value; None if there is none."""

    def fails_again(self, candidate: Candidate, failure: FailedTest) -> bool:
        """Whether the test runs the changed code and fails by its assertion again in a new process."""

    def confirm_failure(self, prompt: Prompt, candidate: Candidate, failure: FailedTest) -> Prompt:
        """Return the prompt that asks, independently, whether the test is right. `prompt` asked for the test."""


@dataclass(frozen=True, slots=True)
class UnitPrompt:
    """A prompt for tests, its subject in words, and a function that returns the unit of a resulting test."""

    prompt: Prompt
    about: str
    unit_of: Callable[[TestSuggestion], CodeUnit]


@dataclass(slots=True)
class _Attempt:
    """One candidate and its conversation so far. `suspect` is its first version that failed by its own assertion."""

    candidate: Candidate
    prompt: Prompt
    outcome: GateFailure
    failing_version: tuple[Candidate, FailedTest] | None = None
    final: bool = False

    @property
    def dropped(self) -> DroppedTest:
        return DroppedTest(self.candidate.path, self.candidate.unit.covers, self.outcome)


@dataclass(slots=True)
class RepairLoop:
    """The state of one generation: tests kept, candidates stopped, answers and notes."""

    language: LanguageSupport
    budget: GenerationBudget
    ask: Ask
    in_time: Callable[[], bool]
    kept: list[TestSuggestion] = field(default_factory=list)
    stopped: list[_Attempt] = field(default_factory=list)
    answers: list[Answer[Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reproductions: list[DefectReproduction] = field(default_factory=list)
    tree_changed: str = ""

    def run(self, prompts: Sequence[UnitPrompt]) -> None:
        """Ask, judge, repair as often as the budget allows, and check the tests that still fail."""
        self._first(prompts)
        for _ in range(self.budget.repairs):
            self._repair()
        self._reproduce()

    def result(self, *notes: str) -> GeneratedTests:
        """Return the result; `notes` are put before its own notes."""
        return GeneratedTests(
            tests=tuple(self.kept),
            reproductions=tuple(self.reproductions),
            dropped=tuple(attempt.dropped for attempt in self.stopped),
            notes=(*notes, *self.notes),
            usage=self._usage,
            models=frozenset().union(*(answer.models for answer in self.answers)),
        )

    @property
    def _usage(self) -> Usage:
        return sum((answer.usage for answer in self.answers), Usage())

    def _may_continue(self) -> bool:
        """Whether time and money are left; adds a note once if they are not."""
        spent = self._usage.cost_usd  # None: the price is unknown and cannot be limited
        if self.tree_changed:
            return False  # there is a note already
        if not self.in_time():
            self._note("Time ran out: some suggested tests were not run and are not shown.")
        elif spent is not None and self.budget.usd is not None and spent >= self.budget.usd:
            self._note("The budget for one review is used up: tests that did not pass were not repaired.")
        else:
            return True
        return False

    def _first(self, prompts: Sequence[UnitPrompt]) -> None:
        """Send all prompts at once and judge the tests in the answers."""
        answers = self._answers([prompt.prompt for prompt in prompts])
        for prompt, answer in zip(prompts, answers, strict=True):
            if answer.error:
                self.notes.append(f"No test for {prompt.about}: {answer.error}")
            for test in _suggested(answer)[: self.budget.candidates]:
                self._judge(Candidate(prompt.unit_of(test), test.path, test.code), prompt.prompt, None)

    def _repair(self) -> None:
        """Ask for a repair of each stopped candidate, with what stopped it."""
        again = [attempt for attempt in self.stopped if not attempt.final]
        if not again or not self._may_continue():
            return
        self.stopped = [attempt for attempt in self.stopped if attempt not in again]
        prompts = [self.language.repair(attempt.prompt, attempt.candidate, attempt.outcome) for attempt in again]
        for attempt, prompt, answer in zip(again, prompts, self._answers(prompts), strict=True):
            suggestions = _suggested(answer)
            if answer.error:
                self._note(f"No repair of `{attempt.candidate.path}`: {answer.error}")
            if not suggestions:
                attempt.final = True
                self.stopped.append(attempt)
                continue
            self._judge(Candidate(attempt.candidate.unit, suggestions[0].path, suggestions[0].code), prompt, attempt)

    def _reproduce(self) -> None:
        """Ask independently about each test that still fails by its own assertion; keep those that are confirmed."""
        suspects = [(attempt, *attempt.failing_version) for attempt in self.stopped if attempt.failing_version]
        if not suspects or not self._may_continue():
            return
        suspects = [
            attempt for attempt in suspects if self.in_time() and self.language.fails_again(attempt[1], attempt[2])
        ]
        prompts = [
            self.language.confirm_failure(attempt.prompt, candidate, failure)
            for attempt, candidate, failure in suspects
        ]
        answers = ask_and_read([(prompt, read_verdicts) for prompt in prompts], self.ask)
        self.answers += answers
        for (attempt, candidate, failure), answer in zip(suspects, answers, strict=True):
            if answer.error:
                self._note(f"Whether the failure of `{candidate.path}` shows a defect was not checked: {answer.error}")
            verdict = (answer.value or {}).get(1)
            if verdict is not None and verdict.verdict == "confirmed":
                reason = redact(verdict.reason)[0][:500]
                found = DefectReproduction(candidate.unit, candidate.path, candidate.code, failure, reason)
                self.reproductions.append(found)
                self.stopped.remove(attempt)

    def _judge(self, candidate: Candidate, prompt: Prompt, earlier: _Attempt | None) -> None:
        """Judge a candidate and record it as kept or stopped."""
        failing_version = earlier.failing_version if earlier else None
        if self.tree_changed:
            self.stopped.append(
                _Attempt(candidate, prompt, GateFailure(Gate.CLEAN, self.tree_changed), failing_version, final=True)
            )
            return
        if not self.in_time():
            self._may_continue()
            return
        if earlier and (test := self.language.only_expectation_changed(earlier.candidate, earlier.outcome, candidate)):
            reason = f"The repair of `{test}` only changes the expected value to what the code returned."
            attempt = _Attempt(candidate, prompt, GateFailure(Gate.COPIED, reason, reason), failing_version, final=True)
            self.stopped.append(attempt)
            return
        if (
            duplicate := next((test for test in self.kept if test.code.split() == candidate.code.split()), None)
        ) is not None:
            reason = f"The same tests are kept as `{duplicate.path}`."
            self.stopped.append(_Attempt(candidate, prompt, GateFailure(Gate.POLICY, reason), final=True))
            return
        try:
            outcome = _unfit_text(candidate) or self.language.judge(
                candidate, frozenset(test.path for test in self.kept)
            )
        except TreeChanged as error:
            self.notes.append(str(error))
            self.tree_changed = "It was not run, because an earlier test changed files of the copy."
            outcome = GateFailure(Gate.CLEAN, str(error))
        if isinstance(outcome, Evidence):
            self.kept.append(TestSuggestion(candidate.path, candidate.unit.covers, candidate.code, outcome.line))
            return
        asserted = [failure for failure in outcome.failures if failure.asserted]
        failing_version = failing_version or ((candidate, asserted[0]) if asserted else None)
        same = earlier is not None and earlier.candidate.code == candidate.code
        self.stopped.append(_Attempt(candidate, prompt, outcome, failing_version, final=same))

    def _answers(self, prompts: Sequence[Prompt]) -> list[Answer[tuple[TestSuggestion, ...]]]:
        answers = ask_and_read([(prompt, read_tests) for prompt in prompts], self.ask)
        self.answers += answers
        return answers

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _unfit_text(candidate: Candidate) -> GateFailure | None:
    """Stop a file that cannot be committed as it was run: with what looks like a secret, or is a mark for another text.

    A secret cannot be posted, and without it the file is not what was run.
    """
    if redact(candidate.code)[1]:
        return GateFailure(
            Gate.POLICY, "It contains what looks like a secret.", "Use no value that looks like a real secret."
        )
    if has_placeholder(candidate.code):
        return GateFailure(
            Gate.POLICY,
            "It contains a mark that stands for a secret or for other hidden text.",
            "Marks such as `[redacted: ...]` are not in the code: do not write them into a test.",
        )
    if is_cut_short(candidate.path, candidate.code):
        return GateFailure(Gate.POLICY, "It leaves code out.", "Write the whole file: leave no code out.")
    return None


def left_behind(names: Sequence[str], advice: str = "") -> GateFailure | None:
    """Stop a candidate that left files behind; None if there are none."""
    if not names:
        return None
    listed = ", ".join(f"`{name}`" for name in names[:3])
    return GateFailure(Gate.CLEAN, f"It leaves files behind: {listed}.", f"Left behind: {listed}. {advice}".strip())


def restore(tree: Path, untouched: dict[str, tuple[int, int]]) -> None:
    """Remove the files that a candidate added to the tree. Raises TreeChanged if it changed existing ones."""
    changed = changes(tree, untouched)
    if any(path in untouched for path in changed):
        raise TreeChanged("A suggested test changed files of the copy that it ran in; the tests after it were not run.")
    for path in changed:
        (tree / path).unlink()


def _suggested(answer: Answer[tuple[TestSuggestion, ...]]) -> tuple[TestSuggestion, ...]:
    return answer.value or ()
