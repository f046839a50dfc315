"""Apply the falsifiers' verdicts to a finding: keep it, lower its confidence or severity, or drop it. Pure.

A finding is shown inline only when every falsifier that judged it confirmed it without reservation. A verdict lowers
the severity of a finding, never raises it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from reviewer.domain.findings import Category, Finding, Rejected
from reviewer.domain.severity import Confidence
from reviewer.safety.redaction import redact
from reviewer.tasks.conversation.replies import RawVerdict

#: Words of a verdict that hedges. The pattern is bounded, so that a long reason costs little.
_HEDGES = re.compile(
    r"\b(?:might|perhaps|presumably|possibly|potentially|conceivably|theoretically|in theory|hypothetically"
    r"|could (?:possibly|potentially|conceivably|theoretically)"
    r"|(?:if|unless|assuming)\b[^.;]{0,120}\b(?:elsewhere|by (?:the|its|all) callers?|upstream)"
    r"|(?:not|isn't|is not) (?:shown|visible)(?: here)?|cannot be (?:seen|told|determined|verified|ruled out))\b",
    re.IGNORECASE,
)

#: Characters of a reason that are searched, and those that are kept.
_LOOKED_AT, _KEPT = 2_000, 500


def is_confirmed(verdict: RawVerdict, category: Category = Category.BUG) -> bool:
    """Whether the verdict confirms a claim of that category without reservation.

    `case`, the input or call that fails, is optional. An empty case, or one that hedges, does not confirm. A
    refactoring needs no case, since nothing fails.
    """
    if verdict.verdict != "confirmed":
        return False
    case = verdict.case if verdict.case is None or _says_something(verdict.case) else ""
    if case == "" and category is not Category.REFACTORING:
        return False
    return not _HEDGES.search((case or verdict.reason)[:_LOOKED_AT])


def _says_something(case: str) -> bool:
    return case.strip().strip(".-").lower() not in {"", "none", "n/a", "na", "null", "unknown"}


def apply_verdicts(claim: Finding, verdicts: Sequence[RawVerdict | None]) -> Finding | Rejected:
    """Return the claim with its new confidence and severity, or rejected. None stands for a missing verdict.

    Refuted by all verdicts: rejected. Confirmed by all: high confidence, or medium where one of two is missing.
    Anything else, disagreement included, is low confidence.
    """
    answers = [verdict for verdict in verdicts if verdict is not None]
    if answers and all(verdict.verdict == "refuted" for verdict in answers):
        return Rejected("refuted", claim.anchor.path, claim.title, redact(answers[0].reason)[0][:_KEPT])
    reason = next((verdict.reason for verdict in answers if verdict.reason.strip()), "")
    claim = replace(claim, verdict=redact(" ".join(reason.split()))[0][:_KEPT])
    if not answers or not all(is_confirmed(verdict, claim.category) for verdict in answers):
        return replace(claim, confidence=Confidence.LOW)
    severity = min(
        (claim.severity, *(verdict.severity for verdict in answers if verdict.severity)), key=lambda level: level.rank
    )
    sure = Confidence.HIGH if len(answers) == len(verdicts) else Confidence.MEDIUM
    return replace(claim, confidence=sure, severity=severity)
