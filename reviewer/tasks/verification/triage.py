"""What is said of all that was found: each thing once, the worst first, not more than a person reads. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reviewer.domain.findings import Category, Finding, Rejected
from reviewer.domain.settings import ReviewSettings


def fingerprint(path: str, category: Category, quote: str, title: str) -> str:
    """Return the identity of a finding, 16 hex digits: no line numbers in it, so that it survives a rebase."""
    words = re.sub(r"\W+", " ", title.lower()).strip()
    return _digest(path, category.value, _bare(quote), words)


def place_digest(path: str, quote: str) -> str:
    """Return the identity of the code a finding is about, 16 hex digits, however the finding is worded."""
    return _digest(path, _bare(quote))


def code_identity(code: str) -> str:
    """Return the identity of code wherever it stands, 12 hex digits; white space does not count."""
    return _digest(_bare(code))[:12]


def similar_titles(title: str, other: str) -> bool:
    """Whether two titles say the same in other words: most of their words are common."""
    a, b = _words(title), _words(other)
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


def deduplicate(findings: Iterable[Finding]) -> tuple[tuple[Finding, ...], tuple[Rejected, ...]]:
    """Keep one finding of each defect: the better of two that say the same, or speak of the same lines in one breath.

    Two findings of one fingerprint at two places are two defects in equal code: the second gets a suffix.
    """
    kept: list[Finding] = []
    rejected: list[Rejected] = []
    for one in sorted(findings, key=_merit):
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
    kept, rejected = deduplicate(findings)
    said: list[Finding] = []
    below: list[Finding] = []
    refactorings = 0
    for one in sorted(kept, key=_rank):
        loud = one.severity.rank >= settings.severity.rank and one.confidence.rank >= settings.confidence.rank
        refactoring = one.category is Category.REFACTORING
        # Simpler code is worth a comment only where a click makes it so.
        room = not refactoring or (one.suggestion is not None and refactorings < settings.max_refactorings)
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


def _merit(finding: Finding) -> tuple[bool, int, int, bool, bool, int, str, int]:
    """Sort key for which of two that say the same is kept: as in `_rank`, then the one that says and mends more."""
    refactoring, severity, confidence, path, line = _rank(finding)
    lines = line - (finding.anchor.start_line or line)
    mends = finding.suggestion is not None or finding.advice is not None
    return (refactoring, severity, confidence, not mends, not finding.claim, lines, path, line)


def _same_defect(one: Finding, other: Finding) -> bool:
    """Whether two findings overlap and are about the same thing: by place and category, by title, or by all they say.

    Finders that look through different lenses give one defect different categories and titles.
    """
    if not one.anchor.overlaps(other.anchor):
        return False
    if one.anchor == other.anchor and one.category is other.category:
        return True
    if _likeness(_words(one.title), _words(other.title)) >= _ALIKE:
        return True
    a, b = (_words(f"{it.title} {it.claim} {it.body}") for it in (one, other))
    return min(len(a), len(b)) >= _TELLING and _likeness(a, b) >= _ALIKE_IN_ALL


#: Share of common words, of all words of two titles, from which they say the same of code that was changed or moved.
_SAME_TITLE = 0.5

#: Share of common words from which two findings on overlapping lines are taken for one: of titles, of all words.
_ALIKE, _ALIKE_IN_ALL = 0.5, 0.6

#: Different words from which all that a finding says can be compared.
_TELLING = 6

_FILLER_WORDS = """
    the and for with that this from into not but are was when then than where which will would can its has have does any
    all one other instead because there here while after before only also code line lines value values
"""
_FILLERS = frozenset(_FILLER_WORDS.split())


def _likeness(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / min(len(a), len(b)) if a and b else 0.0


def _words(text: str) -> frozenset[str]:
    """Return the words that tell something, without the endings that grammar gives them."""
    found = (word for word in re.findall(r"\w+", text.lower()) if len(word) > 2 and word not in _FILLERS)
    return frozenset(re.sub(r"(?:ing|ed|es|s)$", "", word) if len(word) > 4 else word for word in found)
