"""Everything that is run for one review, in its order: proofs, fixes, the joint fix, other suggestions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from reviewer.demonstration.fixes.edits import Fix
from reviewer.demonstration.fixes.fix_gates import suggestion_fix
from reviewer.demonstration.fixes.fix_rounds import FixAttempt, joint_fix
from reviewer.demonstration.fixes.suggestion_gates import SuggestionGates
from reviewer.demonstration.projects.finder import ProjectFinder
from reviewer.demonstration.prompts import DemonstrationPrompts
from reviewer.demonstration.proofs.claims import claim_of, head_lines
from reviewer.demonstration.proofs.demonstrator import Demonstrator, ProofAttempt
from reviewer.demonstration.proofs.test_gates import TestGates
from reviewer.demonstration.request import DemonstrationLimits
from reviewer.demonstration.results import DemonstrationResults, FindingResult, with_demonstrations
from reviewer.demonstration.runs import SuiteRun
from reviewer.demonstration.subject import DemonstrationSubject
from reviewer.domain.demonstrations import (
    DemonstrationGate,
    FindingEvidence,
    FixDemonstration,
    FixGate,
    StoppedDemonstration,
)
from reviewer.domain.findings import Finding, Review
from reviewer.llm.messages import Ask
from reviewer.llm.usage import Usage
from reviewer.testgen.evidence import NotRun
from reviewer.testgen.working_tree import TreeChanged, text_of

_LATE = "Time or money for demonstrating findings ran out; what was not run is not claimed."


class Rounds:
    """One run over the findings of a review. `now` is the clock of its limits, in seconds."""

    def __init__(
        self,
        subject: DemonstrationSubject,
        ask: Ask,
        salt: bytes,
        limits: DemonstrationLimits,
        now: Callable[[], float],
    ) -> None:
        """Keep what the run needs."""
        self._subject, self._ask, self._salt, self._limits, self._now = subject, ask, salt, limits, now
        self._deadline = now() + limits.seconds
        self._finder = ProjectFinder(subject, limits, self._left)
        self._late = False

    def run(self, review: Review, chosen: Sequence[Finding]) -> Review:
        """Demonstrate the chosen findings, and run the suggestions of all. Raises ReviewerError if nothing can run."""
        paths = [finding.anchor.path for finding in chosen]
        prompts = DemonstrationPrompts.of(self._subject.change, self._subject.settings, self._salt, paths)
        demonstrator = Demonstrator(prompts, self._ask, self._may_go_on)
        results: dict[str, FindingResult] = {}
        attempts: list[ProofAttempt] = []
        for finding in chosen:
            attempt = self._attempt(finding, prompts)
            if isinstance(attempt, str):
                results[finding.fingerprint] = _not_run(attempt)
            else:
                attempts.append(attempt)
        demonstrator.run(attempts)
        fixes = demonstrator.fix_attempts(attempts)
        demonstrator.fix(fixes, self._read, rounds=self._limits.fix_rounds)
        results |= {attempt.finding.fingerprint: _result(attempt, fixes) for attempt in attempts}
        together = joint_fix(fixes, self._in_time)
        self._suggestions(review, results)
        notes = (_LATE,) if self._late else ()
        paid = replace(
            review,
            usage=review.usage + demonstrator.usage,
            models=tuple(sorted({*review.models, *(name for item in demonstrator.answers for name in item.models)})),
        )
        return with_demonstrations(paid, DemonstrationResults(results, together, notes), self._subject.change.diff)

    def _read(self, path: str) -> str | None:
        return text_of(self._subject.head, path)

    def _in_time(self) -> bool:
        if self._now() < self._deadline:
            return True
        self._late = True
        return False

    def _left(self) -> float:
        """Return the seconds that one run of the repository's own tests may take; never none at all."""
        return max(1.0, min(self._limits.suite_seconds, self._deadline - self._now()))

    def _may_go_on(self, usage: Usage) -> bool:
        spent = usage.cost_usd  # None: the price is unknown and cannot be limited
        if self._limits.usd is not None and spent is not None and spent >= self._limits.usd and usage.calls:
            self._late = True
            return False
        return self._in_time()

    def _attempt(self, finding: Finding, prompts: DemonstrationPrompts) -> ProofAttempt | str:
        """Return the attempt at a finding, or why nothing can be run for it."""
        path = finding.anchor.path
        project = self._finder.project_of(path)
        if isinstance(project, NotRun):
            return project.reason
        place = project.place(path, head_lines(finding, self._subject.change.diff))
        text, part = self._read(path), prompts.part_of(finding)
        if place is None or not place.lines or text is None or part is None:
            return f"The code at `{path}` cannot be read as its language."
        if not project.new_test(place):
            return f"By the names and folders of the repository's tests, no test of `{path}` may be added anywhere."
        fix = suggestion_fix(finding, text)
        changed = fix.changed if isinstance(fix, Fix) else None
        gates = TestGates(project, place, claim_of(finding), changed, self._in_time)
        return ProofAttempt(finding, project, place, part, gates, text)

    def _suggestions(self, review: Review, results: dict[str, FindingResult]) -> None:
        """Run the suggestions that no demonstration ran; what breaks a test is not offered."""
        for finding in (*review.findings, *review.below):
            known = results.get(finding.fingerprint)
            if known is not None and (known.refuted or known.evidence.demonstration is not None):
                continue
            fix = suggestion_fix(finding, self._read(finding.anchor.path))
            project = self._finder.project_of(finding.anchor.path) if isinstance(fix, Fix) else None
            if not isinstance(fix, Fix) or project is None or isinstance(project, NotRun):
                continue
            try:
                kept = SuggestionGates(project, self._in_time).judge(finding, fix)
            except TreeChanged:
                return
            if kept is not None:
                results[finding.fingerprint] = _with_suggestion(known, kept)


def _not_run(reason: str) -> FindingResult:
    return FindingResult(FindingEvidence(stopped=StoppedDemonstration(DemonstrationGate.RUNNABLE, reason)))


def _result(attempt: ProofAttempt, fixes: Sequence[FixAttempt]) -> FindingResult:
    """Return what became of one finding."""
    if attempt.demonstration is None:
        stopped = attempt.outcome if isinstance(attempt.outcome, StoppedDemonstration) else None
        return FindingResult(FindingEvidence(stopped=stopped, calls=attempt.calls), refuted=attempt.refuted)
    fix = next(item for item in fixes if item.finding is attempt.finding)
    evidence = FindingEvidence(
        demonstration=attempt.demonstration,
        fix=fix.outcome if isinstance(fix.outcome, FixDemonstration) else None,
        fix_stopped=fix.outcome if isinstance(fix.outcome, StoppedDemonstration) else None,
        calls=fix.calls,
    )
    # Where its tests could not be run, the suggestion stays what it was.
    is_broken = fix.suggestion is not None and fix.suggestion.gate in (FixGate.MENDS, FixGate.KEEPS, FixGate.PARSES)
    return FindingResult(evidence, broken=fix.suggestion if is_broken else None)


def _with_suggestion(known: FindingResult | None, kept: SuiteRun | StoppedDemonstration) -> FindingResult:
    evidence = known.evidence if known else FindingEvidence()
    if isinstance(kept, StoppedDemonstration):
        return FindingResult(replace(evidence, fix_stopped=kept), broken=kept)
    noun = "test still passes" if kept.count == 1 else "tests still pass"
    words = f"{kept.count} {noun} with it" + (f" ({kept.limit})" if kept.limit else "") if kept.count else ""
    return FindingResult(replace(evidence, suggestion=words))
