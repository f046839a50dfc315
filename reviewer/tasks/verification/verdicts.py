"""What verdicts make of a claim: said, listed below the line, or dropped. Pure.

Promises: a claim is said only when every falsifier who judged it confirmed it and none of them hedged; a verdict
lowers the severity of a claim, never raises it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from reviewer.domain.findings import Category, Finding, Rejected
from reviewer.domain.severity import Confidence
from reviewer.safety.redaction import redact
from reviewer.tasks.conversation.replies import RawVerdict

#: Words of somebody who confirms without having followed a case. Bounded, so that a long reason costs nothing.
_HEDGES = re.compile(
    r"\b(?:might|perhaps|presumably|possibly|potentially|conceivably|theoretically|in theory|hypothetically"
    r"|could (?:possibly|potentially|conceivably|theoretically)"
    r"|(?:if|unless|assuming)\b[^.;]{0,120}\b(?:elsewhere|by (?:the|its|all) callers?|upstream)"
    r"|(?:not|isn't|is not) (?:shown|visible)(?: here)?|cannot be (?:seen|told|determined|verified|ruled out))\b",
    re.IGNORECASE,
)

#: Characters of a reason that are looked at, and those that are kept.
_LOOKED_AT, _KEPT = 2_000, 500


def is_confirmed(verdict: RawVerdict, category: Category = Category.BUG) -> bool:
    """Whether the verdict confirms a claim of that category as somebody does who has seen it fail.

    A plain "confirmed" is believed: the case is optional. A case that is asked for and left empty is an admission that
    there is none; and hedging in its place says the same. In a refactoring nothing fails, so it needs no case.
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
    """Return the claim as the verdicts leave it. None stands for a falsifier who was asked and did not answer.

    Refuted by all who answered: dropped. Confirmed by all: high confidence, or medium where one of two is missing.
    Anything else, disagreement included, is low confidence.
    """
    given = [one for one in verdicts if one is not None]
    if given and all(one.verdict == "refuted" for one in given):
        return Rejected("refuted", claim.anchor.path, claim.title, redact(given[0].reason)[0][:_KEPT])
    if not given or not all(is_confirmed(one, claim.category) for one in given):
        return replace(claim, confidence=Confidence.LOW)
    severity = min((claim.severity, *(one.severity for one in given if one.severity)), key=lambda one: one.rank)
    sure = Confidence.HIGH if len(given) == len(verdicts) else Confidence.MEDIUM
    return replace(claim, confidence=sure, severity=severity)
