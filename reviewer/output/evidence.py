"""Put into words what running tests showed about a finding, for all formats. Secrets of outputs are replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reviewer.domain.findings import Finding, Review
from reviewer.output.wording import one_line
from reviewer.safety.redaction import redact

if TYPE_CHECKING:
    from reviewer.domain.demonstrations import FindingEvidence, StoppedDemonstration


@dataclass(frozen=True, slots=True)
class EvidenceWords:
    """The evidence of one finding as parts that each format writes in its way; empty where there is nothing.

    `headline` is one line, `command` runs the test at `path`, `failure` says how it fails; `fix` is one line about the
    fix, `patch` is it, unless it is the suggestion.
    """

    headline: str = ""
    command: str = ""
    path: str = ""
    code: str = ""
    failure: str = ""
    fix: str = ""
    patch: str = ""


def evidence_words(finding: Finding) -> EvidenceWords:
    """Return the evidence in words."""
    evidence = finding.evidence
    if evidence is None:
        return EvidenceWords()
    shown = evidence.demonstration
    if shown is None:
        stopped = evidence.stopped
        headline = f"Not demonstrated ({stopped.gate}): {one_line(stopped.reason)}" if stopped else ""
        return EvidenceWords(headline, fix=_of_suggestion(evidence))
    return EvidenceWords(
        headline=f"Demonstrated by a test: {shown.line}",
        command=one_line(shown.command),
        path=shown.path,
        code=shown.code,
        failure=redact(shown.failure)[0],
        fix=_of_fix(evidence),
        patch="" if evidence.fix is None or evidence.fix.one_click else evidence.fix.patch,
    )


def _of_fix(evidence: FindingEvidence) -> str:
    if evidence.fix is not None:
        what = "The suggestion" if evidence.fix.one_click else "The patch"
        return f"{what} was run: {one_line(evidence.fix.line)}"
    stopped = evidence.fix_stopped
    return f"No fix is demonstrated ({stopped.gate}): {one_line(redact(stopped.reason)[0])[:400]}" if stopped else ""


def _of_suggestion(evidence: FindingEvidence) -> str:
    if evidence.fix_stopped is not None:
        return f"The suggestion was run: {one_line(redact(evidence.fix_stopped.reason)[0])[:400]}"
    return f"The suggestion was run: {evidence.suggestion}" if evidence.suggestion else ""


def evidence_json(finding: Finding) -> dict[str, Any] | None:
    """Return the evidence for programs; null where nothing was run."""
    evidence = finding.evidence
    if evidence is None:
        return None
    shown, fix = evidence.demonstration, evidence.fix
    return {
        "demonstrated": shown is not None,
        "line": "; ".join(filter(None, [shown.line if shown else "", fix.line if fix else "", evidence.suggestion])),
        "test": None if shown is None else {"path": shown.path, "code": shown.code},
        "command": shown.command if shown else None,
        "failure": redact(shown.failure)[0] if shown else None,
        "runs": shown.runs if shown else 0,
        "worked_before": shown.worked_before if shown else None,
        "reason": shown.reason if shown else None,
        "stopped": _stopped(evidence.stopped),
        "fix": None if fix is None else {
            "line": fix.line, "patch": fix.patch, "tests": fix.tests, "limit": fix.limit or None,
            "paths": [file.path for file in fix.files], "one_click": fix.one_click,
        },
        "fix_stopped": _stopped(evidence.fix_stopped),
        "calls": evidence.calls,
    }  # fmt: skip


def joint_fix_json(review: Review) -> dict[str, Any] | None:
    """Return all demonstrated fixes that were run together; null where there are none."""
    fix = review.joint_fix
    return None if fix is None else {"line": fix.line, "patch": fix.patch, "tests": fix.tests}


def _stopped(stopped: StoppedDemonstration | None) -> dict[str, str] | None:
    return None if stopped is None else {"gate": str(stopped.gate), "reason": redact(stopped.reason)[0]}
