"""Deduplicate, rank and cap findings, and hold back what maintainers do not want to hear. Pure.

Promises: nothing worse than what they dismissed is held back, nothing of another category, and nothing outside the
files that it was about, whatever number the finder gave.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from reviewer.domain.findings import Category, Finding, Preference, Rejected
from reviewer.domain.settings import ReviewSettings
from reviewer.tasks.verification.similarity import share_of_common, similar_titles, telling_words

#: Two findings on overlapping lines are the same with at least this share of common words: of titles, of all words.
_ALIKE, _ALIKE_IN_ALL = 0.5, 0.6

#: A cap on comments from which on it is none: a terminal shows all that is sure and severe enough.
UNCAPPED = 1_000

#: All words of two findings are compared only if there are at least so many different ones.
_TELLING = 6


@dataclass(frozen=True, slots=True)
class Triaged:
    """The findings to show inline, those to list only (`below`), and the duplicates."""

    findings: tuple[Finding, ...]
    below: tuple[Finding, ...]
    rejected: tuple[Rejected, ...] = ()


def deduplicate(findings: Iterable[Finding]) -> tuple[tuple[Finding, ...], tuple[Rejected, ...]]:
    """Keep one finding for each defect: the better of two about the same thing on overlapping lines.

    Two findings with one fingerprint at two places are two defects in equal code: the second gets a suffix.
    """
    kept: list[Finding] = []
    rejected: list[Rejected] = []
    for finding in sorted(findings, key=_merit):
        same = next((index for index, other in enumerate(kept) if _same_defect(finding, other)), None)
        if same is not None:
            dropped = finding
            if _mends(finding, kept[same]):
                dropped = kept.pop(same)
                kept.insert(same, replace(_numbered(finding, kept), severity=dropped.severity))
            detail = "it repeats what another finding says"
            rejected.append(Rejected("duplicate", dropped.anchor.path, dropped.title, detail))
        else:
            kept.append(_numbered(finding, kept))
    return tuple(kept), tuple(rejected)


def _numbered(finding: Finding, others: Iterable[Finding]) -> Finding:
    """Return the finding with a fingerprint that none of the others has."""
    equal = sum(1 for other in others if other.fingerprint.partition("-")[0] == finding.fingerprint)
    return replace(finding, fingerprint=f"{finding.fingerprint}-{equal + 1}") if equal else finding


def _mends(finding: Finding, worse: Finding) -> bool:
    """Whether the milder of two findings of one defect is worth more, since it alone has a remedy for it."""
    if _has_fix(worse) or not _has_fix(finding) or finding.confidence is not worse.confidence:
        return False
    refactorings = [each.category is Category.REFACTORING for each in (finding, worse)]
    return not any(refactorings) and _says_the_same(finding, worse)


def ranked(findings: Iterable[Finding]) -> tuple[tuple[Finding, ...], tuple[Rejected, ...]]:
    """Return each defect once, in the order that holds without an editor, and the duplicates."""
    kept, rejected = deduplicate(findings)
    return tuple(sorted(kept, key=_rank)), rejected


def triage(findings: Iterable[Finding], settings: ReviewSettings) -> Triaged:
    """Rank the findings; those below the set severity or confidence, or over the caps, are only listed."""
    kept, rejected = ranked(findings)
    return replace(placed(kept, settings), rejected=rejected)


def placed(findings: Iterable[Finding], settings: ReviewSettings, listed: Collection[str] = ()) -> Triaged:
    """Decide, in the order of the findings, which are shown inline. `listed` are fingerprints of those only to list.

    Where there is room for all (UNCAPPED), nothing that is sure and severe enough is only listed.
    """
    listed = () if settings.max_comments >= UNCAPPED else listed
    inline: list[Finding] = []
    below: list[Finding] = []
    refactorings = 0
    for finding in findings:
        severe = finding.severity.rank >= settings.severity.rank
        sure = finding.confidence.rank >= settings.confidence.rank
        refactoring = finding.category is Category.REFACTORING
        # Simpler code gets a comment only if one click applies it.
        room = not refactoring or (finding.suggestion is not None and refactorings < settings.max_refactorings)
        room = room and finding.fingerprint not in listed and len(inline) < settings.max_comments
        if severe and sure and room:
            inline.append(finding)
            refactorings += refactoring
        else:
            below.append(finding)
    return Triaged(tuple(inline), tuple(below))


def _rank(finding: Finding) -> tuple[bool, int, int, str, int]:
    """Sort key: defects before refactorings, the worst first, then the surest, then by place."""
    anchor = finding.anchor
    refactoring = finding.category is Category.REFACTORING
    return (refactoring, -finding.severity.rank, -finding.confidence.rank, anchor.path, anchor.line)


def _merit(finding: Finding) -> tuple[bool, int, int, bool, bool, int, str, int]:
    """Sort key for which of two duplicates is kept: as in `_rank`, then the one with a fix, a claim, fewer lines."""
    refactoring, severity, confidence, path, line = _rank(finding)
    lines = line - (finding.anchor.start_line or line)
    return (refactoring, severity, confidence, not _has_fix(finding), not finding.claim, lines, path, line)


def _has_fix(finding: Finding) -> bool:
    return finding.suggestion is not None or finding.advice is not None


def _same_defect(finding: Finding, other: Finding) -> bool:
    """Whether two findings overlap and are about the same thing: by place and category, by title, or by their text.

    Finders with different lenses give one defect different categories and titles.
    """
    if not finding.anchor.overlaps(other.anchor):
        return False
    if finding.anchor == other.anchor and finding.category is other.category:
        return True
    return _says_the_same(finding, other)


def _says_the_same(finding: Finding, other: Finding) -> bool:
    if share_of_common(telling_words(finding.title), telling_words(other.title)) >= _ALIKE:
        return True
    a, b = (telling_words(f"{each.title} {each.claim} {each.body}") for each in (finding, other))
    return min(len(a), len(b)) >= _TELLING and share_of_common(a, b) >= _ALIKE_IN_ALL


#: Why such a finding is not posted, in two words.
UNWANTED = "not wanted"


def without_unwanted(
    findings: Iterable[Finding], preferences: Sequence[Preference]
) -> tuple[list[Finding], tuple[Rejected, ...]]:
    """Return the findings that no preference is about, and the others with what stops each."""
    kept: list[Finding] = []
    stopped: list[Rejected] = []
    for finding in findings:
        preference = _against(finding, preferences)
        if preference is None:
            kept.append(finding)
            continue
        detail = f"such findings were dismissed before: {preference.sentence()}"
        stopped.append(Rejected(UNWANTED, finding.anchor.path, finding.title, detail))
    return kept, tuple(stopped)


def unwanted_note(rejected: Iterable[Rejected]) -> list[str]:
    """Return a note that tells how many findings only a preference stopped; nothing where there is none."""
    count = sum(finding.reason == UNWANTED for finding in rejected)
    if not count:
        return []
    which = "1 finding is not shown, since such a finding was"
    if count > 1:
        which = f"{count} findings are not shown, since such findings were"
    return [f"{which} dismissed before by people with write access (`/config` lists what was learned)."]


def _against(finding: Finding, preferences: Sequence[Preference]) -> Preference | None:
    """Return the preference that the finding falls under: the one that its finder named, or one with such a title."""
    for number, preference in enumerate(preferences, 1):
        worse = finding.severity.rank > preference.severity.rank
        if worse or finding.category is not preference.category or not preference.holds_for(finding.anchor.path):
            continue
        if number == finding.preference or any(similar_titles(finding.title, title) for title in preference.titles):
            return preference
    return None
