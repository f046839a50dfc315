"""What is said of all that was found: each thing once, the worst first, not more than a person reads. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reviewer.findings import Category, Finding, Rejected
from reviewer.settings import ReviewSettings


def fingerprint(path: str, category: Category, quote: str, title: str) -> str:
    """Return the identity of a finding, 16 hex digits: no line numbers in it, so that it survives a rebase."""
    words = re.sub(r"\W+", " ", title.lower()).strip()
    return _digest(path, category.value, _bare(quote), words)


def place(path: str, quote: str) -> str:
    """Return the identity of the code a finding is about, 16 hex digits, however the finding is worded."""
    return _digest(path, _bare(quote))


def code_identity(code: str) -> str:
    """Return the identity of code wherever it stands, 12 hex digits; white space does not count."""
    return _digest(_bare(code))[:12]


def alike(title: str, other: str) -> bool:
    """Whether two titles say the same in other words: most of their words are common."""
    a, b = _title_words(title), _title_words(other)
    return len(a & b) >= _SAME_TITLE * len(a | b) if a and b else False


def _bare(code: str) -> str:
    return re.sub(r"\s+", " ", code).strip()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Triaged:
    """The findings to say, those below the line, and those that were said already."""

    findings: tuple[Finding, ...]
    below: tuple[Finding, ...]
    rejected: tuple[Rejected, ...]


def unique(findings: Iterable[Finding]) -> tuple[tuple[Finding, ...], tuple[Rejected, ...]]:
    """Keep one finding of each defect: the better of two that say the same, or speak of the same lines in one breath.

    Two findings of one fingerprint at two places are two defects in equal code: the second gets a suffix.
    """
    kept: list[Finding] = []
    rejected: list[Rejected] = []
    for one in sorted(findings, key=_rank):
        if any(_same_defect(one, other) for other in kept):
            rejected.append(
                Rejected("duplicate", one.anchor.path, one.title, "it says again what another finding says")
            )
        else:
            equal = sum(1 for other in kept if other.fingerprint.partition("-")[0] == one.fingerprint)
            kept.append(replace(one, fingerprint=f"{one.fingerprint}-{equal + 1}") if equal else one)
    return tuple(kept), tuple(rejected)


def triage(findings: Sequence[Finding], settings: ReviewSettings) -> Triaged:
    """Order the findings and put those below severity, confidence or the caps under the line."""
    kept, rejected = unique(findings)
    said: list[Finding] = []
    below: list[Finding] = []
    refactorings = 0
    for one in sorted(kept, key=_rank):
        loud = one.severity.rank >= settings.severity.rank and one.confidence.rank >= settings.confidence.rank
        refactoring = one.category is Category.REFACTORING
        room = refactorings < settings.max_refactorings if refactoring else True
        if loud and room and len(said) < settings.max_comments:
            said.append(one)
            refactorings += refactoring
        else:
            below.append(one)
    return Triaged(tuple(said), tuple(below), rejected)


def _rank(finding: Finding) -> tuple[bool, int, int, str, int]:
    """Sort key: defects before refactorings, the worst first, then the surest, then by place."""
    anchor = finding.anchor
    refactoring = finding.category is Category.REFACTORING
    return (refactoring, -finding.severity.rank, -finding.confidence.rank, anchor.path, anchor.line)


def _same_defect(one: Finding, other: Finding) -> bool:
    """Whether two findings of one file overlap and are about the same thing, by category and by words."""
    a, b = one.anchor, other.anchor
    if (a.path, a.side) != (b.path, b.side):
        return False
    overlap = (a.start_line or a.line) <= b.line and (b.start_line or b.line) <= a.line
    if not overlap:
        return False
    if a == b and one.category is other.category:
        return True
    return _likeness(one, other) >= _ALIKE


#: Share of common words, of all words of two titles, from which they say the same of code that was changed or moved.
_SAME_TITLE = 0.5

#: Share of common words from which two findings on overlapping lines are taken for one.
_ALIKE = 0.5


def _likeness(one: Finding, other: Finding) -> float:
    a, b = _words(one), _words(other)
    return len(a & b) / min(len(a), len(b)) if a and b else 0.0


def _words(finding: Finding) -> frozenset[str]:
    return _title_words(finding.title)


def _title_words(title: str) -> frozenset[str]:
    return frozenset(word for word in re.findall(r"\w+", title.lower()) if len(word) > 2)
