"""Ask for tests, judge them, have failing ones repaired, and confirm those that show a defect. For any language.

Every candidate ends as kept, as stopped by a named gate, or as a reproduction that a second, independent model call
confirmed (`independent_pass`). A repair may change how the code is called, not what is demanded of it. The only effects
are `ask`, `progress` and those of the `LanguageSupport`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from reviewer.domain.findings import TestSuggestion
from reviewer.languages.elisions import is_cut_short
from reviewer.llm.messages import Ask, Prompt
from reviewer.llm.usage import Usage
from reviewer.safety.placeholders import has_placeholder
from reviewer.safety.redaction import redact
from reviewer.tasks.conversation.follow_ups import Answer, Divide, ask_and_read, undivided
from reviewer.tasks.conversation.replies import read_tests
from reviewer.testgen.attempts import CandidateAttempt, failed_versions
from reviewer.testgen.evidence import (
    Candidate,
    CodeUnit,
    DefectReproduction,
    DroppedTest,
    Evidence,
    Gate,
    GateFailure,
    GeneratedTests,
    GenerationBudget,
)
from reviewer.testgen.independent_pass import ExpectationSupport, IndependentPass
from reviewer.testgen.progress import say_nothing, telling
from reviewer.testgen.working_tree import TreeChanged


class LanguageSupport(ExpectationSupport, Protocol):
    """The steps that differ between languages. `judge` may raise TreeChanged; `taken` are paths that were kept."""

    def repair(self, prompt: Prompt, candidate: Candidate, stopped: GateFailure) -> Prompt:
        """Return the conversation, continued by the candidate and what stopped it."""

    def only_expectation_changed(self, before: Candidate, stopped: GateFailure, after: Candidate) -> str | None:
        """Return the name of a test whose repair changes what is demanded of the same input; None if there is none."""


@dataclass(frozen=True, slots=True)
class UnitPrompt:
    """A prompt for tests, its subject in words, and a function that returns the unit of a resulting test."""

    prompt: Prompt
    about: str
    unit_of: Callable[[TestSuggestion], CodeUnit]


@dataclass(slots=True)
class RepairLoop:
    """The state of one generation: tests kept, candidates stopped, answers and notes.

    `divide` makes smaller prompts of one whose answer ran out of tokens.
    """

    language: LanguageSupport
    budget: GenerationBudget
    ask: Ask
    in_time: Callable[[], bool]
    kept: list[CandidateAttempt] = field(default_factory=list)
    stopped: list[CandidateAttempt] = field(default_factory=list)
    answers: list[Answer[Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reproductions: list[DefectReproduction] = field(default_factory=list)
    left_out: list[DroppedTest] = field(default_factory=list)
    progress: Callable[[str], None] = say_nothing
    tree_changed: str = ""
    divide: Divide[tuple[TestSuggestion, ...]] = undivided

    def run(self, prompts: Sequence[UnitPrompt]) -> None:
        """Ask, judge, repair as often as the budget allows, and ask a second opinion about what the tests demand."""
        self._first(prompts)
        for _ in range(self.budget.repairs):
            self._repair()
        self._second_opinion()

    def result(self, *notes: str) -> GeneratedTests:
        """Return the result, the tests with most new kills first; `notes` are put before its own notes."""
        self.kept.sort(key=lambda attempt: (-_worth(attempt)[0], -_worth(attempt)[1]))
        return GeneratedTests(
            tests=tuple(_suggestion(attempt) for attempt in self.kept),
            reproductions=tuple(self.reproductions),
            dropped=tuple(attempt.dropped for attempt in self.stopped),
            left_out=tuple(self.left_out),
            undecided={
                attempt.candidate.path: attempt.candidate.unit
                for attempt in self.kept
                if isinstance(attempt.outcome, Evidence) and attempt.outcome.pinned
            },
            notes=(*notes, *self.notes, *self._repaired()),
            usage=self._usage,
            models=frozenset().union(*(answer.models for answer in self.answers)),
            unanswered=sum(answer.error is not None for answer in self.answers),
        )

    def _repaired(self) -> list[str]:
        """Return a line for each kept file that was repaired."""
        return [
            f"`{attempt.candidate.path}` was kept after {attempt.repairs} repair{'' if attempt.repairs == 1 else 's'}."
            for attempt in self.kept
            if attempt.repairs
        ]

    @property
    def _usage(self) -> Usage:
        return sum((answer.usage for answer in self.answers), Usage())

    def may_continue(self) -> bool:
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
        with telling(self.progress, "asking for tests"):
            answers = self._answers([prompt.prompt for prompt in prompts])
        for prompt, answer in zip(prompts, answers, strict=True):
            if answer.error:
                self.notes.append(f"No test for {prompt.about}: {answer.error}")
            for test in _suggested(answer)[: self.budget.candidates]:
                self._judge(Candidate(prompt.unit_of(test), test.path, test.code), prompt.prompt, None)

    def _repair(self) -> None:
        """Ask for a repair of each stopped candidate, with what stopped it."""
        again = [attempt for attempt in self.stopped if not attempt.final]
        if not again or not self.may_continue():
            return
        self.stopped = [attempt for attempt in self.stopped if attempt not in again]
        self.progress(f"asking for repairs of {len(again)} test file{'' if len(again) == 1 else 's'}")
        prompts = [
            self.language.repair(attempt.prompt, attempt.candidate, attempt.outcome)
            for attempt in again
            if isinstance(attempt.outcome, GateFailure)
        ]
        for attempt, prompt, answer in zip(again, prompts, self._answers(prompts), strict=True):
            suggestions = _suggested(answer)
            if answer.error:
                self._note(f"No repair of `{attempt.candidate.path}`: {answer.error}")
            if not suggestions:
                self.stopped.append(replace(attempt, final=True))
                continue
            self._judge(Candidate(attempt.candidate.unit, suggestions[0].path, suggestions[0].code), prompt, attempt)

    def _second_opinion(self) -> None:
        """Ask independently about what failed by its own assertion, and about what the kept tests demand."""
        if self.tree_changed or not (self.kept or any(attempt.failed for attempt in self.stopped)):
            return
        self.progress("asking a second opinion about what the tests demand")
        independent = IndependentPass(self.language, self.ask, self.may_continue, self.kept, self.stopped)
        try:
            independent.run()
        except TreeChanged as error:
            self._note(str(error))
        self.answers += independent.answers
        self.reproductions += independent.reproductions
        self.left_out += independent.left_out
        for note in independent.notes:
            self._note(note)

    def _judge(self, candidate: Candidate, prompt: Prompt, earlier: CandidateAttempt | None) -> None:
        """Judge a candidate and record it as kept or stopped."""
        new = CandidateAttempt(
            candidate,
            prompt,
            GateFailure(Gate.CLEAN, self.tree_changed),
            failed=earlier.failed if earlier else (),
            repairs=earlier.repairs + 1 if earlier else 0,
            final=True,
        )
        if self.tree_changed:
            self.stopped.append(new)
            return
        if not self.in_time():
            self.may_continue()
            if earlier:
                self.stopped.append(earlier)
            return
        if stopped := self._refused(candidate, earlier):
            self.stopped.append(replace(new, outcome=stopped))
            return
        with telling(self.progress, f"running `{candidate.path}`"):
            outcome = self._outcome(candidate)
        failed = failed_versions(new.failed, candidate, outcome)
        if isinstance(outcome, Evidence):
            covers, path = candidate.unit.covers, candidate.path
            self.left_out += [DroppedTest(f"{path}::{name}", covers, why) for name, why in outcome.left_out]
            shown = replace(candidate, code=outcome.code or candidate.code)
            self.kept.append(replace(new, candidate=shown, outcome=outcome, failed=failed))
            return
        same = earlier is not None and earlier.candidate.code == candidate.code
        self.stopped.append(replace(new, outcome=outcome, failed=failed, final=same))

    def _refused(self, candidate: Candidate, earlier: CandidateAttempt | None) -> GateFailure | None:
        """Stop what need not be run: a repair that demands something else of the same input, a repetition."""
        if earlier and isinstance(earlier.outcome, GateFailure):
            test = self.language.only_expectation_changed(earlier.candidate, earlier.outcome, candidate)
            if test:
                reason = f"The repair of `{test}` only changes the expected value to what the code returned."
                return GateFailure(Gate.COPIED, reason, reason)
        for attempt in self.kept:
            if attempt.candidate.code.split() == candidate.code.split():
                return GateFailure(Gate.POLICY, f"The same tests are kept as `{attempt.candidate.path}`.")
        return None

    def _outcome(self, candidate: Candidate) -> Evidence | GateFailure:
        try:
            taken = frozenset(attempt.candidate.path for attempt in self.kept)
            return unfit_text(candidate) or self.language.judge(candidate, taken)
        except TreeChanged as error:
            self.notes.append(str(error))
            self.tree_changed = "It was not run, because an earlier test changed files of the copy."
            return GateFailure(Gate.CLEAN, str(error))

    def _answers(self, prompts: Sequence[Prompt]) -> list[Answer[tuple[TestSuggestion, ...]]]:
        answers = ask_and_read([(prompt, read_tests) for prompt in prompts], self.ask, divide=self.divide)
        self.answers += answers
        return answers

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def unfit_text(candidate: Candidate) -> GateFailure | None:
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


def _suggestion(attempt: CandidateAttempt) -> TestSuggestion:
    assert isinstance(attempt.outcome, Evidence)
    candidate = attempt.candidate
    return TestSuggestion(candidate.path, candidate.unit.covers, candidate.code, attempt.outcome.line)


def _worth(attempt: CandidateAttempt) -> tuple[int, int]:
    """Return how much a kept file adds: its new kills, then the lines that no test ran."""
    evidence = attempt.outcome
    return (evidence.fresh, evidence.covered[0]) if isinstance(evidence, Evidence) else (0, 0)


def _suggested(answer: Answer[tuple[TestSuggestion, ...]]) -> tuple[TestSuggestion, ...]:
    return answer.value or ()
