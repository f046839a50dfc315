"""Candidates in rounds: asked for, judged, repaired with what stopped them, and doubted where they fail. Any language.

Promises: every candidate ends as kept, as stopped by a named gate, or as a reproduction that an independent pass
agrees with; a repair that only writes down what the code did is refused; what it cost is summed. Its only effects are
`ask` and those of the `LanguageSupport`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from reviewer.domain.findings import TestSuggestion
from reviewer.errors import ReviewerError
from reviewer.llm.messages import Ask, Prompt
from reviewer.llm.usage import Usage
from reviewer.safety.redaction import redact
from reviewer.tasks.conversation.follow_ups import Answer, ask_and_read
from reviewer.tasks.conversation.replies import RawVerdict, read_tests, read_verdicts
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
    """A candidate changed files of the staged tree: no later run in it can be trusted."""


class LanguageSupport(Protocol):
    """What differs between languages."""

    def judge(self, candidate: Candidate, taken: frozenset[str]) -> Evidence | GateFailure:
        """Put a candidate through the gates. Raises TreeChanged. `taken` are paths of candidates that were kept."""

    def repair(self, prompt: Prompt, candidate: Candidate, stopped: GateFailure) -> Prompt:
        """Return the conversation continued by the candidate and what stopped it."""

    def copied(self, before: Candidate, stopped: GateFailure, after: Candidate) -> str | None:
        """Return the name of a test whose repair only expects what the code did; None when there is none."""

    def fails_again(self, candidate: Candidate, failure: FailedTest) -> bool:
        """Whether the test runs the changed code and fails by its assertion in another process too."""

    def doubt(self, prompt: Prompt, candidate: Candidate, failure: FailedTest) -> Prompt:
        """Return the prompt that asks an independent pass whether the test is right; `prompt` asked for it."""


@dataclass(frozen=True, slots=True)
class UnitPrompt:
    """A prompt for tests, what it is about in words, and which unit a test that comes of it is for."""

    prompt: Prompt
    about: str
    unit_of: Callable[[TestSuggestion], CodeUnit]


@dataclass(slots=True)
class _Attempt:
    """One candidate and its conversation so far. `suspect` is its first version that failed by its own assertion."""

    candidate: Candidate
    prompt: Prompt
    outcome: GateFailure
    suspect: tuple[Candidate, FailedTest] | None = None
    final: bool = False

    @property
    def dropped(self) -> DroppedTest:
        return DroppedTest(self.candidate.path, self.candidate.unit.covers, self.outcome)


@dataclass(slots=True)
class RepairLoop:
    """The state of one proving: what is kept, what is stopped, and what it cost."""

    language: LanguageSupport
    budget: GenerationBudget
    ask: Ask
    in_time: Callable[[], bool]
    kept: list[TestSuggestion] = field(default_factory=list)
    stopped: list[_Attempt] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reproductions: list[DefectReproduction] = field(default_factory=list)
    spoilt: str = ""

    def all(self, asked: Sequence[UnitPrompt]) -> None:
        """Ask, judge, repair as often as the budget allows, and put to doubt what still fails."""
        self._first(asked)
        for _ in range(self.budget.repairs):
            self._repair()
        self._reproduce()

    def proven(self, *notes: str) -> GeneratedTests:
        """Return what came of it; `notes` come first."""
        return GeneratedTests(
            tests=tuple(self.kept),
            reproductions=tuple(self.reproductions),
            dropped=tuple(one.dropped for one in self.stopped),
            notes=(*notes, *self.notes),
            usage=self._usage,
            models=frozenset().union(*(answer.models for answer in self.answers)),
        )

    @property
    def _usage(self) -> Usage:
        return sum((answer.usage for answer in self.answers), Usage())

    def _goes_on(self) -> bool:
        """Whether there is time and money for more; says so once where there is not."""
        spent = self._usage.cost_usd  # None: the price is not known, and cannot be held to anything
        if self.spoilt:
            return False  # a note says why
        if not self.in_time():
            self._note("Time ran out: some suggested tests were not run, and are not shown.")
        elif spent is not None and self.budget.usd is not None and spent >= self.budget.usd:
            self._note("The budget for one review is used up: tests that did not pass were not repaired.")
        else:
            return True
        return False

    def _first(self, asked: Sequence[UnitPrompt]) -> None:
        """Ask for everything at once, and judge what comes."""
        answers = self._answers([one.prompt for one in asked])
        for one, answer in zip(asked, answers, strict=True):
            if answer.error:
                self.notes.append(f"No test for {one.about}: {answer.error}")
            for test in _suggested(answer)[: self.budget.candidates]:
                self._judge(Candidate(one.unit_of(test), test.path, test.code), one.prompt, None)

    def _repair(self) -> None:
        """Ask once more for each candidate that was stopped, with what stopped it."""
        again = [one for one in self.stopped if not one.final]
        if not again or not self._goes_on():
            return
        self.stopped = [one for one in self.stopped if one not in again]
        prompts = [self.language.repair(one.prompt, one.candidate, one.outcome) for one in again]
        for one, prompt, answer in zip(again, prompts, self._answers(prompts), strict=True):
            suggestions = _suggested(answer)
            if not suggestions:
                one.final = True
                self.stopped.append(one)
                continue
            self._judge(Candidate(one.candidate.unit, suggestions[0].path, suggestions[0].code), prompt, one)

    def _reproduce(self) -> None:
        """Put each failing test that nothing refuted to an independent pass; keep those that it confirms."""
        suspects = [(one, *one.suspect) for one in self.stopped if one.suspect]
        if not suspects or not self._goes_on():
            return
        suspects = [one for one in suspects if self.in_time() and self.language.fails_again(one[1], one[2])]
        prompts = [self.language.doubt(one.prompt, candidate, failure) for one, candidate, failure in suspects]
        answers = ask_and_read([(prompt, read_verdicts) for prompt in prompts], self.ask)
        self.answers += answers
        for (one, candidate, failure), answer in zip(suspects, answers, strict=True):
            verdict = answer.value.get(1) if isinstance(answer.value, dict) else None
            if isinstance(verdict, RawVerdict) and verdict.verdict == "confirmed":
                reason = redact(verdict.reason)[0][:500]
                found = DefectReproduction(candidate.unit, candidate.path, candidate.code, failure, reason)
                self.reproductions.append(found)
                self.stopped.remove(one)

    def _judge(self, candidate: Candidate, prompt: Prompt, earlier: _Attempt | None) -> None:
        """Judge a candidate, and put it where it belongs."""
        suspect = earlier.suspect if earlier else None
        if self.spoilt:
            self.stopped.append(_Attempt(candidate, prompt, GateFailure(Gate.CLEAN, self.spoilt), suspect, final=True))
            return
        if not self.in_time():
            self._goes_on()
            return
        if earlier and (test := self.language.copied(earlier.candidate, earlier.outcome, candidate)):
            reason = f"The repair of `{test}` only changes what is expected to what the code returned."
            attempt = _Attempt(candidate, prompt, GateFailure(Gate.COPIED, reason, reason), suspect, final=True)
            self.stopped.append(attempt)
            return
        if (twin := next((one for one in self.kept if one.code.split() == candidate.code.split()), None)) is not None:
            reason = f"The same tests are kept as `{twin.path}`."
            self.stopped.append(_Attempt(candidate, prompt, GateFailure(Gate.POLICY, reason), final=True))
            return
        try:
            outcome = _secretive(candidate) or self.language.judge(candidate, frozenset(one.path for one in self.kept))
        except TreeChanged as error:
            self.notes.append(str(error))
            self.spoilt = "It was not run: the one before it changed the copy."
            outcome = GateFailure(Gate.CLEAN, str(error))
        if isinstance(outcome, Evidence):
            self.kept.append(TestSuggestion(candidate.path, candidate.unit.covers, candidate.code, outcome.line))
            return
        asserted = [one for one in outcome.failures if one.asserted]
        suspect = suspect or ((candidate, asserted[0]) if asserted else None)
        same = earlier is not None and earlier.candidate.code == candidate.code
        self.stopped.append(_Attempt(candidate, prompt, outcome, suspect, final=same))

    def _answers(self, prompts: Sequence[Prompt]) -> list[Answer]:
        answers = ask_and_read([(prompt, read_tests) for prompt in prompts], self.ask)
        self.answers += answers
        return answers

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _secretive(candidate: Candidate) -> GateFailure | None:
    """Stop a file with what looks like a secret: it would be posted, and without that it is not what was run."""
    if not redact(candidate.code)[1]:
        return None
    return GateFailure(Gate.POLICY, "It holds what looks like a secret.", "Use no value that looks like a real secret.")


def left_behind(names: Sequence[str], advice: str = "") -> GateFailure | None:
    """Stop a candidate that left those files behind, where there are any."""
    if not names:
        return None
    told = ", ".join(f"`{name}`" for name in names[:3])
    return GateFailure(Gate.CLEAN, f"It leaves files behind: {told}.", f"Left behind: {told}. {advice}".strip())


def restore(tree: Path, untouched: dict[str, tuple[int, int]]) -> None:
    """Remove what a candidate added to the tree. Raises TreeChanged when it changed what was there."""
    changed = changes(tree, untouched)
    if any(path in untouched for path in changed):
        raise TreeChanged("A suggested test changed files of the copy that it ran in; what came after was not run.")
    for path in changed:
        (tree / path).unlink()


def _suggested(answer: Answer) -> tuple[TestSuggestion, ...]:
    return answer.value if isinstance(answer.value, tuple) else ()
