"""Demonstrate findings and their fixes: ask for tests, run them, have them confirmed, run fixes.

Two calls are made for a finding: the test, then an independent verdict on it, or a second test where the first passes.
A fix that the review brought costs no call. At most `fix_rounds` more calls are made for what has to be repaired: a
fix that the review did not bring or that did not hold, or an answer that cannot be read. The calls of all findings are
made together. The only effects are `ask` and the runs; the staged trees are left as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reviewer.demonstration.fixes.fix_rounds import FixAttempt, FixRounds
from reviewer.demonstration.prompts import DemonstrationPrompts
from reviewer.demonstration.proofs.claims import bare_code
from reviewer.demonstration.proofs.test_gates import FailingTest, PassingTest, TestGates
from reviewer.demonstration.replies import read_proof
from reviewer.demonstration.runs import ClaimedPlace, ProposedTest, TestProject
from reviewer.domain.demonstrations import Demonstration, StoppedDemonstration
from reviewer.domain.demonstrations import DemonstrationGate as Gate
from reviewer.domain.findings import Finding
from reviewer.llm.messages import Ask, Prompt
from reviewer.llm.usage import Usage
from reviewer.safety.redaction import redact
from reviewer.tasks.conversation.follow_ups import Answer, ask_and_read, ask_and_read_both
from reviewer.tasks.conversation.replies import RawVerdict, read_verdicts
from reviewer.tasks.planning.chunks import Chunk
from reviewer.testgen.working_tree import TreeChanged


@dataclass(slots=True)
class ProofAttempt:
    """A finding on its way to a demonstration: what it is judged with, and how far it came.

    `refuted` says what runs showed against it; empty if nothing did. `calls` counts the calls that were made for it.
    """

    finding: Finding
    project: TestProject
    place: ClaimedPlace
    part: Chunk
    gates: TestGates
    text: str
    prompt: Prompt | None = None
    outcome: FailingTest | PassingTest | StoppedDemonstration | None = None
    demonstration: Demonstration | None = None
    refuted: str = ""
    calls: int = 0

    def stop(self, gate: Gate, reason: str) -> None:
        """End at that gate."""
        self.outcome = StoppedDemonstration(gate, redact(reason)[0][:600])


@dataclass(slots=True)
class Demonstrator:
    """Carries the attempts through their rounds. `may_go_on` says whether time and money are left."""

    prompts: DemonstrationPrompts
    ask: Ask
    may_go_on: Callable[[Usage], bool]
    answers: list[Answer[Any]] = field(default_factory=list)
    tree_changed: bool = False

    @property
    def usage(self) -> Usage:
        """What the calls used."""
        return sum((answer.usage for answer in self.answers), Usage())

    def run(self, attempts: Sequence[ProofAttempt]) -> None:
        """Ask for a test of each claim, run it, then have a failing one confirmed and a passing one written again."""
        self._first(attempts)
        self._second(attempts)

    def _first(self, attempts: Sequence[ProofAttempt]) -> None:
        if not self._asks(attempts):
            return
        for attempt in attempts:
            attempt.prompt = self.prompts.prove(
                attempt.part,
                attempt.finding,
                attempt.place,
                path=attempt.project.new_test(attempt.place),
                example=attempt.project.example(attempt.place),
                runner=attempt.project.name,
            )
        batch = [(attempt.prompt, read_proof) for attempt in attempts if attempt.prompt is not None]
        answers = ask_and_read(batch, self.ask)
        self.answers += answers
        for attempt, answer in zip(attempts, answers, strict=True):
            attempt.calls += answer.calls
            self._judge(attempt, answer)

    def _judge(self, attempt: ProofAttempt, answer: Answer[tuple[ProposedTest, ...]]) -> None:
        """Run the test of an answer through the gates."""
        if answer.error is not None:
            attempt.stop(Gate.OFFERED, f"No test was written: {answer.error}")
        elif not answer.value:
            attempt.stop(Gate.OFFERED, "The model wrote no test that can run by itself.")
        elif self.tree_changed:
            attempt.stop(Gate.BUDGET, "It was not run, because an earlier test changed files of the copy.")
        elif not self.may_go_on(self.usage):
            attempt.stop(Gate.BUDGET, "Time or money ran out before it was run.")
        else:
            try:
                attempt.outcome = attempt.gates.judge(answer.value[0])
            except TreeChanged:
                self.tree_changed = True
                attempt.stop(Gate.CLEAN, "It changed files of the copy of the repository.")

    def _asks(self, attempts: Sequence[ProofAttempt]) -> bool:
        """Whether anything is to be asked, and may be; what may not ends for lack of time or money."""
        if attempts and self.may_go_on(self.usage):
            return True
        for attempt in attempts:
            attempt.stop(Gate.BUDGET, "Time or money ran out before it was asked for.")
        return False

    def _second(self, attempts: Sequence[ProofAttempt]) -> None:
        failing = [attempt for attempt in attempts if isinstance(attempt.outcome, FailingTest)]
        passing = [attempt for attempt in attempts if isinstance(attempt.outcome, PassingTest)]
        if not self._asks([*failing, *passing]):
            return
        verdicts, proofs = ask_and_read_both(
            [(self._confirming(attempt), read_verdicts) for attempt in failing],
            [(self._rewording(attempt), read_proof) for attempt in passing],
            self.ask,
        )
        second: list[Answer[Any]] = [*verdicts, *proofs]
        self.answers += second
        for attempt, answer in zip([*failing, *passing], second, strict=True):
            attempt.calls += answer.calls
        for attempt, verdict in zip(failing, verdicts, strict=True):
            _conclude(attempt, verdict)
        for attempt, proof in zip(passing, proofs, strict=True):
            self._reword(attempt, proof)

    def _confirming(self, attempt: ProofAttempt) -> Prompt:
        assert isinstance(attempt.outcome, FailingTest)
        return self.prompts.confirm(attempt.part, attempt.text, attempt.place, attempt.outcome.test)

    def _rewording(self, attempt: ProofAttempt) -> Prompt:
        assert isinstance(attempt.outcome, PassingTest)
        assert attempt.prompt is not None
        return self.prompts.prove_again(attempt.prompt, attempt.outcome.test, attempt.place)

    def _reword(self, attempt: ProofAttempt, proof: Answer[tuple[ProposedTest, ...]]) -> None:
        """Judge the second wording: if it passes too, the claim is refuted."""
        first = attempt.outcome
        assert isinstance(first, PassingTest)
        if proof.value and _bare(proof.value[0].code) == _bare(first.test.code):
            attempt.stop(Gate.WORDINGS, "The second test is the first one: one test that passes refutes nothing.")
            return
        self._judge(attempt, proof)
        if isinstance(attempt.outcome, FailingTest):
            attempt.stop(Gate.WORDINGS, "Of two tests of the claim, one passes on the head and one fails.")
        elif isinstance(attempt.outcome, PassingTest):
            runs = first.runs + attempt.outcome.runs
            attempt.refuted = (
                f"Two tests of the claim, with the input that it names, pass on the head ({runs} of {runs} runs): "
                f"`{attempt.outcome.test.path}`."
            )

    def fix_attempts(self, attempts: Sequence[ProofAttempt]) -> list[FixAttempt]:
        """Return the demonstrated findings, to be fixed."""
        return [
            FixAttempt(
                attempt.finding,
                attempt.project,
                attempt.place,
                attempt.part,
                attempt.text,
                attempt.demonstration,
                calls=attempt.calls,
            )
            for attempt in attempts
            if attempt.demonstration is not None
        ]

    def fix(self, attempts: Sequence[FixAttempt], read: Callable[[str], str | None], *, rounds: int) -> None:
        """Run the suggestions of demonstrated findings; ask for a fix where there is none that holds."""
        FixRounds(self.prompts, self.ask, self.may_go_on, read, self.answers).run(attempts, rounds=rounds)


def _conclude(attempt: ProofAttempt, answer: Answer[dict[int, RawVerdict]]) -> None:
    """Demonstrate the finding if the independent pass confirms the test."""
    failing = attempt.outcome
    assert isinstance(failing, FailingTest)
    verdict = (answer.value or {}).get(1)
    if verdict is None or verdict.verdict != "confirmed":
        opinion = f"{verdict.verdict}: {verdict.reason}" if verdict else str(answer.error or "it gave no verdict")
        attempt.stop(Gate.AGREED, f"The independent pass does not agree ({opinion}).")
        return
    attempt.demonstration = Demonstration(
        path=failing.test.path,
        code=failing.test.code,
        command=attempt.project.command(failing.test.path),
        failure=redact(failing.failure)[0],
        runs=failing.runs,
        worked_before=failing.worked_before,
        reason=redact(verdict.reason)[0][:500],
        note=failing.note,
    )


def _bare(code: str) -> str:
    """Return a test without white space and without the names of its functions."""
    rows = [
        row for row in code.split("\n") if not row.lstrip().startswith(("def ", "func ", "it(", "test(", "#", "//"))
    ]
    return bare_code("\n".join(rows))
