"""Merge findings that the same edit would mend: one comment at the best place, which names the other places. Pure.

Where the editor says nothing, only clear cases are merged: the same claim about neighbouring lines, and a test that
fails to notice a defect of the code. Two places with equal code need an edit each, so they stay two findings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reviewer.diff.model import Anchor
from reviewer.domain.findings import Category, Finding, Rejected
from reviewer.domain.severity import Confidence
from reviewer.languages.paths import is_test
from reviewer.tasks.verification.similarity import share_of_common, telling_words

#: Two findings of one file that lie at most so many lines apart may be one defect that two finders quote differently.
_NEAR = 15

#: Lines above and below a finding's own that are seen with it: what lies there is not named as another place.
_BESIDE = 2

#: The share of common words of two titles, and of two whole texts, that say the same; and the words that these need.
_SAME_TITLE, _SAME_TEXT, _TELLING = 0.6, 0.6, 6

#: The share of common words of a test that fails to notice a defect, and of the defect.
_SAME_SUBJECT = 0.4

#: A name in back-ticks. A text's first characters tell what it is about.
_NAME = re.compile(r"`([^`\n]{2,80})`")
_NUMBER = re.compile(r"\d{1,20}")
_LOOKED_AT = 2_000

#: Places that one comment names beside its own.
MOST_PLACES = 10


def merge_plain_repeats(findings: Sequence[Finding]) -> tuple[tuple[Finding, ...], tuple[Rejected, ...]]:
    """Merge what can be told to be one root cause without asking. The order of the findings stays."""
    same: dict[int, int] = {}
    for index, finding in enumerate(findings):
        for other in range(index):
            if other not in same and _is_one_cause(finding, findings[other]):
                same[index] = other
                break
    return merge(findings, same)


def merge(findings: Sequence[Finding], same: Mapping[int, int]) -> tuple[tuple[Finding, ...], tuple[Rejected, ...]]:
    """Merge the findings of which `same` says, by index, that another stands for them. The order stays.

    Of each group one is kept: the surest, code before tests, then the one that the others name. It takes the worst
    severity of those that are as sure as it is.
    """
    kept: dict[int, Finding] = {}
    rejected: list[Rejected] = []
    for root, members in groups_of(len(findings), same).items():
        best = min(members, key=lambda member: (*_fitness(findings[member]), member != root, member))
        others = [findings[member] for member in members if member != best]
        kept[min(members)] = _joined(findings[best], others)
        rejected += [
            Rejected("same root cause", other.anchor.path, other.title, f"it is part of: {findings[best].title}")
            for other in others
        ]
    return tuple(finding for _, finding in sorted(kept.items())), tuple(rejected)


def groups_of(count: int, same: Mapping[int, int]) -> dict[int, list[int]]:
    """Return so many indexes in groups that are one by `same`, each under the index that the others name."""
    groups: dict[int, list[int]] = {}
    for index in range(count):
        groups.setdefault(_root(index, same), []).append(index)
    return groups


def _root(index: int, same: Mapping[int, int]) -> int:
    """Follow `same` to its end; a circle ends at its smallest member."""
    path = [index]
    while (index := same.get(index, index)) not in path:
        path.append(index)
    return min(path[path.index(index) :])


def _fitness(finding: Finding) -> tuple[int, bool]:
    """Sort key for which of one root cause gets the comment."""
    return (-finding.confidence.rank, _is_about_tests(finding))


def _joined(best: Finding, others: Sequence[Finding]) -> Finding:
    """Return the finding that stands for all of them."""
    shown = min(best.confidence.rank, Confidence.MEDIUM.rank)
    sure = [other for other in others if other.confidence.rank >= shown]
    places: dict[Anchor, None] = {}
    for anchor in (place for finding in (best, *sure) for place in (finding.anchor, *finding.also_at)):
        if anchor == best.anchor or not any(anchor.overlaps(known) for known in (best.anchor, *places)):
            places[anchor] = None
    places = {place: None for place in places if not _is_beside(place, best.anchor)}
    equal = [other.severity for other in others if other.confidence.rank >= best.confidence.rank]
    severity = max((best.severity, *equal), key=lambda level: level.rank)
    return replace(best, severity=severity, also_at=tuple(places)[:MOST_PLACES])


def _is_beside(place: Anchor, anchor: Anchor) -> bool:
    """Whether nobody overlooks a place who reads the lines of the anchor."""
    if (place.path, place.side) != (anchor.path, anchor.side):
        return False
    first, begins = anchor.start_line or anchor.line, place.start_line or place.line
    return begins <= anchor.line + _BESIDE and place.line >= first - _BESIDE


def _is_one_cause(finding: Finding, other: Finding) -> bool:
    if Category.REFACTORING in (finding.category, other.category):
        return False
    return _is_near_repeat(finding, other) or _is_blind_test(finding, other) or _is_blind_test(other, finding)


def _is_near_repeat(finding: Finding, other: Finding) -> bool:
    """Whether two findings say the same of lines near each other, which are not equal code."""
    a, b = finding.anchor, other.anchor
    if (a.path, a.side) != (b.path, b.side) or abs(a.line - b.line) > _NEAR:
        return False
    if " ".join(finding.quote.split()) == " ".join(other.quote.split()):
        return False
    if _names_another(finding.title, other.title):
        return False
    titles = telling_words(finding.title), telling_words(other.title)
    texts = telling_words(_text(finding)), telling_words(_text(other))
    same_title = len(titles[0] & titles[1]) >= 3 and share_of_common(*titles) >= _SAME_TITLE
    return same_title and min(map(len, texts)) >= _TELLING and share_of_common(*texts) >= _SAME_TEXT


def _names_another(title: str, other: str) -> bool:
    """Whether two titles are about different things: they hold other numbers, or names of which none is the same."""
    numbers = _NUMBER.findall(title), _NUMBER.findall(other)
    names = set(_NAME.findall(title)), set(_NAME.findall(other))
    return (all(numbers) and numbers[0] != numbers[1]) or (all(names) and names[0].isdisjoint(names[1]))


def _is_blind_test(finding: Finding, defect: Finding) -> bool:
    """Whether the first finding says of a test that it does not notice the second, a defect of the code."""
    if not _is_about_tests(finding) or _is_about_tests(defect):
        return False
    words = telling_words(_text(finding)), telling_words(_text(defect))
    names = set(_NAME.findall(_text(finding))) & set(_NAME.findall(_text(defect)))
    return bool(names) and min(map(len, words)) >= _TELLING and share_of_common(*words) >= _SAME_SUBJECT


def _is_about_tests(finding: Finding) -> bool:
    return finding.category is Category.TEST or is_test(finding.anchor.path)


def _text(finding: Finding) -> str:
    return f"{finding.title} {finding.claim} {finding.body}"[:_LOOKED_AT]
