"""Find a fix for each demonstrated finding: its own suggestion first, then what the model writes, round by round."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reviewer.demonstration.fixes.edits import Fix, apply_edits, fixes_together
from reviewer.demonstration.fixes.fix_gates import FixGates, suggestion_fix
from reviewer.demonstration.prompts import DemonstrationPrompts
from reviewer.demonstration.replies import read_edits
from reviewer.demonstration.runs import ClaimedPlace, Edit, ProposedTest, TestProject
from reviewer.domain.demonstrations import Demonstration, FixDemonstration, FixGate, StoppedDemonstration
from reviewer.domain.findings import Finding
from reviewer.llm.messages import Ask, Prompt
from reviewer.llm.usage import Usage
from reviewer.safety.redaction import redact
from reviewer.tasks.conversation.follow_ups import Answer, ask_and_read
from reviewer.tasks.planning.chunks import Chunk

#: Calls of the model for a finding, where nothing has to be repaired: its test, and what another call makes of it.
CALLS = 2


@dataclass(slots=True)
class FixAttempt:
    """A demonstrated finding and how far its fix came.

    `suggestion` is what became of the review's own suggestion; `calls` counts the calls that were made for the finding.
    """

    finding: Finding
    project: TestProject
    place: ClaimedPlace
    part: Chunk
    text: str
    demonstration: Demonstration
    outcome: FixDemonstration | StoppedDemonstration | None = None
    suggestion: StoppedDemonstration | None = None
    prompt: Prompt | None = None
    tried: str = ""
    written: str = field(default="")
    calls: int = 0

    @property
    def test(self) -> tuple[ProposedTest, ClaimedPlace]:
        """The failing test and its place."""
        return ProposedTest(self.demonstration.path, self.demonstration.code), self.place


@dataclass(slots=True)
class FixRounds:
    """Carries fixes through their rounds. `read` returns a file at head; `answers` collects what was paid for."""

    prompts: DemonstrationPrompts
    ask: Ask
    may_go_on: Callable[[Usage], bool]
    read: Callable[[str], str | None]
    answers: list[Answer[Any]]

    def run(self, attempts: Sequence[FixAttempt], *, rounds: int) -> None:
        """Run the suggestions, then ask for fixes of what is left, at most so many times.

        Nothing is asked where the repository's own tests cannot be run, since no fix could pass there.
        Each further call that the test of a finding took, since an answer could not be read, takes away one of them.
        """
        for attempt in attempts:
            self._own(attempt)
        for _ in range(rounds):
            left = [
                attempt
                for attempt in attempts
                if not isinstance(attempt.outcome, FixDemonstration) and attempt.calls < CALLS + rounds
            ]
            if not left or not self._in_time():
                break
            left = [attempt for attempt in left if self._can_pass(attempt)]
            if left:
                self._round(left)
        for attempt in attempts:
            if attempt.outcome is None:
                attempt.outcome = StoppedDemonstration(FixGate.OFFERED, "There is no fix that was run.")

    def _can_pass(self, attempt: FixAttempt) -> bool:
        """Whether the repository's own tests can be run; where they cannot, no fix could pass."""
        suite = attempt.project.suite()
        if isinstance(suite, StoppedDemonstration):
            attempt.outcome = StoppedDemonstration(suite.gate, f"{suite.reason.rstrip('.')}. No fix was asked for.")
            return False
        return True

    def _in_time(self) -> bool:
        return self.may_go_on(sum((answer.usage for answer in self.answers), Usage()))

    def _own(self, attempt: FixAttempt) -> None:
        """Run the suggestion that the review brought."""
        fix = suggestion_fix(attempt.finding, self.read(attempt.finding.anchor.path))
        if fix is None:
            return
        self._judge(attempt, fix)
        if isinstance(attempt.outcome, StoppedDemonstration):
            attempt.suggestion = attempt.outcome

    def _judge(self, attempt: FixAttempt, fix: Fix | StoppedDemonstration) -> None:
        if isinstance(fix, Fix):
            attempt.tried = fix.patch
            attempt.outcome = FixGates(attempt.project, self._in_time).judge(fix, [attempt.test])
        else:
            attempt.outcome = fix

    def _round(self, attempts: Sequence[FixAttempt]) -> None:
        prompts = [self._prompt(attempt) for attempt in attempts]
        # An answer that cannot be read takes up its round: the next one tells why.
        answers = ask_and_read([(prompt, read_edits) for prompt in prompts], self.ask, follow_ups=0)
        self.answers += answers
        for attempt, prompt, answer in zip(attempts, prompts, answers, strict=True):
            attempt.prompt = prompt
            attempt.calls += answer.calls
            if answer.error is not None:
                attempt.outcome = StoppedDemonstration(FixGate.OFFERED, f"No fix was written: {answer.error}")
                continue
            edits = answer.value or ()
            attempt.written = _as_reply(edits)
            self._judge(attempt, apply_edits(edits, self.read))

    def _prompt(self, attempt: FixAttempt) -> Prompt:
        """Return the prompt for a fix, with what came of the one before."""
        demonstration = attempt.demonstration
        prompt = attempt.prompt or self.prompts.fix(
            attempt.part, attempt.finding, attempt.text, attempt.place, attempt.test[0], demonstration.failure
        )
        if not isinstance(attempt.outcome, StoppedDemonstration):
            return prompt
        evidence = f"Gate: {attempt.outcome.gate}. {redact(attempt.outcome.reason)[0]}"
        return self.prompts.fix_again(prompt, attempt.written, attempt.tried, evidence)


def _as_reply(edits: Sequence[Edit]) -> str:
    values = [{"path": edit.path, "quote": edit.quote, "replacement": edit.replacement} for edit in edits]
    return json.dumps({"edits": values}, ensure_ascii=False)


def joint_fix(attempts: Sequence[FixAttempt], in_time: Callable[[], bool]) -> FixDemonstration | None:
    """Return all fixes that go together, run together with all their tests; one that does not is left out."""
    chosen: list[FixAttempt] = []
    result: FixDemonstration | None = None
    for attempt in attempts:
        if not isinstance(attempt.outcome, FixDemonstration):
            continue
        if result is None:
            chosen, result = [attempt], attempt.outcome
            continue
        together = fixes_together(result.files, attempt.outcome.files)
        if together is None or attempt.project is not chosen[0].project or not in_time():
            continue
        judged = FixGates(attempt.project, in_time).judge(Fix(together), [item.test for item in [*chosen, attempt]])
        if isinstance(judged, FixDemonstration):
            chosen, result = [*chosen, attempt], judged
    return result
