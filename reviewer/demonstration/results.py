"""Put what was demonstrated into the review: badges, fixes, advice, refuted claims. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reviewer.demonstration.fixes.fix_gates import changed_place
from reviewer.diff.model import Diff, Side
from reviewer.domain.demonstrations import FindingEvidence, FixDemonstration, FixedFile, StoppedDemonstration
from reviewer.domain.findings import Category, Finding, Rejected, Review
from reviewer.domain.severity import Confidence
from reviewer.output.wording import RAN
from reviewer.tasks.verification.suggestions import drop_overlapping

#: Lines of the head that a one-click suggestion may replace, where the fix changes more than the anchored lines.
_MOST_LINES = 12


@dataclass(frozen=True, slots=True)
class FindingResult:
    """What became of one finding.

    `refuted` says what ran against it. `broken` is why its suggestion must not be a button.
    """

    evidence: FindingEvidence
    refuted: str = ""
    broken: StoppedDemonstration | None = None


@dataclass(frozen=True, slots=True)
class DemonstrationResults:
    """What became of the findings, by fingerprint; the joint fix, and notes for the user."""

    by_finding: Mapping[str, FindingResult] = field(default_factory=dict)
    joint_fix: FixDemonstration | None = None
    notes: tuple[str, ...] = ()


def with_demonstrations(review: Review, results: DemonstrationResults, diff: Diff) -> Review:
    """Return the review with the results. What is demonstrated is shown inline; what is refuted is dropped."""
    rejected = list(review.rejected)
    findings = [item for finding in review.findings for item in _applied(finding, results, diff, rejected)]
    below = [item for finding in review.below for item in _applied(finding, results, diff, rejected)]
    lifted = [finding for finding in below if is_demonstrated(finding)]
    return replace(
        review,
        findings=tuple(drop_overlapping([*findings, *lifted])),
        below=tuple(finding for finding in below if finding not in lifted),
        rejected=tuple(rejected),
        notes=(*review.notes, *results.notes),
        joint_fix=results.joint_fix,
    )


def is_demonstrated(finding: Finding) -> bool:
    """Whether a test was run that fails as the finding says."""
    return finding.evidence is not None and finding.evidence.demonstration is not None


def _applied(
    finding: Finding, results: DemonstrationResults, diff: Diff, rejected: list[Rejected]
) -> Sequence[Finding]:
    """Return the finding with its evidence; nothing if it is refuted, or a refactoring that does not hold."""
    result = results.by_finding.get(finding.fingerprint)
    if result is None:
        return (finding,)
    path = finding.anchor.path
    if result.refuted:
        rejected.append(Rejected("refuted by running", path, finding.title, result.refuted))
        return ()
    if result.broken is not None and finding.category is Category.REFACTORING:
        reason = f"refactoring stopped at: {result.broken.gate}"
        rejected.append(Rejected(reason, path, finding.title, result.broken.reason))
        return ()
    finding = replace(finding, evidence=result.evidence)
    if result.broken is not None:
        finding = replace(
            finding,
            suggestion=None,
            advice=finding.suggestion or None,
            why_advice=f"{RAN}{result.broken.reason[:1].lower()}{result.broken.reason[1:]}",
        )
    if is_demonstrated(finding):
        finding = replace(finding, confidence=Confidence.HIGH)
    return (_with_button(finding, diff),)


def _with_button(finding: Finding, diff: Diff) -> Finding:
    """Return the finding with its demonstrated fix as a suggestion, where that is one place of the diff."""
    if finding.evidence is None:
        return finding
    fix = finding.evidence.fix
    if fix is None or fix.one_click or len(fix.files) != 1 or finding.anchor.side is Side.LEFT:
        return finding
    (file,) = fix.files
    place = one_place(file)
    if file.path != finding.anchor.path or place is None:
        return finding
    start = min(place[0], (finding.anchor.start_line or finding.anchor.line))
    last = max(place[1], finding.anchor.line)
    anchor = diff.anchor(file.path, last, start if start < last else None)
    if anchor is None or last - start >= _MOST_LINES or file.before is None:
        return finding
    old, new = file.before.split("\n"), file.after.split("\n")
    suggestion = "\n".join(new[start - 1 : len(new) - (len(old) - last)])
    return replace(
        finding,
        anchor=anchor,
        quote="\n".join(old[start - 1 : last]),
        suggestion=suggestion,
        advice=None,
        why_advice="",
        evidence=replace(finding.evidence, fix=replace(fix, one_click=True)),
    )


def one_place(file: FixedFile) -> tuple[int, int] | None:
    """Return the first and last line at head between which a fix changes a file; None for a new file."""
    if file.before is None:
        return None
    lines = changed_place(file).lines
    return min(lines), max(lines)
