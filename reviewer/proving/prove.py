"""Tests for a change that were run: units chosen, a model asked, its files put through the gates, evidence given.

Promises: what is suggested has passed every gate on this machine and carries what it showed; what is not suggested is
counted by the gate that stopped it; where nothing can be claimed, a sentence says why. Its only effects are `execute`,
`ask`, and the staged trees, in which it leaves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from reviewer.answering import Answer, answers_to
from reviewer.asking import Ask, Prompt, Usage
from reviewer.findings import TestSuggestion
from reviewer.prompting import fence_of
from reviewer.proving.baseline import measure
from reviewer.proving.briefing import Briefing
from reviewer.proving.certifying import copied
from reviewer.proving.evidence import (
    Budget,
    Candidate,
    Cannot,
    Dropped,
    Failure,
    Gate,
    Proven,
    Reproduction,
    Shown,
    Stopped,
    Subject,
    Unit,
)
from reviewer.proving.gates import Bench, TreeChanged, judge
from reviewer.proving.harnessing import Rig, Wanted
from reviewer.proving.orders import Execute
from reviewer.proving.runners import plan_for
from reviewer.proving.staged import added, python_files, text_of
from reviewer.proving.units import changed_units, hit, measured, riskiest
from reviewer.redaction import redact
from reviewer.replies import RawVerdict, read_tests, read_verdicts


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
    briefing = Briefing(subject, bench.head, bench.before, files, fence_of(salt, subject.change))
    rounds = _Rounds(briefing, bench, ask, lambda: now() < deadline)
    rounds.first(units)
    for _ in range(budget.repairs):
        rounds.repair()
    reproductions = rounds.reproduced()
    return Proven(
        tests=tuple(rounds.kept),
        reproductions=tuple(reproductions),
        dropped=tuple(one.dropped for one in rounds.stopped),
        notes=_notes(bench, *rounds.notes),
        usage=sum((answer.usage for answer in rounds.answers), Usage()),
        models=frozenset().union(*(answer.models for answer in rounds.answers)),
    )


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


@dataclass(slots=True)
class _Attempt:
    """One candidate and its conversation so far. `suspect` is its first version that failed by its own assertion."""

    candidate: Candidate
    prompt: Prompt
    outcome: Stopped
    suspect: tuple[Candidate, Failure] | None = None
    final: bool = False

    @property
    def dropped(self) -> Dropped:
        return Dropped(self.candidate.path, self.candidate.unit.covers, self.outcome)


@dataclass(slots=True)
class _Rounds:
    """The state of one proving: what is kept, what is stopped, and what it cost."""

    briefing: Briefing
    bench: Bench
    ask: Ask
    in_time: Callable[[], bool]
    kept: list[TestSuggestion] = field(default_factory=list)
    stopped: list[_Attempt] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def first(self, units: Sequence[Unit]) -> None:
        """Ask for tests of all units at once, and judge what comes."""
        prompts = [self.briefing.tests(unit) for unit in units]
        answers = self._answers(prompts)
        for unit, prompt, answer in zip(units, prompts, answers, strict=True):
            if answer.error:
                self.notes.append(f"No test for `{unit.name}`: {answer.error}")
            for suggestion in _suggested(answer)[: self.bench.budget.candidates]:
                self._judge(Candidate(unit, suggestion.path, suggestion.code), prompt, None)

    def repair(self) -> None:
        """Ask once more for each candidate that was stopped, with what stopped it."""
        again = [one for one in self.stopped if not one.final and self.in_time()]
        if not again:
            return
        self.stopped = [one for one in self.stopped if one not in again]
        prompts = [self.briefing.repair(one.prompt, one.candidate, one.outcome) for one in again]
        for one, prompt, answer in zip(again, prompts, self._answers(prompts), strict=True):
            suggestions = _suggested(answer)
            if not suggestions:
                one.final = True
                self.stopped.append(one)
                continue
            self._judge(Candidate(one.candidate.unit, suggestions[0].path, suggestions[0].code), prompt, one)

    def reproduced(self) -> list[Reproduction]:
        """Put each failing test that nothing refuted to an independent pass; return those that it confirms."""
        suspects = [one for one in self.stopped if one.suspect and self.in_time() and self._fails_again(one.suspect)]
        prompts = [self.briefing.doubt(*one.suspect) for one in suspects if one.suspect]
        answers = answers_to([(prompt, read_verdicts) for prompt in prompts], self.ask)
        self.answers += answers
        found: list[Reproduction] = []
        for one, answer in zip(suspects, answers, strict=True):
            verdict = answer.value.get(1) if isinstance(answer.value, dict) else None
            if isinstance(verdict, RawVerdict) and verdict.verdict == "confirmed" and one.suspect:
                candidate, failure = one.suspect
                reason = redact(verdict.reason)[0][:500]
                found.append(Reproduction(candidate.unit, candidate.path, candidate.code, failure, reason))
                self.stopped.remove(one)
        return found

    def _judge(self, candidate: Candidate, prompt: Prompt, earlier: _Attempt | None) -> None:
        """Judge a candidate, and put it where it belongs."""
        suspect = earlier.suspect if earlier else None
        if not self.in_time():
            self._out_of_time()
            return
        if earlier and (test := _copies(earlier, candidate)):
            reason = f"The repair of `{test}` only changes what is expected to what the code returned."
            attempt = _Attempt(candidate, prompt, Stopped(Gate.COPIED, reason, reason), suspect, final=True)
            self.stopped.append(attempt)
            return
        try:
            outcome = judge(candidate, self.bench)
        except TreeChanged as error:
            self.notes.append(str(error))
            self.in_time = _never
            outcome = Stopped(Gate.CLEAN, str(error))
        if isinstance(outcome, Shown):
            self.kept.append(TestSuggestion(candidate.path, candidate.unit.covers, candidate.code, outcome.line))
            self.bench = replace(self.bench, taken=self.bench.taken | {candidate.path})
            return
        asserted = [one for one in outcome.failures if one.asserted]
        same = earlier is not None and earlier.candidate.code == candidate.code
        self.stopped.append(
            _Attempt(
                candidate, prompt, outcome, suspect or ((candidate, asserted[0]) if asserted else None), final=same
            )
        )

    def _fails_again(self, suspect: tuple[Candidate, Failure]) -> bool:
        """Whether the test runs changed lines and fails by its assertion in a process under other conditions too."""
        candidate, failure = suspect
        unit = candidate.unit
        elsewhere = {"PYTHONHASHSEED": "7", "TZ": "XYZ-13:45"}
        wanted = Wanted(paths=(candidate.path,), cover=(unit.path,), reverse=True, environment=elsewhere)
        with added(self.bench.head.tree, candidate.path, candidate.code):
            report = self.bench.head.run(wanted)
        ran = bool(hit(unit, report.files.get(unit.path)))
        return ran and any(test.id == failure.test and test.asserted for test in report.bad)

    def _answers(self, prompts: Sequence[Prompt]) -> list[Answer]:
        answers = answers_to([(prompt, read_tests) for prompt in prompts], self.ask)
        self.answers += answers
        return answers

    def _out_of_time(self) -> None:
        note = "Time ran out: some suggested tests were not run, and are not shown."
        if note not in self.notes:
            self.notes.append(note)


def _never() -> bool:
    return False


def _suggested(answer: Answer) -> tuple[TestSuggestion, ...]:
    return answer.value if isinstance(answer.value, tuple) else ()


def _copies(earlier: _Attempt, candidate: Candidate) -> str | None:
    """Return the name of a test that failed before and now merely expects what it saw."""
    failed = {one.test.rpartition("::")[2].partition("[")[0].rpartition(".")[2] for one in earlier.outcome.failures}
    if not failed:
        return None
    try:
        return copied(earlier.candidate.code, candidate.code, failed)
    except (SyntaxError, ValueError, RecursionError):
        return None  # the policy gate says what is wrong with it
