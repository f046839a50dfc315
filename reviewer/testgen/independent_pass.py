"""Ask independently whether tests demand what is promised: those that failed on head, and those that passed all gates.

The second opinion never sees the author's arguments. A test that failed and is right is a reproduction of a defect. A
later version of it that passes is withheld, unless the second opinion refutes the version that failed. A kept test that
contradicts what is promised, or a reproduction, is withheld; where nobody can say, its evidence says that it pins
today's behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Protocol

from reviewer.llm.messages import Ask, Prompt
from reviewer.safety.redaction import redact
from reviewer.tasks.conversation.follow_ups import Answer, ask_and_read
from reviewer.tasks.conversation.replies import read_verdicts
from reviewer.testgen.attempts import CandidateAttempt, FailedVersion
from reviewer.testgen.evidence import (
    Candidate,
    DefectReproduction,
    DroppedTest,
    Evidence,
    FailedTest,
    Gate,
    GateFailure,
)


class Demand(Enum):
    """What the second opinion says of a demand."""

    RIGHT = "confirmed"
    WRONG = "refuted"
    UNDECIDED = "uncertain"


@dataclass(frozen=True, slots=True)
class Opinion:
    """A verdict on a demand, with its reason."""

    demand: Demand
    reason: str = ""


class ExpectationSupport(Protocol):
    """The steps of the independent pass that differ between languages."""

    def fails_again(self, candidate: Candidate, failure: FailedTest) -> bool:
        """Whether the test runs the changed code and fails by its assertion again in a new process."""

    def confirm_failure(self, prompt: Prompt, candidate: Candidate, failure: FailedTest) -> Prompt:
        """Return the prompt that asks, independently, whether the test is right. `prompt` asked for the test."""

    def confirm_expectations(self, prompt: Prompt, candidate: Candidate, evidence: Evidence) -> Prompt:
        """Return the prompt that asks of each test of `tests_of` whether it demands what is promised."""

    def tests_of(self, candidate: Candidate) -> tuple[str, ...]:
        """Return the names of the parts of a file that are judged and withheld each for itself."""

    def without(self, candidate: Candidate, names: Collection[str]) -> Candidate | None:
        """Return the candidate without those tests; None if nothing is left."""

    def contradicting(self, kept: Candidate, failed: FailedVersion) -> frozenset[str]:
        """Return the kept file's tests that demand something else of the input on which the other version failed."""

    def renewed(self, kept: Candidate, failed: FailedVersion) -> frozenset[str]:
        """Return the kept file's tests that demand what the version that failed did not demand."""

    def judge(self, candidate: Candidate, taken: frozenset[str]) -> Evidence | GateFailure:
        """Run the gates on a candidate."""


@dataclass(slots=True)
class IndependentPass:
    """One pass over all attempts of a generation; afterwards its lists hold the result."""

    language: ExpectationSupport
    ask: Ask
    may_continue: Callable[[], bool]
    kept: list[CandidateAttempt]
    stopped: list[CandidateAttempt]
    answers: list[Answer[Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reproductions: list[DefectReproduction] = field(default_factory=list)
    left_out: list[DroppedTest] = field(default_factory=list)

    def run(self) -> None:
        """Ask about every demand at once, and withhold what must not be shown."""
        suspects = [
            (attempt, version)
            for attempt in (*self.stopped, *self.kept)
            for version in attempt.failed
            if self.language.fails_again(version.candidate, version.failure)
        ]
        questions = [self.language.confirm_failure(it.prompt, v.candidate, v.failure) for it, v in suspects]
        questions += [
            self.language.confirm_expectations(it.prompt, it.candidate, it.outcome)
            for it in self.kept
            if isinstance(it.outcome, Evidence)
        ]
        may_ask = bool(questions) and self.may_continue()
        asked = ask_and_read([(prompt, read_verdicts) for prompt in questions], self.ask) if may_ask else []
        self.answers += asked
        opinions = [opinions_of(answer) for answer in asked] or [{} for _ in questions]
        self._note_errors(asked, suspects)
        failed = [
            (attempt, version, opinion.get(1, Opinion(Demand.UNDECIDED)))
            for (attempt, version), opinion in zip(suspects, opinions, strict=False)
        ]
        survivors: list[CandidateAttempt] = []
        for attempt, opinion in zip(list(self.kept), opinions[len(suspects) :], strict=True):
            survivors += self._settled(attempt, opinion, failed)
        self.kept[:] = survivors
        self._reproduce([entry for entry in failed if entry[0] in self.stopped])

    def _note_errors(
        self, asked: Sequence[Answer[Any]], suspects: Sequence[tuple[CandidateAttempt, FailedVersion]]
    ) -> None:
        paths = [version.candidate.path for _, version in suspects]
        for answer, path in zip(asked, paths, strict=False):
            if answer.error:
                self.notes.append(f"Whether the failure of `{path}` shows a defect was not checked: {answer.error}")
        if any(answer.error for answer in asked[len(paths) :]):
            self.notes.append("Whether kept tests demand what is promised could not be checked for all of them.")

    def _settled(
        self,
        attempt: CandidateAttempt,
        opinions: Mapping[int, Opinion],
        failed: Sequence[tuple[CandidateAttempt, FailedVersion, Opinion]],
    ) -> list[CandidateAttempt]:
        """Return the kept attempt with what may be shown of it; nothing if nothing may."""
        evidence = attempt.outcome
        assert isinstance(evidence, Evidence)
        names = self.language.tests_of(attempt.candidate)
        by_name = {name: opinions.get(place, Opinion(Demand.UNDECIDED)) for place, name in enumerate(names, 1)}
        withheld = {
            name: GateFailure(Gate.PROMISED, f"`{name}` contradicts what is promised: {opinion.reason}")
            for name, opinion in by_name.items()
            if opinion.demand is Demand.WRONG
        }
        for origin, version, opinion in failed:
            if opinion.demand is not Demand.WRONG and _same_unit(version.candidate, attempt.candidate):
                self._compare(attempt, origin, version, opinion, by_name, withheld)
        if withheld:
            return self._reduced(attempt, withheld, by_name)
        counting = frozenset(name for name in evidence.failing_before if _is_right(name, by_name))
        return self._kept_with(attempt, evidence, by_name, counting)

    def _compare(
        self,
        attempt: CandidateAttempt,
        origin: CandidateAttempt,
        version: FailedVersion,
        opinion: Opinion,
        by_name: Mapping[str, Opinion],
        withheld: dict[str, GateFailure],
    ) -> None:
        """Withhold the tests that turn the demand of a version that failed into another one."""
        sure = opinion.demand is Demand.RIGHT
        finds = "finds right" if sure else "cannot refute"
        found = {
            name: GateFailure(
                Gate.COPIED,
                f"`{name}` expects what the code returns, where a first version failed that the second pass {finds}.",
            )
            for name in self.language.contradicting(attempt.candidate, version)
        }
        if origin is attempt:
            for name in self.language.renewed(attempt.candidate, version):
                if name not in found and not _is_right(name, by_name):
                    reason = (
                        f"`{name}` was written after a first version failed that the second pass {finds}, "
                        "and nothing promises what it demands."
                    )
                    found[name] = GateFailure(Gate.PROMISED, reason)
        withheld |= {name: failure for name, failure in found.items() if name not in withheld}
        if origin is attempt and (sure or found):
            self._show(version, opinion)

    def _reduced(
        self, attempt: CandidateAttempt, withheld: Mapping[str, GateFailure], by_name: Mapping[str, Opinion]
    ) -> list[CandidateAttempt]:
        """Judge the file again without the withheld tests."""
        covers = attempt.candidate.unit.covers
        shorter = self.language.without(attempt.candidate, frozenset(withheld))
        first = next(iter(withheld.values()))
        if shorter is None:
            self.stopped.append(replace(attempt, outcome=first, final=True))
            return []
        outcome = self.language.judge(shorter, frozenset())
        if isinstance(outcome, GateFailure):
            self.stopped.append(replace(attempt, outcome=first, final=True))
            return []
        path = attempt.candidate.path
        self.left_out += [DroppedTest(f"{path}::{name}", covers, failure) for name, failure in withheld.items()]
        code = outcome.code or shorter.code
        reduced = replace(attempt, candidate=replace(shorter, code=code), outcome=outcome)
        counting = frozenset(name for name in outcome.failing_before if _is_right(name, by_name))
        return self._kept_with(reduced, outcome, by_name, counting)

    def _kept_with(
        self, attempt: CandidateAttempt, evidence: Evidence, by_name: Mapping[str, Opinion], counting: frozenset[str]
    ) -> list[CandidateAttempt]:
        """Return the attempt with the evidence that counts.

        That a test fails without the change counts only where the change is meant to alter that behaviour.
        """
        if evidence.unkilled is not None and not counting:
            self.stopped.append(replace(attempt, outcome=evidence.unkilled, final=True))
            return []
        names = self.language.tests_of(attempt.candidate)
        pinned = frozenset(name for name in names if not _is_right(name, by_name))
        return [replace(attempt, outcome=replace(evidence, failing_before=counting, pinned=pinned))]

    def _reproduce(self, failed: Sequence[tuple[CandidateAttempt, FailedVersion, Opinion]]) -> None:
        """Show the versions of stopped attempts that are right; of undecided ones those that a repair gave up."""
        for attempt, version, opinion in failed:
            given_up = attempt.candidate.code != version.candidate.code
            if opinion.demand is Demand.RIGHT or (opinion.demand is Demand.UNDECIDED and given_up):
                self._show(version, opinion)
                if attempt in self.stopped:
                    self.stopped.remove(attempt)

    def _show(self, version: FailedVersion, opinion: Opinion) -> None:
        candidate, sure = version.candidate, opinion.demand is Demand.RIGHT
        found = DefectReproduction(
            candidate.unit, candidate.path, candidate.code, version.failure, opinion.reason, sure=sure
        )
        same = (found.path, found.code)
        if not any((other.path, other.code) == same and other.sure >= sure for other in self.reproductions):
            self.reproductions[:] = [other for other in self.reproductions if (other.path, other.code) != same]
            self.reproductions.append(found)


def opinions_of(answer: Answer[Any]) -> dict[int, Opinion]:
    """Return the opinions by the number of the claim; none for an answer that cannot be used."""
    return {
        number: Opinion(_demand(verdict.verdict), redact(verdict.reason)[0][:500])
        for number, verdict in (answer.value or {}).items()
    }


def _demand(word: str) -> Demand:
    """Return what a verdict says. A word that is none of the three decides nothing."""
    return Demand(word) if word in {demand.value for demand in Demand} else Demand.UNDECIDED


def _is_right(name: str, by_name: Mapping[str, Opinion]) -> bool:
    return by_name.get(name, Opinion(Demand.UNDECIDED)).demand is Demand.RIGHT


def _same_unit(candidate: Candidate, other: Candidate) -> bool:
    return (candidate.unit.path, candidate.unit.name) == (other.unit.path, other.unit.name)
